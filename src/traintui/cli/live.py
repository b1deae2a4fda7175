"""`traintui db live`: what the sessions of the workspace do now, and their end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traintui.cli.running import Json, harmless, run, say, workspace
from traintui.errors import TraintuiError

if TYPE_CHECKING:
    from traintui.data.activity_records import Ending, Session
    from traintui.data.engine import Database
    from traintui.observing.panels import Panel
    from traintui.observing.waiting import Standing


def live(
    cancel: Annotated[int | None, typer.Option(metavar="PID", min=1, help="Cancel the statement of a session.")] = None,
    end: Annotated[int | None, typer.Option(metavar="PID", min=1, help="End a session.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json_: Json = False,
) -> None:
    """Say what runs now, who waits for whom, and how much of it you are shown."""
    if cancel is not None and end is not None:
        raise typer.BadParameter("give --cancel or --end, not both")

    async def look() -> tuple[tuple[Standing, ...], Panel]:
        from traintui.data import activity
        from traintui.data.rights import rights
        from traintui.observing.panels import panel
        from traintui.observing.waiting import standings

        async with workspace() as db:
            if cancel is not None or end is not None:
                await ended(db, "end" if cancel is None else "cancel", cancel or end or 0, yes=yes)
            return standings(await activity.sessions(db)), panel("live", await rights(db))

    found, shown = run(look())
    if json_:
        told = {"sessions": [as_json(each) for each in found], "shown": asdict(shown)}
        print(json.dumps(told))
        return
    for line in lines(found):
        print(harmless(line))
    say(f"{shown.level}: {shown.why}. {shown.change}" if shown.why else f"{shown.level}: all of it is shown to you")


async def ended(db: Database, kind: Ending, pid: int, *, yes: bool) -> None:
    """Has a statement cancelled or a session ended, after asking. Raises `TraintuiError` where there is none, or the
    login may not."""
    from traintui.data import activity
    from traintui.data.activity_records import named
    from traintui.observing.waiting import MEANS, standings

    row = next((each for each in standings(await activity.sessions(db)) if each.session.pid == pid), None)
    if row is None:
        raise TraintuiError(
            "Session not found", f"no session of this workspace has the number {pid}.", "See `traintui db live`."
        )
    session = row.session
    if session.hidden:
        raise activity.no_right(db, session)
    if kind == "cancel" and not session.runs:
        raise TraintuiError(
            "Nothing to cancel", f"{pid} runs nothing at the moment.",
            f"Nothing was done. `traintui db live --end {pid}` ends the session.",
        )  # fmt: skip
    whose = f"{session.login or session.kind}, {named(session)}"
    if not yes:
        held_up = f"{row.waiting:,} {'session waits' if row.waiting == 1 else 'sessions wait'} for it. "
        say(f"{held_up if row.waiting else ''}{MEANS[kind]}")
        does = "Cancel the statement" if kind == "cancel" else "End the session"
        typer.confirm(harmless(f"{does} of {whose}: {session.about or 'nothing known'}?"), abort=True, err=True)
    if not await activity.end(db, session, kind):
        raise TraintuiError(
            "Not there any more", f"{pid} has ended, or does something else by now.", "Nothing was done. Look again."
        )
    say(f"{'Cancelled' if kind == 'cancel' else 'Ended'}: {whose} ({pid})")


def as_json(each: Standing) -> dict[str, Any]:
    """A session with whom it waits for; times in seconds, moments in ISO 8601."""
    told = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(each.session).items()
    }
    return {**told, "seconds": each.session.seconds, "depth": each.depth, "waiting": each.waiting}


def lines(found: tuple[Standing, ...]) -> Iterator[str]:
    """It for people; those that rest are only counted."""
    from traintui.data.activity_records import named

    busy = [each for each in found if each.waiting or not each.session.idle]
    if busy:
        yield f"{'pid':>8}  {'who':<34}{'state':<22}{'for':>9}  what"
    for each in busy:
        session = each.session
        who = f"{'  ' * each.depth}{session.login or ''} {named(session)}".rstrip()
        lasts = "" if session.seconds is None else f"{session.seconds:,.1f} s"
        wants = f"wants {session.wants}; " if session.wants else ""
        yield f"{session.pid:>8}  {who:<34.34}{state(each):<22.22}{lasts:>9}  {wants}{session.about:.120}"
    idle = len(found) - len(busy)
    yield f"{idle} idle" if busy else f"Nothing runs; {idle} idle"


def state(each: Standing) -> str:
    """What a session does, in a word or two."""
    session: Session = each.session
    if session.waits_for:
        return f"waits for {', '.join(str(pid) for pid in session.waits_for)}"
    if each.waiting:
        return f"{each.waiting} wait for it"
    return "hidden" if session.hidden else session.state or "not known"
