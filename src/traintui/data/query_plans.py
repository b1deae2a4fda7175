"""Plans, asked of the server without running anything."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from traintui.data.engine import Database
from traintui.data.query_labels import UNLOGGED

PLAN_MS = 1_000
"""Milliseconds that a plan may take to make."""


async def explain(db: Database, statement: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The plan of a query as EXPLAIN (FORMAT JSON) returns it. Nothing is run: never with ANALYZE.

    Raises as `Database.read` does, also when no plan is found in a second.
    """
    async with db.read(UNLOGGED) as connection:
        await connection.execute(text(f"SET LOCAL statement_timeout = {PLAN_MS}"))
        found = await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
        plan: list[dict[str, Any]] = found.scalar_one()
    return plan
