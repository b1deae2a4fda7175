"""All that a row of a log says, as lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from textual.content import Content

from traintui import text
from traintui.data.erasures import Erasure, Part
from traintui.data.log_records import Attempt, AttemptDetail
from traintui.data.records import ReviewEntry
from traintui.widgets import marks
from traintui.widgets.facts import heading
from traintui.widgets.json_lines import Line, json_lines, ready
from traintui.widgets.log_rows import action, call_state, gone_mark

LABEL = 14
"""Cells of a fact's name."""
NOTHING = Content("")
KINDS = {"email": "e-mail", "iban": "IBAN", "ip_address": "IP address"}
"""What was taken out, where its name in the log is not what people write."""


def fact(name: str, value: Content | str | int | None, *, style: str = "") -> Iterator[Content]:
    """A fact with its name, unless there is none."""
    if value is None or value == "":
        return
    said = value if isinstance(value, Content) else text.shown(str(value), single_line=True, limit=2_000, style=style)
    yield Content.assemble((f"{name:<{LABEL}}", "$muted"), said)


def call_facts(attempt: Attempt) -> Iterator[Content]:
    """A call without its payloads."""
    rehearsal = Content.styled("   rehearsal", "$generating") if attempt.is_rehearsal else NOTHING
    gone = Content.assemble("   ", gone_mark(attempt)) if attempt.gone else NOTHING
    yield Content.assemble(call_state(attempt), (f"   call {attempt.id}", "$muted"), gone, rehearsal)
    yield NOTHING
    yield from fact("When", f"{attempt.created_at.astimezone():%Y-%m-%d %H:%M:%S %Z}")
    yield from fact("Conversation", attempt.conversation_id)
    yield from fact("Batch", attempt.run_id)
    yield from fact("Attempt", f"{attempt.attempt}, to {attempt.kind}")
    yield from fact("Asked for by", attempt.requested_by)
    yield from fact("Model", f"{attempt.model} at {attempt.endpoint}")
    tokens = f"{text.tokens(attempt.input_tokens)} in, {text.tokens(attempt.output_tokens)} out"
    cached = f", {text.tokens(attempt.cache_read_tokens)} of the cache" if attempt.cache_read_tokens else ""
    yield from fact("Tokens", tokens + cached)
    bill = ", not paid" if attempt.is_rehearsal and attempt.cost_usd else ""
    yield from fact("Cost", text.usd(attempt.cost_usd, estimate=attempt.cost_is_estimate) + bill)
    if attempt.state == "unknown":
        yield from fact("", "at most: nobody here knows what was billed", style="$muted")
    yield from fact("Took", text.duration(attempt.duration_ms))
    yield from fact("HTTP status", attempt.http_status)
    yield from fact("Request id", attempt.request_id)
    yield from fact("Stopped for", attempt.stop_reason)
    yield from fact("Error", attempt.error_type, style="$failed")
    yield from fact("", attempt.error_message, style="$failed")


def call_lines(detail: AttemptDetail, *, archived: bool = False) -> Iterator[Line]:
    """A call with what was sent and what came back; says of one that it is `archived`."""
    taken = ", ".join(
        f"{number} {KINDS.get(kind) or kind.replace('_', ' ')}" for kind, number in detail.redactions.items() if number
    )
    gone = erasure_of(detail, "error") if detail.attempt.error_message is None else None
    facts = [
        *call_facts(detail.attempt),
        *(fact("Error text", was_erased(gone)) if gone is not None else ()),
        *fact("Template", detail.template),
        *fact("Taken out", taken or "nothing like a secret or personal data", style="" if taken else "$muted"),
        *fact("Stands in", "the archive: it is kept in the log no longer" if archived else None),
        *fact("Row hash", detail.row_hash, style="$muted"),
    ]
    if detail.row_hash is None and detail.attempt.state == "sending":
        facts += fact("Row hash", "it gets one when the call ends", style="$muted")
    yield from ready(facts, hang=LABEL)
    yield from payload("Parameters", detail.parameters)
    yield from payload("Request", detail.request_payload, erased=erasure_of(detail, "request"))
    waits = "It has not come yet." if detail.attempt.state == "sending" else "Nothing came back."
    yield from payload("Response", detail.response_payload, missing=waits, erased=erasure_of(detail, "response"))


def erasure_of(detail: AttemptDetail, part: Part) -> Erasure | None:
    """What took a part out of a call, if something on record did."""
    return next((each for each in detail.erased if part in each.parts), None)


def was_erased(erasure: Erasure) -> Content:
    """Who erased it, when, and why."""
    by = f"erased by {erasure.erased_by} on {erasure.erased_at.astimezone():%Y-%m-%d}"
    why = "with its conversation, which was purged" if erasure.with_conversation else erasure.reason
    joined = " " if erasure.with_conversation else ": "
    return text.shown(f"{by}{joined}{why}", single_line=True, limit=700, style="$warning")


def payload(
    name: str, value: Mapping[str, Any] | None, *, missing: str = "It is not kept.", erased: Erasure | None = None
) -> Iterator[Line]:
    """A payload under its heading."""
    yield from ready([NOTHING, heading(name)])
    if value is None:
        yield from ready([Content.styled(missing, "$muted") if erased is None else was_erased(erased)])
    else:
        yield from json_lines(value)


def review_lines(entry: ReviewEntry, taken_out: Mapping[str, int] | None = None) -> Iterator[Content]:
    """An action of a reviewer, and how often each kind was taken out of what was written beside it."""
    yield Content.assemble(action(entry), (f"   row {entry.id}", "$muted"))
    yield NOTHING
    yield from fact("When", f"{entry.timestamp.astimezone():%Y-%m-%d %H:%M:%S %Z}")
    yield from fact("Who", entry.reviewer_id)
    yield from fact("Conversation", entry.conversation_id)
    yield from fact("Revision", entry.revision)
    if entry.status_before or entry.status_after:
        before, after = (
            marks.status(name) if name else Content.styled("none", "$faint")
            for name in (entry.status_before, entry.status_after)
        )
        yield from fact("Status", Content.assemble(before, (" → ", "$faint"), after))
    yield from fact("Reason", entry.reason)
    yield from fact("Wrong turn", entry.turn_number)
    yield from fact("Takes back", f"row {entry.undoes}" if entry.undoes else None)
    yield from fact("Taken out", ", ".join(f"{number} {kind}" for kind, number in (taken_out or {}).items()))
    if entry.reviewer_notes:
        yield NOTHING
        yield heading("Note")
        yield from (text.shown(part) for part in entry.reviewer_notes.split("\n"))
