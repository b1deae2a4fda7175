"""Files of conversations into the workspace: examined to their end first, then read again and stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traintui.data import imports
from traintui.data.engine import Database
from traintui.errors import TraintuiError
from traintui.importing.bad_records import BadRecords
from traintui.importing.checking import Findings, Recognised, check, conversations, recognise
from traintui.importing.conversations import Format, ImportedConversation, LineProblem
from traintui.importing.files import shown
from traintui.importing.manifests import Verified, verified
from traintui.importing.mapping import Mapping as Shapes
from traintui.importing.values import Settled
from traintui.quality.stored import stored_parts
from traintui.quality.structure import score
from traintui.quality.thresholds import Thresholds

PROBLEMS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ExaminedFile:
    """A file that was read to its end: what it is, what is in it, and where its bad records were put."""

    known: Recognised
    findings: Findings
    manifest: Verified | None
    bad: BadRecords

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self.known.source.path


@dataclass(frozen=True, slots=True)
class StoredConversations:
    """What came of a file of conversations: new ones, ones that were here already, and `bad` records that are none.

    `problems` are the first thousand of these; `bad_file` has the records themselves. `seen` says what the file is and
    what told it; `verified` that a manifest beside it speaks the truth about it.
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


def examined(
    path: Path, format: Format | None, mapping: Shapes | None, *, keep_going: bool, keep_bad: bool
) -> ExaminedFile:
    """The file, read to its end. With `keep_bad` its bad records are written beside it.

    Raises `TraintuiError` when it cannot be read, is not what its manifest says, or, unless `keep_going`, has a record
    that is no conversation.
    """
    manifest = verified(path)
    known = recognise(path, format, mapping)
    bad = BadRecords(path)
    try:
        findings = check(known, bad.take) if keep_bad else check(known)
        bad.close()
    except BaseException:
        bad.discard()
        raise
    if findings.bad and not keep_going:
        raise _refused(known, findings)
    if not findings.good:
        bad.discard()
        raise _refused(known, findings, nothing=True)
    return ExaminedFile(known, findings, manifest, bad)


async def load(db: Database, file: ExaminedFile, settled: Settled, asked: Thresholds) -> StoredConversations:
    """Stores the conversations of a file in one transaction, each with its structure score.

    Raises `TraintuiError` when the file changed since it was examined; nothing is stored then.
    """
    imported, known = await imports.conversations(
        db, items(file, settled, asked), source=file.path.name, format=file.known.format
    )
    return outcome(file, imported, known)


def outcome(file: ExaminedFile, imported: int, known: int) -> StoredConversations:
    """What came of a file."""
    return StoredConversations(
        str(file.path), file.known.format, imported, known, tuple(file.findings.problems),
        tuple(file.findings.ignored), file.findings.bad, str(file.bad.path) if file.bad.path else None,
        file.known.seen, file.manifest is not None,
    )  # fmt: skip


def items(file: ExaminedFile, settled: Settled, asked: Thresholds) -> Iterator[dict[str, Any]]:
    """The conversations of a file as the database takes them. Raises `TraintuiError` when the file changed."""
    again = Findings()
    for conversation in conversations(file.known, again):
        yield item_of(conversation, settled.names, asked)
    if (again.good, again.bad, again.turns) != (file.findings.good, file.findings.bad, file.findings.turns):
        raise TraintuiError(
            "File changed",
            f"{shown(file.path)} was written to while it was read.",
            "Import it again when it is whole. Nothing was stored.",
        )


def item_of(
    conversation: ImportedConversation, names: Mapping[tuple[str, str], str], asked: Thresholds
) -> dict[str, Any]:
    """A conversation as the database takes it, with the names that its values have here."""
    judged = score(conversation.turns, expected_turns=None, source=None, thresholds=asked)
    return {
        "line": conversation.line,
        "system_prompt": conversation.system_prompt,
        "turns": [{"role": turn.role, "content": turn.content, "train": turn.train} for turn in conversation.turns],
        "metadata": conversation.metadata,
        "quality_score": str(judged.total),
        "score_parts": stored_parts(judged),
        **{key: names.get((key, value), value) for key, value in conversation.dimensions.items()},
    }


def _refused(known: Recognised, findings: Findings, *, nothing: bool = False) -> TraintuiError:
    place = known.source.place
    listed = "; ".join(
        f"{place} {problem.line}: {problem.why.rstrip('.')}" for problem in findings.problems[:PROBLEMS_SHOWN]
    )
    more = f"; and {findings.bad - PROBLEMS_SHOWN:,} more" if findings.bad > PROBLEMS_SHOWN else ""
    number = f"1 {place} that is" if findings.bad == 1 else f"{findings.bad:,} {place}s that are"
    return TraintuiError(
        "Conversations not imported",
        f"{shown(known.source.path)} ({known.seen}) has {number} no conversation"
        f"{', and no other' if nothing else ''}. {listed}{more}.",
        ("Mend them" if nothing else "Mend them, or take the good ones with --keep-going") + ". Nothing was stored.",
    )
