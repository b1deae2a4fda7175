"""`traintui db upgrade`, `downgrade`, `history` and `check`: the schema changes, and says how it came to be so."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traintui.cli.running import Json, administrative, fitted_lines, harmless, say
from traintui.settings import load_settings

if TYPE_CHECKING:
    from traintui.data.backup import Backup
    from traintui.data.downgrade_plan import StepBack
    from traintui.data.schema_history import Change, Revision
    from traintui.data.upgrade_plan import Step, Touched

NOTICED = 0.5
"""Seconds from which on what is done to a table is told by itself."""
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


def upgrade(
    revision: Annotated[str, typer.Argument(metavar="[REV]")] = "head",
    yes: Yes = False,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Bring the schema to the newest revision, or to the one named. Says first what will be done to which tables, and
    asks where a large one is locked so that others wait."""
    from traintui.data import schema, upgrade_plan

    with administrative() as conninfo:
        before = schema.current_revision(conninfo)
        steps = upgrade_plan.plan(conninfo, revision)
        if dry_run:
            if json_:
                print(json.dumps(_planned(before, steps)))
            for line in () if json_ else _told(before, steps):
                print(fitted_lines(line, sys.stdout))
            return
        if before is not None:
            for line in _told(before, steps) if steps else ():
                say(fitted_lines(line, sys.stderr))
        asks = {touched.table for step in steps for touched in step.touched if touched.asks}
        if asks and not yes:
            question = (
                f"Others wait while {' and '.join(sorted(asks))} {'is' if len(asks) == 1 else 'are'} locked. Go on?"
            )
            typer.confirm(question, abort=True, err=True)
        made = change_schema(conninfo, revision)
        now = schema.current_revision(conninfo)
    if json_:
        print(json.dumps({**_planned(before, steps), "current": now, "backup": str(made.path) if made else None}))
    else:
        print(now)


