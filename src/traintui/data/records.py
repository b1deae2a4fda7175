"""What the verbs return: frozen, plain, and detached from the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from traintui.data.judgement_records import JudgeProgress, Judging

DIMENSIONS = ("persona", "emotion", "topic", "intent", "tone", "tier")
Status = Literal["planned", "generating", "generated", "approved", "rejected", "failed"]
TurnRole = Literal["user", "assistant"]
BatchState = Literal["queued", "running", "paused", "interrupted", "finished", "cancelled"]


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation as a table shows it. `quality_score` is 0 to 10 as `judge_score`, the mean of what a judge says of
    this revision; `cost_usd` is what its calls cost; `opening` are the first words of the first turn, `metadata` its
    values of registered keys; `stale_at` is when its document lost the chunk that it is about."""

    id: int
    conversation_id: str
    status: Status
    quality_score: Decimal | None
    persona: str | None
    emotion: str | None
    topic: str | None
    intent: str | None
    tone: str | None
    tier: str | None
    turn_count: int
    revision: int
    decision_id: int | None
    is_seed: bool
    is_rehearsal: bool
    flagged: bool
    created_at: datetime
    updated_at: datetime
    opening: str
    model: str | None = None
    reviewed_at: datetime | None = None
    cost_usd: Decimal | None = None
    stale_at: datetime | None = None
    judge_score: Decimal | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message; `number` counts from 1, `role` is user or assistant, `train` says whether it is trained on."""

    number: int
    role: TurnRole
    content: str
    train: bool = True


@dataclass(frozen=True, slots=True)
class Source:
    """The chunk that a conversation is about."""

    document: str
    title: str
    heading: str
    content: str


@dataclass(frozen=True, slots=True)
class ScorePart:
    """A named part of the structure score: `points` of `max_points`, and one sentence that says why.

    `value` is good from `low` to `high`, in turns or flaws (`count`) or as a share of 1; scores of an earlier Traintui
    have none of the three.
    """

    name: str
    points: float
    max_points: float
    sentence: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: Literal["count", "share"] = "share"


@dataclass(frozen=True, slots=True)
class ReviewEntry:
    """A row of the review log; `decision_before` is the newest decision that its author saw."""

    id: int
    conversation_id: str
    action: str
    reviewer_id: str
    reviewer_notes: str | None
    timestamp: datetime
    revision: int
    reason: str | None
    turn_number: int | None
    undoes: int | None
    status_before: str | None
    status_after: str | None
    decision_before: int | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation whole: its row, its text, where it comes from, what was done to it (newest first), what a judge
    says of it, and why it failed where it did."""

    row: ConversationRow
    system_prompt: str | None
    turns: tuple[Turn, ...]
    model: str | None
    metadata: Mapping[str, Any]
    score_parts: tuple[ScorePart, ...]
    source: Source | None
    history: tuple[ReviewEntry, ...]
    judging: Judging | None = None
    failure: str | None = None


COLOURS = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "grey")
"""The colours of a value that have names; both themes have a shade of each."""


@dataclass(frozen=True, slots=True)
class VocabularyValue:
    """A value of a dimension with its label and description; `keywords` are words by which a text shows it.

    `colour` is one of `COLOURS` or `#rrggbb`. `merged_into` is the value that it became; it is inactive then.
    """

    dimension: str
    value: str
    label: str
    description: str = ""
    colour: str | None = None
    keywords: tuple[str, ...] = ()
    active: bool = True
    position: int = 0
    merged_into: str | None = None


@dataclass(frozen=True, slots=True)
class ChunkRecord:
    """A piece of a document; tokens are estimated."""

    id: int
    document_id: int
    document: str
    title: str
    ordinal: int
    heading: str
    content: str
    token_estimate: int


@dataclass(frozen=True, slots=True)
class ChunkOutline:
    """A piece of a document without its text; tokens are estimated."""

    id: int
    document: str
    title: str
    heading: str
    token_estimate: int


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document and how many chunks of it are in use."""

    id: int
    name: str
    title: str
    revision: int
    chunk_count: int
    token_estimate: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TemplateRecord:
    """A version of a prompt template. One that is not active begins no batch; `built_in` came with Traintui. Its kind
    says whether conversations are written with it or, a rubric, judged."""

    id: int
    name: str
    version: int
    system: str
    user_prompt: str
    active: bool
    built_in: bool
    created_by: str
    created_at: datetime
    kind: Literal["conversation", "rubric", "regeneration"] = "conversation"


@dataclass(frozen=True, slots=True)
class TemplateUsage:
    """What was made with a template or a version of it: conversations that were written, the sum of the scores of those
    `scored`, and what all calls cost, in USD. `unpriced_calls` counts calls with no known price."""

    conversations: int = 0
    scored: int = 0
    score_sum: Decimal = Decimal(0)
    approved: int = 0
    rejected: int = 0
    calls: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced_calls: int = 0

    def __add__(self, other: TemplateUsage) -> TemplateUsage:
        """Both together."""
        return TemplateUsage(*(getattr(self, name) + getattr(other, name) for name in TemplateUsage.__slots__))

    @property
    def mean_score(self) -> Decimal | None:
        """0 to 10, or None where nothing is scored."""
        return self.score_sum / self.scored if self.scored else None

    @property
    def approval_rate(self) -> float | None:
        """The share of those decided that was approved, 0 to 1; None where nothing is decided."""
        decided = self.approved + self.rejected
        return self.approved / decided if decided else None


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """How far a batch is. `cost_usd` is what is known, in USD; `unpriced_calls` counts calls with no known price.

    `rate_per_minute` counts conversations over the last minute in which any were finished; None before the first.
    Of two that run the one of the higher `priority` is written first. A batch of the kind `judge` counts opinions, one
    of the kind `regenerate` writes turns of one conversation anew; of one that writes, `judge` says how far its judge
    is, if it has one.
    """

    id: int
    name: str
    model: str
    state: BatchState
    state_reason: str | None
    total: int
    done: int
    failed: int
    running: int
    queued: int
    calls: int
    failed_calls: int
    cost_usd: Decimal
    cost_is_estimate: bool
    unpriced_calls: int
    input_tokens: int
    output_tokens: int
    is_rehearsal: bool
    requested_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    rate_per_minute: float | None
    priority: int = 0
    mode: Literal["calls", "batches"] = "calls"
    kind: Literal["generate", "judge", "regenerate"] = "generate"
    judge: JudgeProgress | None = None

    @property
    def to_retry(self) -> int:
        """What can be tried again: conversations that failed, and opinions."""
        return self.failed + (self.judge.failed if self.judge else 0)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the rest is done at the present rate, or None when no rate is known."""
        if not self.rate_per_minute:
            return None
        return (self.queued + self.running) / self.rate_per_minute * 60


@dataclass(frozen=True, slots=True)
class StreamView:
    """What is being written right now: the reply so far, as the model sends it, and what it is about."""

    item_id: int
    conversation_id: str
    persona: str | None
    emotion: str | None
    topic: str | None
    tier: str | None
    content: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table: rows (an estimate of the planner when `rows_exact` is false) and sizes in bytes."""

    name: str
    rows: int
    rows_exact: bool
    table_bytes: int
    index_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The server behind the workspace; `cache_hit_ratio` of 0 to 1 since its counters began."""

    version: str
    database_bytes: int
    connections: int
    max_connections: int
    started_at: datetime
    cache_hit_ratio: float | None
    schema_revision: str
