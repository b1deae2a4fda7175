"""The rows of a log as they leave the house: as lines of CSV made by the server, and as records.

Payloads are not among them: their digests are. A cell of text that a spreadsheet would take for a formula begins with
an apostrophe; numbers stay numbers.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    LargeBinary,
    Numeric,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from traintui.data.engine import Database
from traintui.data.erasure_models import Erasure
from traintui.data.filters import Filter
from traintui.data.log_fields import Log, LogName, N, S
from traintui.data.log_listing import as_planned
from traintui.data.log_models import GenerationLog as L
from traintui.data.log_models import ReviewLog as R
from traintui.data.models import Template

AT_ONCE = 500
"""Lines that are held at once."""
FORMULAS = ("=", "+", "@", "\t", "\r", "-")
"""How a cell begins that a spreadsheet may run (OWASP, CSV injection)."""
FORMULA = f"^[{''.join(FORMULAS)}]"
"""The same as a pattern; a hyphen at its end is one."""
LINE_END = "\r\n"
"""RFC 4180."""

_parts = func.concat_ws(
    ", ", case((Erasure.request_sha256.is_not(None), "request")),
    case((Erasure.response_sha256.is_not(None), "response")), case((Erasure.error_sha256.is_not(None), "error")),
)  # fmt: skip
_ERASED = (
    select(
        Erasure.row_id, Erasure.row_created_at,
        func.string_agg(_parts, aggregate_order_by(literal_column("', '"), Erasure.id), type_=String).label("parts"),
        func.max(Erasure.erased_at, type_=DateTime(timezone=True)).label("at"),
        func.string_agg(Erasure.erased_by, aggregate_order_by(literal_column("'; '"), Erasure.id),
                        type_=String).label("by"),
        func.string_agg(Erasure.reason, aggregate_order_by(literal_column("'; '"), Erasure.id),
                        type_=String).label("reason"),
    ).group_by(Erasure.row_id, Erasure.row_created_at).subquery("erased")
)  # fmt: skip
"""What was erased of each call, all erasures of it together."""

COLUMNS: Mapping[LogName, Mapping[str, Any]] = {
    "generations": {
        "call": L.id, "created_at": L.created_at, "finished_at": L.finished_at, "state": L.state, "kind": L.kind,
        "conversation_id": L.conversation_id, "batch": L.run_id, "template": Template.name,
        "template_version": func.coalesce(L.template_version, Template.version), "attempt": L.attempt,
        "model": L.model, "endpoint": L.endpoint, "requested_by": L.requested_by, "is_rehearsal": L.is_rehearsal,
        "cost_usd": L.cost_usd, "cost_is_estimate": L.cost_is_estimate, "input_tokens": L.input_tokens,
        "output_tokens": L.output_tokens, "cache_read_tokens": L.cache_read_tokens,
        "cache_write_tokens": L.cache_write_tokens, "duration_ms": L.duration_ms, "http_status": L.http_status,
        "request_id": L.request_id, "stop_reason": L.stop_reason, "error_type": L.error_type,
        "error_message": L.error_message, "late_reply_to": L.late_reply_to, "request_sha256": L.request_sha256,
        "response_sha256": L.response_sha256, "erased": _ERASED.c.parts, "erased_at": _ERASED.c.at,
        "erased_by": _ERASED.c.by, "erased_reason": _ERASED.c.reason, "row_hash": L.row_hash,
    },
    "reviews": {
        "row": R.id, "timestamp": R.timestamp, "conversation_id": R.conversation_id, "revision": R.revision,
        "action": R.action, "reviewer_id": R.reviewer_id, "reviewer_role": R.reviewer_role, "reason": R.reason,
        "reviewer_notes": R.reviewer_notes, "turn_number": R.turn_number, "duration_ms": R.duration_ms,
        "status_before": R.status_before, "status_after": R.status_after, "undoes": R.undoes, "bulk_id": R.bulk_id,
        "details": R.details, "content_sha256": R.content_sha256, "row_hash": R.row_hash,
    },
    "exports": {
        "export_id": S.export_id, "started_at": S.exported_at, "ended_at": N.exported_at,
        "state": func.coalesce(N.state, "open"), "user_id": S.user_id,
        "conversation_count": case((N.state == "succeeded", N.conversation_count), else_=S.conversation_count),
        "format": S.format, "filter": S.filter_state["filter"].astext, "file": N.metadata_["file"].astext,
        "directory": func.coalesce(N.metadata_["directory"].astext, S.metadata_["directory"].astext),
        "file_sha256": N.file_sha256, "error_message": N.error_message,
        "row_hash": func.coalesce(N.row_hash, S.row_hash),
    },
}  # fmt: skip
"""What is said of a row, by the names that the columns have in the file."""


def rows_of(log: Log, columns: Sequence[ColumnElement[Any]], wanted: Filter) -> Select[Any]:
    """The rows that match, newest first."""
    framed = log.frame(select(*columns))
    if log.name == "generations":
        framed = framed.outerjoin(Template, Template.id == L.template_id).outerjoin(
            _ERASED, and_(_ERASED.c.row_id == L.id, _ERASED.c.row_created_at == L.created_at)
        )
    return framed.where(wanted.where).order_by(log.at.desc(), log.id.desc())


def as_text(column: Any) -> ColumnElement[Any]:
    """A value as text: times in UTC, digests in hexadecimal."""
    if isinstance(column.type, DateTime):
        return func.to_char(func.timezone("UTC", column), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"', type_=String)
    if isinstance(column.type, LargeBinary):
        return func.encode(column, "hex", type_=String)
    return cast(column, String)


def cell(column: Any) -> ColumnElement[Any]:
    """A value as a cell of CSV; what is missing is an empty one."""
    if isinstance(column.type, (Integer, Numeric, Boolean)):
        return func.coalesce(as_text(column), "", type_=String)
    said = as_text(column)
    tame = case((said.regexp_match(FORMULA), func.concat("'", said)), else_=said)
    quoted = func.concat('"', func.replace(tame, '"', '""'), '"')
    return case((said.is_(None), ""), else_=quoted)


def header(log: Log) -> str:
    """The first line."""
    return ",".join(COLUMNS[log.name]) + LINE_END


class Declared(Executable, ClauseElement):
    """A selection as a cursor of its transaction, with which it ends: nothing is left open when somebody gives up."""

    inherit_cache = False

    def __init__(self, selected: Select[Any]) -> None:
        self.selected = selected


@compiles(Declared)
def _declare(element: Declared, compiler: SQLCompiler, **given: Any) -> str:
    return f"DECLARE lines NO SCROLL CURSOR FOR {compiler.process(element.selected, **given)}"


def line_of(log: Log) -> ColumnElement[Any]:
    """A row as a line of CSV, without its end."""
    return func.concat_ws(",", *(cell(column) for column in COLUMNS[log.name].values()), type_=String)


async def streamed(db: Database, selected: Select[Any]) -> AsyncGenerator[Sequence[Any]]:
    """Rows, `AT_ONCE` of them at a time, as of one moment."""
    async with db.read() as connection:
        await as_planned(connection)
        await connection.execute(Declared(selected))
        fetch = f"FETCH FORWARD {AT_ONCE} FROM lines"
        while rows := (await connection.exec_driver_sql(fetch)).all():
            yield rows


async def csv_lines(db: Database, log: Log, wanted: Filter) -> AsyncGenerator[Sequence[str]]:
    """The lines of all rows that match, `AT_ONCE` of them at a time, as of one moment; each with its end."""
    async with aclosing(streamed(db, rows_of(log, [line_of(log)], wanted))) as portions:
        async for rows in portions:
            yield [f"{row[0]}{LINE_END}" for row in rows]


def plain_columns(log: Log) -> list[ColumnElement[Any]]:
    """The columns as what JSON can hold."""
    return [
        (column if isinstance(column.type, (Integer, Boolean)) else as_text(column)).label(name)
        for name, column in COLUMNS[log.name].items()
    ]


async def records(db: Database, log: Log, wanted: Filter, limit: int) -> Sequence[Mapping[str, Any]]:
    """The newest rows that match, each as a mapping from the names of the columns to what JSON can hold."""
    async with db.read() as connection:
        await as_planned(connection)
        rows = await connection.execute(rows_of(log, plain_columns(log), wanted).limit(limit))
        return [dict(row._mapping) for row in rows]
