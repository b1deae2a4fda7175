"""What the log says of each export, for whoever compares it with the manifests that left the house."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

READ = text("""
    WITH logged AS (
        SELECT * FROM export_logs
        UNION ALL SELECT * FROM jsonb_populate_recordset(NULL::export_logs, CAST(:archived AS jsonb))
    )
    SELECT coalesce(begun.export_id, ended.export_id), begun.user_id, ended.user_id, ended.state,
           coalesce(begun.exported_at, ended.exported_at), ended.conversation_count,
           coalesce(begun.metadata->>'directory', ''), coalesce(begun.metadata->>'file', ended.metadata->>'file', ''),
           coalesce(begun.metadata->>'host', ''), coalesce(ended.metadata->'files', '[]'),
           coalesce(encode(ended.file_sha256, 'hex'), '')
    FROM (SELECT * FROM logged WHERE state = 'started') AS begun
    FULL JOIN (SELECT * FROM logged WHERE state <> 'started') AS ended ON ended.export_id = begun.export_id
    WHERE coalesce(begun.exported_at, ended.exported_at) < :moment
    ORDER BY coalesce(begun.id, ended.id)
""")
"""An export is two rows: there are thousands of them at the most."""


@dataclass(frozen=True, slots=True)
class Logged:
    """An export of the log. `begun_by` and `ended_by` are None where that row is not there; `state` how it ended."""

    export_id: str
    begun_by: str | None
    ended_by: str | None
    state: str | None
    at: datetime
    count: int | None
    directory: str
    file: str
    host: str
    files: Sequence[dict[str, Any]]
    sha256: str

    @property
    def user(self) -> str:
        """Who exported."""
        return self.begun_by or self.ended_by or ""

    @property
    def digests(self) -> frozenset[str]:
        """The SHA-256 of its files of data and what stands beside them, as the log has them."""
        return frozenset(str(file.get("sha256")) for file in self.files) | ({self.sha256} if self.sha256 else set())


async def exports(connection: AsyncConnection, moment: datetime, archived: str = "[]") -> Sequence[Logged]:
    """All exports that began before a moment, in their order; with `archived` rows, as JSON."""
    return [Logged(*row) for row in await connection.execute(READ, {"moment": moment, "archived": archived})]


async def workspace_id(connection: AsyncConnection) -> str:
    """The id of this workspace, which its seals and manifests bear."""
    return str(await connection.scalar(text("SELECT workspace_id::text FROM log_order")) or "")
