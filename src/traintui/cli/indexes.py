"""`traintui db indexes`: what is to be mended, what was done, and doing it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traintui import clock
from traintui.cli.redacting import Switch
from traintui.cli.running import Json, Progress, harmless, run, say, workspace
from traintui.errors import TraintuiError

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.data.index_actions import LoggedAction
    from traintui.data.index_building import BuildProgress
    from traintui.observing.mending import Planned
    from traintui.observing.rebuilding import Outlook
    from traintui.observing.standing import IndexState

SHOWN = 10
"""Lines of the history; `--json` has more."""
HOURS = re.compile(r"(\d{1,2})-(\d{1,2})")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for."""

    rebuild: str | None
    drop: str | None
    create: str | None
    clean: bool
    undo: int | None

    @property
    def number(self) -> int:
        """Of how many things."""
        return sum((self.rebuild is not None, self.drop is not None, self.create is not None, self.clean,
                    self.undo is not None))  # fmt: skip


def indexes(
    rebuild: Annotated[str | None, typer.Option(metavar="NAME", help="Rebuild it while others work.")] = None,
    drop: Annotated[str | None, typer.Option(metavar="NAME", help="Drop it; --undo ID brings it back.")] = None,
    create: Annotated[str | None, typer.Option(metavar="NAME", help="Make the one that a finding proposes.")] = None,
    clean: Annotated[bool, typer.Option("--clean", help="Take away what builds left that did not end.")] = False,
    undo: Annotated[int | None, typer.Option(metavar="ID", help="Make the one again that an action dropped.")] = None,
    automatic: Annotated[Switch | None, typer.Option(help="Whether half empty ones are rebuilt by themselves.")] = None,
    quiet_hours: Annotated[
        str | None, typer.Option(metavar="FROM-UNTIL|any", help="When that is done: 20-7, or any.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json_: Json = False,
) -> None:
    """Show what is to be mended of indexes and what was done, or mend it, as an administrator."""
    wish = Wish(rebuild, drop, create, clean, undo)
    if wish.number > 1:
        raise typer.BadParameter("give one of --rebuild, --drop, --create, --clean and --undo")
    hours = None if quiet_hours is None else hours_of(quiet_hours)

    async def set_rules(db: Database) -> None:
        from traintui.data import rebuild_policy
        from traintui.observing.rebuilding import switch

        if automatic is not None and (kept := await switch(db, automatic is Switch.ON)) is not None:
            say(f"Not rebuilt by what {db.login} has open: {kept}.")
        if quiet_hours is not None:
            await rebuild_policy.set_quiet(db, hours)

    async def look() -> tuple[tuple[IndexState, ...], tuple[LoggedAction, ...], Outlook]:
        from traintui.data import index_actions
        from traintui.observing.rebuilding import outlook
        from traintui.observing.standing import index_states

        async with workspace() as db:
            await set_rules(db)
            states = await index_states(db, clock.now())
            return states, await index_actions.newest(db), await outlook(db)

    async def mend() -> list[LoggedAction]:
        from traintui.observing.mending import carry_out

        async with workspace() as db:
            await set_rules(db)
            done = []
            for planned, proof in await plans(db, wish):
                confirm(planned, proof, yes)
                done.append(await carry_out(db, planned, progress=Told()))
            return done

    if wish.number:
        acted = run(mend())
        print(json.dumps({"actions": [of_action(each) for each in acted]}) if json_ else harmless(said_of(acted)))
        return
    states, log, seen = run(look())
    if json_:
        print(json.dumps(as_json(states, log, seen)))
        return
    for line in lines(states, log, seen):
        print(harmless(line))


def hours_of(written: str) -> tuple[int, int] | None:
    """The quiet hours of an option; None for any. Raises `TraintuiError` for what are no hours."""
    if written == "any":
        return None
    found = HOURS.fullmatch(written)
    if found is None or not all(int(hour) < 24 for hour in found.groups()):
        raise TraintuiError("Not hours", f'"{written}" are no hours of a day.', "Write them like 20-7, or any.")
    return int(found[1]), int(found[2])


async def plans(db: Database, wish: Wish) -> Sequence[tuple[Planned, Sequence[str]]]:
    """What is to be done, each with what is known of plans that it changes. Raises `TraintuiError` for what is not
    there, or cannot be done."""
    from traintui.data import index_actions, index_building, index_facts
    from traintui.observing import mending
    from traintui.observing.plan_proof import proof
    from traintui.observing.standing import index_states

    facts = {fact.name: fact for fact in await index_facts.indexes(db)}
    if wish.clean:
        return [(mending.cleaning(left), ()) for left in await index_building.leftovers(db)]
    if wish.undo is not None:
        action = await index_actions.one(db, wish.undo)
        if action is None:
            raise unknown(f"action {wish.undo}")
        return [(mending.undoing(action, facts.values()), ())]
    if wish.create is not None:
        found = {state.name: state.finding for state in await index_states(db, clock.now())}.get(wish.create)
        if found is None:
            raise unknown(f"a finding about {wish.create}")
        return [(mending.creation(found), await proof(db, found))]
    name = wish.rebuild or wish.drop or ""
    if name not in facts:
        raise unknown(f"an index {name}")
    if wish.rebuild is not None:
        return [(mending.rebuilding(facts[name]), ())]
    finding = {state.name: state.finding for state in await index_states(db, clock.now())}.get(name)
    return [(mending.drop(facts[name], relied_on=name in index_facts.relied_on(), finding=finding), ())]


def unknown(what: str) -> TraintuiError:
    """The answer to a name that is none."""
    return TraintuiError("Not found", f"there is not {what}.", "`traintui db indexes` lists what there is.")


def confirm(planned: Planned, proof: Sequence[str], yes: bool) -> None:
    """Says what would be done, and asks."""
    say(f"{planned.statement}\n  costs: {planned.costs}\n  risks: {planned.risks}")
    for each in proof:
        say(f"  now: {each}")
    if not yes:
        typer.confirm("Do it?", abort=True, err=True)


class Told:
    """Says each phase of a build, and how far it is."""

    def __init__(self) -> None:
        self._phase = ""
        self._far = Progress(lambda done, total, _: f"  {done / max(total, 1):.0%}")

    def __call__(self, far: BuildProgress) -> None:
        if far.phase != self._phase:
            self._phase = far.phase
            say(f"  {far.phase}")
        if far.total:
            self._far(far.done, far.total)


def said_of(done: Sequence[LoggedAction]) -> str:
    """What became of it, for people."""
    return "\n".join(line_of(each) for each in done) or "nothing to clean up"


def line_of(action: LoggedAction) -> str:
    """An action in a line."""
    words = {"rebuild": "rebuilt", "drop": "dropped", "create": "made", "clean": "cleaned up"}
    became = words[action.kind] if action.state == "done" else f"{action.kind} {action.state}"
    said = f"{action.id:>5}  {action.started_at:%Y-%m-%d %H:%M}  {action.index_name}: {became}"
    who = "by itself" if action.by_itself else f"by {action.acted_by}"
    said += f", {who}"
    if action.seconds is not None:
        said += f", {action.seconds:.1f} s"
    if action.kind == "rebuild" and action.bytes_before is not None and action.bytes_after is not None:
        said += f", {action.bytes_before / 1e6:,.1f} to {action.bytes_after / 1e6:,.1f} MB"
        if action.density_before is not None and action.density_after is not None:
            said += f", {action.density_before:.0%} to {action.density_after:.0%} filled"
    if action.undone_by is not None:
        said += f"; undone by {action.undone_by}"
    elif action.can_be_undone:
        said += f"; traintui db indexes --undo {action.id} brings it back"
    return said + (f"; {action.error}" if action.error else "")


def of_action(action: LoggedAction) -> dict[str, Any]:
    """An action for programs."""
    times = {name: at and at.isoformat() for name, at in
             (("started_at", action.started_at), ("ended_at", action.ended_at))}  # fmt: skip
    return {**asdict(action), **times}


def as_json(states: Sequence[IndexState], log: Sequence[LoggedAction], seen: Outlook) -> dict[str, Any]:
    """All of it; sizes in bytes, densities 0 to 1."""
    return {
        "indexes": [
            {
                "name": state.name, "table": state.table, "density": state.density,
                "bytes": None if state.fact is None else state.fact.index_bytes,
                "finding": None if state.finding is None else asdict(state.finding),
            }
            for state in states
        ],
        "actions": [of_action(each) for each in log],
        "automatic": seen.policy.on, "quiet_hours": seen.policy.quiet,
        "due": [fact.name for fact in seen.due], "waits_for": seen.waits_for,
    }  # fmt: skip


def lines(states: Sequence[IndexState], log: Sequence[LoggedAction], seen: Outlook) -> Iterator[str]:
    """It for people."""
    wrong = [state.finding for state in states if state.finding is not None]
    yield f"{len(states):,} indexes, {len(wrong):,} to mend" if wrong else f"{len(states):,} indexes, nothing to mend"
    for finding in wrong:
        yield f"  {finding.says}: {finding.means}."
        if finding.statement is not None:
            yield f"    {finding.statement}  (risk: {finding.risk})"
    yield f"Rebuilt by themselves: {f'on, {seen.policy.hours}' if seen.policy.on else 'off (--automatic on)'}"
    if seen.due:
        names = ", ".join(fact.name for fact in seen.due)
        yield f"  due: {names}{f'; waits, since {seen.waits_for}' if seen.waits_for else ''}"
    if log:
        yield "What was done, newest first (UTC)"
    for action in log[:SHOWN]:
        yield line_of(action)
