"""The ledger of calls: a row before each, completed once; and reading it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Select, case, exists, func, literal, select, text

from traintui.data import erasures
from traintui.data.engine import Database
from traintui.data.erasure_models import Erasure as Erasures
from traintui.data.erasures import Erasure
from traintui.data.log_models import GenerationLog as L
from traintui.data.log_models import ReviewLog
from traintui.data.log_records import Attempt, AttemptDetail
from traintui.data.models import Template
from traintui.data.refusals import Refused
from traintui.data.storable import as_json, storable
from traintui.data.work import ClaimedItem

REPLACED = """(log.state = 'unknown' AND EXISTS (
    SELECT FROM generation_logs AS late WHERE late.late_reply_to = log.id))"""
"""SQL: whether a call of unknown end, `log`, does not count, since its late reply does. Served by
`ix_generation_logs_late_reply_to`."""
UNPRICED = f"""(log.state <> 'sending' AND log.cost_usd IS NULL
    AND (log.state = 'unknown' OR coalesce(log.output_tokens, 0) > 0) AND NOT {REPLACED})"""
"""SQL: whether the cost of a call, `log`, is not known, as `unpriced_of` in the database says, and it counts: a reply
of no known price, or a call of unknown end, which may have had one."""


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """A call whose row is committed and that may be sent now."""

    id: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended. Everything that came from outside is redacted by now; a cost that is not known is None."""

    state: Literal["ok", "error", "unknown"]
    response_payload: Mapping[str, Any] | None = None
    cost_usd: Decimal | None = None
    cost_is_estimate: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    duration_ms: int | None = None
    http_status: int | None = None
    request_id: str | None = None
    stop_reason: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    redactions: Mapping[str, int] | None = None


async def start(
    db: Database,
    *,
    kind: str,
    model: str,
    endpoint: str,
    request_payload: Mapping[str, Any],
    parameters: Mapping[str, Any],
    redactions: Mapping[str, int],
    is_rehearsal: bool,
    worker_id: int | None = None,
    item: ClaimedItem | None = None,
) -> OpenAttempt:
    """Commits the row of a call about to be sent. Raises `Refused` (TT011) when the item is not ours any more."""
    async with db.write() as connection:
        row = (
            await connection.execute(
                text(
                    "SELECT * FROM start_attempt(:kind, :model, :endpoint, CAST(:payload AS jsonb),"
                    " CAST(:parameters AS jsonb), CAST(:redactions AS jsonb), :is_rehearsal, :worker_id, :item_id,"
                    " :fence)"
                ),
                {
                    "kind": kind,
                    "model": model,
                    "endpoint": endpoint,
                    "payload": as_json(request_payload),
                    "parameters": as_json(parameters),
                    "redactions": as_json(redactions),
                    "is_rehearsal": is_rehearsal,
                    "worker_id": worker_id,
                    "item_id": item.id if item else None,
                    "fence": item.fence if item else None,
                },
            )
        ).one()
    return OpenAttempt(row.id, row.created_at)


async def start_probe(
    db: Database,
    *,
    batch_id: int | None,
    model: str,
    endpoint: str,
    request_payload: Mapping[str, Any],
    parameters: Mapping[str, Any],
    redactions: Mapping[str, int],
    is_rehearsal: bool,
    worker_id: int | None,
) -> OpenAttempt:
    """Commits the row of a call that tries something and belongs to no conversation; with a batch, on its account.

    Raises `Refused` when the batch does not run (TT012), and when the call could pass a budget (TT013).
    """
    async with db.write() as connection:
        row = (
            await connection.execute(
                text(
                    "SELECT * FROM start_probe(:batch_id, :model, :endpoint, CAST(:payload AS jsonb),"
                    " CAST(:parameters AS jsonb), CAST(:redactions AS jsonb), :is_rehearsal, :worker_id)"
                ),
                {
                    "batch_id": batch_id,
                    "model": model,
                    "endpoint": endpoint,
                    "payload": as_json(request_payload),
                    "parameters": as_json(parameters),
                    "redactions": as_json(redactions),
                    "is_rehearsal": is_rehearsal,
                    "worker_id": worker_id,
                },
            )
        ).one()
    return OpenAttempt(row.id, row.created_at)


