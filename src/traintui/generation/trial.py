"""One call that tries a template: what is asked of the process that makes it, and what it answers.

Nothing here loads the SDK: the app asks, a process of its own calls.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from traintui.errors import TraintuiError
from traintui.generation.prompt import Facet, PromptContext, Source, TemplateText


class TrialTurn(BaseModel):
    """A turn of the reply."""

    model_config = ConfigDict(frozen=True)

    role: Literal["user", "assistant"]
    content: str


class TrialPart(BaseModel):
    """A named part of the score."""

    model_config = ConfigDict(frozen=True)

    name: str
    points: float
    max_points: float
    sentence: str


class Trial(BaseModel):
    """A template as it stands in an editor, saved or not, what it is tried with, and the model that is asked.

    `template_id` is the stored version that its text began with, among whose costs the call is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: TemplateText
    persona: Facet
    emotion: Facet
    topic: Facet
    intent: Facet
    tone: Facet
    tier: str
    source: Source | None
    exchanges: int
    variation: int
    model: str
    max_tokens: int = 4096
    effort: Literal["low", "medium", "high"] | None = "medium"
    template_id: int | None = None

    @property
    def context(self) -> PromptContext:
        """What the template is rendered with."""
        return PromptContext(
            self.persona, self.emotion, self.topic, self.intent, self.tone, self.tier, self.source, self.exchanges,
            self.variation,
        )  # fmt: skip


class TrialReply(BaseModel):
    """What came of it. `attempt_id` is its row in the log; `failure` says why there are no turns; cost in USD, None
    where it is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempt_id: int
    model: str
    is_rehearsal: bool
    turns: tuple[TrialTurn, ...] = ()
    score: Decimal | None = None
    parts: tuple[TrialPart, ...] = ()
    cost_usd: Decimal | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    duration_ms: int | None = None
    failure: str | None = None
    raw: str | None = None


class NoTrial(BaseModel):
    """Why nothing was called, as an answer to a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    message: str
    remedy: str


def reply_of(line: str) -> TrialReply:
    """The reply that a process printed. Raises `TraintuiError` where it says why there is none."""
    said = TypeAdapter[TrialReply | NoTrial](TrialReply | NoTrial).validate_json(line)
    if isinstance(said, NoTrial):
        raise TraintuiError(said.title, said.message, said.remedy)
    return said


def trial_of(
    template: TemplateText,
    context: PromptContext,
    *,
    model: str,
    max_tokens: int = 4096,
    template_id: int | None = None,
) -> Trial:
    """A trial of a template with a context."""
    values = {name: getattr(context, name) for name in PromptContext.__slots__}
    return Trial(template=template, model=model, max_tokens=max_tokens, template_id=template_id, **values)
