"""Files out of the workspace."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from traintui.cli.running import Filter, Json, Progress, harmless, run, say, workspace
from traintui.settings import load_settings

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.export.assembly import Problem
    from traintui.export.forecasting import ExportCheck
    from traintui.export.request import ExportRequest
    from traintui.export.write import ExportSummary


class Rehearsal(StrEnum):
    """Whether conversations that the rehearsal wrote are exported."""

    include = "include"
    exclude = "exclude"


def export(
    out: Annotated[
        str, typer.Option(metavar="PATH", help="The file to write (.jsonl .json .parquet .csv), or a directory for it.")
    ],
    format: Annotated[
        str | None, typer.Option(help="Whose format: openai (unless said), trl, axolotl, ... docs/formats.md.")
    ] = None,
    filter_text: Filter = "",
    view: Annotated[str | None, typer.Option(help="A saved view, by its name, instead of a filter.")] = None,
    ids: Annotated[
        Path | None, typer.Option(help="A file of conversation ids, one a line (- reads them): these, and no others.")
    ] = None,
    rehearsal: Annotated[
        Rehearsal | None, typer.Option(help="What the rehearsal wrote: left out, unless it is a demo's workspace.")
    ] = None,
    again: Annotated[
        str | None, typer.Option(metavar="EXPORT_ID", help="Once more what an earlier export wrote, with its options.")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="What was approved by the end of a day (2026-11-01), or at a time (2026-11-01T14:00), as it read then."
            " With --again: then (unless said), or now.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    container: Annotated[
        Literal["jsonl", "json", "parquet", "csv"] | None, typer.Option(help="The kind of file, whatever its name.")
    ] = None,
    eval_share: Annotated[float, typer.Option(help="The share that goes into a second file, as 0.1.")] = 0.0,
    stratify: Annotated[str, typer.Option(help="Dimensions that are counted on both sides, as persona,tier.")] = "",
    sides: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A manifest: what it names stays on the side that it had.")
    ] = None,
    if_refused: Annotated[
        Literal["stop", "leave-out"], typer.Option(help="With conversations that the target refuses.")
    ] = "stop",
    if_cut: Annotated[
        Literal["write", "stop", "leave-out"], typer.Option(help="With those that it cuts or drops by default.")
    ] = "write",
    limit: Annotated[
        int | None,
        typer.Option(help="The trainer's limit in tokens, where it is not that of the workspace or the default."),
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(help="A tokenizer.json that counts instead of the workspace's, or an estimate.")
    ] = None,
    card: Annotated[bool, typer.Option("--card/--no-card", help="Whether a dataset card goes beside it.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")] = False,
    json_: Json = False,
) -> None:
    """Write approved conversations as a training file."""
    from traintui.data.workspace_filters import read_filter
    from traintui.export import forecasting, write
    from traintui.export import request as request_words
    from traintui.export.request import ExportRequest

    given = (format, filter_text, view, ids, rehearsal, container, eval_share, stratify, limit, tokenizer, sides)
    if again is not None and (any(given) or (if_refused, if_cut) != ("stop", "write")):
        raise typer.BadParameter("it has scope, format and options of the export that it names", param_hint="--again")
    if again is not None and as_of not in {None, "then", "now"}:
        raise typer.BadParameter("with --again it is then or now", param_hint="--as-of")
    if again is None and as_of in {"then", "now"}:
        raise typer.BadParameter("then and now go with --again; give a date", param_hint="--as-of")
    settings = load_settings()

    async def asked(db: Database) -> ExportRequest:
        if again is not None:
            then: Literal["then", "now"] = "now" if as_of == "now" else "then"
            return await once_more(db, again, then, out, overwrite=overwrite, card=card)
        words, selected = filter_text, None
        if view is not None:
            words = await filter_of_view(db, view, filter_text)
        if ids is not None:
            selected = await ids_in(db, ids)
        if as_of is not None:
            words = request_words.as_of(await read_filter(db, words), as_of)
        takes = settings.is_demo if rehearsal is None else rehearsal is Rehearsal.include
        request = ExportRequest(
            Path(out), format or "openai", words, selected, view, takes, overwrite, container, eval_share,
            tuple(name for name in stratify.split(",") if name), if_refused, if_cut, limit, tokenizer, card,
            sides=sides,
        )  # fmt: skip
        return await placed(db, request, out)

    async def look() -> ExportCheck:
        async with workspace(settings) as db:
            return await forecasting.check(
                db, await asked(db), on_progress=far("Looked at"), on_kin=far("Compared"), compared=None
            )

    async def work() -> ExportSummary:
        async with workspace(settings) as db:
            return await write.run_export(db, await asked(db), on_progress=far("Written"), on_kin=far("Compared"))

    if dry_run:
        tell_check(run(look()), as_json=json_)
        return
    try:
        summary = run(work())
    except write.ExportStopped as stopped:
        stopped.beside = {"problems": as_plain(stopped.problems)}
        raise
    if json_:
        print(json.dumps(summary.as_json()))
        return
    tell(summary)


async def placed(db: Database, request: ExportRequest, out: str) -> ExportRequest:
    """The request with the file that `--out` means: in a directory, the name that the app would suggest, which says so
    when it is to hold others than approved ones."""
    from traintui import clock
    from traintui.data.workspace_filters import read_filter
    from traintui.export.request import moment_in, statuses_of, suggested_name

    directory = directory_in(out)
    if directory is None:
        return request
    wanted = await read_filter(db, request.filter_text)
    day, moment = f"{clock.now():%Y-%m-%d}", moment_in(wanted)
    name = suggested_name(request.target, statuses_of(wanted) or (), day, request.container, moment=moment)
    return replace(request, path=directory / name)


def directory_in(out: str) -> Path | None:
    """The directory that `--out` names: one that is there, or whatever ends like one."""
    named = Path(out).expanduser()
    return named if out.endswith("/") or named.is_dir() else None


async def once_more(
    db: Database, export_id: str, as_of: Literal["then", "now"], out: str, *, overwrite: bool, card: bool
) -> ExportRequest:
    """What makes an export of the log again. Raises `TraintuiError` when there is none, or it wrote nothing."""
    from traintui.export import again
    from traintui.export.request import ExportRequest

    export, earlier = await again.found(db, export_id, as_of)
    options = await asyncio.to_thread(again.options_of, export, as_of)
    ids = await again.selection_of(db, export, earlier.noted) if as_of == "now" else None
    request = ExportRequest(
        Path(out), export.format, export.filter_text, ids, export.filter_state.get("view"),
        export.filter_state.get("rehearsal") == "include", overwrite, card=card, again=earlier,
        **options,
    )  # fmt: skip
    named = replace(request, container=earlier.container) if directory_in(out) is not None else request
    return await placed(db, named, out)


def tell(summary: ExportSummary) -> None:
    """The file to standard output, what there is to know of it beside."""
    print(summary.path)
    of_rehearsal = f", {summary.rehearsal:,} of them written by the rehearsal" if summary.rehearsal else ""
    rows = f" in {summary.rows:,} rows" if summary.rows != summary.count else ""
    noun = "conversation" if summary.count == 1 else "conversations"
    say(f"{summary.count:,} {noun}{rows}{of_rehearsal}; SHA-256 {summary.sha256}")
    for file in summary.files[1:]:
        say(f"  beside it: {file.name}" + ("" if file.rows is None else f", {file.rows:,} rows"))
    say(f"Preflight: {summary.words}")
    for remark in summary.remarks:
        say(f"{'Warning: ' if remark in summary.warnings else '  '}{remark}")
    if summary.unapproved:
        told = ", ".join(f"{number:,} {status}" for status, number in summary.statuses.items())
        say(f"{summary.unapproved:,} of them are not approved, for the filter names their status: {told}.")
    if summary.left_out:
        say(f"{summary.left_out:,} left out; the manifest names them and says why.")
    if summary.left_out_unapproved:
        say(f"{summary.left_out_unapproved:,} of the selection are not approved and were left out.")
    if summary.again is not None:
        say(summary.again.says)
    if summary.left_out_rehearsal:
        say(f"{summary.left_out_rehearsal:,} of the rehearsal left out; --rehearsal include takes them too.")


def tell_check(found: ExportCheck, *, as_json: bool) -> None:
    """What an export would meet: a line for each conversation of which there is something to say."""
    if as_json:
        told = found.totals.as_json() | {
            "stopping": found.stopping,
            "left_out": found.left_out,
            "remarks": [remark.says for remark in found.remarks],
            "warnings": [remark.says for remark in found.remarks if remark.is_grave],
            "problems": as_plain(found.problems),
            "split": None if found.split is None else found.split.as_json(),
        }
        print(json.dumps(told))
        return
    for problem in found.problems:
        for finding in problem.findings:
            print(harmless(f"{problem.conversation_id}  {finding.severity}: {finding.says}"))
    say(f"Preflight: {found.totals.words()}")
    if not found.totals.is_estimate:
        say(f"Tokens are counted by {found.totals.counted_by}.")
    if found.split is not None:
        say(f"Split: {found.split.words}")
        for says in found.split.says:
            say(f"  {says}")
    for remark in found.remarks:
        say(f"{'Warning: ' if remark.is_grave else '  '}{remark.says}")
    if found.left_out and not found.stopping:
        say(f"{found.left_out:,} would be left out, and named in the manifest.")
    if found.stopping:
        say(f"The export would stop: {found.stopping:,} cannot be written as they are.")


def as_plain(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Problems as plain values."""
    return [problem.as_json() for problem in problems]


