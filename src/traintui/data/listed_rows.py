"""Where a row of a sealed log is listed, and whether it is there still."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from traintui.data.engine import Database
from traintui.data.erasure_models import Erasure
from traintui.data.log_fields import LogName
from traintui.data.log_models import ExportLog as E
from traintui.data.log_models import GenerationLog as L
from traintui.data.log_models import ReviewLog as R
from traintui.data.sealed_columns import Log


@dataclass(frozen=True, slots=True)
class Listed:
    """The log of Audit that lists a row, the filter that names it there, and whether the row is there."""

    log: LogName
    filter_text: str
    is_there: bool


async def listed(db: Database, log: Log, id: int) -> Listed | None:
    """Where Audit lists a row of a log by its id; what was erased leads to its call. None for what no tab lists, as
    what was removed under policy, and for an erasure that is gone. By the keys of the logs."""
    async with db.read() as connection:
        if log == "review_logs":
            return Listed("reviews", f"row:{id}", await connection.scalar(select(R.id).where(R.id == id)) is not None)
        if log == "export_logs":
            return Listed("exports", f"row:{id}", await connection.scalar(select(E.id).where(E.id == id)) is not None)
        call: int | None = id if log == "generation_logs" else None
        if log == "erasures":
            call = await connection.scalar(select(Erasure.row_id).where(Erasure.id == id))
        if call is None:
            return None
        there = await connection.scalar(select(L.id).where(L.id == call).limit(1))
        return Listed("generations", f"call:{call}", there is not None)
