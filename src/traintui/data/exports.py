"""Exports: reading what goes out, in order and of one moment, and the log of what went."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

from sqlalchemy import and_, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.engine import Database
from traintui.data.filters import Condition, Filter
from traintui.data.log_models import ExportLog as L
from traintui.data.models import Conversation as C
from traintui.data.models import ConversationTurn as T
from traintui.data.records import ExportableConversation, ExportEntry, Turn
from traintui.data.storable import as_json, storable

PAGE = 500
ExportState = Literal["started", "succeeded", "failed", "cancelled"]


def exportable(wanted: Filter, *, rehearsal: bool) -> Condition:
    """What an export takes: approved ones unless the filter names a status; those of the rehearsal only when asked."""
    conditions = [wanted.where, C.turn_count >= 2]
    if not wanted.names_status:
        conditions.append(C.status == "approved")
    if not rehearsal:
        conditions.append(C.is_rehearsal.is_(False))
    return and_(*conditions)


class ExportReader:
    """The conversations of one export, all as they were at one moment."""

    def __init__(self, connection: AsyncConnection, condition: Condition, without_rehearsal: Condition) -> None:
        self._connection = connection
        self._condition = condition
        self._without_rehearsal = without_rehearsal

    async def counts(self) -> tuple[int, int, int]:
        """How many will be written, how many of them are of the rehearsal, and how many are not approved."""
        statement = select(
            func.count(), func.count().filter(C.is_rehearsal), func.count().filter(C.status != "approved")
        ).where(self._condition)
        total, rehearsal, unapproved = (await self._connection.execute(statement)).one()
        return int(total), int(rehearsal), int(unapproved)

    async def left_out_rehearsal(self) -> int:
        """How many would match, were those of the rehearsal taken too, and are left out."""
        both = select(func.count()).where(self._without_rehearsal)
        return int(await self._connection.scalar(both) or 0) - (await self.counts())[0]

    async def pages(self) -> AsyncIterator[Sequence[ExportableConversation]]:
        """All of them in order of the id, page by page. Paged by key, served by the primary key."""
        last = 0
        while True:
            statement = (
                select(C.id, C.conversation_id, C.revision, C.system_prompt, C.is_rehearsal)
                .where(self._condition, C.id > last)
                .order_by(C.id)
                .limit(PAGE)
            )
            rows = (await self._connection.execute(statement)).all()
            if not rows:
                return
            last = rows[-1].id
            turns: dict[int, list[Turn]] = {row.id: [] for row in rows}
            found = await self._connection.execute(
                select(T.conversation_id, T.turn_number, T.role, T.content, T.train)
                .where(T.conversation_id.in_(list(turns)))
                .order_by(T.conversation_id, T.turn_number)
            )
            for key, number, role, content, train in found:
                turns[key].append(Turn(number, role, content, train))
            yield [
                ExportableConversation(
                    row.conversation_id, row.revision, row.system_prompt, turns[row.id], row.is_rehearsal
                )
                for row in rows
            ]


@asynccontextmanager
async def reading(db: Database, wanted: Filter, *, rehearsal: bool) -> AsyncIterator[ExportReader]:
    """A reader over one snapshot of the database."""
    async with db.read() as connection:
        yield ExportReader(connection, exportable(wanted, rehearsal=rehearsal), exportable(wanted, rehearsal=True))


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


async def record_rows(db: Database, export_id: str, conversations: Sequence[ExportableConversation]) -> None:
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
            L.exported_at, L.metadata_, func.encode(L.file_sha256, "hex"), L.error_message,
        )
        .order_by(L.id.desc())
        .limit(limit)
    )  # fmt: skip
    async with db.read() as connection:
        return tuple(ExportEntry(*row) for row in await connection.execute(statement))
