"""What works here, what does not, and what to do: for `traintui doctor`, and before the app opens."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import traintui
from traintui.errors import TraintuiError
from traintui.settings import Settings, config_path

if TYPE_CHECKING:
    from traintui.data.engine import Database

COLUMNS, LINES = 80, 24
"""The smallest terminal that every screen fits into."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `remedy` says what to do where it is not `ok`; a `warning` can be lived with."""

    name: str
    state: Literal["ok", "warning", "failed"]
    message: str
    remedy: str = ""


def require_terminal() -> None:
    """Raises `TraintuiError` unless there is a terminal that is large enough."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise TraintuiError(
            "No terminal",
            "Traintui is a full-screen app, and its input or output is not a terminal.",
            "Start it in a terminal, or use the commands without a screen: `traintui --help`.",
        )
    size = os.get_terminal_size(sys.stdout.fileno())  # not from COLUMNS and LINES, which may be of another terminal
    if size.columns < COLUMNS or size.lines < LINES:
        raise TraintuiError(
            "Terminal too small",
            f"this terminal has {size.columns} columns and {size.lines} lines; Traintui needs {COLUMNS} by {LINES}.",
            "Enlarge the window or make the font smaller, then start again.",
        )


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Looks at everything that Traintui stands on, one after the other."""
    yield Finding(
        "Traintui", "ok", f"{traintui.__version__} on Python {platform.python_version()}, {platform.system()}"
    )
    yield Finding("Settings", "ok", f"{config_path()}{'' if config_path().is_file() else ' (not there: defaults)'}")
    yield terminal()
    async for finding in database(settings):
        yield finding
    yield await provider(settings)


def terminal() -> Finding:
    try:
        require_terminal()
    except TraintuiError as error:
        return Finding("Terminal", "warning", error.message, error.remedy)
    size = os.get_terminal_size(sys.stdout.fileno())
    if os.environ.get("COLORTERM") not in {"truecolor", "24bit"}:
        return Finding(
            "Terminal", "warning", f"{size.columns} by {size.lines}, and it does not say that it shows all colours.",
            "If it does, set COLORTERM=truecolor.",
        )  # fmt: skip
    return Finding("Terminal", "ok", f"{size.columns} by {size.lines}, all colours")


async def database(settings: Settings) -> AsyncIterator[Finding]:
    from traintui.data import health
    from traintui.data.workspace import open_workspace

    try:
        async with open_workspace(settings) as db:
            facts = await health.server_facts(db)
            where = f"embedded, in {settings.home}" if settings.embedded else db.label
            yield Finding("Database", "ok", f"PostgreSQL {facts.version.split()[0]}, {where}")
            yield Finding("Schema", "ok", f"revision {facts.schema_revision}")
            if db.role == "none":
                yield Finding(
                    "Role", "failed", f"{db.login} has no role here.",
                    f"Ask an administrator: traintui user add {db.login} --role reviewer.",
                )  # fmt: skip
            else:
                yield Finding("Role", "ok", f"{db.login} is {'an' if db.role[0] == 'a' else 'a'} {db.role}")
                for finding in await capabilities(db):
                    yield finding
                yield await locks(db, settings)
                yield await retention(db)
                yield await indexes(db)
                yield await alerts(db)
    except TraintuiError as error:
        yield Finding("Database", "failed", error.message, error.remedy)
    if settings.embedded:
        free = await asyncio.to_thread(shutil.disk_usage, nearest_directory(settings))
        gigabytes = free.free / 1e9
        yield Finding(
            "Disk", "ok" if gigabytes > 2 else "warning", f"{gigabytes:.1f} GB free",
            "" if gigabytes > 2 else "Free some: a million conversations take about 5 GB.",
        )  # fmt: skip
        yield await asyncio.to_thread(newest_backup, settings)
        for finding in await asyncio.to_thread(left_behind, settings):
            yield finding


async def capabilities(db: Database) -> list[Finding]:
    """What is known of each model at each address that workers have asked. Nothing is asked of them here."""
    from traintui.data.capabilities import everything
    from traintui.generation.capabilities import in_a_line, of_model

    found = await everything(db)
    findings = []
    for endpoint, model in sorted({(each.endpoint, each.model) for each in found if each.model}):
        there = of_model((each for each in found if each.endpoint == endpoint), endpoint, model)
        about = "".join(sign if sign.isprintable() else "\ufffd" for sign in f"{model} at {endpoint}")
        seen = max(each.found_at for each in there.found.values())
        findings.append(Finding("Model", "ok", f"{about}: {in_a_line(there)}, seen {seen:%Y-%m-%d}"))
    return findings


async def locks(db: Database, settings: Settings) -> Finding:
    """Whether the server's table of locks has room for what goes on at once."""
    from traintui.data.embedded import EmbeddedServer
    from traintui.data.lock_shares import lock_room

    found = await lock_room(db)
    said = f"room for {found.room:,}; a look at {found.weeks:,} weeks of calls takes {found.look:,}"
    if found.room >= found.needed:
        return Finding("Locks", "ok", said)
    file = EmbeddedServer(settings.home).data / "postgresql.conf" if settings.embedded else "the server's configuration"
    return Finding(
        "Locks", "warning", f"{said}, and there should be room for {found.needed:,}.",
        f"Set max_locks_per_transaction = {found.wanted} in {file}, and have the server started anew; or keep calls for"
        " less time (traintui audit retention).",
    )  # fmt: skip


