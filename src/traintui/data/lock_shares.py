"""How many locks of the server's table the work that follows an import holds, however many processes do it.

The table has room for `max_locks_per_transaction` times `max_connections` locks of all who are connected. Those that
keep two from signing or from indexing the same are hundreds for one transaction. So few of each kind hold them at a
time, and the others wait. What else is done takes locks for its tables, whatever the number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.engine import Database

AT_ONCE = 4
"""Transactions of one kind that hold locks at a time."""
EACH = 400
"""Locks of one of them."""
MOST = 2 * AT_ONCE * EACH
"""Locks of all of them together."""
LOOKS = 6
"""Looks at all weeks of the log of calls that the table of locks has to have room for at a time, beside those."""
ROOM = text("""
    WITH part AS (SELECT relid FROM pg_partition_tree('generation_logs'))
    SELECT current_setting('max_locks_per_transaction')::integer AS setting,
           current_setting('max_connections')::integer
           + current_setting('max_prepared_transactions')::integer AS sessions,
           (SELECT count(*) FROM part)::integer - 1 AS weeks,
           (SELECT count(*) FROM part)::integer
           + (SELECT count(*) FROM pg_index WHERE indrelid IN (SELECT relid FROM part))::integer AS look
""")
SHARE = text("""
    SELECT pg_advisory_xact_lock(:work, 1 + pg_backend_pid() % :shares)
    WHERE NOT EXISTS (SELECT FROM generate_series(1, :shares) AS share WHERE pg_try_advisory_xact_lock(:work, share))
""")


class Work(IntEnum):
    """What is shared out; the numbers are classes of advisory locks."""

    INDEXING = 7457
    SIGNING = 7458


async def take_turn(connection: AsyncConnection, work: Work) -> None:
    """Waits until few enough others are at it; the transaction then is one of them until its end. To be asked before
    the locks themselves are taken, so that nobody waits in a circle."""
    await connection.execute(SHARE, {"work": int(work), "shares": AT_ONCE})


@dataclass(frozen=True, slots=True)
class LockRoom:
    """The table of locks of a server: `setting` (max_locks_per_transaction) for each of `sessions`. A look at all
    `weeks` of the log of calls, as sealing, purging and some lists take it, holds `look` of them, whatever is in it."""

    setting: int
    sessions: int
    weeks: int
    look: int

    @property
    def room(self) -> int:
        """How many locks there is room for, for all together."""
        return self.setting * self.sessions

    @property
    def needed(self) -> int:
        """How many there should be room for."""
        return LOOKS * self.look + MOST

    @property
    def wanted(self) -> int:
        """What the setting should be at least: a multiple of what servers have unless somebody sets it."""
        return 64 * -(-self.needed // (64 * self.sessions))


async def lock_room(db: Database) -> LockRoom:
    """The table of locks of the server, with the rights that every login has."""
    async with db.read() as connection:
        return LockRoom(**(await connection.execute(ROOM)).mappings().one())
