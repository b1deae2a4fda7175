"""From a plan to a batch in the queue."""

from __future__ import annotations

from collections.abc import Callable

from traintui.data import batches, templates
from traintui.data.engine import Database
from traintui.generation.draft import draft
from traintui.generation.plan import Plan
from traintui.generation.plan_rows import PlanRows
from traintui.generation.prompt import TemplateText, builtin_template, check_template
from traintui.generation.strategies import Gaps


async def start_batch(
    db: Database,
    plan: Plan,
    *,
    is_rehearsal: bool,
    rows: PlanRows | None = None,
    gaps: Gaps | None = None,
    progress: Callable[[int], None] = lambda stored: None,
) -> int:
    """Stores the plan and queues a batch of it, whole or not at all. Returns the id of the batch.

    `rows` are those of a plan in a CSV file, `gaps` is what the strategy of that name fills; `progress` gets how many
    conversations are stored.
    Raises `TraintuiError` when the plan names a value, a document or a template that there is not, and `Refused` when
    one may not generate.
    """
    template = await template_of(db, plan.template)
    made = await draft(db, plan, rows=rows, gaps=gaps)
    stored = await templates.store(db, template.name, system=template.system, user_prompt=template.user)
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
        progress=progress,
    )


async def template_of(db: Database, name: str) -> TemplateText:
    """The template that a batch begun now would have. Raises `TraintuiError` when there is none, or it is unusable."""
    template = builtin_template(name)
    check_template(template)
    return template