async def retention(db: Database) -> Finding:
    """How long the logs keep rows, and whether what is due goes."""
    from traintui.data import retention, retention_rounds

    kept, rounds = await retention.read(db), await retention_rounds.read(db)
    days = ["for good" if each is None else f"{each} days" for each in (kept.generations_days, kept.exports_days)]
    said = f"calls {days[0]}, exports {days[1]}"
    if rounds.failure:
        about = "".join(sign if sign.isprintable() else "\ufffd" for sign in rounds.failure)
        return Finding("Retention", "warning", f"{said}; the last round: {about}", "traintui audit retire says more.")
    waiting = await retention.weeks_due(db)
    if waiting and not await retention_rounds.removes(db):
        return Finding(
            "Retention", "warning", f"{said}; {waiting:,} of the weeks of calls are due, and stay where they are.",
            "traintui audit retire, or traintui audit retention --automatic on.",
        )  # fmt: skip
    last = "no round yet" if rounds.ended_at is None else f"last round {rounds.ended_at:%Y-%m-%d %H:%M} UTC"
    return Finding("Retention", "ok", f"{said}; {last}")


async def indexes(db: Database) -> Finding:
    """Whether all indexes are there that Traintui relies on, whether they are rebuilt by themselves, and what there is
    to rebuild."""
    from traintui import clock
    from traintui.data.maintaining import hindrance
    from traintui.data.refusals import Refused
    from traintui.observing.index_findings import BROKEN
    from traintui.observing.rebuilding import outlook
    from traintui.observing.standing import index_states

    try:
        wrong = [each.finding for each in await index_states(db, clock.now()) if each.finding is not None]
    except Refused as refused:  # somebody waits to have a table for themselves
        return Finding("Indexes", "warning", refused.message, refused.remedy)
    broken = [each for each in wrong if each.kind in BROKEN]
    if broken:
        first = broken[0]
        more = f"; {len(broken) - 1:,} more like it" if len(broken) > 1 else ""
        mends = f"--create {first.index}" if first.kind == "missing" else "--clean"
        return Finding("Indexes", "warning", f"{first.says}: {first.means}{more}.", f"traintui db indexes {mends}.")
    seen = await outlook(db)
    there = f"{len(seen.due):,} to rebuild" if seen.due else "none to rebuild"
    if seen.policy.on and seen.due and (kept := await hindrance(db)) is not None:
        return Finding(
            "Indexes", "warning", f"{there}; not by what {db.login} has open: {kept}.",
            "Have that done, or leave it to an administrator's app or worker that may.",
        )  # fmt: skip
    if seen.policy.on:
        return Finding("Indexes", "ok", f"{there}; done by itself {seen.policy.hours}")
    if not seen.due:
        return Finding("Indexes", "ok", f"{there}; nothing is rebuilt by itself")
    return Finding(
        "Indexes", "warning", f"{there}; nothing is rebuilt by itself, and they take twice the memory that they need.",
        "traintui db indexes --automatic on, or traintui db indexes --rebuild NAME.",
    )  # fmt: skip


async def alerts(db: Database) -> Finding:
    """What is wrong with the database by its alerts."""
    from traintui.data import alerts

    found = await alerts.read(db)
    if not found:
        return Finding("Alerts", "ok", "nothing is wrong")
    worst = found[0]
    says = "".join(sign if sign.isprintable() else "\ufffd" for sign in worst.says)
    seen = f", {worst.acknowledged_by} looks after it" if worst.state == "acknowledged" else ""
    more = f"; {len(found) - 1:,} more" if len(found) > 1 else ""
    return Finding(
        "Alerts", "warning", f"{worst.severity}: {says}{seen}{more}.",
        "traintui db alerts says what each means, and what to do.",
    )  # fmt: skip


def newest_backup(settings: Settings) -> Finding:
    """What there is to go back to; that there is nothing yet is no fault."""
    from traintui.data import backup

    found = backup.standing(settings.home)
    if not found:
        return Finding("Backup", "ok", "none in the home; `traintui db backup PATH` makes one")
    newest = found[0]
    made = f"{newest.made_at:%Y-%m-%d %H:%M} UTC"
    verified = ", verified" if newest.is_verified else ""
    return Finding("Backup", "ok", f"{made}{verified}, {newest.bytes / 1e6:,.1f} MB, {newest.path}")


def left_behind(settings: Settings) -> list[Finding]:
    """The folders of older servers that stand beside the one of today, and what was set there and is not here."""
    from traintui.data import older_cluster, tuned_settings
    from traintui.data.embedded import EmbeddedServer

    new, found = EmbeddedServer(settings.home).data, []
    for major, path in older_cluster.left(settings.home):
        says, remedy = f"what PostgreSQL {major} had is left in {path}", "Remove it when you miss nothing."
        if tuned := tuned_settings.not_taken_over(path, new):
            says += f"; set there and not in the new one: {', '.join(tuned)}"
            remedy = f"Write what you want of these into {new / 'postgresql.conf'}, close every Traintui once. {remedy}"
        found.append(Finding("Old server", "ok", says, remedy))
    return found


def nearest_directory(settings: Settings) -> str:
    """The home, or the nearest directory above it that is there."""
    place = settings.home
    while not place.is_dir():
        place = place.parent
    return str(place)


async def provider(settings: Settings) -> Finding:
    from traintui.generation.provider import provider_of

    try:
        found = await provider_of(settings)
    except TraintuiError as error:
        return Finding("Provider", "warning", error.message, error.remedy)
    asked = ", answers" if found.is_rehearsal else ", key set; it was not asked whether it takes the key"
    return Finding("Provider", "ok", f"{found.endpoint}{asked}")
