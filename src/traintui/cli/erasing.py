"""`traintui audit erase`: what was said goes out of calls, and their digests stay."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traintui.cli.running import Json, Progress, harmless, looked_at, run, say, workspace

if TYPE_CHECKING:
    from traintui.audit.erasing import Choice, ErasingResult
    from traintui.audit.holding import Target
    from traintui.data.aside_erasures import Aside
    from traintui.data.engine import Database

SHOWN = 20
"""Calls that are named to a person."""


def erase(
    call: Annotated[int | None, typer.Option("--call", min=1, help="The call, by its number.")] = None,
    holding: Annotated[
        str | None, typer.Option("--holding", help="All calls that hold this text: a name, an e-mail address.")
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why; it is kept. Say who asked for it.")] = None,
    part: Annotated[
        str | None,
        typer.Option("--part", help="request, response, error or all; with --holding also holding: the parts with it."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which calls it would be.")] = False,
    json_: Json = False,
) -> None:
    """Erase request, response or error text of calls, in the log and in the archive. Digests, tokens and cost stay,
    with a row that says who erased it and why. A text is also looked for in what downgrades put aside and upgrades
    could not put back. For administrators; nothing brings it back. ctrl+c stops between two calls."""
    from traintui.audit.words import number_of

    if (call is None) == (holding is None):
        raise typer.BadParameter("give one of them: the number of a call, or a text.", param_hint="--call / --holding")
    choice = chosen(part, by_text=holding is not None)
    if reason is None and not dry_run:
        raise typer.BadParameter("nothing is erased without a reason.", param_hint="--reason")
    targets, aside, became, before = run(erased(call, holding, choice, reason or "", dry_run))
    if json_:
        said: dict[str, Any] = {
            "calls": [as_json(target, choice) for target in targets],
            "aside": {each.place: each.rows for each in aside},
        }  # fmt: skip
        print(json.dumps(said if became is None else said | became.as_json()))
    elif became is None:
        for target in targets[:SHOWN]:
            print(line(target, choice))
        if len(targets) > SHOWN:
            print(f"and {len(targets) - SHOWN:,} more; --json names all")
        for each in aside:
            print(f"{number_of(each.rows, 'row')} put aside in {each.place}")
        print(f"{number_of(len(targets), 'call')}; nothing was erased")
    else:
        nothing = f", {became.nothing:,} had nothing of it any more" if became.nothing else ""
        print(f"erased from  {became.done:,} of {number_of(len(targets), 'call')}{nothing}")
        for each in became.aside:
            print(f"erased from  {each.place}: {number_of(each.rows, 'row')}")
        if before:
            print(harmless(before))
    if became is not None:
        if became.pending:
            waiting = number_of(became.pending, "erasure")
            say(f"{waiting} still to be done in the archive: traintui audit retire goes on with it.")
        for failure in became.failures:
            say(f"Not out of the archive: {failure}")
        if became.not_looked:
            where = ", ".join(became.not_looked)
            say(f"Not looked through: {where}, which no upgrade could put back. Give the text with --holding.")
        if became.left:
            say(f"Stopped: {number_of(became.left, 'call')} left as before. Run it again for the rest.")
        if became.left or became.pending:
            sys.exit(1)


def chosen(part: str | None, *, by_text: bool) -> Choice:
    """What is erased of each call. Raises `BadParameter`."""
    from traintui.audit.erasing import CHOICES

    wanted = part or ("holding" if by_text else "all")
    for choice in CHOICES:
        if choice == wanted and (by_text or choice != "holding"):
            return choice
    known = ", ".join(each for each in CHOICES if by_text or each != "holding")
    raise typer.BadParameter(f"{wanted} is none of {known}.", param_hint="--part")


async def erased(
    call: int | None, holding: str | None, choice: Choice, reason: str, dry_run: bool
) -> tuple[Sequence[Target], Sequence[Aside], ErasingResult | None, str]:
    """The calls that are meant, and rows aside, and what became of them, None where they were only looked at; and who
    erased a single call before, where nothing was left of it."""
    from traintui.audit import erasing
    from traintui.audit import holding as looking
    from traintui.errors import TraintuiError

    stop = asyncio.Event()
    async with workspace() as db:
        if db.role != "admin":
            raise TraintuiError(
                "No right to erase", f"{db.login} is a {db.role}; erasing is for administrators.",
                "Ask an administrator to run it.",
            )  # fmt: skip
        if not dry_run:
            erasing.reason_of(reason)  # before a look that may take minutes
        with suppress(NotImplementedError):  # elsewhere ctrl+c ends it at once
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
        if call is not None:
            targets: Sequence[Target] = [await looking.call(db, call)]
            aside: Sequence[Aside] = ()
        else:
            found = await looking.calls_holding(db, holding or "", progress=Progress(looked_at("calls")), stop=stop)
            if found is None:
                raise TraintuiError("Stopped", "nothing was erased.", "Run it again when there is time.")
            targets, aside = found, await looking.rows_aside_holding(db, holding or "")
        if dry_run or not (targets or aside):
            return targets, aside, None, ""
        became = await erasing.erase(
            db,
            targets,
            choice,
            reason,
            holding=holding,
            progress=Progress(looked_at("calls")),
            archiving=Progress(looked_at("frames")),
            stop=stop,
        )
        before = await erased_before(db, targets[0]) if call is not None and became.nothing else ""
        return targets, aside, became, before


async def erased_before(db: Database, target: Target) -> str:
    """Who erased a call before, when and why; else that there was nothing of it."""
    from traintui.data import erasures

    known = await erasures.of_call(db, target.id, target.created_at, target.conversation_id)
    if not known:
        return "it never had any of that"
    said = []
    for each in known:
        why = "with its conversation, which was purged" if each.with_conversation else each.reason
        said.append(f"{', '.join(each.parts)} by {each.erased_by} on {each.erased_at:%Y-%m-%d}: {why}")
    return f"erased before: {'; '.join(said)}"


def as_json(target: Target, choice: Choice) -> dict[str, Any]:
    """A call, and what of it is meant, as plain values."""
    from traintui.audit.erasing import parts_of

    return {
        "call": target.id, "created_at": f"{target.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "conversation_id": target.conversation_id, "archived": target.week is not None,
        "parts": list(parts_of(target, choice)), "holding": list(target.holding),
    }  # fmt: skip


def line(target: Target, choice: Choice) -> str:
    """A call in a line."""
    from traintui.audit.erasing import parts_of

    where = "archive" if target.week is not None else "log"
    parts = ", ".join(parts_of(target, choice)) or "nothing left"
    conversation = harmless(target.conversation_id or "")
    return f"{target.created_at:%Y-%m-%d %H:%M}  call {target.id:<10}  {where:<7}  {conversation:<16}  {parts}".rstrip()
