"""The JSON Schema that a workspace's metadata has to fit: registering one, its versions, and what does not fit it.

PostgreSQL cannot read a schema. So whoever writes metadata looks at it by `rules` and says in the transaction by which
version (`looked_at_by`); the database takes no other than the one in force.

An edit that is undone is looked at too: it can be left as it is, and edited. An import that is taken back is not, and
says `metadata_put_back()` instead: it goes back in many transactions, and one that was refused halfway would leave a
part of a file that nobody wants, with no way to take out the rest. It only brings back what stood there before the
import, as a schema that is registered leaves what is there; `check` finds both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.engine import Database
from traintui.data.metadata_records import Adopted, Misfit, SchemaCheck, SchemaVersion
from traintui.data.metadata_rules import Rules
from traintui.data.models import Conversation as C
from traintui.data.models import WorkspaceSetting as S
from traintui.data.models import WorkspaceSettingChange as X
from traintui.data.refusals import Refused
from traintui.data.retrying import one_row
from traintui.data.storable import as_json
from traintui.data.targets import Progress

SETTING = "metadata_schema"
LOOKED_AT_ONCE = 1_000
"""Conversations whose metadata is in memory at a time."""
NAMED = 20
"""Conversations that a look at all names."""
LOOKED_AT_BY = text("SELECT metadata_looked_at_by(:version)")
WRITTEN = text(
    "SELECT conversation_id, metadata FROM conversations"
    " WHERE id = ANY(:ids) AND xmin = pg_current_xact_id()::xid ORDER BY id"
)
"""Of some conversations those that this transaction wrote."""
TAKEN_BACK = text(
    "SELECT c.conversation_id, c.metadata FROM review_logs AS log JOIN conversations AS c USING (conversation_id)"
    " WHERE log.id = ANY(:ids) AND c.xmin = pg_current_xact_id()::xid ORDER BY c.id"
)
"""The same of the conversations of some rows of the log."""


# Reading ----------------------------------------------------------------------------------------------------------


async def rules(db: Database) -> Rules:
    """What metadata has to fit now."""
    async with db.read() as connection:
        return await rules_of(connection)


async def rules_of(connection: AsyncConnection) -> Rules:
    """The same, over a connection that is there."""
    value = await connection.scalar(select(S.value).where(S.key == SETTING))
    return Rules(int(value["version"]), value["schema"]) if value and value["schema"] is not None else Rules()


async def present(db: Database) -> SchemaVersion | None:
    """The newest version, also one that took the schema away; None where there never was one."""
    async with db.read() as connection:
        row = (await connection.execute(select(S.value, S.updated_by, S.updated_at).where(S.key == SETTING))).first()
    return (
        SchemaVersion(int(row.value["version"]), row.value["schema"], row.updated_by, row.updated_at) if row else None
    )


async def history(db: Database) -> tuple[SchemaVersion, ...]:
    """Every version, the newest first: what it says, who registered it, and when."""
    statement = select(X.new_value, X.changed_by, X.changed_at).where(X.key == SETTING).order_by(X.id.desc())
    async with db.read() as connection:
        rows = (await connection.execute(statement)).all()
    return tuple(
        SchemaVersion(int(row.new_value["version"]), row.new_value["schema"], row.changed_by, row.changed_at)
        for row in rows
        if row.new_value is not None
    )


async def check(
    db: Database, wanted: Rules, *, progress: Progress | None = None, stop: asyncio.Event | None = None,
    each: Callable[[Misfit], None] | None = None,
) -> SchemaCheck:  # fmt: skip
    """Looks whether the metadata of all conversations fits, those in the trash too: a thousand at a time by the key, in
    memory that does not grow. `progress` is told after each, of about how many; `stop` ends it between two; `each` is
    told of every one that does not fit, in the order of the key."""
    looked = misfits = 0
    first: list[Misfit] = []
    after: int | None = 0
    async with db.read() as connection:
        total = int(await connection.scalar(select(func.count()).select_from(C)) or 0)
    while after is not None and not (stop is not None and stop.is_set()):
        statement = (
            select(C.id, C.conversation_id, C.metadata_).where(C.id > after).order_by(C.id).limit(LOOKED_AT_ONCE)
        )
        async with db.read() as connection:
            rows = (await connection.execute(statement)).all()
        pairs = await asyncio.to_thread(wanted.misfits, [(row.conversation_id, row.metadata) for row in rows])
        found = [Misfit(*pair) for pair in pairs]
        looked, misfits = looked + len(rows), misfits + len(found)
        first += found[: NAMED - len(first)]
        if each is not None:
            for misfit in found:
                each(misfit)
        after = rows[-1].id if len(rows) == LOOKED_AT_ONCE else None
        if progress is not None:
            progress(looked, max(total, looked))
    return SchemaCheck(looked, misfits, tuple(first), stopped=after is not None)


# Registering ------------------------------------------------------------------------------------------------------


async def register(db: Database, schema: Mapping[str, Any] | None, *, seen: int) -> int:
    """Registers a schema (`checked_schema` of metadata_rules), or takes it away (None). Returns the new version.

    What is there stays as it is: look with `check` before. `seen` is the newest version that was there when it was
    decided, 0 for none. Raises `Refused` for who is no administrator, and TT001 when it has changed since.
    """
    statement = "SELECT register_metadata_schema(CAST(:schema AS jsonb), :seen)"
    values = {"schema": None if schema is None else as_json(schema), "seen": seen}
    return int((await one_row(db, statement, values))[0])


async def adopt(
    db: Database, schema: Mapping[str, Any], *, seen: int, anyway: bool = False, progress: Progress | None = None,
    stop: asyncio.Event | None = None,
) -> Adopted:  # fmt: skip
    """Looks at all that is there, and registers a schema where all of it fits, or `anyway`: what does not fit then
    stays as it is until it is edited. Raises as `register` does."""
    found = await check(db, Rules(seen + 1, schema), progress=progress, stop=stop)
    if found.stopped or (found.misfits and not anyway):
        return Adopted(found, None)
    return Adopted(found, await register(db, schema, seen=seen))


# Writing ----------------------------------------------------------------------------------------------------------


async def refuse_misfits(
    connection: AsyncConnection, wanted: Rules, *, ids: Sequence[int] = (), log_ids: Sequence[int] = ()
) -> None:
    """Raises `Refused` (TT014) where what this transaction wrote does not fit: of the conversations with these ids, or
    those of these rows of the log. The transaction is given up by that."""
    statement, given = (TAKEN_BACK, log_ids) if log_ids else (WRITTEN, ids)
    rows = (await connection.execute(statement, {"ids": list(given)})).all()
    found = await asyncio.to_thread(wanted.misfits, [(row.conversation_id, row.metadata) for row in rows])
    if found:
        raise misfit(found, len(given))


def misfit(found: Sequence[tuple[str, str]], looked: int) -> Refused:
    """The answer to metadata that does not fit: of one conversation why, of more the first ones with their ids."""
    name, why = found[0]
    said = why if looked == 1 else f"{name}: {why}"
    if len(found) > 1:
        said += f". So it is with {len(found) - 1:,} more of these {looked:,}"
    return Refused(
        "Metadata not valid", f"{said}.", "Nothing was changed. Write what fits the schema: traintui metadata schema"
        " --show, or Schema in Metadata keys.", code="TT014",
        detail={"misfits": len(found), "examples": [{"conversation_id": n, "value": w} for n, w in found[:5]]},
    )  # fmt: skip