def far(verb: str) -> Progress:
    """Says how far something is, at what rate and for how long yet."""
    return Progress(
        lambda done, total, rate: (
            f"{verb} {done:,} of {total:,}, {rate:,.0f} a second, {(total - done) / rate if rate else 0:,.0f} s left"
        )
    )


async def filter_of_view(db: Database, name: str, filter_text: str) -> str:
    """The filter of a saved view. Raises `TraintuiError` when there is none, or a filter is given as well."""
    from traintui.data import views
    from traintui.errors import TraintuiError

    if filter_text.strip():
        raise TraintuiError("Not exported", "both a filter and a view were given.", "Give one of them.")
    known = await views.views(db)
    found = next((view for view in known if view.name == name), None)
    if found is None:
        raise TraintuiError(
            "Not exported", f'there is no view "{name}".', f"There are: {', '.join(view.name for view in known)}."
        )
    return found.filter_text


def names_in(path: Path) -> list[str]:
    """The words of a file, each once. Raises `TraintuiError` when it cannot be read."""
    from traintui.errors import TraintuiError

    try:
        content = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise TraintuiError("Not exported", f"{path} cannot be read: {why}.", "Name a file of ids.") from error
    return list(dict.fromkeys(content.split()))


async def ids_in(db: Database, path: Path) -> Sequence[int]:
    """The internal ids of the conversations that a file names. Raises `TraintuiError` when it cannot be read, or names
    one that is not here: what is selected is what is written."""
    from traintui.data import export_reading
    from traintui.errors import TraintuiError

    public = names_in(path)
    known = await export_reading.ids_of(db, public)
    if missing := [name for name in public if name not in known]:
        raise TraintuiError(
            "Not exported", f"{len(missing):,} of the {len(public):,} conversations named are not here, such as"
            f" {missing[0][:60]}.", "Take them out of the list. Nothing was written.",
        )  # fmt: skip
    return sorted(known.values())
