"""The worker as a process: on its own, or started by the app."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Callable
from functools import partial

from traintui.audit.redaction import redact_text
from traintui.audit.retention_rounds import retaining
from traintui.audit.rules import following
from traintui.audit.sealing import sealing
from traintui.data import batches
from traintui.data.engine import WORKER, Database
from traintui.data.search_index import indexing
from traintui.data.workspace import open_workspace
from traintui.errors import TraintuiError
from traintui.generation.client import DEADLINE_SECONDS, ModelClient
from traintui.generation.provider import Provider, provider_of
from traintui.generation.worker import Worker
from traintui.observing.rebuilding import mending
from traintui.observing.recording import recording
from traintui.observing.sampling import sampling
from traintui.processes import Orders, give_way, orders
from traintui.quality.signatures import signature
from traintui.quality.signing import signing
from traintui.settings import Settings

LOOK_SECONDS = 1.0
"""How often a worker that was left alone looks whether anything is left to do."""


async def serve(
    settings: Settings, *, slots: int, until_idle: bool, attached: bool, say: Callable[[str], None]
) -> None:
    """Generates until it is interrupted, its parent leaves (`attached`) or nothing is left to do (`until_idle`).

    Calls under way are given a few seconds to finish. A parent that leaves may ask it to stay until nothing is left to
    do, or to finish: then they are given as long as they take. Raises `TraintuiError` without a key or a database.
    """
    if attached:
        give_way()
    provider = await provider_of(settings)
    failed = partial(say_fault, say)
    async with (
        open_workspace(settings, application=WORKER) as db, orders(attached=attached) as given,
        indexing(db, failed=failed), sealing(db, failed=failed), retaining(db, failed=failed),
        recording(db, failed=failed), sampling(db, failed=failed), mending(db, failed=failed),
    ):  # fmt: skip
        refuse_reader(db)
        staying = asyncio.create_task(end_when_done(db, provider, given, say), name="stay")
        try:
            await run_worker(db, provider, slots=slots, until_idle=until_idle, given=given, say=say)
        finally:
            staying.cancel()


def say_fault(say: Callable[[str], None], error: Exception) -> None:
    """Says what failed beside the work, which goes on; redacted, since it ends in a file."""
    where = "".join(traceback.format_exception(error, limit=-3)).rstrip()
    say(redact_text(f"Something beside the work failed, and is tried again in a minute.\n{where}").value)


async def end_when_done(db: Database, provider: Provider, given: Orders, say: Callable[[str], None]) -> None:
    """Stops this process once nothing is left to do, from when its parent left and asked it to stay."""
    await given.stay.wait()
    say("The app was closed. Going on until nothing is left to do.")
    while True:
        with contextlib.suppress(TraintuiError):  # a database that is away comes back
            if not await batches.anything_left(db, endpoint=provider.endpoint, is_rehearsal=provider.is_rehearsal):
                break
        await asyncio.sleep(LOOK_SECONDS)
    say("Nothing is left to do.")
    given.stop.set()


async def run_worker(
    db: Database,
    provider: Provider,
    *,
    slots: int = 4,
    until_idle: bool = True,
    only: int | None = None,
    given: Orders | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """A worker in this process, over a client of its own; for all batches, or `only` one. What it says is redacted,
    since it ends in a file."""

    def say_redacted(message: str) -> None:
        say(redact_text(message).value)

    async with (
        following(db, say, failed=partial(say_fault, say)),
        ModelClient(api_key=provider.api_key, base_url=provider.base_url, slots=slots) as client,
        signing(db, signature, failed=partial(say_fault, say)),
    ):
        given = given or Orders()
        worker = Worker(db, client, provider, slots=slots, only=only, say=say_redacted)
        finishing = asyncio.create_task(finish(worker, given), name="finish")
        try:
            await worker.run(given.stop, until_idle=until_idle)
        finally:
            finishing.cancel()


async def finish(worker: Worker, given: Orders) -> None:
    """Stops a worker that is asked to finish, with as much time for the calls under way as a call may take."""
    await given.finish.wait()
    worker.grace = DEADLINE_SECONDS
    given.stop.set()


def refuse_reader(db: Database) -> None:
    """Raises `TraintuiError` when this login may not generate."""
    if db.role not in {"author", "admin"}:
        raise TraintuiError(
            "No right to generate",
            f"{db.login} is a {db.role}, and generating needs an author.",
            f"Ask an administrator: traintui user add {db.login} --role author.",
        )
