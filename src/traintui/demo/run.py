"""The demo's home, and the whole loop without a screen."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from traintui.data import batches, conversations, reviews
from traintui.data.engine import Database
from traintui.data.reviews import Seen
from traintui.data.workspace import open_workspace
from traintui.demo.contents import furnish, sample_plan
from traintui.errors import TraintuiError
from traintui.export.write import export_conversations
from traintui.settings import DEMO_MARK, Settings

APPROVED_FROM = Decimal(6)
"""The score from which the headless demo approves."""


@contextmanager
def demo_home(home: Path | None) -> Iterator[tuple[Path, Callable[[], None]]]:
    """The directory of a demo and what to do with it afterwards, which is done at the end: the one that was named is
    kept, a temporary one removed."""
    if home is not None:
        home = home.expanduser().absolute()
        mark(home)
        yield home, lambda: None
        return
    made = Path(tempfile.mkdtemp(prefix="traintui-demo-"))
    made.chmod(0o711)  # a root user's server runs as another account and passes through
    mark(made)
    throw_away = partial(shutil.rmtree, made, ignore_errors=True)
    try:
        yield made, throw_away
    finally:
        throw_away()


def mark(home: Path) -> None:
    """Says in a home that it is a demo's, for commands that are used on it later. Raises `TraintuiError`."""
    try:
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
        (home / DEMO_MARK).touch()
    except OSError as error:
        raise TraintuiError(
            "Demo not started", f"{home} cannot be written ({error.strerror or error}).", "Name another directory."
        ) from error  # fmt: skip


def demo_settings(home: Path, personal: Settings, *, api_base_url: str | None = None) -> Settings:
    """The settings of a demo: its own database and the rehearsal, with the person's own keys and theme."""
    return personal.model_copy(
        update={
            "home": home,
            "database_url": None,
            "api_base_url": api_base_url,
            "anthropic_api_key": SecretStr("rehearsal"),
        }
    )


async def begin_demo(db: Database) -> int:
    """Furnishes the workspace and queues the demo's batch. Returns its id; a home that has one already keeps it."""
    await furnish(db)
    from traintui.generation.start import start_batch

    known = await batches.newest_id(db)
    return known if known is not None else await start_batch(db, sample_plan(), is_rehearsal=True)


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What the headless demo did. Cost in USD as the rehearsal billed it; nothing of it is paid."""

    documents: int
    generated: int
    failed: int
    approved: int
    exported: int
    calls: int
    cost_usd: str
    seconds: float
    path: str

    def as_json(self) -> dict[str, Any]:
        """The summary as plain values."""
        return asdict(self)


def exported_file(home: Path) -> Path:
    """The file that the headless demo leaves, in `exports` of a home that stays; the folder is made where it is not
    there. Raises `TraintuiError`."""
    folder = home / "exports"
    try:
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise TraintuiError(
            "Demo not started", f"{folder} cannot be written ({error.strerror or error}).",
            "Name a directory of your own: --home DIR.",
        ) from error  # fmt: skip
    return folder / "traintui-demo.jsonl"


async def run_headless(personal: Settings, home: Path, *, out: Path) -> DemoSummary:
    """Import, generate, approve what scores well, export: the whole loop over a real socket and a real database.

    The file is `out`. Raises `TraintuiError` when a step fails.
    """
    from traintui.generation.provider import provider_of
    from traintui.generation.serve import run_worker

    begun = time.monotonic()
    async with rehearsal() as url:
        settings = demo_settings(home, personal, api_base_url=url)
        async with open_workspace(settings) as db:
            batch_id = await begin_demo(db)
            provider = await provider_of(settings)
            await run_worker(db, provider, slots=sample_plan().slots)
            progress = await batches.progress(db, batch_id)
            approved = await approve_the_good(db)
            if not approved:
                raise TraintuiError(
                    "Demo not finished", f"none of {progress.done} conversations scored {APPROVED_FROM} or more.",
                    "Look at the workspace with `traintui demo --home DIR`.",
                )  # fmt: skip
            written = await export_conversations(db, path=out, rehearsal=True, overwrite=True, card=False)
            return DemoSummary(
                documents=await furnish(db),
                generated=progress.done,
                failed=progress.failed,
                approved=approved,
                exported=written.count,
                calls=progress.calls,
                cost_usd=str(progress.cost_usd),
                seconds=round(time.monotonic() - begun, 1),
                path=str(written.path),
            )


async def approve_the_good(db: Database) -> int:
    """Approves every conversation that waits and scores well, each by a decision like any other. Returns how many."""
    good = await conversations.first_rows(db, f"status:generated score>={APPROVED_FROM}", limit=10_000)
    for row in good.rows:
        await reviews.decide(db, Seen.of(row), "approve", key=reviews.new_key())
    return len(good.rows)


@asynccontextmanager
async def rehearsal() -> AsyncIterator[str]:
    """The address of a rehearsal server in this process, without any delay."""
    from traintui.generation.rehearsal import Pace, RehearsalServer

    async with RehearsalServer(port=0, pace=Pace(0)) as server:
        yield server.url
