"""`traintui db promote` and `db demote`: a metadata key becomes a column while people work, and goes back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traintui.cli.running import Json, Progress, administrative, harmless, run, say, workspace
from traintui.errors import TraintuiError
from traintui.settings import load_settings

if TYPE_CHECKING:
    from traintui.data.promotion_records import Look, Promotion
    from traintui.data.workspace_migrations import Migration

Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIRECTORY", help="The folder of the workspace's migrations; one shared server needs it."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def promote(
    key: Annotated[str | None, typer.Argument(metavar="[KEY]", help="Without one: what was promoted.")] = None,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="text, integer, number, boolean or date.")
    ] = None,
    vocabulary: Annotated[
        bool, typer.Option("--vocabulary", help="Of a text: only the values that are there now, and those added.")
    ] = False,
    add: Annotated[str | None, typer.Option("--add", metavar="VALUE", help="One more value of its vocabulary.")] = None,
    leave_unfitting: Annotated[
        bool, typer.Option("--leave-unfitting", help="Values of another type stay in metadata alone.")
    ] = False,
    out: Out = None,
    yes: Yes = False,
    json_: Json = False,
) -> None:
    """Make a metadata key a column, while people work: shows what it holds and the SQL, and asks. Goes on where it was
    cut off."""
    if key is None:
        listed(json_)
        return
    if add is not None:
        values = run(adding(key, add))
        print(json.dumps({"key": key, "values": values}) if json_ else harmless(f"{key} may be {', '.join(values)}"))
        return
    if type_ is None:
        raise typer.BadParameter("give the type of its values with --type")
    looked, files = run(planning(key, type_, vocabulary, leave_unfitting, out))
    if looked is not None:
        for line in of_look(key, type_, looked):
            say(line)
    carry_out(key, files, yes, json_, looked)


def demote(
    key: Annotated[str, typer.Argument(metavar="KEY")], out: Out = None, yes: Yes = False, json_: Json = False
) -> None:
    """Take the column of a metadata key away again; all values stand in metadata."""

    async def plan() -> tuple[Migration, ...]:
        from traintui.data import workspace_migrations

        async with workspace() as db:
            return await workspace_migrations.planned_demotion(
                db, workspace_migrations.folder_of(load_settings(), out), key
            )

    carry_out(key, run(plan()), yes, json_, None)


async def planning(
    key: str, value_type: str, vocabulary: bool, leave_unfitting: bool, out: Path | None
) -> tuple[Look | None, tuple[Migration, ...]]:
    """What the key holds, which is None for one that has its column, and the files that are needed."""
    from traintui.data import promotions, workspace_migrations

    folder = workspace_migrations.folder_of(load_settings(), out)
    async with workspace() as db:
        workspace_migrations.require_administrator(db)
        promotions.column_of(key)
        say(f"Looking at what {key} holds")
        looked = await promotions.look(db, key, value_type)
        try:
            files = await workspace_migrations.planned_promotion(
                db, folder, key, value_type, looked, vocabulary=vocabulary, leave_unfitting=leave_unfitting
            )
        except TraintuiError:
            for line in of_look(key, value_type, looked):
                say(line)
            raise
        return looked, files


async def adding(key: str, value: str) -> tuple[str, ...]:
    """Adds a value to a vocabulary; all that it has then."""
    from traintui.data import promotions

    async with workspace() as db:
        return await promotions.add_value(db, key, value)


def carry_out(key: str, files: Sequence[Migration], yes: bool, json_: bool, looked: Look | None) -> None:
    """Shows what was never begun and what was changed since it was made, asks, writes the files and runs them."""
    from traintui.data import workspace_migrations

    waiting, changed = [each for each in files if each.waits], [each for each in files if each.differs]
    for each in waiting:
        say(f"\n{each.path}\n{each.text}")
    for each in changed:
        say(f"\n{each.path} is not as Traintui made it:\n{each.differs}\n")
    if changed and not yes:
        typer.confirm("These files run too. Run them as they are?", abort=True, err=True)
    if waiting and not yes:
        names = [each.path.name for each in waiting]
        which = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
        typer.confirm(f"Write what is not there yet, and run {which}?", abort=True, err=True)
    for each in files:
        each.write()
    folder = files[-1].path.parent
    phases = Phases()
    with administrative() as conninfo:
        workspace_migrations.apply(conninfo, folder, phases)
    became = run(standing(key))
    if json_:
        print(json.dumps({
            **as_json(became), "files": [str(each.path) for each in waiting],
            "changed": [str(each.path) for each in changed],
            "looked": None if looked is None else asdict(looked),
        }))  # fmt: skip
        return
    print(harmless(line_of(became)))


class Phases:
    """Says each phase, and how far it is."""

    def __init__(self) -> None:
        self._words = ""
        self._far = Progress(lambda done, total, rate: f"  {done:,} of {total:,} conversations, {rate:,.0f} a second")

    def __call__(self, words: str, done: int, total: int) -> None:
        if words != self._words:
            self._words = words
            say(words)
        if total:
            self._far(done, total)


async def standing(key: str) -> Promotion:
    """How the newest promotion of a key stands."""
    from traintui.data import promotions

    async with workspace() as db:
        return [each for each in await promotions.every(db) if each.key == key][-1]


def of_look(key: str, value_type: str, looked: Look) -> list[str]:
    """What a key holds, for people."""
    types = ", ".join(f"{number:,} {kind}" for kind, number in sorted(looked.types.items())) or "none"
    lines = [
        f"{key} is in {looked.held:,} of {looked.conversations:,} conversations: {types}",
        f"{looked.fitting:,} are of the type {value_type}, {looked.unfitting:,} are not",
    ]
    lines += [f"  {conversation}: {value}" for conversation, value in looked.examples]
    if looked.unfitting > len(looked.examples):
        lines.append(f"  and {looked.unfitting - len(looked.examples):,} more")
    return lines


def listed(json_: bool) -> None:
    """What was promoted."""

    async def every() -> Sequence[Promotion]:
        from traintui.data import promotions

        async with workspace() as db:
            return await promotions.every(db)

    found = run(every())
    if json_:
        print(json.dumps({"promotions": [as_json(each) for each in found]}))
        return
    for each in found:
        print(harmless(line_of(each)))
    if not found:
        print("no metadata key has a column of its own")


def as_json(promotion: Promotion) -> dict[str, Any]:
    """A promotion for programs."""
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in asdict(promotion).items()
    }


def line_of(promotion: Promotion) -> str:
    """A promotion in a line."""
    said = f"{promotion.revision}  {promotion.key}: {promotion.column}, {promotion.value_type}"
    if promotion.is_vocabulary:
        said += " with a vocabulary"
    said += f"; by {promotion.promoted_by} at {promotion.started_at:%Y-%m-%d %H:%M} UTC"
    if promotion.state == "demoted":
        return f"{said}; taken back in {promotion.demoted_in} by {promotion.demoted_by}, all values stand in metadata"
    if promotion.state != "promoted":
        from traintui.data.promotion_records import going_on

        command = going_on(promotion.key, promotion.value_type, promotion.state, vocabulary=promotion.is_vocabulary)
        return f"{said}; {promotion.state}, run {command} to its end"
    said += f"; {promotion.filled:,} values filled in"
    if promotion.unfitting:
        from traintui.data.filter_editing import spelled

        finds = f"has:{spelled(f'meta.{promotion.key}')} -has:{spelled(promotion.key)}"
        said += f"; {promotion.unfitting:,} stay in metadata alone ({finds} finds them)"
    return said
