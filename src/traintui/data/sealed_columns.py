"""What the hash of a log row covers, column by column, and how the server is asked for it as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Log = Literal["review_logs", "export_logs", "generation_logs", "retirements", "erasures"]
Form = Literal["plain", "time", "date", "hex", "json", "digest"]
"""What of a column is hashed: its text, microseconds since the epoch, its day, its bytes in hexadecimal, or the digest
of its text, as JSONB (`json`, null where it is null) or as a field (`digest`, one of null too)."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column under a row hash."""

    name: str
    form: Form = "plain"

    @property
    def as_text(self) -> str:
        """The expression that gives its text, by functions of the server's own: ours might have been replaced."""
        name = f'"{self.name}"'
        match self.form:
            case "time":
                return f"(extract(epoch FROM {name}) * 1000000)::bigint"
            case "date":
                return f"to_char({name}, 'YYYY-MM-DD')"
            case "hex":
                return f"encode({name}, 'hex')"
            case _:
                return f"{name}::text"


def columns(words: str) -> tuple[Column, ...]:
    """Columns as they are written down below: `NAME` or `NAME:FORM`."""
    found = []
    for word in words.split():
        name, _, form = word.partition(":")
        found.append(Column(name, form or "plain"))  # type: ignore[arg-type]
    return tuple(found)


HASHED: dict[Log, tuple[Column, ...]] = {
    "review_logs": columns(
        "hash_version id conversation_id action reviewer_id reviewer_role reviewer_notes:digest timestamp:time revision"
        " reason turn_number undoes decision_key duration_ms status_before status_after decision_before bulk_id"
        " content_sha256:hex details:json xid8"
    ),
    "export_logs": columns(
        "hash_version id export_id user_id conversation_count filter_state:json format exported_at:time metadata:json"
        " state file_sha256:hex error_message:digest xid8"
    ),
    "generation_logs": columns(
        "hash_version id created_at:time conversation_id run_id item_id fence attempt template_id template_version"
        " worker_id kind state requested_by sent_by endpoint is_rehearsal model request_sha256:hex response_sha256:hex"
        " parameters:json cost_usd cost_is_estimate input_tokens output_tokens cache_read_tokens cache_write_tokens"
        " duration_ms http_status request_id stop_reason error_type error_message:digest late_reply_to redactions:json"
        " finished_at:time xid8"
    ),
    "retirements": columns(
        "hash_version id log week:date retired_at:time retired_by keep_days row_count noted_count row_bytes root:hex"
        " frame_count archive_bytes archive_sha256:hex noted_sha256:hex sums_sha256:hex xid8"
    ),
    "erasures": columns(
        "hash_version id log row_id row_created_at:time request_sha256:hex response_sha256:hex error_sha256:hex"
        " reason:digest erased_by erased_at:time call_row_hash:hex xid8"
    ),
}
"""In the order in which they are hashed."""

SINCE: dict[Log, dict[str, int]] = {
    "review_logs": {},
    "export_logs": {},
    "generation_logs": {},
    "retirements": {"noted_sha256": 2, "sums_sha256": 3},
    "erasures": {"call_row_hash": 2},
}
"""The `hash_version` from which on a column is hashed, where that is not the first one."""

PAYLOADS: dict[Log, tuple[tuple[str, str], ...]] = {
    "review_logs": (),
    "export_logs": (),
    "generation_logs": (("request_payload", "request_sha256"), ("response_payload", "response_sha256")),
    "retirements": (),
    "erasures": (),
}
"""Columns whose digest is hashed and not they themselves, so that they can be erased; and the column with the
digest."""
