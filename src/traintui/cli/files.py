"""Files into the workspace."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from traintui.cli.running import Json, run, say, workspace

if TYPE_CHECKING:
    from traintui.data.engine import Database


MANY = 200
"""Imported conversations from which on comparing them takes a second or more, which is said."""


def import_(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH...",
            help="Documents (.md .txt), conversations (.jsonl .json .csv .parquet, also .gz .zst), words (.toml).",
        ),
    ] = None,
    format: Annotated[
        Literal["traintui", "openai", "sharegpt", "trl-prompt-completion", "prompt-completion", "alpaca"] | None,
        typer.Option(help="Of conversations; recognised where it is left out."),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where conversations are in files of another shape (.toml).")
    ] = None,
    unknown: Annotated[
        Literal["refuse", "add"], typer.Option(help="What becomes of values that the vocabulary does not have.")
    ] = "refuse",
    approve: Annotated[bool, typer.Option("--approve", help="Approve what comes in, each on record.")] = False,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Take what is good; the rest goes to a file beside it.")
    ] = False,
    unfinished: Annotated[
        Literal["finish", "remove"] | None, typer.Option(help="What becomes first of imports that were cut off.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and store nothing.")] = False,
    json_: Json = False,
) -> None:
    """Bring in documents to write from, or conversations that you have."""
    from traintui.cli.importing import Telling, propose, see_to_unfinished, tell
    from traintui.data.search_index import indexing
    from traintui.importing.checking import NotRecognised
    from traintui.importing.mapping import read_mapping
    from traintui.importing.store import ImportSummary, import_paths

    if not paths and unfinished is None:
        raise typer.BadParameter("name a file, or say with --unfinished what becomes of imports that were cut off")

    async def work() -> ImportSummary:
        shape = read_mapping(mapping) if mapping else None
        telling = Telling()
        async with workspace() as db:
            async with indexing(db):
                finished = [] if dry_run else await see_to_unfinished(db, unfinished, telling)
                summary = await import_paths(
                    db, paths or (), format=format, mapping=shape, unknown=unknown, keep_going=keep_going,
                    approve=approve, dry_run=dry_run, progress=telling.progress,
                )  # fmt: skip
                telling.over()
            if not dry_run:
                summary = replace(summary, conversations=(*finished, *summary.conversations))
                if number := sum(file.imported + file.revised for file in summary.conversations):
                    await follow_up(db, number)
            return summary

    try:
        summary = run(work())
    except NotRecognised as unknown:
        if mapping is None and format is None:
            propose(unknown, as_json=json_)
        raise
    if json_:
        print(json.dumps(summary.as_json()))
        return
    for document in summary.documents:
        retired = f", {document.retired_count} retired" if document.retired_count else ""
        if document.stale_count:
            stale = "1 conversation" if document.stale_count == 1 else f"{document.stale_count:,} conversations"
            retired += f"; {stale} about these {'would become' if dry_run else 'became'} stale"
        would = "stay " if document.outcome == "unchanged" else "be "
        outcome = f"would {would}{document.outcome}" if dry_run else document.outcome
        chunks = "1 chunk" if document.chunk_count == 1 else f"{document.chunk_count} chunks"
        print(f"{document.name}: {outcome}, {chunks}{retired}")
    if summary.vocabulary:
        print(f"vocabulary: {summary.vocabulary} values{' would be read' if dry_run else ''}")
    if summary.starter:
        say(f"A starter vocabulary of {summary.starter} values was added; docs/guide.md says how to change it.")
    if summary.added:
        values = "1 value" if summary.added == 1 else f"{summary.added:,} values"
        say(f"Added to the vocabulary{', if this were no dry run' if dry_run else ''}: {values}.")
    for file in summary.conversations:
        tell(file, dry_run=dry_run)


async def follow_up(db: Database, number: int) -> None:
    """Makes what was imported searchable, and compares it. Where the server cannot at this moment, that is said and
    left to others: what was imported is stored."""
    from traintui.data.refusals import Refused
    from traintui.data.search_index import catch_up

    try:
        await catch_up(db)
        await sign(db, number)
    except Refused as refused:
        if not refused.passing:
            raise
        say(f"They are stored, and not all of them compared with the others yet: {refused.message}")
        say("The app makes them searchable while it is open, and a worker compares them: traintui worker.")


async def sign(db: Database, number: int) -> None:
    """Signs what was imported, and scores how close it is to others. Only commands and workers load what it takes."""
    from traintui.quality.signatures import signature
    from traintui.quality.signing import sign_imported

    if number >= MANY:
        say(f"They are stored; {number:,} are compared with the others now.")
    await sign_imported(db, signature, number)