def downgrade(
    revision: Annotated[str, typer.Argument(metavar="REV")],
    yes: Yes = False,
    forget_seals: Annotated[
        bool, typer.Option("--forget-seals", help="Go below revision 0036 although the seals go for good.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Take the schema back to a revision; `base` removes everything that is in it. Says first which revisions are taken
    back and how many rows are put aside, and asks. What people entered and the revision has no place for is put aside
    in the database, and comes back with the upgrade. Below 0036 there are no seals, so it goes there only with
    --forget-seals; below 0038 there is no archive, so a workspace that has one does not."""
    from traintui.data import downgrade_plan, schema

    with administrative() as conninfo:
        current = schema.current_revision(conninfo) or "base"
        steps = downgrade_plan.plan(conninfo, revision)
        if steps and not forget_seals:
            schema.require_seals_kept(conninfo, revision)
        lines = _told_back(current, steps)
        if dry_run:
            for line in lines:
                print(fitted_lines(line, sys.stdout))
            return
        for line in lines:
            say(fitted_lines(line, sys.stderr))
        if steps:
            if not yes:
                typer.confirm(_question(steps[-1].below), abort=True, err=True)
            change_schema(conninfo, revision, down=True, forget_seals=forget_seals)
        print(schema.current_revision(conninfo) or "base")


def _told_back(current: str, steps: Sequence[StepBack]) -> list[str]:
    """What a downgrade would do, line by line."""
    if not steps:
        return [f"Nothing to do: the database is at {current}"]
    lines = [f"{len(steps)} revision{'s' if len(steps) > 1 else ''} taken back, from {current} to {steps[-1].below}"]
    for step in steps:
        lines.append(f"{step.revision}  {step.what}")
        lines += [f"      puts aside {moved.words}" for moved in step.aside]
    return lines


def _question(revision: str) -> str:
    """What going back means for what is in the workspace."""
    if revision == "base":
        return "Going back to base removes everything in the workspace for good. Go on?"
    return (
        f"Going back to {revision} puts aside what it has no place for, until an upgrade brings it back; what is"
        " measured or can be made again goes (traintui db history). Go on?"
    )


def change_schema(
    conninfo: str, revision: str, *, down: bool = False, forget_seals: bool = False
) -> Backup | None:  # fmt: skip
    """Brings the workspace to a revision, and says how far that is; returns the backup of an embedded one."""
    from traintui.data import workspace
    from traintui.data.embedded import EmbeddedServer

    settings = load_settings()
    server = EmbeddedServer(settings.home) if settings.embedded else None
    return workspace.change_schema(conninfo, server, revision, down=down, forget_seals=forget_seals, progress=say)


def history(
    json_: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print what docs/schema-history.md holds.")] = False,
) -> None:
    """What each revision is for, how to go back, what becomes of old rows, and when it was applied here, by whom."""
    from traintui.data import promoted_schema, schema, schema_history

    if markdown:
        print(schema_history.document(), end="")
        return
    with administrative() as conninfo:
        current = schema.current_revision(conninfo)
        changes = schema_history.changes(conninfo)
        mine = promoted_schema.revisions(promoted_schema.promoted(conninfo))
    told = schema_history.revisions()
    if json_:
        print(json.dumps({
            "current": current,
            "revisions": [_with_changes(one, current, changes) for one in told],
            "workspace": [_with_changes(one, current, changes) for one in mine],
        }))  # fmt: skip
        return
    for one in (*told, *mine):
        print(fitted_lines(harmless(f"{one.number}  {one.date}  {one.what}"), sys.stdout))
        for name, text in (("Why", one.why), ("Going back", one.back), ("Old rows", one.old_rows)):
            print(fitted_lines(harmless(f"      {name}: {text}"), sys.stdout))
        print(fitted_lines(f"      Here: {_here(one, current, changes)}", sys.stdout))


def check(
    json_: Json = False,
    print_golden: Annotated[bool, typer.Option("--print-golden", hidden=True)] = False,
) -> None:
    """Compare the database with what the migrations make: tables, functions, triggers, policies, grants and
    comments. Ends with 1 where something differs."""
    from traintui.data import promoted_schema, schema, schema_check

    with administrative() as conninfo:
        if print_golden:
            print(schema_check.dump(schema_check.objects(conninfo)), end="")
            return
        differences = schema_check.check(conninfo)
        models = schema_check.models_differ(conninfo)
        keys = [one for one in promoted_schema.promoted(conninfo) if one.state != "demoted"]
    if json_:
        print(json.dumps({
            "revision": schema.HEAD,
            "differences": [asdict(difference) for difference in differences],
            "models": models,
            "promoted": [{"key": one.planned.key, "column": one.planned.column, "state": one.state} for one in keys],
        }))  # fmt: skip
    else:
        for one in keys:
            print(harmless(one.words))
        for difference in differences:
            print(difference.words)
        for line in models:
            print(f"tables of this Traintui: {line}")
        if not differences and not models:
            print(f"All as revision {schema.HEAD}{' and the promoted keys make' if keys else ' makes'} it")
    if differences or models:
        say("Traintui needs the schema that it made. Grant again what is missing; else ask the makers.")
        raise typer.Exit(1)


def _planned(before: str | None, steps: Sequence[Step]) -> dict[str, Any]:
    told = [
        {
            "revision": step.revision,
            "what": step.what,
            "tables": [{**asdict(touched), "asks": touched.asks} for touched in step.touched],
            "fills": list(step.fills),
        }
        for step in steps
    ]
    return {"before": before, "steps": told}


def _told(before: str | None, steps: Sequence[Step]) -> list[str]:
    """What an upgrade would do, line by line."""
    if not steps:
        return [f"Nothing to do: the database is at {before or 'none'}"]
    number = f"{len(steps)} revision{'s' if len(steps) > 1 else ''}"
    lines = [f"{number}, from {before or 'none'} to {steps[-1].revision}; each in a transaction of its own"]
    for step in steps:
        lines.append(f"{step.revision}  {step.what}")
        lines += [f"      {_lock(touched)}" for touched in step.touched if touched.seconds >= NOTICED]
        for heading, kept in (("others go on working", False), ("locked for a moment", True)):
            names = [one.table for one in step.touched if one.seconds < NOTICED and one.keeps_waiting == kept]
            lines += [f"      {heading}: {', '.join(names)}"] if names else []
        lines += [f"      fills {name} afterwards, in batches" for name in step.fills]
    waits = [touched.seconds for step in steps for touched in step.touched if touched.keeps_waiting]
    seconds = sum(each for each in waits if each >= NOTICED)
    lines.append(
        f"Others wait for about {seconds:,.0f} s in all" if seconds else "Nobody waits for longer than a moment"
    )
    return lines


def _lock(touched: Touched) -> str:
    """A table that is touched for long enough to be noticed, in words."""
    table = f"{touched.table}, some {touched.rows:,} rows"
    time = f"about {max(touched.seconds, 1):,.0f} s"
    if not touched.keeps_waiting:
        return f"{table}: others go on working for {time} ({touched.lock} lock)"
    who = "who reads or writes waits" if touched.lock == "ACCESS EXCLUSIVE" else "who writes waits"
    return f"{table}: {who} for {time} ({touched.lock} lock){'  !' if touched.asks else ''}"


def _with_changes(one: Revision, current: str | None, changes: Sequence[Change]) -> dict[str, Any]:
    here = [
        {**asdict(change), "at": change.at.isoformat()} for change in changes if change.revision == one.number
    ]  # fmt: skip
    told = {name: value for name, value in asdict(one).items() if name != "beside"}
    return {**told, "applied": _is_applied(one, current, changes), "here": here}


def _is_applied(one: Revision, current: str | None, changes: Sequence[Change]) -> bool:
    """Whether the database has a revision; one of the workspace is noted at its end."""
    if one.number.startswith("w"):
        return any(change.revision == one.number for change in changes)
    return current is not None and one.number <= current


def _here(one: Revision, current: str | None, changes: Sequence[Change]) -> str:
    """What was done with a revision in this database, the newest of it."""
    mine = [change for change in changes if change.revision == one.number]
    if not mine:
        if one.number.startswith("w"):
            return "begun, and not finished"
        return "applied before this was noted" if _is_applied(one, current, changes) else "not applied"
    last = mine[-1]
    verb = "applied" if last.direction == "up" else "taken back"
    again = f", {len(mine)} times in all" if len(mine) > 1 else ""
    return f"{verb} {last.at:%Y-%m-%d %H:%M} UTC by {last.by} in {last.seconds:.1f} s (Traintui {last.version}){again}"
