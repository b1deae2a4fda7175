"""Seals over the rows of the logs: making them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from traintui.data.engine import Database

SEAL = "SELECT workspace_id, number, hash, made_at, sealed, remaining FROM seal_logs(:everything)"


STANDING = """
    SELECT o.workspace_id, n.number, n.hash, n.made_at,
           (SELECT coalesce(sum(row_count), 0) FROM audit_seals) AS sealed,
           (SELECT count(*) FROM review_logs WHERE xid8 >= coalesce(n.horizon, '0'))
           + (SELECT count(*) FROM export_logs WHERE xid8 >= coalesce(n.horizon, '0'))
           + (SELECT count(*) FROM retirements WHERE xid8 >= coalesce(n.horizon, '0'))
           + (SELECT count(*) FROM erasures WHERE xid8 >= coalesce(n.horizon, '0'))
           + (SELECT count(*) FROM generation_logs WHERE row_hash IS NOT NULL AND xid8 >= coalesce(n.horizon, '0'))
           AS waiting
    FROM log_order AS o LEFT JOIN (SELECT * FROM audit_seals ORDER BY number DESC LIMIT 1) AS n ON true
"""
"""Served by the indexes on xid8: what waits for a seal is a minute's work."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the logs of a workspace are sealed: the newest seal, None where there is none; rows under seals, and rows
    that wait for one."""

    workspace: str
    newest: Sealed | None
    sealed: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """The newest seal of a workspace. `sealed` are the rows that this call sealed; `remaining` says whether more may
    wait."""

    workspace: str
    number: int
    hash: bytes
    made_at: datetime
    sealed: int = 0
    remaining: bool = False

    def as_json(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {"workspace": self.workspace, "number": self.number, "hash": self.hash.hex(),
                "made_at": f"{self.made_at:%Y-%m-%dT%H:%M:%SZ}"}  # fmt: skip


async def seal(db: Database, *, everything: bool = False) -> Sealed | None:
    """Seals what is due, some 20,000 rows at most: where 1,000 wait, or some wait and the last seal is a minute old; or
    what waits anyway, behind who is at it (`everything`). What a transaction wrote that is under way, or began before
    one that is, waits for its end. The newest seal; None where there is none yet. Raises `TraintuiError` when the
    database cannot be reached.
    """
    row = (await db.call(SEAL, {"everything": everything})).one()
    if row.number is None:
        return None
    return Sealed(str(row.workspace_id), row.number, bytes(row.hash), row.made_at, row.sealed, row.remaining)


async def standing(db: Database) -> Standing:
    """How far the logs are sealed. Raises `TraintuiError` when the database cannot be reached."""
    async with db.read() as connection:
        row = (await connection.exec_driver_sql(STANDING)).one()
    workspace = str(row.workspace_id)
    newest = None if row.number is None else Sealed(workspace, row.number, bytes(row.hash), row.made_at)
    return Standing(workspace, newest, int(row.sealed), row.waiting)
