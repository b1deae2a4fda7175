"""`traintui metadata`: the schema that metadata has to fit."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traintui.cli.running import Json, Progress, harmless, looked_at, run, say, workspace
from traintui.errors import TraintuiError

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.data.metadata_records import SchemaCheck
    from traintui.data.metadata_rules import Rules

metadata_app = typer.Typer(help="What metadata has to fit; administrators change it.", no_args_is_help=True)


@metadata_app.callback()
def _group() -> None:
    """A group, although it has one command yet."""


@metadata_app.command()
def schema(
    file: Annotated[Path | None, typer.Argument(help="A JSON Schema to register, for all that is written.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the schema in force.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Look what is there that does not fit it, or FILE.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take the schema away; metadata is free again.")] = False,
    history: Annotated[bool, typer.Option("--history", help="List its versions, with who and when.")] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Register it although some of what is there does not fit.")
    ] = False,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="With --check: write all that does not fit into FILE.")
    ] = None,
    json_: Json = False,
) -> None:
    """The JSON Schema that a workspace's metadata has to fit."""
    if sum((show, remove, history, check or file is not None)) != 1 or (file is not None and (show or remove)):
        raise typer.BadParameter("Give a FILE, or one of --show, --check, --remove, --history.")
    if anyway and (file is None or check):
        raise typer.BadParameter("--anyway goes with a FILE that is to be registered.")
    if csv is not None and not check:
        raise typer.BadParameter("--csv goes with --check.")
    if show:
        run(_show(json_))
    elif history:
        run(_history(json_))
    elif remove:
        run(_remove(json_))
    elif check:
        run(_check(file, csv, json_))
    elif file is not None:
        run(_register(file, anyway, json_))


async def _show(json_: bool) -> None:
    from traintui.data import metadata_schema

    async with workspace() as db:
        found = await metadata_schema.present(db)
    if found is None or found.schema is None:
        if json_:
            print(json.dumps({"version": found.version if found else 0, "schema": None}))
        say("There is no schema: metadata is free, but for the types of its keys.")
    elif json_:
        print(json.dumps({"version": found.version, "by": found.by, "at": str(found.at), "schema": found.schema}))
    else:
        say(f"Version {found.version}, registered by {found.by} on {found.at:%Y-%m-%d %H:%M} UTC")
        print(json.dumps(found.schema, indent=2))


async def _history(json_: bool) -> None:
    from traintui.data import metadata_schema

    async with workspace() as db:
        versions = await metadata_schema.history(db)
    if json_:
        listed = [{"version": v.version, "by": v.by, "at": str(v.at), "schema": v.schema} for v in versions]
        print(json.dumps({"versions": listed}))
        return
    for v in versions:
        print(f"{v.version:>4}  {v.at:%Y-%m-%d %H:%M}  {harmless(v.by):16}  {_about(v.schema)}")
    if not versions:
        say("There was never a schema.")


def _about(found: Any) -> str:
    """What a version has, in a few words."""
    if found is None:
        return "taken away"
    keys = list(found.get("properties") or ())
    return harmless(f"{len(keys)} keys: {', '.join(keys[:8])}{', …' if len(keys) > 8 else ''}") if keys else "no keys"


async def _remove(json_: bool) -> None:
    from traintui.data import metadata_schema

    async with workspace() as db:
        found = await metadata_schema.present(db)
        if found is None or found.schema is None:
            raise TraintuiError("No schema", "there is none to take away.", "traintui metadata schema --history.")
        version = await metadata_schema.register(db, None, seen=found.version)
    print(json.dumps({"version": version, "schema": None}) if json_ else "Metadata is free again.")


async def _check(file: Path | None, csv: Path | None, json_: bool) -> None:
    from traintui.data import metadata_schema
    from traintui.data.metadata_rules import Rules

    async with workspace() as db:
        rules = Rules(0, _read(file)) if file is not None else await metadata_schema.rules(db)
        if not rules:
            raise TraintuiError(
                "No schema", "there is none to look by.", "Register one: traintui metadata schema FILE."
            )
        far = Progress(looked_at("conversations"))
        with _interrupted() as stop:
            if csv is None:
                found = await metadata_schema.check(db, rules, progress=far, stop=stop)
            else:
                found = await _listed(db, rules, csv, far, stop)
    _tell(found, json_, csv=csv)
    if found.misfits or found.stopped:
        raise typer.Exit(1)


async def _listed(db: Database, rules: Rules, path: Path, far: Progress, stop: asyncio.Event) -> SchemaCheck:
    """Looks, and writes what does not fit as it is found: memory does not grow. One that is stopped leaves no file."""
    from traintui.audit.csv_export import growing
    from traintui.audit.reports.cells import line_of
    from traintui.data import metadata_schema

    async with growing(path, replace=True) as file:

        def write(*cells: str) -> None:
            file.write(line_of(cells).decode())

        write("conversation_id", "why")
        found = await metadata_schema.check(
            db, rules, progress=far, stop=stop,
            each=lambda misfit: write(misfit.conversation_id, misfit.why),
        )  # fmt: skip
        if found.stopped:
            said = f"{found.summary.removesuffix('.')} so far. {path} was not written."
            raise TraintuiError("Stopped", said, "Look again, to its end.")
    return found


async def _register(file: Path, anyway: bool, json_: bool) -> None:
    from traintui.data import metadata_schema

    wanted = _read(file)
    async with workspace() as db:
        seen = await _version(db)
        with _interrupted() as stop:
            done = await metadata_schema.adopt(
                db, wanted, seen=seen, anyway=anyway, progress=Progress(looked_at("conversations")), stop=stop
            )
    if done.version is not None or not json_:
        _tell(done.check, json_, version=done.version)
    if done.version is None:
        refused = TraintuiError(
            "Schema not registered",
            "the look at what is there was stopped." if done.check.stopped else "not all that is there fits it.",
            "Mend them (m on Conversations) or the schema, or register it with --anyway: they then stay as they are.",
        )
        refused.beside = {**asdict(done.check), "version": None}
        raise refused


async def _version(db: Database) -> int:
    from traintui.data import metadata_schema

    found = await metadata_schema.present(db)
    return found.version if found is not None else 0


def _read(file: Path) -> dict[str, Any]:
    from traintui.data.metadata_rules import read_schema

    return read_schema(file)


def _tell(found: SchemaCheck, json_: bool, *, version: int | None = None, csv: Path | None = None) -> None:
    """What was found, and how to have all of it where only the first are named; `csv` is the file that has it."""
    if json_:
        print(json.dumps({**asdict(found), "version": version} | ({} if csv is None else {"csv": str(csv)})))
        return
    for misfit in found.first if csv is None else ():
        print(f"{misfit.conversation_id}  {harmless(misfit.why)}")
    if csv is not None:
        print(f"{csv}  {found.misfits:,} rows")
    elif found.misfits > len(found.first):
        print(f"and {found.misfits - len(found.first):,} more; --check --csv FILE writes all of them")
    say(f"{'Stopped. ' if found.stopped else ''}{found.summary}")
    if version is not None:
        print(f"Version {version} is in force.")


@contextmanager
def _interrupted() -> Iterator[asyncio.Event]:
    """What is set when somebody presses ctrl+c: it ends after the portion at hand."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop.set)
    try:
        yield stop
    finally:
        loop.remove_signal_handler(signal.SIGINT)
