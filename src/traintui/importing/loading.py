"""Files of conversations into the workspace: examined to their end first, then read again and stored."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from traintui.data import imports
from traintui.data.engine import Database
from traintui.data.import_records import Import, ImportedFile
from traintui.data.key_rules import NO_KEYS, KeyRules
from traintui.data.metadata_rules import NO_RULES, Rules
from traintui.errors import TraintuiError
from traintui.importing.bad_records import BadRecords
from traintui.importing.checking import Findings, Recognised, Stop, check, conversations, recognise
from traintui.importing.conversations import Format, ImportedConversation, LineProblem
from traintui.importing.files import shown
from traintui.importing.manifests import Verified, digest_of, verified
from traintui.importing.mapping import Mapping as Shapes
from traintui.importing.own_records import carried
from traintui.importing.read_as import ReadAs, read_as
from traintui.importing.values import Settled
from traintui.quality.stored import stored_parts
from traintui.quality.structure import score
from traintui.quality.thresholds import Thresholds

PROBLEMS_SHOWN = 5
SCORED_AT_ONCE = 2_000
"""Conversations of a file up to which each has its score when it comes. It takes several times as long as storing it;
of larger files the scores follow, when they are compared with the others."""

Stage = Literal["storing", "approving", "removing"]
Progress = Callable[[Stage, int, int], None]
"""Is told what is done, with how many conversations, and of how many."""


@dataclass(frozen=True, slots=True)
class ExaminedFile:
    """A file that was read to its end: what it is, what is in it, and where its bad records were put. `sha256` is of
    the file on disk."""

    known: Recognised
    findings: Findings
    manifest: Verified | None
    bad: BadRecords
    sha256: str

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self.known.source.path


@dataclass(frozen=True, slots=True)
class StoredConversations:
    """What came of a file of conversations: new ones, ones that were here already, ones of our own format that were
    edited in the file, and `bad` records that are none.

    `problems` are the first thousand of these; `bad_file` has the records themselves, all but `unkept`, which cannot be
    held, such as lines that are too long. `seen` says what the file is and what told it, `read_as` what of it is read
    as what; `verified` that a manifest beside it speaks the truth about it. `approved` are those that were
    approved with it, `unapproved` why others were not. None of a dry run has an id.
    """

    path: str
    format: str
    imported: int
    known: int
    problems: tuple[LineProblem, ...]
    ignored: tuple[str, ...] = ()
    bad: int = 0
    bad_file: str | None = None
    seen: str = ""
    verified: bool = False
    revised: int = 0
    import_id: str | None = None
    approved: int = 0
    unapproved: Mapping[str, int] | None = None
    unkept: int = 0
    place: str = "line"
    read_as: ReadAs | None = None


def examined(
    path: Path,
    format: Format | None,
    mapping: Shapes | None,
    *,
    keep_going: bool,
    keep_bad: bool,
    rules: Rules = NO_RULES,
    keys: KeyRules = NO_KEYS,
    findings: Findings | None = None,
    stop: Stop | None = None,
) -> ExaminedFile:
    """The file, read to its end. With `keep_bad` its bad records are written beside it. `rules` are what metadata has
    to fit, `keys` what its keys hold; `findings` and `stop` are for who looks on from another thread.

    Raises `TraintuiError` when it cannot be read, is not what its manifest says, or, unless `keep_going`, has a record
    that cannot be taken; and `Stopped`.
    """
    manifest = verified(path)
    known = replace(recognise(path, format, mapping), rules=rules, keys=keys)
    bad = BadRecords(path)
    try:
        findings = check(known, bad.take if keep_bad else _let_go, findings, stop)
        if stop is not None and stop.is_set():
            raise Stopped(path)
        bad.close()
    except BaseException:
        bad.discard()
        raise
    if findings.bad and findings.good and not keep_going:
        raise refused(known, findings)
    if not findings.good:
        bad.discard()
        raise refused(known, findings, nothing=True)
    try:
        # Of what is refused nobody asks, and it may be large.
        return ExaminedFile(known, findings, manifest, bad, manifest.sha256 if manifest else digest_of(path))
    except TraintuiError:
        bad.discard()
        raise


def _let_go(_problem: LineProblem, _raw: bytes) -> None:
    """For who only counts."""


async def load(
    db: Database,
    file: ExaminedFile,
    settled: Settled,
    asked: Thresholds,
    *,
    approve: bool = False,
    keep_going: bool = False,
    progress: Progress | None = None,
    stop: asyncio.Event | None = None,
) -> StoredConversations:
    """Stores the conversations of a file under one import: all of them, or none.

    What fails or is stopped is removed again, also where the task is cancelled; only if the database is away meanwhile
    it stays, to be finished or removed later (`traintui.importing.unfinished`). Raises `TraintuiError` when the file
    changed since it was examined, and `Stopped`.
    """
    names = [[dimension, value, name] for (dimension, value), name in settled.names.items()]
    mapping = file.known.mapping.model_dump(mode="json") if file.known.mapping else None
    going = await imports.begin(
        db,
        ImportedFile(
            shown(Path(file.path.name)), os.fspath(file.path.absolute()), file.known.format, file.findings.good,
            bytes.fromhex(file.sha256), file.findings.bad,
            {"mapping": mapping, "names": names, "approve": approve, "keep_going": keep_going},
        ),
    )  # fmt: skip
    try:
        return await go_on(db, going, file, settled, asked, progress, stop)
    except BaseException:
        await imports.remove(db, going.import_id, progress=at(progress, "removing"))
        raise


async def go_on(
    db: Database,
    going: Import,
    file: ExaminedFile,
    settled: Settled,
    asked: Thresholds,
    progress: Progress | None,
    stop: asyncio.Event | None,
) -> StoredConversations:
    """Brings an import to its end, from where it is. Raises `TraintuiError`, and `Stopped`."""
    if going.state == "loading":
        scored = asked if going.file.total <= SCORED_AT_ONCE else None
        given = items(file, settled, scored)
        going = await imports.load(
            db, going, islice(given, going.passed, None), rules=file.known.rules, progress=at(progress, "storing"),
            stop=stop,
        )  # fmt: skip
        if not going.is_whole:
            raise Stopped(file.path)
    approved = None
    if going.file.options.get("approve"):
        going = await imports.turn_to_approving(db, going)
        approved = await imports.approve(db, going, progress=at(progress, "approving"), stop=stop)
        if approved.left:
            raise Stopped(file.path)
    going = await imports.end(db, going)
    return outcome(
        file, going.imported, going.known, going.revised, going.import_id, approved.done if approved else 0,
        approved.skipped if approved else None,
    )  # fmt: skip


class Stopped(TraintuiError):
    """An import that somebody stopped."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            "Import stopped", f"{shown(path)} was not imported.", "Nothing of it was kept. Import it again any time."
        )


