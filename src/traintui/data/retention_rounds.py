"""The daily round of retention: one process takes it by a lease, and what became of it stands there for all to see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from traintui.data import workspace_settings
from traintui.data.engine import Database
from traintui.data.retention_models import RetentionRound as R

AUTOMATIC = "retire_automatically"
EMBEDDED = "embedded"
"""What the workspace of an embedded server is called."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """How retention stands: whether a round is under way and by whom it was taken last, when the last one ended, how
    many rows it removed, what it could not do, and when the next one is due."""

    under_way: bool = False
    taken_by: str | None = None
    ended_at: datetime | None = None
    removed: int = 0
    failure: str = ""
    due_at: datetime | None = None
    is_due: bool = True


async def read(db: Database) -> Rounds:
    """How the rounds stand."""
    now = func.clock_timestamp()
    under_way = func.coalesce(R.lease_until > now, False)
    statement = select(
        under_way, R.taken_by, R.ended_at, func.coalesce(R.removed, 0), func.coalesce(R.failure, ""), R.due_at,
        func.coalesce(R.due_at <= now, True) & ~under_way,
    )  # fmt: skip
    async with db.read() as connection:
        row = (await connection.execute(statement)).one_or_none()
    return Rounds() if row is None else Rounds(*row)


async def take(db: Database, holder: UUID, *, seconds: float) -> bool:
    """Takes the round for so many seconds, where it is due and nobody has it. Whether it was taken. Raises `Refused`
    for who is no administrator."""
    statement = "SELECT take_retention_round(:holder, :seconds)"
    return bool((await db.call(statement, {"holder": holder, "seconds": seconds})).scalar_one())


async def renew(db: Database, holder: UUID, *, seconds: float) -> bool:
    """Keeps the round for so many seconds more; False where it is somebody else's by now."""
    statement = "SELECT renew_retention_round(:holder, :seconds)"
    return bool((await db.call(statement, {"holder": holder, "seconds": seconds})).scalar_one())


async def end(db: Database, holder: UUID, *, again_in: float, removed: int, failure: str | None) -> None:
    """Says what became of the round, and in how many seconds the next one is due."""
    await db.call(
        "SELECT end_retention_round(:holder, :again_in, :removed, :failure)",
        {"holder": holder, "again_in": again_in, "removed": removed, "failure": failure},
    )


async def removes(db: Database) -> bool:
    """Whether rounds remove what they archived: as the workspace chose, else where nobody else looks after the server,
    which is the embedded one."""
    chosen = (await workspace_settings.values(db, AUTOMATIC)).get(AUTOMATIC)
    return db.label == EMBEDDED if chosen is None else bool(chosen)


async def set_removes(db: Database, on: bool) -> None:
    """Says for everybody whether rounds remove what they archived. Raises `Refused` for who is no administrator."""
    await workspace_settings.change(db, AUTOMATIC, on)
