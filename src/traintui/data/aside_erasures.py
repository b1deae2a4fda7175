"""A person's text in what downgrades put aside and upgrades could not put back: found and erased, with a record of it.

Nobody but the owner reads there, and whoever erases calls would find no other way to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from traintui.data.engine import Database
from traintui.data.put_aside import PREFIX
from traintui.data.query_labels import UNLOGGED
from traintui.data.storable import storable

HOLDING = text("SELECT place, row_count FROM aside_holding(:pattern)")
ERASE = "SELECT place, row_count FROM erase_aside(:pattern, :reason)"
PLACES = text("""
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND starts_with(relname, :prefix) ORDER BY relname
""")


@dataclass(frozen=True, slots=True)
class Aside:
    """Rows in a table of what was put aside: `place` is the table, and names the one that it is of."""

    place: str
    rows: int


async def holding(db: Database, pattern: str) -> tuple[Aside, ...]:
    """Where rows stand aside that hold a pattern of `audit.holding`, and how many. Raises `Refused` for who is no
    administrator."""
    async with db.read(UNLOGGED) as connection:  # what is looked for is not to be kept
        rows = (await connection.execute(HOLDING, {"pattern": pattern})).all()
    return tuple(Aside(row.place, row.row_count) for row in rows)


async def erase(db: Database, pattern: str, reason: str) -> tuple[Aside, ...]:
    """Takes these rows out, as an administrator; where, and how many. The reason is stored as it stands. Raises
    `Refused`."""
    values = {"pattern": pattern, "reason": storable(reason)}
    return tuple(Aside(row.place, row.row_count) for row in (await db.call(ERASE, values, UNLOGGED)).all())


async def places(db: Database) -> tuple[str, ...]:
    """The tables in which something is aside."""
    async with db.read() as connection:
        return tuple(await connection.scalars(PLACES, {"prefix": PREFIX}))
