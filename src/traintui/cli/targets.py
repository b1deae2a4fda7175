"""`traintui targets`: which trainers the workspace writes for, and what counts their tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traintui.cli.running import Json, harmless, run, say, workspace

if TYPE_CHECKING:
    from traintui.export.training_targets import TrainingTargets

targets_app = typer.Typer(
    help="Which trainers the workspace writes for; administrators change it.", no_args_is_help=True
)


@targets_app.command("list")
def list_targets(json_: Json = False) -> None:
    """The chosen formats, the first one first, each with its limit in tokens, and what counts them."""
    tell(run(_read()), as_json=json_)


@targets_app.command("set")
def set_targets(
    formats: Annotated[
        list[str] | None,
        typer.Argument(help="Formats, the most important first: trl, or trl:4096 with its limit in tokens."),
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(help="The model's tokenizer.json, which counts instead of an estimate.")
    ] = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Name no tokenizer: tokens are estimated.")] = False,
    elsewhere: Annotated[
        bool, typer.Option("--elsewhere", help="Name the tokenizer though it cannot be used on this machine.")
    ] = False,
    json_: Json = False,
) -> None:
    """Choose these formats instead of what was chosen; without any, only what counts is changed."""
    from traintui.export import training_targets as targets
    from traintui.export.tokens import counter_of

    if not formats and tokenizer is None and not estimate:
        raise typer.BadParameter("Name a format, or a tokenizer.")
    if tokenizer is not None and estimate:
        raise typer.BadParameter("--tokenizer and --estimate say two things.")

    async def work() -> TrainingTargets:
        chosen = [targets.read_target(each) for each in formats or ()]
        path = None if tokenizer is None else targets.path_of(str(tokenizer))
        if path is not None and not elsewhere:
            counter_of(path)
        async with workspace() as db:
            if formats and (path is not None or estimate):
                wanted = targets.targets_of(chosen, path)
            else:
                before = await targets.read(db)
                kept = before.tokenizer if path is None and not estimate else path
                wanted = targets.targets_of(chosen if formats else before.chosen, kept)
            await targets.change(db, wanted)
            return await targets.read(db)

    tell(run(work()), as_json=json_)


@targets_app.command("clear")
def clear_targets() -> None:
    """Choose none, and name no tokenizer."""
    from traintui.export import training_targets as targets

    async def work() -> None:
        async with workspace() as db:
            await targets.change(db, targets.NOTHING)

    run(work())
    print("no training target is chosen")


async def _read() -> TrainingTargets:
    from traintui.export import training_targets as targets

    async with workspace() as db:
        return await targets.read(db)


def tell(chosen: TrainingTargets, *, as_json: bool) -> None:
    """What is chosen, to standard output; what to know of it beside."""
    from traintui.export.preflight_words import by_default, learns
    from traintui.export.tokens import counting_of

    counting = counting_of(chosen.tokenizer)
    if as_json:
        told: dict[str, Any] = {
            "targets": [
                {"format": target.name, "limit": target.limit, "tokens": target.tokens} for target in chosen.chosen
            ],
            "tokenizer": None if chosen.tokenizer is None else str(chosen.tokenizer),
            "counted_by": counting.counter.name,
            "estimated_because": counting.instead,
        }
        print(json.dumps(told))
        return
    for target in chosen.chosen:
        limit = f"{target.limit:,} tokens" if target.limit is not None else by_default(target.format) or "any length"
        print(f"{target.name:24}{limit:28}trains on {learns(target.format)}")
    print(harmless(f"{'tokens':24}{counting.counter.name if chosen.tokenizer is None else chosen.tokenizer}"))
    if not chosen.chosen:
        say("No training target is chosen: traintui targets set FORMAT...")
    if counting.instead is not None:
        say(counting.instead)
