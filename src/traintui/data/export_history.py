"""The history of exports: one record of each, out of its rows in the log."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, select

from traintui.data.engine import Database
from traintui.data.log_fields import N, S
from traintui.data.log_models import ExportRow as E
from traintui.data.log_models import ExportUnderWay
from traintui.data.log_records import Export
from traintui.errors import TraintuiError

BEGINNING = 5
"""Seconds from its first row in which an export counts as under way, before it says so itself."""

W = ExportUnderWay


def exports() -> Select[*tuple[Any, ...]]:
    """Newest first. By ix_export_logs_started, uq_export_logs_ended and the key of exports_under_way."""
    now = func.clock_timestamp()
    lives = (W.lease_until > now) | (S.exported_at > now - func.make_interval(0, 0, 0, 0, 0, 0, BEGINNING))
    # What an older export saw is not on record: about what was committed when its first row was written.
    seen = func.coalesce(S.metadata_["snapshot"].astext, func.concat(S.xid8, ":", S.xid8, ":"))
    return (
        select(
            S.id, S.export_id, S.user_id,
            case((N.id.is_not(None), N.state), (lives, "under way"), else_="silent"),
            case((N.state == "succeeded", N.conversation_count), else_=S.conversation_count),
            S.format, S.exported_at, N.exported_at, S.filter_state,
            S.metadata_.op("||")(func.coalesce(N.metadata_, func.jsonb_build_object())),
            func.encode(N.file_sha256, "hex"), N.error_message, func.coalesce(W.done, literal(0)), seen,
        )
        .select_from(S)
        .outerjoin(N, and_(N.export_id == S.export_id, N.state != "started"))
        .outerjoin(W, W.export_id == S.export_id)
        .where(S.state == "started")
    )  # fmt: skip


async def rows(db: Database, ids: Sequence[int]) -> Mapping[int, Export]:
    """Exports by the ids of their first rows."""
    async with db.read() as connection:
        found = await connection.execute(exports().where(S.id.in_(ids)))
        return {row[0]: Export(*row) for row in found}


async def one(db: Database, export_id: str) -> Export:
    """The export of an id. Raises `TraintuiError` when there is none."""
    async with db.read() as connection:
        row = (await connection.execute(exports().where(S.export_id == export_id))).one_or_none()
    if row is None:
        raise TraintuiError(
            "Export not found", f'there is no export "{export_id}" in the log.', "4 Audit lists them with their ids."
        )
    return Export(*row)


async def is_in_log(db: Database, export_id: str) -> bool:
    """Whether the log has an export still. By uq_export_logs_export_id_state."""
    statement = select(S.id).where(S.export_id == export_id, S.state == "started")
    async with db.read() as connection:
        return await connection.scalar(statement) is not None


async def held(
    db: Database, export_id: str, *, limit: int = 10, named: Collection[str] = ()
) -> Sequence[tuple[str, int]]:
    """The first conversations of an export by their public id, with their revisions, those that are `named` before the
    others. By pk_export_rows."""
    of_export = select(E.conversation_id, E.revision).where(E.export_id == export_id).order_by(E.conversation_id)
    async with db.read() as connection:
        first = (await connection.execute(of_export.where(E.conversation_id.in_(named)))).all() if named else []
        others = await connection.execute(of_export.where(E.conversation_id.not_in(named)).limit(limit))
        return [(name, revision) for name, revision in (*first, *others)]
