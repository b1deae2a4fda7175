"""Generation: a batch, the worker, and the rehearsal."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traintui.cli.outcome import Failures, succeeded, summary, told
from traintui.cli.running import Attached, Json, run, say, workspace
from traintui.errors import TraintuiError
from traintui.settings import load_settings

if TYPE_CHECKING:
    from traintui.data.records import BatchProgress
    from traintui.generation.plan import Plan
    from traintui.generation.plan_rows import PlanRows

OPTIONS = {"budget_usd": "--budget"}
"""The options that are not called like the key of a plan that they change."""


def generate(
    plan: Annotated[Path, typer.Option(help="What to generate: a TOML file, or a CSV with a row per conversation.")],
    name: Annotated[str | None, typer.Option(help="Name of the batch; of a CSV file, its own by default.")] = None,
    model: Annotated[str | None, typer.Option(help="Model that writes.")] = None,
    template: Annotated[str | None, typer.Option(help="Template of the prompts.")] = None,
    budget: Annotated[str | None, typer.Option(help="USD at which the batch stops.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Room for one reply, thinking included.")] = None,
    effort: Annotated[str | None, typer.Option(help="How long the model thinks: low, medium or high.")] = None,
    mode: Annotated[str | None, typer.Option(help="calls, or batches for the Message Batches API.")] = None,
    judge_model: Annotated[str | None, typer.Option(help="Model that judges each once it is written.")] = None,
    priority: Annotated[int | None, typer.Option(help="A higher one is generated first.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed draws the same.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it comes to and may cost; queue nothing.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Generate here and now, until it is done.")] = False,
    json_: Json = False,
) -> None:
    """Queue a batch of conversations, and with --wait generate them. Options go before what the file says."""
    from traintui.data import batches
    from traintui.generation.provider import provider_of
    from traintui.generation.start import start_batch

    given = {
        "name": name, "model": model, "template": template, "budget_usd": budget, "max_tokens": max_tokens,
        "effort": effort, "mode": mode, "judge_model": judge_model, "priority": priority, "seed": seed,
    }  # fmt: skip
    changes = {key: value for key, value in given.items() if value is not None}

    async def work() -> tuple[BatchProgress, Failures]:
        (chosen, rows), settings = loaded(plan, changes), load_settings()
        provider = await provider_of(settings)
        async with workspace(settings) as db:
            batch_id = await start_batch(
                db, chosen, is_rehearsal=provider.is_rehearsal, endpoint=provider.endpoint, rows=rows,
                progress=stored_so_far,
            )  # fmt: skip
            queued = (await batches.progress(db, batch_id)).total
            say(f"Batch {batch_id}: {queued} conversations of {chosen.model} are queued.")
            if wait:
                from traintui.generation.serve import run_worker
                from traintui.processes import orders

                async with orders(attached=False) as given:
                    await run_worker(db, provider, slots=chosen.slots, only=batch_id, given=given, say=say)
            return await batches.progress(db, batch_id), await batches.failures(db, batch_id)

    if dry_run:
        from traintui.cli.estimating import show_estimate

        show_estimate(*loaded(plan, changes), json_=json_)
        return
    report(*run(work()), wait=wait, json_=json_)


def loaded(path: Path, changes: Mapping[str, Any]) -> tuple[Plan, PlanRows | None]:
    """The plan in a file with what the options change, and its rows where it is a CSV. Raises `TraintuiError`, which
    blames an option where that is what is wrong."""
    try:
        return in_file(path, changes)
    except TraintuiError as error:
        key = re.search(r"`([a-z_]+)`", error.message)
        if key is None or key[1] not in changes:
            raise
        option = OPTIONS.get(key[1], f"--{key[1].replace('_', '-')}")
        wrong = error.message[key.end() :].lstrip(": ")
        raise TraintuiError(error.title, f"{option}: {wrong}", error.remedy.replace(f"`{key[1]}`", option)) from error


def in_file(path: Path, changes: Mapping[str, Any]) -> tuple[Plan, PlanRows | None]:
    """The same, with answers that name the keys of the file."""
    from traintui.generation.plan import load_plan, parse_plan
    from traintui.generation.plan_rows import read_rows

    if path.suffix.lower() != ".csv":
        return load_plan(path, changes), None
    rows = read_rows(path)
    stated = {"name": path.stem.strip(), "strategy": "listed", "count": len(rows.rows)}
    return parse_plan({**stated, **changes}, source=str(path)), rows


def report(progress: BatchProgress, failures: Failures, *, wait: bool, json_: bool) -> None:
    """Says what became of a batch; one that was waited for ends this process with 1 where it is not finished, or
    nothing came of it."""
    if json_:
        print(json.dumps(summary(progress, failures)))
    elif wait:
        print(told(progress, failures, done="done"))
    else:
        print(f"batch {progress.id} queued; it runs while the app or `traintui worker` does")
    if wait and not succeeded(progress):
        sys.exit(1)


def stored_so_far(stored: int) -> None:
    """Says how much of a large plan is stored."""
    if stored % 20_000 == 0:
        say(f"{stored:,} conversations are planned.")


def worker(
    slots: Annotated[int, typer.Option(min=1, max=256, help="Calls in flight at a time.")] = 4,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when nothing is left to do.")] = False,
    attached: Attached = False,
) -> None:
    """Generate what is queued, without a screen; on as many machines as wanted."""
    from traintui.generation.serve import serve

    run(serve(load_settings(), slots=slots, until_idle=until_idle, attached=attached, say=say))


def rehearsal(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8765,
    like: Annotated[str, typer.Option(help="What kind of server to play: anthropic, vllm or ollama.")] = "anthropic",
    attached: Attached = False,
) -> None:
    """The loopback Messages API on its own: it writes conversations by rule, for trying and testing."""
    from traintui.generation.rehearsal import like as played
    from traintui.generation.rehearsal import serve
    from traintui.processes import stopping

    async def work() -> None:
        async with stopping(attached=attached) as stop:
            announce = partial(print, flush=True)
            await serve(port, announce=announce, until=stop, like=played(like))

    run(work())


def template_test(attached: Attached = False) -> None:
    """Try a template with one call: the trial comes as a line of JSON, and so does the reply, or why there is none."""
    from traintui.generation.trial import NoTrial, Trial
    from traintui.generation.trial_call import run_trial

    trial = Trial.model_validate_json(sys.stdin.buffer.readline())
    try:
        reply = run(run_trial(load_settings(), trial, attached=attached))
    except TraintuiError as error:
        print(NoTrial(title=error.title, message=error.message, remedy=error.remedy).model_dump_json(), flush=True)
        sys.exit(1)
    if reply is None:
        sys.exit(1)
    print(reply.model_dump_json(), flush=True)
