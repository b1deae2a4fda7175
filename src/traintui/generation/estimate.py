"""What a plan will take before anything is paid: tokens, cost and time, as likely as not and at the most likely."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, Protocol

from traintui.data.runs import PastRuns, Spread
from traintui.generation.plan import Plan
from traintui.generation.pricing import Usage, cost_usd

NINE_IN_TEN = 1.2816
"""Standard deviations above the mean below which nine in ten of what is normally spread come."""
LONE_SHARE = 0.5
"""Deviation of a single past conversation, as a share of it."""
TOKENS_PER_SECOND = 60.0
"""How fast a model is taken to write where none was seen."""
CHARACTERS_PER_TOKEN = 4


class Terms(Protocol):
    """What a plan says of its calls: which model, how much room for a reply, how they reach it and how many at once."""

    @property
    def model(self) -> str: ...
    @property
    def max_tokens(self) -> int: ...
    @property
    def mode(self) -> Literal["calls", "batches"]: ...
    @property
    def slots(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Range:
    """A figure as likely to be passed as not (`p50`), and one that nine in ten stay below (`p90`)."""

    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan takes as a whole. Cost in USD is None where the price is not known, time in seconds where the
    provider decides when it begins. `basis` says what it comes from, `past` from how many conversations. `judge` is
    what of all this the judge takes, if there is one."""

    conversations: int
    input_tokens: Range
    output_tokens: Range
    cost_usd: Range | None
    seconds: Range | None
    basis: Literal["past", "counted", "length"]
    past: int = 0
    judge: Estimate | None = None

    def with_judge(self, judge: Estimate) -> Estimate:
        """All of it together with what a judge takes of the same conversations, after they are written."""
        return replace(
            self,
            input_tokens=_both(self.input_tokens, judge.input_tokens),
            output_tokens=_both(self.output_tokens, judge.output_tokens),
            cost_usd=_both(self.cost_usd, judge.cost_usd) if self.cost_usd and judge.cost_usd else None,
            seconds=_both(self.seconds, judge.seconds) if self.seconds and judge.seconds else None,
            judge=judge,
        )


def _both(first: Range, second: Range) -> Range:
    return Range(first.p50 + second.p50, first.p90 + second.p90)


def from_past(plan: Terms, count: int, past: PastRuns) -> Estimate:
    """What `count` conversations take if they are like the past ones. Few of those make it less sure."""
    cost = None if past.cost_usd is None else _whole(past.cost_usd, count, past.conversations)
    return Estimate(
        count,
        _whole(past.input_tokens, count, past.conversations),
        _whole(past.output_tokens, count, past.conversations),
        cost,
        _time(plan, _whole(past.seconds, count, past.conversations)) if past.seconds.mean else None,
        "past",
        past.conversations,
    )


def from_prompt(plan: Terms, count: int, prompt_tokens: float, *, counted: bool) -> Estimate:
    """What `count` conversations take if each reply fills half of `max_tokens`, and at the most likely all of it.

    `prompt_tokens` is the mean length of a prompt, `counted` whether the provider said so.
    """
    halves, wholes = (_cost(plan, prompt_tokens, share * plan.max_tokens) for share in (0.5, 1.0))
    written = Range(count * plan.max_tokens / 2, float(count * plan.max_tokens))
    return Estimate(
        count,
        Range(count * prompt_tokens, count * prompt_tokens),
        written,
        None if halves is None or wholes is None else Range(count * halves, count * wholes),
        _time(plan, Range(written.p50 / TOKENS_PER_SECOND, written.p90 / TOKENS_PER_SECOND)),
        "counted" if counted else "length",
    )


def _whole(each: Spread, count: int, seen: int) -> Range:
    """The sum of `count` figures like `seen` past ones: their own spread, and how unsure the mean of few is."""
    deviation = each.mean * LONE_SHARE if each.deviation is None else each.deviation
    middle = count * each.mean
    return Range(middle, middle + NINE_IN_TEN * deviation * math.sqrt(count + count**2 / seen))


def _time(plan: Terms, under_way: Range) -> Range | None:
    """Seconds until it is done, with so many calls under way at a time."""
    if plan.mode == "batches":
        return None
    return Range(under_way.p50 / plan.slots, under_way.p90 / plan.slots)


def _cost(plan: Terms, prompt_tokens: float, reply_tokens: float) -> float | None:
    usage = Usage(math.ceil(prompt_tokens), math.ceil(reply_tokens))
    cost = cost_usd(plan.model, usage, batch=plan.mode == "batches")
    return None if cost is None else float(cost)


def warnings(plan: Plan, estimate: Estimate, warn_above: Decimal) -> list[str]:
    """What somebody should know before it is begun, a sentence for each."""
    said = []
    if estimate.cost_usd is None:
        own = estimate.judge is None or estimate.judge.cost_usd is not None
        unknown = plan.model if own else plan.judge_model
        said.append(f"The price of {unknown} is not known, and so is what this costs.")
    elif plan.budget_usd is not None and estimate.cost_usd.p90 > plan.budget_usd:
        said.append(f"It may stop at its budget of ${plan.budget_usd:,.2f} before it is done.")
    if estimate.cost_usd is not None and estimate.cost_usd.p90 > warn_above:
        said.append(f"It may cost more than ${warn_above:,.2f}, from which on this workspace warns.")
    return said
