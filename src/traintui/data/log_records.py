"""What the logs of calls and of exports have, as the verbs return it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from traintui.data.erasures import Erasure

Gone = Literal["erased", "purged"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP call to a model: a row of the generation log. Durations in milliseconds, cost in USD. `gone` says that a
    part of what was said in it is erased, or all of it purged with its conversation."""

    id: int
    created_at: datetime
    conversation_id: str | None
    run_id: int | None
    attempt: int
    kind: str
    state: str
    requested_by: str
    endpoint: str
    is_rehearsal: bool
    model: str
    cost_usd: Decimal | None
    cost_is_estimate: bool
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    duration_ms: int | None
    http_status: int | None
    request_id: str | None
    stop_reason: str | None
    error_type: str | None
    error_message: str | None
    gone: Gone | None


@dataclass(frozen=True, slots=True)
class AttemptDetail:
    """A call with what was sent and what came back, redacted; `redactions` counts what was taken out, by kind.
    `template` is name and version of what it was written with, as a filter writes it; `erased` is what was taken out of
    it since."""

    attempt: Attempt
    request_payload: Mapping[str, Any] | None
    response_payload: Mapping[str, Any] | None
    parameters: Mapping[str, Any]
    redactions: Mapping[str, int]
    row_hash: str | None
    template: str | None
    erased: tuple[Erasure, ...] = ()


ExportState = Literal["under way", "silent", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Export:
    """An export, out of its rows of the log; `id` is that of the first one.

    `silent` is one that was started and of which nothing was heard since: its process died. `conversation_count` is how
    many it holds, or, unless it succeeded, was to hold; `done` how many are written while it is under way. `metadata`
    is what both rows say, the later one where both say it. `snapshot` is what of the database it saw.
    """

    id: int
    export_id: str
    user_id: str
    state: ExportState
    conversation_count: int
    format: str
    started_at: datetime
    ended_at: datetime | None
    filter_state: Mapping[str, Any]
    metadata: Mapping[str, Any]
    file_sha256: str | None
    error_message: str | None
    done: int
    snapshot: str

    @property
    def filter_text(self) -> str:
        """The words of its filter."""
        return str(self.filter_state.get("filter") or "")
