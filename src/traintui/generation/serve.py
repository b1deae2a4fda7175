"""The worker as a process: on its own, or started by the app."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from traintui.audit.regions import expect_phones_of_workspace
from traintui.data.engine import Database
from traintui.data.search_index import indexing
from traintui.data.workspace import open_workspace
from traintui.errors import TraintuiError
from traintui.generation.client import ModelClient
from traintui.generation.provider import Provider, provider_of
from traintui.generation.worker import Worker
from traintui.processes import stopping
from traintui.quality.signatures import signature
from traintui.quality.signing import signing
from traintui.settings import Settings


async def serve(
    settings: Settings, *, slots: int, until_idle: bool, attached: bool, say: Callable[[str], None]
) -> None:
    """Generates until it is interrupted, its parent leaves (`attached`) or nothing is left to do (`until_idle`).

    Calls under way are given a few seconds to finish. Raises `TraintuiError` without a key or a database.
    """
    provider = await provider_of(settings)
    async with open_workspace(settings) as db, stopping(attached=attached) as stop, indexing(db):
        refuse_reader(db)
        await run_worker(db, provider, slots=slots, until_idle=until_idle, stop=stop, say=say)


async def run_worker(
    db: Database,
    provider: Provider,
    *,
    slots: int = 4,
    until_idle: bool = True,
    stop: asyncio.Event | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """A worker in this process, over a client of its own."""
    wrong = await expect_phones_of_workspace(db)
    if wrong:
        say(wrong)
    async with (
        ModelClient(api_key=provider.api_key, base_url=provider.base_url, slots=slots) as client,
        signing(db, signature),
    ):
        worker = Worker(db, client, provider, slots=slots, say=say)
        await worker.run(stop or asyncio.Event(), until_idle=until_idle)


def refuse_reader(db: Database) -> None:
    """Raises `TraintuiError` when this login may not generate."""
    if db.role not in {"author", "admin"}:
        raise TraintuiError(
            "No right to generate",
            f"{db.login} is a {db.role}, and generating needs an author.",
            f"Ask an administrator: traintui user add {db.login} --role author.",
        )
