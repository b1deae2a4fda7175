"""Rows of two logs: calls to models, and decisions."""

from __future__ import annotations

from datetime import datetime

from textual.content import Content

from traintui import text
from traintui.data.log_records import Attempt, Gone
from traintui.data.records import ReviewEntry
from traintui.widgets.facts import ACTIONS
from traintui.widgets.row_table import Column

CALLS: dict[str, tuple[str, str, str]] = {
    "ok": ("●", "answered", "$success"),
    "error": ("!", "failed", "$failed"),
    "unknown": ("?", "unknown", "$warning"),
    "sending": ("◐", "under way", "$generating"),
}
"""Glyph, word and colour of each state of a call."""


def call_state(attempt: Attempt) -> Content:
    """How a call ended. One that was answered with what is no conversation says so."""
    if attempt.state == "ok" and attempt.error_type:
        return Content.styled("! unusable", "$warning")
    glyph, word, colour = CALLS.get(attempt.state, ("?", text.visible(attempt.state, single_line=True), "$muted"))
    return Content.styled(f"{glyph} {word}", colour)


def action(entry: ReviewEntry) -> Content:
    """What was done."""
    said, colour = ACTIONS.get(entry.action, (f"· {entry.action}", "$muted"))
    return text.shown(said, single_line=True, limit=20, style=colour)


def line(said: str | None, style: str = "") -> Content:
    """Stored text in a cell."""
    return text.shown(said, single_line=True, limit=160, style=style)


def second(when: datetime) -> Content:
    """A point in time in the person's own zone, to the second."""
    return Content.styled(f"{when.astimezone():%Y-%m-%d %H:%M:%S}", "$muted")


def call_columns() -> list[Column[Attempt]]:
    """A call in a row."""
    return [
        Column("When", 19, lambda row: second(row.created_at), slim=16, name="created"),
        Column("Call", 11, call_state, name="state"),
        Column("Conversation", 14, lambda row: line(row.conversation_id)),
        Column("In", 6, lambda row: _tokens(row.input_tokens), right=True, from_width=104),
        Column("Out", 6, lambda row: _tokens(row.output_tokens), right=True, from_width=104),
        Column("Cost", 8, lambda row: Content(_cost(row)), right=True, from_width=68, name="cost"),
        Column("Took", 9, lambda row: Content(text.duration(row.duration_ms)), right=True, from_width=84, name="took"),
        Column("Model", 18, lambda row: line(row.model, "$muted"), from_width=124, name="model"),
        Column("Answer", 0, _ending),
    ]


def _tokens(number: int | None) -> Content:
    return Content(text.tokens(number)) if number is not None else Content.styled("–", "$faint")  # noqa: RUF001


def _cost(attempt: Attempt) -> str:
    return text.usd(attempt.cost_usd, estimate=attempt.cost_is_estimate)


GONE: dict[Gone, str] = {"erased": "✕ erased", "purged": "✕ purged"}
"""What is said of a call of which a part is gone."""


def gone_mark(attempt: Attempt) -> Content:
    """Says where a part of what was said in a call is gone; nothing where all of it is here."""
    return Content("") if attempt.gone is None else Content.styled(GONE[attempt.gone], "$warning")


def _ending(attempt: Attempt) -> Content:
    if attempt.gone is not None:
        return Content.assemble(gone_mark(attempt), " ", _answer(attempt))
    return _answer(attempt)


def _answer(attempt: Attempt) -> Content:
    mark = Content.styled(" rehearsal", "$generating") if attempt.is_rehearsal else Content("")
    if attempt.error_message or attempt.error_type:
        return line(attempt.error_message or attempt.error_type, "$failed") + mark
    return line((attempt.stop_reason or "").replace("_", " "), "$muted") + mark


def review_columns() -> list[Column[ReviewEntry]]:
    """An action of a reviewer in a row."""
    return [
        Column("When", 19, lambda row: second(row.timestamp), slim=16, name="created"),
        Column("Action", 14, action, slim=12, name="action"),
        Column("Conversation", 14, lambda row: line(row.conversation_id)),
        Column("Who", 12, lambda row: line(row.reviewer_id), slim=8, name="reviewer"),
        Column("Rev.", 4, lambda row: Content(str(row.revision)), right=True, from_width=70, name="revision"),
        Column("Why", 0, lambda row: line("  ".join(filter(None, (row.reason, row.reviewer_notes))), "$muted")),
    ]
