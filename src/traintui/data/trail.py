"""The trail of a conversation: what people did to it, the calls that were made for it, and the exports that hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import and_, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data import review_log
from traintui.data.engine import Database
from traintui.data.log_fields import N, S
from traintui.data.log_models import ConversationRevision as R
from traintui.data.log_models import ExportRow as E
from traintui.data.log_models import GenerationLog as L
from traintui.data.models import Conversation as C
from traintui.data.models import Template

MOST = 200
"""Steps of each kind that are read at once, the newest."""
Kind = Literal["review", "text", "call", "export"]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done to a conversation. `action` is that of the review log, `generate` where a model wrote its
    first text, `call` and `judge` for other calls, `failed` for those without an answer, `export` where it left the
    house. `revision` is which of its texts that was, None where it was none."""

    kind: Kind
    id: int
    at: datetime
    action: str
    who: str
    revision: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Trail:
    """All steps, newest first, and how the conversation stands; None where there is none of that id any more."""

    steps: Sequence[Step]
    status: str | None


async def of_conversation(db: Database, conversation_id: str) -> Trail:
    """What was done to a conversation. By `ix_review_logs_conversation_id_id`, `pk_conversation_revisions`,
    `ix_generation_logs_conversation_id` and `ix_export_rows_conversation_id`. Calls and exports that retention removed
    are in the archive."""
    async with db.read() as connection:
        entries = await review_log.entries_of(connection, conversation_id)
        steps = [
            Step("review", each.id, each.timestamp, each.action, each.reviewer_id, each.revision,
                 "  ".join(filter(None, (each.reason, each.reviewer_notes))))
            for each in entries
        ]  # fmt: skip
        steps += await _written(connection, conversation_id)
        steps += await _called(connection, conversation_id)
        steps += await _exported(connection, conversation_id)
        status = await connection.scalar(select(C.status).where(C.conversation_id == conversation_id))
    return Trail(sorted(steps, key=lambda step: (step.at, step.id), reverse=True), status)


def _named(batch: int | None, name: str | None, version: int | None, model: str | None) -> str:
    """What a call was made for, with which template, by which model."""
    template = f"{name}@{version}" if name else None
    return ", ".join(filter(None, (f"batch {batch}" if batch else None, template, model)))


async def _written(connection: AsyncConnection, conversation_id: str) -> list[Step]:
    """The first text that a model wrote, by the call that brought it where the log still has it."""
    call = (
        select(L.run_id, L.model, Template.name, func.coalesce(L.template_version, Template.version).label("version"))
        .outerjoin(Template, Template.id == L.template_id)
        .where(L.conversation_id == R.conversation_id, L.state == "ok", L.kind.in_(("generate", "batch_item")))
        .order_by(L.created_at, L.id)
        .limit(1)
        .correlate(R)
        .lateral("call")
    )
    statement = (
        select(R.revision, R.created_at, R.author, call.c.run_id, call.c.name, call.c.version, call.c.model, C.model)
        .select_from(R)
        .outerjoin(call, true())
        .outerjoin(C, C.conversation_id == R.conversation_id)
        .where(R.conversation_id == conversation_id, R.origin == "generated")
        .limit(MOST)
    )
    return [
        Step("text", number, at, "generate", author, number, _named(batch, name, version, model or known))
        for number, at, author, batch, name, version, model, known in await connection.execute(statement)
    ]


async def _called(connection: AsyncConnection, conversation_id: str) -> list[Step]:
    """The calls that were made for it."""
    statement = (
        select(
            L.id, L.created_at, L.state, L.kind, L.requested_by, L.run_id, Template.name,
            func.coalesce(L.template_version, Template.version), L.model, L.error_message,
        )
        .outerjoin(Template, Template.id == L.template_id)
        .where(L.conversation_id == conversation_id)
        .order_by(L.created_at.desc(), L.id.desc())
        .limit(MOST)
    )  # fmt: skip
    return [_call(row) for row in await connection.execute(statement)]


def _call(row: Any) -> Step:
    id, at, state, kind, who, batch, name, version, model, error = row
    action = "failed" if state in {"error", "unknown"} else "judge" if kind == "judge" else "call"
    why = "  ".join(filter(None, (f"call {id}", _named(batch, name, version, model), error)))
    return Step("call", id, at, action, who, None, why)


async def _exported(connection: AsyncConnection, conversation_id: str) -> list[Step]:
    """The exports that hold it, each with the revision that left the house."""
    file: Any = func.coalesce(N.metadata_["file"].astext, S.metadata_["file"].astext)
    statement = (
        select(S.id, N.exported_at, S.user_id, E.revision, S.format, file, S.export_id)
        .join(S, and_(S.export_id == E.export_id, S.state == "started"))
        .join(N, and_(N.export_id == E.export_id, N.state == "succeeded"))
        .where(E.conversation_id == conversation_id)
        .order_by(N.exported_at.desc())
        .limit(MOST)
    )
    return [
        Step("export", id, at, "export", who, revision, "  ".join(filter(None, (format, name, export_id))))
        for id, at, who, revision, format, name, export_id in await connection.execute(statement)
    ]
