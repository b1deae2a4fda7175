"""Imports: conversations of a file under one id, in parts of a thousand by COPY, ended or removed as a whole."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, cast

import psycopg
from sqlalchemy import Row, func, select, text

from traintui.data import bulk, metadata_schema, vocabulary
from traintui.data.bulk import BulkResult
from traintui.data.engine import Database
from traintui.data.import_items import COPY, lines
from traintui.data.import_models import UNFINISHED
from traintui.data.import_models import Import as I
from traintui.data.import_records import Import, ImportedFile, Removed
from traintui.data.import_values import unknown_values
from traintui.data.log_models import ReviewLog as L
from traintui.data.metadata_rules import Rules
from traintui.data.models import Conversation as C
from traintui.data.refusals import Refused
from traintui.data.retrying import BUSY, PAUSE, TRIES, one_row
from traintui.data.storable import as_json

SIZE = 1_000
"""Conversations in one transaction."""
LEASE = 20.0
"""Seconds after its last part from which on an import counts as cut off."""

Progress = Callable[[int, int], None]
"""Is told how many conversations are dealt with, and of how many."""
COLUMNS = (
    I.import_id, I.user_id, I.file_name, I.file_path, I.format, I.total, I.file_sha256, I.bad, I.options, I.state,
    I.passed, I.imported, I.known, I.revised, I.started_at, I.ended_at,
)  # fmt: skip
LISTED = ", ".join(column.key for column in COLUMNS)


async def conversations(db: Database, items: Sequence[Mapping[str, Any]], *, source: str, format: str) -> Import:
    """Stores conversations as an import of their own: all of them, or none.

    Raises as `load` does; nothing is left then.
    """
    going = await begin(db, ImportedFile(source, source, format, len(items)))
    try:
        return await end(db, await load(db, going, items))
    except BaseException:
        await remove(db, going.import_id)
        raise


async def begin(db: Database, file: ImportedFile, *, import_id: str | None = None) -> Import:
    """Begins the import of a file. Raises `Refused` when one may not."""
    statement = (
        f"SELECT {LISTED} FROM begin_import(:import_id, :name, :path, :sha256, :format, CAST(:options AS jsonb),"  # noqa: S608
        " :total, :bad, :seconds)"
    )
    values = {
        "import_id": import_id or f"i_{uuid.uuid4().hex}", "name": file.name, "path": file.path, "sha256": file.sha256,
        "format": file.format, "options": as_json(file.options), "total": file.total, "bad": file.bad,
        "seconds": LEASE,
    }  # fmt: skip
    return _import(await one_row(db, statement, values))


async def load(
    db: Database,
    going: Import,
    items: Iterable[Mapping[str, Any]],
    *,
    rules: Rules | None = None,
    progress: Progress | None = None,
    stop: asyncio.Event | None = None,
) -> Import:
    """Stores what an import has not dealt with yet: `items` begins behind what `passed` counts.

    An item has `turns`, `system_prompt`, `metadata`, dimensions and `line`, and what only our own format has. They are
    read a thousand at a time, in a thread, beside the storing. Ends early when `stop` is set; what is stored until then
    stays. `rules` are what the metadata of the items was looked at by; without them it is looked at here. Raises
    `Refused` when one may not, or the database does not take a turn or a value; of values it names the line, and the
    nearest that there is; TT014 where metadata does not fit the schema, TT015 where that changed meanwhile. What
    reading `items` raises ends it too.
    """
    given = iter(items)
    place = going.passed
    look = rules is None
    known = await metadata_schema.rules(db) if rules is None else rules

    def read_part(first: int) -> tuple[list[Mapping[str, Any]], bytes]:
        read = list(islice(given, SIZE))
        if look and known:
            found = known.misfits((f"line {item.get('line')}", item.get("metadata") or {}) for item in read)
            if found:
                raise metadata_schema.misfit(found, len(read))
        return read, lines(going.import_id, first, read)

    part, payload = await asyncio.to_thread(read_part, place + 1)
    while part and not (stop is not None and stop.is_set()):
        following = asyncio.ensure_future(asyncio.to_thread(read_part, place + len(part) + 1))
        storing = asyncio.ensure_future(_store(db, going, payload, place + 1, place + len(part), known.version))
        try:
            await asyncio.shield(storing)
        except Refused as refused:
            if refused.code != "TT009":
                raise
            # The database named one value; a person wants all of them, and where they stand.
            answer = unknown_values(part, await vocabulary.labels(db), going.file.name, refused)
            raise (answer or refused) from refused
        finally:
            # Who is cancelled waits for the part: a connection in the middle of a COPY is of no more use.
            for each in (await asyncio.wait([storing, following]))[0]:
                if not each.cancelled():
                    each.exception()  # looked at here; what counts is raised below, or is being raised
        place += len(part)
        if progress is not None:
            progress(place, going.file.total)
        part, payload = await following
    return await read(db, going.import_id)


async def _store(db: Database, going: Import, payload: bytes, first: int, last: int, version: int) -> None:
    """Stores a part, as lines of COPY, in one transaction, once more where others were in the way."""
    values = {"id": going.import_id, "first": first, "last": last, "seconds": LEASE}
    attempt = 1
    while True:
        try:
            async with db.write() as connection:
                raw = cast("psycopg.AsyncConnection[Any]", (await connection.get_raw_connection()).driver_connection)
                with db.queries.timed("imports.copy"):
                    async with raw.cursor() as cursor, cursor.copy(COPY) as copy:
                        await copy.write(payload)
                await connection.execute(metadata_schema.LOOKED_AT_BY, {"version": version})
                await connection.execute(text("SELECT load_import(:id, :first, :last, :seconds)"), values)
            return
        except Refused as refused:
            if refused.code not in BUSY or attempt == TRIES:
                raise
        await asyncio.sleep(PAUSE * attempt)
        attempt += 1


async def approve(
    db: Database, going: Import, *, progress: Progress | None = None, stop: asyncio.Event | None = None
) -> BulkResult:
    """Approves what an import brought or revised, as a bulk of decisions would; the undo of the import takes them back
    with it. Edge cases, what others have open, and what gets a second review are left for people."""
    seen = await bulk.snapshot(db)
    brought = (
        select(C.id)
        .join(L, L.conversation_id == C.conversation_id)
        .where(L.bulk_id == going.import_id, L.action.in_(("import", "edit")), ~L.details.has_key("carried"))
        .distinct()
    )
    async with db.read() as connection:
        ids = list(await connection.scalars(brought))
    return await bulk.decide(
        db, ids, "approve", seen=seen, progress=progress, stop=stop, bulk_id=f"{going.import_id}:approve"
    )


async def turn_to_approving(db: Database, going: Import) -> Import:
    """Says that all of an import is stored, and that its approval comes next, which an interruption does not forget."""
    return await _end(db, going, "approving")


async def end(db: Database, going: Import) -> Import:
    """Says that an import has come to its end. Raises `Refused` where not all of it is dealt with."""
    return await _end(db, going, "done")


async def _end(db: Database, going: Import, state: str) -> Import:
    statement = f"SELECT {LISTED} FROM end_import(:id, :state, :seconds)"  # noqa: S608
    return _import(await one_row(db, statement, {"id": going.import_id, "state": state, "seconds": LEASE}))


async def take(db: Database, import_id: str) -> Import:
    """Takes one's own import that was cut off, to finish it. Raises `Refused` while somebody is at it."""
    statement = f"SELECT {LISTED} FROM take_import(:id, :seconds)"  # noqa: S608
    return _import(await one_row(db, statement, {"id": import_id, "seconds": LEASE}))


