"""`traintui redaction`: what is taken out of the logs before they are stored."""

from __future__ import annotations

import json
from enum import StrEnum

import typer

from traintui.cli.running import Json, run, workspace

redaction_app = typer.Typer(
    help="What is taken out of the logs before they are stored; administrators change it.", no_args_is_help=True
)


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


@redaction_app.command("list")
def list_kinds(json_: Json = False) -> None:
    """Every kind, whether it is on, and what is recognised."""
    from traintui.audit import kinds

    async def work() -> frozenset[str]:
        async with workspace() as db:
            return await kinds.read(db)

    on = run(work())
    if json_:
        print(
            json.dumps({"kinds": {kind.name: {"on": kind.name in on, "always": kind.always} for kind in kinds.KINDS}})
        )
        return
    for kind in kinds.KINDS:
        state = "always" if kind.always else "on" if kind.name in on else "off"
        print(f"{kind.name:13}{state:8}{kind.recognised}")


@redaction_app.command("set")
def set_kind(kind: str, state: Switch) -> None:
    """Switch a kind on or off, for what is stored from now on. Secrets and cards are always on."""
    from traintui.audit import kinds

    async def work() -> None:
        async with workspace() as db:
            await kinds.change(db, kind, on=state is Switch.ON)

    run(work())
    print(f"{kind} is {state}")