def finishing(attempt: OpenAttempt, outcome: Outcome) -> tuple[str, dict[str, Any]]:
    """The statement that completes a call and its values, to run in a transaction with what else belongs to it."""
    return (
        "SELECT finish_attempt(:attempt_id, :attempt_at, :state, CAST(:response AS jsonb), :cost_usd,"
        " :cost_is_estimate, :input_tokens, :output_tokens, :cache_read_tokens, :cache_write_tokens, :duration_ms,"
        " :http_status, :request_id, :stop_reason, :error_type, :error_message, CAST(:redactions AS jsonb))",
        {
            "attempt_id": attempt.id,
            "attempt_at": attempt.created_at,
            "state": outcome.state,
            "response": None if outcome.response_payload is None else as_json(outcome.response_payload),
            "cost_usd": outcome.cost_usd,
            "cost_is_estimate": outcome.cost_is_estimate,
            "input_tokens": outcome.input_tokens,
            "output_tokens": outcome.output_tokens,
            "cache_read_tokens": outcome.cache_read_tokens,
            "cache_write_tokens": outcome.cache_write_tokens,
            "duration_ms": outcome.duration_ms,
            "http_status": outcome.http_status,
            "request_id": storable(outcome.request_id),
            "stop_reason": storable(outcome.stop_reason),
            "error_type": storable(outcome.error_type),
            "error_message": storable(outcome.error_message),
            "redactions": as_json(outcome.redactions or {}),
        },
    )


async def finish(db: Database, attempt: OpenAttempt, outcome: Outcome) -> None:
    """Completes the row of a call. A reply to a row that is `unknown` by now becomes a row of its own."""
    statement, values = finishing(attempt, outcome)
    async with db.write() as connection:
        await connection.execute(text(statement), values)


ERASED = exists(select(literal(1)).where(
    Erasures.row_id == L.id, Erasures.row_created_at == L.created_at, Erasures.log == "generation_logs"
))  # fmt: skip
"""Whether a part of a call was erased. By ix_erasures_row_id."""
PURGED = exists(select(literal(1)).where(ReviewLog.conversation_id == L.conversation_id, ReviewLog.action == "purge"))
"""Whether its conversation was purged. By ix_review_logs_conversation_id_id."""
COLUMNS = (
    *(getattr(L, name) for name in Attempt.__slots__ if name != "gone"),
    case((PURGED, "purged"), (ERASED, "erased")).label("gone"),
)


def selected() -> Select[Any]:
    """Calls, as `Attempt` has them."""
    return select(*COLUMNS)


def selected_detail(attempt: Attempt) -> Select[Any]:
    """The rest of a call, as `detail_of` takes it."""
    return (
        select(
            L.request_payload, L.response_payload, L.parameters, L.redactions, L.row_hash,
            Template.name, func.coalesce(L.template_version, Template.version).label("version"),
        )
        .outerjoin(Template, Template.id == L.template_id)
        .where(L.id == attempt.id, L.created_at == attempt.created_at)
    )  # fmt: skip


def detail_of(attempt: Attempt, row: Any, erased: tuple[Erasure, ...]) -> AttemptDetail:
    """A call with the rest of it, and what was erased of that."""
    return AttemptDetail(
        attempt, row.request_payload, row.response_payload, row.parameters, row.redactions,
        row.row_hash.hex() if row.row_hash else None, f"{row.name}@{row.version}" if row.name else None, erased,
    )  # fmt: skip


async def rows(
    db: Database, ids: Sequence[int], span: tuple[datetime, datetime] | None = None
) -> Mapping[int, Attempt]:
    """Calls by their ids; `span` is between which moments they were sent, which leads to their weeks. By the key."""
    statement = selected().where(L.id.in_(ids))
    if span is not None:
        statement = statement.where(L.created_at.between(*span))
    async with db.read() as connection:
        return {row.id: Attempt(*row) for row in await connection.execute(statement)}


async def detail(db: Database, attempt: Attempt) -> AttemptDetail:
    """A call with its payloads. Raises `Refused` (TT002) when retention has removed it."""
    async with db.read() as connection:
        row = (await connection.execute(selected_detail(attempt))).one_or_none()
    if row is None:
        raise Refused("Not found", f"Call {attempt.id} is not here any more.", "Look into the archive.", code="TT002")
    return detail_of(attempt, row, await erasures.of_call(db, attempt.id, attempt.created_at, attempt.conversation_id))
