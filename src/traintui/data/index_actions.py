"""What was done to indexes: a row for each, written before anything changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select, text

from traintui.data.engine import Database
from traintui.data.index_action_models import IndexAction as A
from traintui.data.sample_models import IndexSample as S
from traintui.data.storable import storable

ActionKind = Literal["rebuild", "drop", "create", "clean"]
HELD_SECONDS = 30.0
"""Seconds after which others take an action for one whose process has died."""
LONGEST_ERROR = 1_000

# An index that is partitioned has the bytes of its parts.
MEASURED = text("""
    WITH asked AS (SELECT to_regclass('public.' || quote_ident(CAST(:index AS text)))::oid AS oid)
    SELECT coalesce(sum(pg_relation_size(c.oid)), 0)::bigint AS bytes,
           (SELECT index_density(oid, :whole) FROM asked) AS density
    FROM pg_class AS c, asked
    WHERE c.oid = asked.oid OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = asked.oid)
""")


@dataclass(frozen=True, slots=True)
class LoggedAction:
    """Something that was done to an index. Sizes are in bytes, densities 0 to 1, None where they are not known or the
    index is not there. `error` is why it failed; `by_itself` says that no person asked for it; `undoes` and `undone_by`
    are the ids of the drop that it took back, and of what took it back."""

    id: int
    kind: ActionKind
    index_name: str
    table_name: str
    definition: str
    statement: str
    by_itself: bool
    acted_by: str
    started_at: datetime
    ended_at: datetime | None
    state: Literal["started", "done", "failed"]
    bytes_before: int | None
    bytes_after: int | None
    density_before: float | None
    density_after: float | None
    seconds: float | None
    error: str | None
    undoes: int | None
    undone_by: int | None

    @property
    def can_be_undone(self) -> bool:
        """Whether it is a drop that nobody took back."""
        return self.kind == "drop" and self.state == "done" and self.undone_by is None


COLUMNS = tuple(getattr(A, name) for name in LoggedAction.__slots__)


async def newest(db: Database, *, limit: int = 200) -> tuple[LoggedAction, ...]:
    """The last ones, newest first. By the key of index_actions."""
    async with db.read() as connection:
        found = await connection.execute(select(*COLUMNS).order_by(A.id.desc()).limit(limit))
        return tuple(LoggedAction(*row) for row in found)


async def between(db: Database, begin: datetime, end: datetime) -> tuple[LoggedAction, ...]:
    """What was done to indexes in a time, in its order."""
    statement = select(*COLUMNS).where(A.started_at >= begin, A.started_at < end).order_by(A.id)
    async with db.read() as connection:
        return tuple(LoggedAction(*row) for row in await connection.execute(statement))


async def one(db: Database, id: int) -> LoggedAction | None:
    """The action of an id; None where there is none."""
    async with db.read() as connection:
        row = (await connection.execute(select(*COLUMNS).where(A.id == id))).one_or_none()
    return None if row is None else LoggedAction(*row)


async def last_failed(db: Database, index: str) -> datetime | None:
    """When rebuilding an index by itself failed last; None where the last try did not fail."""
    statement = (
        select(A.ended_at, A.state).where(A.index_name == index, A.kind == "rebuild", A.by_itself)
        .order_by(A.id.desc()).limit(1)
    )  # fmt: skip
    async with db.read() as connection:
        row = (await connection.execute(statement)).one_or_none()
    return row.ended_at if row is not None and row.state == "failed" else None


async def rebuilt_since(db: Database, since: datetime) -> dict[str, float | None]:
    """How full the indexes are that were rebuilt since then and not sampled after that, by name, None where that is not
    known. By ix_index_samples_index_name_at."""
    sampled = select(S.index_name).where(
        S.index_name == A.index_name, S.at > A.ended_at, S.density.is_not(None) | A.density_after.is_(None)
    )  # fmt: skip
    statement = (
        select(A.index_name, A.density_after)
        .where(A.kind == "rebuild", A.state == "done", A.ended_at >= since)
        .where(~sampled.exists())
        .order_by(A.id)
    )
    async with db.read() as connection:
        return {row.index_name: row.density_after for row in await connection.execute(statement)}


async def measured(db: Database, index: str, *, whole: bool) -> tuple[int, float | None]:
    """The bytes of an index and how full its leaves are, 0 to 1, None where nobody may read that; `whole` lets all of
    it be read for that. Raises `Refused` for who is no administrator."""
    async with db.read() as connection:
        row = (await connection.execute(MEASURED, {"index": index, "whole": whole})).one()
    return int(row.bytes), row.density


async def begin(
    db: Database, kind: ActionKind, index: str, table: str, *, definition: str, statement: str, by_itself: bool = False,
    size: int | None = None, density: float | None = None, undoes: int | None = None,
) -> int:  # fmt: skip
    """Writes down what is to be done; its id. Raises `Refused` for who is no administrator, while something else is
    being done, and for a drop that cannot be undone or was undone already."""
    values = {
        "kind": kind, "index": index, "table": table, "definition": definition, "statement": statement,
        "by_itself": by_itself, "bytes": size, "density": density, "undoes": undoes, "seconds": HELD_SECONDS,
    }  # fmt: skip
    asked = (
        "SELECT begin_index_action(:kind, :index, :table, :definition, :statement, :by_itself, CAST(:bytes AS bigint),"
        " CAST(:density AS double precision), CAST(:undoes AS bigint), :seconds)"
    )
    return int((await db.call(asked, values)).scalar_one())


async def keep(db: Database, id: int) -> bool:
    """Says that it goes on; False where others took it for dead."""
    values = {"id": id, "seconds": HELD_SECONDS}
    return bool((await db.call("SELECT keep_index_action(:id, :seconds)", values)).scalar_one())


async def end(db: Database, id: int, *, size: int | None, density: float | None, error: str | None) -> None:
    """Says what became of it: done, or failed for a reason."""
    values = {
        "id": id, "bytes": size, "density": density, "error": error and storable(error)[:LONGEST_ERROR],
    }  # fmt: skip
    asked = (
        "SELECT end_index_action(:id, CAST(:bytes AS bigint), CAST(:density AS double precision), CAST(:error AS text))"
    )
    await db.call(asked, values)


async def give_up(db: Database) -> int:
    """Knows those as failed whose process has died; how many. Raises `Refused` for who is no administrator."""
    return int((await db.call("SELECT give_up_index_actions()", {})).scalar_one())


async def oldest_transaction(db: Database) -> float:
    """Seconds since the transaction began that holds back most of what a rebuild waits for; of what is seen of others,
    see `let_see_all`."""
    statement = select(func.max(func.extract("epoch", func.clock_timestamp() - text("xact_start")))).select_from(
        text("pg_stat_activity")
    ).where(text("pid <> pg_backend_pid() AND datname = current_database()"))  # fmt: skip
    async with db.read() as connection:
        return float(await connection.scalar(statement) or 0.0)