def at(progress: Progress | None, stage: Stage) -> Callable[[int, int], None] | None:
    """What tells a stage, for who only counts."""
    return None if progress is None else lambda done, total: progress(stage, done, total)


def outcome(
    file: ExaminedFile,
    imported: int,
    known: int,
    revised: int = 0,
    import_id: str | None = None,
    approved: int = 0,
    unapproved: Mapping[str, int] | None = None,
) -> StoredConversations:
    """What came of a file."""
    return StoredConversations(
        str(file.path), file.known.format, imported, known, tuple(file.findings.problems),
        tuple(file.findings.ignored), file.findings.bad, str(file.bad.path) if file.bad.path else None,
        file.known.seen, file.manifest is not None, revised, import_id, approved, unapproved,
        file.bad.unkept, file.known.source.place, read_as(file.known, file.findings),
    )  # fmt: skip


def items(file: ExaminedFile, settled: Settled, asked: Thresholds | None) -> Iterator[dict[str, Any]]:
    """The conversations of a file as the database takes them, with their scores where thresholds are given. Raises
    `TraintuiError` when the file changed."""
    again = Findings()
    for conversation in conversations(file.known, again):
        yield item_of(conversation, settled.names, asked)
    if (again.good, again.bad, again.turns) != (file.findings.good, file.findings.bad, file.findings.turns):
        raise changed(file.path)


def changed(path: Path) -> TraintuiError:
    """The answer to a file that is another than before."""
    return TraintuiError(
        "File changed",
        f"{shown(path)} was written to while it was read.",
        "Import it again when it is whole. Nothing was stored.",
    )


def item_of(
    conversation: ImportedConversation, names: Mapping[tuple[str, str], str], asked: Thresholds | None
) -> dict[str, Any]:
    """A conversation as the database takes it, with the names that its values have here. A score that it brings
    stands."""
    item: dict[str, Any] = {
        "line": conversation.line,
        "system_prompt": conversation.system_prompt,
        "turns": conversation.turns,
        "metadata": conversation.metadata,
    }
    for key, value in conversation.dimensions.items():
        item[key] = names.get((key, value), value)
    if conversation.own is not None:
        item |= carried(conversation)
    if asked is not None and item.get("quality_score") is None:
        judged = score(conversation.turns, expected_turns=None, source=None, thresholds=asked)
        item["quality_score"], item["score_parts"] = judged.total, stored_parts(judged)
    return item


def refused(known: Recognised, findings: Findings, *, nothing: bool = False) -> TraintuiError:
    """The answer to a file with records that cannot be taken."""
    place = known.source.place
    listed = "; ".join(
        f"{place} {problem.line}: {problem.why.rstrip('.')}" for problem in findings.problems[:PROBLEMS_SHOWN]
    )
    more = f"; and {findings.bad - PROBLEMS_SHOWN:,} more" if findings.bad > PROBLEMS_SHOWN else ""
    number = f"1 {place}" if findings.bad == 1 else f"{findings.bad:,} {place}s"
    return TraintuiError(
        "Conversations not imported",
        f"{shown(known.source.path)} ({known.seen}) has {number} that cannot be taken"
        f"{', and no other' if nothing else ''}: {listed}{more}.",
        ("Mend them" if nothing else "Mend them, or take the good ones with --keep-going") + ". Nothing was stored.",
    )
