"""Files into the workspace: every one is read and checked whole before anything of any is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from traintui.data import documents, imports, vocabulary
from traintui.data.documents import StoredDocument
from traintui.data.engine import Database
from traintui.data.records import VocabularyValue
from traintui.errors import TraintuiError
from traintui.importing.conversations import (
    ConversationFile,
    Format,
    ImportedConversation,
    LineProblem,
    read_conversations,
)
from traintui.importing.documents import DocumentText, read_document
from traintui.importing.recognise import kind_of
from traintui.importing.vocabulary import read_vocabulary, starter_path
from traintui.quality import thresholds
from traintui.quality.stored import stored_parts
from traintui.quality.structure import score
from traintui.quality.thresholds import Thresholds

MOST_METADATA = 65_536
"""Bytes of a conversation's metadata as text; the database refuses more."""
PROBLEMS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class StoredConversations:
    """What came of a file of conversations: new ones, ones that were here already, and lines that are none."""

    path: str
    format: str
    imported: int
    known: int
    problems: tuple[LineProblem, ...]
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import did, or would do. `vocabulary` counts the values that were read, `starter` those of the starter
    vocabulary, which comes with the first document of a workspace that has none."""

    documents: tuple[StoredDocument, ...]
    conversations: tuple[StoredConversations, ...]
    dry_run: bool
    vocabulary: int = 0
    starter: int = 0

    def as_json(self) -> dict[str, Any]:
        """The summary as plain values."""
        return asdict(self)


async def import_paths(
    db: Database,
    paths: Sequence[Path],
    *,
    format: Format | None = None,
    keep_going: bool = False,
    dry_run: bool = False,
) -> ImportSummary:
    """Imports documents and files of conversations; what is here already stays as it is.

    Raises `TraintuiError` when a file cannot be read or, unless `keep_going`, has a line that is no conversation; then
    nothing of any file was stored.
    """
    texts: list[tuple[Path, DocumentText]] = []
    files: list[tuple[Path, ConversationFile]] = []
    words: list[VocabularyValue] = []
    for path in paths:
        kind = kind_of(path)
        if kind == "document":
            texts.append((path, read_document(path)))
        elif kind == "vocabulary":
            words.extend(read_vocabulary(path))
        else:
            files.append((path, checked(path, read_conversations(path, format), keep_going=keep_going)))
    names = [text.name for _, text in texts]
    for (path, text), name in zip(texts, names, strict=True):
        if names.count(name) > 1:
            raise TraintuiError(
                "Documents not imported",
                f'{path} would be stored as "{text.name}", and so would another of these files.',
                "Rename one of them, or import them one by one.",
            )
    if dry_run:
        planned = tuple(
            StoredConversations(str(path), file.format, len(file.conversations), 0, file.problems, file.ignored)
            for path, file in files
        )
        read = [await documents.foreseen(db, text) for _, text in texts]
        return ImportSummary(tuple(read), planned, dry_run=True, vocabulary=len(words))
    asked = await thresholds.read(db)
    await vocabulary.add(db, words)
    stored = [await documents.store(db, text, source_path=str(path)) for path, text in texts]
    loaded = [await load(db, path, file, asked) for path, file in files]
    starter = await add_starter(db) if texts else 0
    return ImportSummary(tuple(stored), tuple(loaded), dry_run=False, vocabulary=len(words), starter=starter)


async def add_starter(db: Database) -> int:
    """Gives each dimension that has no value yet those of the starter vocabulary, so that something can be generated.
    Returns how many values were added."""
    known = {value.dimension for value in await vocabulary.values(db)}
    return await vocabulary.add(db, [v for v in read_vocabulary(starter_path()) if v.dimension not in known])


def checked(path: Path, file: ConversationFile, *, keep_going: bool) -> ConversationFile:
    """The file, with what the database would refuse among its problems. Raises `TraintuiError` unless it may go on."""
    good, problems = [], list(file.problems)
    for conversation in file.conversations:
        if len(orjson.dumps(conversation.metadata)) * 5 // 4 > MOST_METADATA:
            problems.append(
                LineProblem(conversation.line, "metadata too large", "Its other keys hold more than 50 kB.")
            )
        else:
            good.append(conversation)
    problems.sort(key=lambda problem: problem.line)
    if problems and not keep_going:
        listed = "; ".join(f"line {problem.line}: {problem.why}" for problem in problems[:PROBLEMS_SHOWN])
        more = f"; and {len(problems) - PROBLEMS_SHOWN} more" if len(problems) > PROBLEMS_SHOWN else ""
        raise TraintuiError(
            "Conversations not imported",
            f"{path} has {len(problems)} lines that are no conversation. {listed}{more}",
            "Mend them, or take the good ones with --keep-going. Nothing was stored.",
        )
    return ConversationFile(file.format, tuple(good), tuple(problems), file.ignored)


async def load(db: Database, path: Path, file: ConversationFile, asked: Thresholds) -> StoredConversations:
    """Stores the conversations of a file in one transaction, each with its structure score."""
    imported, known = await imports.conversations(
        db, [item_of(conversation, asked) for conversation in file.conversations], source=path.name, format=file.format
    )
    return StoredConversations(str(path), file.format, imported, known, file.problems, file.ignored)


def item_of(conversation: ImportedConversation, asked: Thresholds) -> dict[str, Any]:
    """A conversation as the database takes it."""
    judged = score(conversation.turns, expected_turns=None, source=None, thresholds=asked)
    return {
        "line": conversation.line,
        "system_prompt": conversation.system_prompt,
        "turns": [
            {"role": turn.role, "content": turn.content, "train": turn.train or turn.role == "user"}
            for turn in conversation.turns
        ],
        "metadata": conversation.metadata,
        "quality_score": str(judged.total),
        "score_parts": stored_parts(judged),
    }
