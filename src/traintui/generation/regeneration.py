"""Writing turns anew: what is asked for, of whom, and what a reply must bring."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError, field_validator

from traintui.audit.notes import redacted_note
from traintui.data import regenerations
from traintui.data.engine import Database
from traintui.data.judgement_records import ToJudge
from traintui.data.records import Conversation, Turn
from traintui.data.reviews import Seen
from traintui.generation.plan import Name
from traintui.generation.pricing import Price, Usage, cost_usd
from traintui.generation.prompt import Prompt, RegenerationContext, Source, SpokenTurn, TemplateText, render
from traintui.generation.rubric import Labels, facets_of
from traintui.generation.start import stored_template
from traintui.generation.structured import InvalidReply

MAX_TOKENS = 4096
"""Room for a reply, thinking included; one that does not fit is asked for once more with twice as much."""
TEMPLATE = "regenerate"
"""What turns are written anew with; its newest active version."""
CHARACTERS_A_TOKEN = 3


class RegenerationPlan(BaseModel):
    """What is to be written anew: the definition of its plan. `first` and `last` count turns from 1; revision and
    decision are those that were seen; `reason` and `note` say what was wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    model: Name
    conversation_id: str
    revision: StrictInt
    decision_id: StrictInt | None = None
    first: StrictInt = Field(ge=1)
    last: StrictInt = Field(ge=1)
    reason: str | None = Field(default=None, max_length=500)
    note: str | None = Field(default=None, max_length=500)
    max_tokens: StrictInt = Field(default=MAX_TOKENS, ge=1, le=128_000)
    effort: Literal["low", "medium", "high"] = "medium"
    mode: Literal["calls"] = "calls"
    slots: StrictInt = 1

    @field_validator("reason", "note")
    @classmethod
    def _redacted(cls, said: str | None) -> str | None:
        """The plan is stored, and what it says is sent."""
        return redacted_note(said)

    @property
    def seen(self) -> Seen:
        """The conversation as it was when this was asked for."""
        return Seen(self.conversation_id, self.revision, self.decision_id)


def regeneration_of(
    conversation: Conversation, first: int, last: int, *, model: str, reason: str | None = None, note: str | None = None
) -> RegenerationPlan:
    """A plan for some turns of a conversation as it is. The room for the reply grows with what stands there."""
    row = conversation.row
    there = sum(len(turn.content) for turn in conversation.turns[first - 1 : last])
    which = f"turn {first}" if first == last else f"turns {first} to {last}"
    return RegenerationPlan(
        name=f"Write {which} of {row.conversation_id} anew", model=model, conversation_id=row.conversation_id,
        revision=row.revision, decision_id=row.decision_id, first=first, last=last, reason=reason or None,
        note=note or None, max_tokens=min(64_000, max(MAX_TOKENS, 2 * there // CHARACTERS_A_TOKEN)),
    )  # fmt: skip


def dearest(plan: RegenerationPlan, conversation: Conversation, prices: Sequence[Price]) -> Decimal | None:
    """What a call may cost at most, in USD; None where the price is not known."""
    source = conversation.source
    read = sum(len(turn.content) for turn in conversation.turns) + (len(source.content) if source else 0) + 4_000
    return cost_usd(plan.model, Usage(read // CHARACTERS_A_TOKEN, plan.max_tokens), prices=prices)


async def begin_regeneration(db: Database, plan: RegenerationPlan, *, is_rehearsal: bool) -> int:
    """Queues it as a batch of its own; the id of the batch.

    Raises `TraintuiError` where the template is unusable, and `Refused` as `regenerations.begin` does.
    """
    template, _ = await stored_template(db, TEMPLATE, "regeneration")
    return await regenerations.begin(
        db, plan.seen, first=plan.first, last=plan.last, name=plan.name, definition=plan.model_dump(mode="json"),
        template_id=template.id, model=plan.model, is_rehearsal=is_rehearsal,
    )  # fmt: skip


def asked_anew(template: TemplateText, plan: RegenerationPlan, conversation: ToJudge, labels: Labels) -> Prompt:
    """The prompt that asks for turns. Raises `TraintuiError` as `render` does."""
    source = conversation.source
    context = RegenerationContext(
        **facets_of(conversation, labels),
        tier=conversation.dimensions["tier"],
        source=Source(source.title, source.heading, source.content) if source else None,
        system_prompt=conversation.system_prompt,
        turns=tuple(SpokenTurn(turn.number, turn.role, turn.content) for turn in conversation.turns),
        first=plan.first, last=plan.last, reason=plan.reason, note=plan.note,
    )  # fmt: skip
    return render(template, context)


TURNS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "turns": {
            "type": "array",
            "description": "The turns that were asked for, in their order.",
            "items": {
                "type": "object",
                "properties": {
                    "role": {"type": "string", "enum": ["user", "assistant"], "description": "Whose turn it is."},
                    "content": {"type": "string", "description": "The text of the turn."},
                },
                "required": ["role", "content"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["turns"],
    "additionalProperties": False,
}


class TurnReply(BaseModel):
    """A turn of a reply."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant"]
    content: str = Field(pattern=r"\S")


class TurnsReply(BaseModel):
    """A reply."""

    model_config = ConfigDict(extra="forbid")

    turns: list[TurnReply]


def turns_anew(value: Any, turns: Sequence[Turn], first: int, last: int) -> tuple[Turn, ...]:
    """All turns of a conversation, those from `first` to `last` as a reply has them; whether they are trained on stays.

    Raises `InvalidReply` for anything but as many turns with their roles, for empty ones, and for text that PostgreSQL
    cannot store.
    """
    try:
        reply = TurnsReply.model_validate(value)
    except ValidationError as error:
        first_wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first_wrong["loc"]) or "turns"
        raise InvalidReply(f"The reply's {place!r} is not what was asked for: {first_wrong['msg'].lower()}.") from error
    asked = turns[first - 1 : last]
    if len(reply.turns) != len(asked):
        raise InvalidReply(f"{len(asked)} turns were asked for, and the reply has {len(reply.turns)}.")
    written = []
    for old, new in zip(asked, reply.turns, strict=True):
        if new.role != old.role:
            raise InvalidReply(f"Turn {old.number} is the {old.role}'s, and the reply has one of the {new.role}.")
        if "\0" in new.content:
            raise InvalidReply(f"Turn {old.number} of the reply has a NUL character.")
        written.append(Turn(old.number, old.role, new.content.strip(), old.train))
    return (*turns[: first - 1], *written, *turns[last:])
