"""From a plan to a batch in the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from traintui.data import batches, templates
from traintui.data.engine import Database
from traintui.data.records import TemplateRecord
from traintui.errors import TraintuiError
from traintui.generation.capabilities import refuse_impossible
from traintui.generation.draft import Draft, draft, prompt_of, sample
from traintui.generation.meant import nearest
from traintui.generation.plan import Plan
from traintui.generation.plan_rows import PlanRows
from traintui.generation.prompt import (
    TEMPLATE_KINDS,
    TemplateKind,
    TemplateText,
    builtin_names,
    builtin_template,
    check_template,
)
from traintui.generation.strategies import Gaps

TRIED = 100
"""Prompts of a plan that are made before it is stored; more would keep a large plan waiting."""
RUBRIC = "judge"
"""The rubric that judges read with; its newest active version."""


async def start_batch(
    db: Database,
    plan: Plan,
    *,
    is_rehearsal: bool,
    endpoint: str | None = None,
    rows: PlanRows | None = None,
    gaps: Gaps | None = None,
    progress: Callable[[int], None] = lambda stored: None,
) -> int:
    """Stores the plan and queues a batch of it, whole or not at all. Returns the id of the batch.

    `endpoint` is the provider's, `rows` are those of a plan in a CSV file, `gaps` is what the strategy of that name
    fills; `progress` gets how many conversations are stored.
    Raises `TraintuiError` when the plan names a value, a document or a template that there is not, a template of which
    no version is active, or what the provider is known not to have, and `Refused` when one may not generate.
    """
    if endpoint is not None:
        await refuse_impossible(db, plan, endpoint)
    template = await template_of(db, plan.template)
    made = await draft(db, plan, rows=rows, gaps=gaps)
    await asyncio.to_thread(try_prompts, made, template)
    stored, _ = await stored_template(db, plan.template)
    judge = None
    if plan.judge_model is not None:
        rubric, _ = await stored_template(db, RUBRIC, "rubric")
        judge = plan.judge_model, rubric.id
    return await batches.create(
        db,
        made.items,
        name=plan.name,
        definition=made.plan.model_dump(mode="json"),
        template_id=stored.id,
        model=plan.model,
        is_rehearsal=is_rehearsal,
        budget_usd=plan.budget_usd,
        priority=plan.priority,
        judge=judge,
        progress=progress,
    )


def try_prompts(made: Draft, template: TemplateText) -> None:
    """Raises `TraintuiError` where a prompt of the plan, out of a sample, does not come to be."""
    for item in sample(made.items, TRIED):
        try:
            prompt_of(made, template, item)
        except TraintuiError as mistake:
            raise TraintuiError(mistake.title, f"`template`: {mistake.message}", mistake.remedy) from mistake


async def template_of(db: Database, name: str, kind: TemplateKind = "conversation") -> TemplateText:
    """The template that a batch begun now would have. Raises `TraintuiError` when there is none, or it is unusable."""
    return usable(await active_template(db, name, kind), name, kind)


async def stored_template(
    db: Database, name: str, kind: TemplateKind = "conversation"
) -> tuple[TemplateRecord, TemplateText]:
    """The same as it stands in the workspace, where the built-in one is stored when it is first used. Raises
    `TraintuiError` as `template_of` does."""
    active = await active_template(db, name, kind)
    template = usable(active, name, kind)
    stored = active or await templates.store(
        db, template.name, system=template.system, user_prompt=template.user, built_in=True, kind=kind
    )
    return stored, template


def usable(active: TemplateRecord | None, name: str, kind: TemplateKind = "conversation") -> TemplateText:
    """An active version as what is rendered, else the built-in one. Raises `TraintuiError` where it has mistakes."""
    template = text_of(active) if active is not None else builtin_template(name, kind=kind)
    try:
        check_template(template)
    except TraintuiError as mistake:
        key = "rubric" if kind == "rubric" else "template"
        raise TraintuiError(mistake.title, f"`{key}`: {mistake.message}", mistake.remedy) from mistake
    return template


async def active_template(db: Database, name: str, kind: TemplateKind = "conversation") -> TemplateRecord | None:
    """The newest active version of a template; None where it is the built-in one as it comes with this Traintui, which
    is stored when it is first used.

    Raises `TraintuiError` when there is no such template, or no version of it is active.
    """
    versions = await templates.versions(db, name, kind=kind)
    newest = next((version for version in versions if version.active), None)
    if newest is None and versions:
        raise TraintuiError(
            "Template not active",
            f"`template`: no version of {name!r} is active.",
            "Activate one on the Templates screen, or name another template.",
        )
    if newest is not None:
        # A newer Traintui may bring another text; as long as nobody wrote a version, that one is meant.
        renewed = (
            newest.built_in
            and newest == versions[0]
            and text_of(newest) != builtin_template(name, newest.version, kind)
        )
        return None if renewed else newest
    known = {version.name for version in await templates.versions(db, kind=kind)} | set(builtin_names(kind))
    if name not in known:
        raise TraintuiError(
            "No such template",
            f"`template`: there is no {name!r}{nearest(name, known)}",
            "Look at the Templates screen.",
        )
    return None


async def keep_builtin(db: Database) -> None:
    """Stores each built-in template that is not there yet, so that people can see it and write versions of it."""
    for kind in TEMPLATE_KINDS:
        there = {version.name for version in await templates.versions(db, kind=kind)}
        for name in builtin_names(kind):
            if name not in there:
                text = builtin_template(name, kind=kind)
                await templates.store(db, name, system=text.system, user_prompt=text.user, built_in=True, kind=kind)


def text_of(record: TemplateRecord) -> TemplateText:
    """A stored version as what is rendered."""
    return TemplateText(record.name, record.version, record.system, record.user_prompt, record.kind)
