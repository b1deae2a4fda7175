"""The log of what left the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from sqlalchemy import func, select, text

from traintui.data.engine import Database
from traintui.data.log_models import ExportLog as L
from traintui.data.storable import as_json, storable

LoggedState = Literal["started", "succeeded", "failed", "cancelled"]
"""What a row of the log says."""


class Exported(Protocol):
    """What an export holds of a conversation."""

    @property
    def conversation_id(self) -> str: ...
    @property
    def revision(self) -> int: ...


def manifest_name(file_name: str) -> str:
    """The name of the manifest beside a file: `NAME.manifest.json`, NAME without its last suffix."""
    stem, dot, _ = file_name.rpartition(".")
    return f"{stem if dot and stem else file_name}.manifest.json"


async def record(
    db: Database,
    export_id: str,
    state: LoggedState,
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


async def renew(db: Database, export_id: str, done: int, total: int, *, seconds: float) -> None:
    """Says how many of how many conversations an export has written, and that it lives for so many seconds more. Raises
    `Refused` when it has ended."""
    await db.call(
        "SELECT renew_export(:export_id, :done, :total, :seconds)",
        {"export_id": export_id, "done": done, "total": total, "seconds": seconds},
    )


async def has_succeeded(db: Database, export_id: str) -> bool:
    """Whether the log says that an export succeeded."""
    async with db.read() as connection:
        return bool(
            await connection.scalar(select(func.count()).where(L.export_id == export_id, L.state == "succeeded"))
        )
