"""The log of what left the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from sqlalchemy import func, select, text

from traintui.data.engine import Database
from traintui.data.log_models import ExportLog as L
from traintui.data.records import ExportEntry
from traintui.data.storable import as_json, storable

ExportState = Literal["started", "succeeded", "failed", "cancelled"]


class Exported(Protocol):
    """What an export holds of a conversation."""

    @property
    def conversation_id(self) -> str: ...
    @property
    def revision(self) -> int: ...


async def record(
    db: Database,
    export_id: str,
    state: ExportState,
    *,
    count: int,
    filter_state: Mapping[str, Any],
    format: str,
    metadata: Mapping[str, Any],
    file_sha256: bytes | None = None,
    error_message: str | None = None,
) -> None:
    """Commits a row of the export log. Raises `Refused` when one may not."""
    async with db.write() as connection:
        await connection.execute(
            text(
                "SELECT record_export(:export_id, :state, :count, CAST(:filter_state AS jsonb), :format,"
                " CAST(:metadata AS jsonb), :file_sha256, :error_message)"
            ),
            {
                "export_id": export_id,
                "state": state,
                "count": count,
                "filter_state": as_json(filter_state),
                "format": format,
                "metadata": as_json(metadata),
                "file_sha256": file_sha256,
                "error_message": storable(error_message),
            },
        )


async def record_rows(db: Database, export_id: str, conversations: Sequence[Exported]) -> None:
    """Commits which conversations, at which revisions, an export that is under way holds."""
    async with db.write() as connection:
        await connection.execute(
            text("SELECT record_export_rows(:export_id, CAST(:ids AS text[]), CAST(:revisions AS integer[]))"),
            {
                "export_id": export_id,
                "ids": [conversation.conversation_id for conversation in conversations],
                "revisions": [conversation.revision for conversation in conversations],
            },
        )


async def newest(db: Database, *, limit: int = 200) -> tuple[ExportEntry, ...]:
    """The newest rows of the log."""
    statement = (
        select(
            L.id, L.export_id, L.user_id, L.state, L.conversation_count, L.filter_state["filter"].astext, L.format,
            L.exported_at, L.metadata_, func.encode(L.file_sha256, "hex"), L.error_message, L.filter_state,
        )
        .order_by(L.id.desc())
        .limit(limit)
    )  # fmt: skip
    async with db.read() as connection:
        return tuple(ExportEntry(*row) for row in await connection.execute(statement))


async def has_succeeded(db: Database, export_id: str) -> bool:
    """Whether the log says that an export succeeded."""
    async with db.read() as connection:
        return bool(
            await connection.scalar(select(func.count()).where(L.export_id == export_id, L.state == "succeeded"))
        )
