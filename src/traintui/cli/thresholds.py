"""`traintui threshold`: what the score asks for."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from traintui.cli.running import Json, run, say, workspace

threshold_app = typer.Typer(help="What the score asks for; administrators change it.", no_args_is_help=True)


@threshold_app.command("list")
def list_thresholds(json_: Json = False) -> None:
    """Every threshold with its value, and its default where that differs."""
    from traintui.quality import thresholds
    from traintui.quality.threshold_words import written

    async def work() -> thresholds.Thresholds:
        async with workspace() as db:
            return await thresholds.read(db)

    found = run(work())
    plain = thresholds.plain
    values = {name: (plain(name, found), plain(name)) for name in thresholds.Thresholds.model_fields}
    if json_:
        listed = {name: {"value": value, "default": default} for name, (value, default) in values.items()}
        print(json.dumps({"thresholds": listed}))
        return
    for name, (value, default) in values.items():
        print(f"{name:24}{written(value):16}{'' if value == default else f'default {written(default)}'}".rstrip())


@threshold_app.command("set")
def set_threshold(name: str, value: str) -> None:
    """Set one, for what is scored from now on: a number, or two for a range, as in `usual_turns 4..8`."""
    from traintui.quality import thresholds
    from traintui.quality.threshold_words import read_value

    async def work() -> None:
        async with workspace() as db:
            await thresholds.change(db, name, read_value(value))

    run(work())
    print(f"{name} is {value}")


@threshold_app.command("reset")
def reset_threshold(name: str) -> None:
    """Take one back to its default."""
    from traintui.quality import thresholds

    async def work() -> None:
        async with workspace() as db:
            await thresholds.change(db, name, None)

    run(work())
    print(f"{name} is at its default")


@threshold_app.command("rescore")
def rescore(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many there are.")] = False,
    json_: Json = False,
) -> None:
    """Score anew what is stored, by the present thresholds. No text, status or decision changes; ctrl+c stops it, and
    the next time it goes on."""
    from traintui.quality import rescoring

    async def work() -> tuple[rescoring.Outstanding, rescoring.Rescored | None]:
        async with workspace() as db:
            wanted = await rescoring.outstanding(db)
            if dry_run or not wanted.number:
                return wanted, None
            say(f"Scoring {wanted.number:,} conversations anew.")
            return wanted, await rescoring.rescore(db, wanted)

    wanted, became = run(work())
    if json_:
        said = {"number": wanted.number, "before": wanted.before}
        print(json.dumps(said if became is None else {**said, "done": became.done, "changed": became.changed}))
    elif became is None:
        print(f"{wanted.number:,} conversations would be scored anew")
    else:
        print(f"{became.done:,} scored anew, {became.changed:,} have another score")
