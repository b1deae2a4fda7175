"""`traintui threshold`: what the score asks for."""

from __future__ import annotations

import json
from typing import Any

import typer

from traintui.cli.running import Json, run, workspace

threshold_app = typer.Typer(help="What the score asks for; administrators change it.", no_args_is_help=True)


@threshold_app.command("list")
def list_thresholds(json_: Json = False) -> None:
    """Every threshold with its value, and its default where that differs."""
    from traintui.quality import thresholds

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
        print(f"{name:24}{shown(value):16}{'' if value == default else f'default {shown(default)}'}".rstrip())


@threshold_app.command("set")
def set_threshold(name: str, value: str) -> None:
    """Set one, for what is scored from now on: a number, or two for a range, as in `usual_turns 4..8`."""
    from traintui.quality import thresholds

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


def shown(value: Any) -> str:
    """A threshold as `set` reads it."""
    return "..".join(map(str, value)) if isinstance(value, list) else f"{value:g}"


def read_value(written: str) -> Any:
    """What was written, as numbers where it is some; anything else is refused by the threshold itself."""
    low, dots, high = written.partition("..")
    if dots:
        return [read_value(low), read_value(high)]
    try:
        return int(written)
    except ValueError:
        pass
    try:
        return float(written)
    except ValueError:
        return written
