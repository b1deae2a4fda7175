"""What a plan comes to and may cost, said before it is queued."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from traintui.cli.running import run, say, workspace
from traintui.errors import TraintuiError
from traintui.settings import load_settings

if TYPE_CHECKING:
    from traintui.generation.estimate import Estimate, Range
    from traintui.generation.plan import Plan
    from traintui.generation.plan_rows import PlanRows
    from traintui.generation.preview import Preview
    from traintui.generation.prompt import Prompt

BASES = {
    "past": "from past conversations of this template and model: ",
    "counted": "from prompts that the provider counted and the room for replies",
    "length": "from the characters of the prompts, about four a token, and the room for replies",
}


def show_estimate(plan: Plan, rows: PlanRows | None, *, json_: bool) -> None:
    """Prints the estimate of a plan, for people or as one JSON object; warnings go to standard error."""
    from traintui.generation.estimate import warnings

    found, is_rehearsal = run(previewed(plan, rows))
    estimate = found.estimate
    if json_:
        print(json.dumps(as_object(estimate) | {"is_rehearsal": is_rehearsal}))
    else:
        print("\n".join(lines(plan, estimate)))
    if is_rehearsal:
        say("A rehearsal: nothing is paid.")
    else:
        for said in warnings(plan, estimate, found.warn_above):
            say(said)


async def previewed(plan: Plan, rows: PlanRows | None) -> tuple[Preview, bool]:
    """What a plan comes to, and whether the provider is the rehearsal. Without a provider nothing is asked of it."""
    from traintui.generation.preview import preview
    from traintui.generation.provider import provider_of

    settings = load_settings()
    try:
        provider = await provider_of(settings)
    except TraintuiError as error:
        say(f"{error.message} Prompts are not counted.")
        async with workspace(settings) as db:
            return await preview(db, plan, is_rehearsal=False, rows=rows), False
    async with workspace(settings) as db:

        async def count(prompts: Sequence[Prompt]) -> float | None:
            from traintui.generation.client import ModelCall, ModelClient
            from traintui.generation.counting import mean_tokens
            from traintui.generation.exchanges import OUTPUT_SCHEMA

            calls = [
                ModelCall(plan.model, prompt.system, prompt.user, OUTPUT_SCHEMA, plan.max_tokens, plan.effort)
                for prompt in prompts
            ]
            async with ModelClient(api_key=provider.api_key, base_url=provider.base_url) as client:
                return await mean_tokens(db, client, provider, calls, say=say)

        made = await preview(db, plan, is_rehearsal=provider.is_rehearsal, rows=rows, count=count)
    return made, provider.is_rehearsal


def as_object(estimate: Estimate) -> dict[str, object]:
    """The estimate for programs: figures as [likely, nine in ten below], null where not known."""

    def pair(found: Range | None, digits: int) -> list[float] | None:
        return None if found is None else [round(found.p50, digits), round(found.p90, digits)]

    judged = {} if estimate.judge is None else {"judge_cost_usd": pair(estimate.judge.cost_usd, 6)}
    return judged | {
        "conversations": estimate.conversations,
        "basis": estimate.basis,
        "past": estimate.past,
        "input_tokens": pair(estimate.input_tokens, 0),
        "output_tokens": pair(estimate.output_tokens, 0),
        "cost_usd": pair(estimate.cost_usd, 6),
        "seconds": pair(estimate.seconds, 1),
    }


def lines(plan: Plan, estimate: Estimate) -> list[str]:
    """The estimate for people."""
    cost, seconds = estimate.cost_usd, estimate.seconds
    past = f"{estimate.past:,}" if estimate.basis == "past" else ""
    if seconds is None:
        time = "within a day"
    else:
        time = f"{lasting(seconds.p50)}, 9 in 10 below {lasting(seconds.p90)}, {plan.slots} at a time"
    judge = estimate.judge
    judged = [f"  judge    {amount(judge.cost_usd)} of it, by {plan.judge_model}"] if judge is not None else []
    return [
        f"{estimate.conversations:,} conversations of {plan.model}, {BASES[estimate.basis]}{past}",
        f"cost       {amount(cost)}",
        *judged,
        f"tokens in  {estimate.input_tokens.p50:,.0f}",
        f"tokens out {estimate.output_tokens.p50:,.0f}, 9 in 10 below {estimate.output_tokens.p90:,.0f}",
        f"time       {time}",
    ]


def lasting(seconds: float) -> str:
    """A time for people: in seconds below two minutes."""
    return f"{max(1, math.ceil(seconds))} s" if seconds < 120 else f"{seconds / 60:,.1f} min"


def amount(cost: Range | None) -> str:
    """What something costs, for people; not known where a price is not."""
    return "unknown" if cost is None else f"${cost.p50:,.2f}, 9 in 10 below ${cost.p90:,.2f}"
