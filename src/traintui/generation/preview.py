"""A plan before it is paid for: each of its prompts as it will be sent, and what all of it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from traintui.data import runs
from traintui.data.engine import Database
from traintui.generation.draft import Draft, draft, prompt_of, sample
from traintui.generation.estimate import CHARACTERS_PER_TOKEN, Estimate, from_past, from_prompt
from traintui.generation.judge_plan import JudgePlan, judge_estimate
from traintui.generation.plan import Plan
from traintui.generation.plan_rows import PlanRows
from traintui.generation.prompt import Prompt, TemplateText
from traintui.generation.start import RUBRIC, template_of
from traintui.generation.strategies import Gaps

SAMPLE = 100
"""Prompts whose length stands for all."""
COUNTED = 5
"""Prompts whose length the provider is asked for."""

Counting = Callable[[Sequence[Prompt]], Awaitable[float | None]]
"""How many tokens prompts have on average, None where nobody says."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a plan comes to. `warn_above` is the USD from which on the workspace warns."""

    draft: Draft
    template: TemplateText
    estimate: Estimate
    warn_above: Decimal

    def prompt(self, number: int) -> Prompt:
        """The prompt of a planned conversation, by its place from 0. Raises `TraintuiError` as `render` does."""
        return prompt_of(self.draft, self.template, self.draft.items[number])


async def preview(
    db: Database,
    plan: Plan,
    *,
    is_rehearsal: bool,
    rows: PlanRows | None = None,
    gaps: Gaps | None = None,
    count: Counting | None = None,
) -> Preview:
    """What a plan comes to; nothing is stored, and nothing but what `count` does is sent.

    The estimate comes from the newest conversations of the same template and model, or where there are none from the
    length of the prompts and the room for replies. `count` asks the provider for the mean length of some prompts.
    Raises `TraintuiError` as `start_batch` does.
    """
    template = await template_of(db, plan.template)
    made = await draft(db, plan, rows=rows, gaps=gaps)
    past = await runs.past(db, template.name, plan.model, is_rehearsal=is_rehearsal)
    if past is not None:
        estimate = from_past(plan, len(made.items), past)
    else:
        asked = [prompt_of(made, template, item) for item in sample(made.items, COUNTED)] if count else []
        counted = await count(asked) if count else None
        length = await asyncio.to_thread(prompt_tokens, made, template) if counted is None else counted
        estimate = from_prompt(plan, len(made.items), length, counted=counted is not None)
    if plan.judge_model is not None:
        estimate = estimate.with_judge(await _judge(db, made, estimate, is_rehearsal=is_rehearsal))
    return Preview(made, template, estimate, await runs.warn_above(db))


async def _judge(db: Database, made: Draft, estimate: Estimate, *, is_rehearsal: bool) -> Estimate:
    """What the judge of a plan takes: it reads what is written, and the source."""
    judge = JudgePlan(name=made.plan.name, model=made.plan.judge_model or "", slots=made.plan.slots)
    rubric = await template_of(db, RUBRIC, "rubric")
    sources = [len(made.chunks[item.chunk_id].content) for item in sample(made.items, SAMPLE)]
    written = estimate.output_tokens.p50 / len(made.items) * CHARACTERS_PER_TOKEN
    characters = written + sum(sources) / len(sources)
    return await judge_estimate(db, judge, len(made.items), rubric, characters, is_rehearsal=is_rehearsal)


def prompt_tokens(made: Draft, template: TemplateText) -> float:
    """About how many tokens a prompt has: the mean of a sample, four characters each."""
    prompts = [prompt_of(made, template, item) for item in sample(made.items, SAMPLE)]
    return sum(len(prompt.system) + len(prompt.user) for prompt in prompts) / CHARACTERS_PER_TOKEN / len(prompts)
