"""Judging what is there: a batch that asks a model for its opinion of conversations, and what that takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from traintui.data import judgements, runs
from traintui.data.engine import Database
from traintui.data.filters import Condition
from traintui.errors import TraintuiError
from traintui.generation.estimate import CHARACTERS_PER_TOKEN, Estimate, from_past, from_prompt
from traintui.generation.plan import Name
from traintui.generation.prompt import TemplateText
from traintui.generation.start import RUBRIC, stored_template, template_of

MAX_TOKENS = 4096
"""Room for one opinion, thinking included; one that does not fit is asked for once more with twice as much."""


class JudgePlan(BaseModel):
    """What a batch judges with: the definition of its plan. `filter` is what named the conversations, None where they
    were selected one by one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    model: Name
    filter: str | None = None
    budget_usd: Decimal | None = Field(default=None, gt=0, description="The batch stops before it costs more.")
    max_tokens: StrictInt = Field(default=MAX_TOKENS, ge=1, le=128_000)
    effort: Literal["low", "medium", "high"] = "medium"
    slots: Annotated[StrictInt, Field(ge=1, le=256)] = 4
    priority: Annotated[StrictInt, Field(ge=-1000, le=1000)] = 0

    @property
    def mode(self) -> Literal["calls"]:
        """Opinions are calls of their own, also where the conversations of a batch are not."""
        return "calls"


def judge_plan(name: str, model: str, *, filter_text: str | None, budget: str | None = None) -> JudgePlan:
    """A plan to judge, from what a person typed. Raises `TraintuiError` that says what is wrong with it."""
    try:
        return JudgePlan.model_validate(
            {"name": name.strip(), "model": model.strip(), "filter": filter_text, "budget_usd": budget or None}
        )
    except ValidationError as error:
        place = str(error.errors()[0]["loc"][0])
        if place == "budget_usd":
            raise TraintuiError(
                "No budget", f"{budget!r} is no amount in USD above 0.", "Write it as 2.50, or leave it out."
            ) from error
        raise TraintuiError(
            "Plan not understood", f"{place} is not one line of 1 to 200 characters.", "Name the model that judges."
        ) from error


@dataclass(frozen=True, slots=True)
class Forecast:
    """What judging comes to: the internal ids of those that can be judged, how many others were named, without their
    text and `real` ones that no rehearsal judges, and the estimate; `warn_above` is the USD from which on the workspace
    warns."""

    ids: tuple[int, ...]
    unreadable: int
    real: int
    estimate: Estimate
    warn_above: Decimal


async def forecast(db: Database, plan: JudgePlan, wanted: Condition, *, is_rehearsal: bool) -> Forecast:
    """What judging these conversations comes to; nothing is stored or sent.

    Raises `TraintuiError` where there is none that has its text, or the rubric is unusable.
    """
    found = await judgements.readable(db, wanted, is_rehearsal=is_rehearsal)
    if not found.ids and found.real:
        raise TraintuiError(
            "Nothing to judge",
            f"{found.real:,} are real, and a rehearsal judges only what a rehearsal wrote: its opinions are invented.",
            "Name others, or set ANTHROPIC_API_KEY and a provider to judge these.",
        )
    if not found.ids:
        raise TraintuiError(
            "Nothing to judge",
            f"none of {found.unreadable:,} has its text." if found.unreadable else "no conversation was named.",
            "Name others: only what is written can be judged.",
        )
    rubric = await template_of(db, RUBRIC, "rubric")
    estimate = await judge_estimate(db, plan, len(found.ids), rubric, found.characters, is_rehearsal=is_rehearsal)
    return Forecast(found.ids, found.unreadable, found.real, estimate, await runs.warn_above(db))


async def judge_estimate(
    db: Database, plan: JudgePlan, count: int, rubric: TemplateText, characters: float, *, is_rehearsal: bool
) -> Estimate:
    """What `count` opinions take: as the newest of this rubric and model took, or where there are none from the length
    of the rubric and of a conversation with its source, in characters, and the room for an opinion."""
    past = await runs.past(db, rubric.name, plan.model, is_rehearsal=is_rehearsal, kinds=("judge",))
    if past is not None:
        return from_past(plan, count, past)
    tokens = (len(rubric.system) + len(rubric.user) + characters) / CHARACTERS_PER_TOKEN
    return from_prompt(plan, count, tokens, counted=False)


async def start_judging(db: Database, plan: JudgePlan, ids: Sequence[int], *, is_rehearsal: bool) -> int:
    """Queues a batch that judges the conversations with these internal ids. Returns its id.

    Raises `TraintuiError` where none of them has its text or the rubric is unusable, and `Refused` when one may not.
    """
    rubric, _ = await stored_template(db, RUBRIC, "rubric")
    return await judgements.begin(
        db, ids, name=plan.name, definition=plan.model_dump(mode="json"), rubric_id=rubric.id, model=plan.model,
        is_rehearsal=is_rehearsal, budget_usd=plan.budget_usd, priority=plan.priority,
    )  # fmt: skip
