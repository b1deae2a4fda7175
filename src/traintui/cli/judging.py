"""Judging what is there: a second model's opinion of conversations, as a batch of its own."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traintui.cli.estimating import amount, as_object
from traintui.cli.outcome import Failures, succeeded, summary, told
from traintui.cli.running import Filter, Json, run, say, workspace
from traintui.settings import load_settings

if TYPE_CHECKING:
    from traintui.data.records import BatchProgress
    from traintui.generation.judge_plan import Forecast


def judge(
    filter: Filter,
    model: Annotated[str, typer.Option(help="Model that judges.")],
    budget: Annotated[str | None, typer.Option(help="USD at which the batch stops.")] = None,
    name: Annotated[str, typer.Option(help="Name of the batch.")] = "Judge",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many there are and what it may cost; queue nothing.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Judge here and now, until it is done.")] = False,
    json_: Json = False,
) -> None:
    """Have a second model judge conversations against the rubric. How many, and what it may cost, is said first."""
    from traintui.data import batches
    from traintui.data.workspace_filters import read_filter
    from traintui.generation.judge_plan import forecast, judge_plan, start_judging
    from traintui.generation.provider import provider_of

    plan = judge_plan(name, model, filter_text=filter, budget=budget)

    async def work() -> tuple[Forecast, bool, BatchProgress | None, Failures]:
        settings = load_settings()
        provider = await provider_of(settings)
        async with workspace(settings) as db:
            wanted = await read_filter(db, filter)
            found = await forecast(db, plan, wanted.where, is_rehearsal=provider.is_rehearsal)
            for line in said_first(found, model, is_rehearsal=provider.is_rehearsal):
                say(line)
            if dry_run:
                return found, provider.is_rehearsal, None, ()
            batch_id = await start_judging(db, plan, found.ids, is_rehearsal=provider.is_rehearsal)
            if wait:
                from traintui.generation.serve import run_worker
                from traintui.processes import orders

                async with orders(attached=False) as given:
                    await run_worker(db, provider, slots=plan.slots, only=batch_id, given=given, say=say)
            progress = await batches.progress(db, batch_id)
            return found, provider.is_rehearsal, progress, await batches.failures(db, batch_id)

    found, is_rehearsal, progress, failures = run(work())
    estimate: dict[str, Any] = as_object(found.estimate) | {
        "is_rehearsal": is_rehearsal,
        "left_out": found.unreadable + found.real,
    }
    if progress is None:
        print(json.dumps(estimate) if json_ else f"{len(found.ids):,} conversations, {amount(found.estimate.cost_usd)}")
        return
    if json_:
        print(json.dumps(summary(progress, failures) | {"estimate": estimate}))
    elif wait:
        print(told(progress, failures, done="judged"))
    else:
        print(f"batch {progress.id} queued; it runs while the app or `traintui worker` does")
    if wait and not succeeded(progress):
        sys.exit(1)


def said_first(found: Forecast, model: str, *, is_rehearsal: bool) -> list[str]:
    """How many are judged and what that may cost, before anything is queued."""
    lines = [f"{len(found.ids):,} conversations by {model}: {amount(found.estimate.cost_usd)}"]
    if found.unreadable:
        lines.append(f"{found.unreadable:,} are left out: without their text, or in the trash.")
    if found.real:
        lines.append(f"{found.real:,} are left out: they are real, and a rehearsal invents its opinions.")
    if is_rehearsal:
        lines.append("A rehearsal: nothing is paid.")
    elif found.estimate.cost_usd is not None and found.estimate.cost_usd.p90 > found.warn_above:
        lines.append(f"It may cost more than ${found.warn_above:,.2f}, from which on this workspace warns.")
    return lines
