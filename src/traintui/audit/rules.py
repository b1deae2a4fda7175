"""What a workspace wants taken out, for this process: the kinds that are on, and the regions whose telephone numbers
are expected without a country's code (`phone_regions` of its settings)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib import import_module

from sqlalchemy import select

from traintui.audit import kinds
from traintui.data.engine import Database
from traintui.data.keeping_up import Failed, beside, raise_fault, rest
from traintui.data.models import WorkspaceSetting
from traintui.errors import TraintuiError

LOOK_SECONDS = 15.0
"""After these a process that goes on knows of a change."""


async def follow_workspace(db: Database) -> str | None:
    """Makes this process take out what the workspace wants.

    Returns what is wrong with the regions, if something is; those that there are no plans for are left out then, and
    where none is left, the usual ones stay.
    """
    # The numbering plans take a fifth of a second to load, which a screen does not wait for.
    await asyncio.to_thread(import_module, "traintui.audit.personal")
    from traintui.audit.personal import look_for_kinds, look_for_phones_of
    from traintui.audit.phones import DEFAULT_REGIONS, known_regions

    look_for_kinds(await kinds.read(db))
    async with db.read() as connection:
        said = await connection.scalar(select(WorkspaceSetting.value).where(WorkspaceSetting.key == "phone_regions"))
    if said is None:
        look_for_phones_of(DEFAULT_REGIONS)
        return None
    wanted = said if isinstance(said, list) else [said]
    known = known_regions(wanted)
    look_for_phones_of(known or DEFAULT_REGIONS)
    unknown = [str(region) for region in wanted if not known_regions([region])]
    if not unknown and known:
        return None
    return (
        f"phone_regions of the workspace's settings names {', '.join(unknown) or 'no region'}, and should be a list"
        f' like ["US", "GB"]. Telephone numbers are looked for in {", ".join(known or DEFAULT_REGIONS)}.'
    )


@asynccontextmanager
async def following(db: Database, say: Callable[[str], None], *, failed: Failed = raise_fault) -> AsyncIterator[None]:
    """Within the block this process takes out what the workspace wants, also where that changes meanwhile; `say` is
    told what is wrong with it at the beginning. A database that goes away leaves what was known."""
    if wrong := await follow_workspace(db):
        say(wrong)
    async with beside(partial(_keep_following, db), name="redaction", failed=failed):
        yield


async def _keep_following(db: Database, stop: asyncio.Event) -> None:
    await rest(stop, LOOK_SECONDS)
    while not stop.is_set():
        with suppress(TraintuiError):
            await follow_workspace(db)
        await rest(stop, LOOK_SECONDS)
