"""Conversations from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text

from traintui.data.engine import Database
from traintui.data.storable import as_json

PER_CALL = 1_000


async def conversations(
    db: Database, items: Sequence[Mapping[str, Any]], *, source: str, format: str
) -> tuple[int, int]:
    """Stores conversations, each with `system_prompt`, `turns`, `metadata` and `line`, all of them or none.

    Returns how many were new and how many were here already. Raises `Refused` when one may not, or when the database
    does not take a turn or a dimension value.
    """
    imported = known = 0
    details = as_json({"source": source, "format": format})
    async with db.write() as connection:
        for start in range(0, len(items), PER_CALL):
            part = list(items[start : start + PER_CALL])
            row = (
                await connection.execute(
                    text("SELECT * FROM import_conversations(CAST(:items AS jsonb), CAST(:details AS jsonb))"),
                    {"items": as_json(part), "details": details},
                )
            ).one()
            imported += row.imported
            known += row.known
    return imported, known