async def remove(
    db: Database, import_id: str, *, progress: Progress | None = None, stop: asyncio.Event | None = None
) -> Removed:
    """Removes an import that did not come to its end; what somebody acted on since is kept. Records of it stay.

    Raises `Refused` when it has come to its end, or is another's and one is no administrator.
    """
    removed = kept = 0
    statement = (  # metadata that was there before is put back, and no schema is asked about it
        "SELECT undone, kept, remaining FROM metadata_put_back() AS back,"
        " LATERAL remove_import(CASE WHEN back THEN :id END, :size, :seconds)"
    )
    while True:
        now, left_alone, remaining = await one_row(db, statement, {"id": import_id, "size": SIZE, "seconds": LEASE})
        removed, kept = removed + now, kept + left_alone
        if progress is not None:
            progress(removed + kept, removed + kept + remaining)
        if not remaining or (stop is not None and stop.is_set()):
            return Removed(removed, kept, remaining)


async def read(db: Database, import_id: str) -> Import:
    """An import by its id."""
    async with db.read() as connection:
        return _import((await connection.execute(select(*COLUMNS).where(I.import_id == import_id))).one())


async def unfinished(db: Database) -> tuple[Import, ...]:
    """One's own imports that were cut off, the oldest first. Served by `ix_imports_unfinished`."""
    statement = (
        select(*COLUMNS)
        .where(I.user_id == db.login, I.state.in_(UNFINISHED), I.lease_until < func.clock_timestamp())
        .order_by(I.started_at)
    )
    async with db.read() as connection:
        return tuple(_import(row) for row in await connection.execute(statement))


def _import(row: Row[Any] | Sequence[Any]) -> Import:
    import_id, user_id, *of_file = row[:9]
    return Import(import_id, user_id, ImportedFile(*of_file), *row[9:])
