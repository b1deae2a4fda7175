"""Files into the workspace: every one is read and checked whole before anything of any is stored."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from traintui.data import documents, metadata_schema, vocabulary
from traintui.data.documents import StoredDocument
from traintui.data.engine import Database
from traintui.data.key_rules import key_rules
from traintui.data.records import VocabularyValue
from traintui.errors import TraintuiError
from traintui.importing.conversations import Format
from traintui.importing.documents import DocumentText, read_document
from traintui.importing.loading import ExaminedFile, Progress, StoredConversations, examined, load, outcome
from traintui.importing.mapping import Mapping as Shapes
from traintui.importing.recognise import kind_of
from traintui.importing.values import Settled, Unknown, settled
from traintui.importing.vocabulary import read_vocabulary, starter_path
from traintui.quality import thresholds


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import did, or would do. `vocabulary` counts the values that were read, `starter` those of the starter
    vocabulary, which comes with the first document of a workspace that has none, and `added` those that only
    conversations have."""

    documents: tuple[StoredDocument, ...]
    conversations: tuple[StoredConversations, ...]
    dry_run: bool
    vocabulary: int = 0
    starter: int = 0
    added: int = 0

    def as_json(self) -> dict[str, Any]:
        """The summary as plain values."""
        return asdict(self)


async def import_paths(
    db: Database,
    paths: Sequence[Path],
    *,
    format: Format | None = None,
    mapping: Shapes | None = None,
    unknown: Unknown = "refuse",
    becomes: Mapping[tuple[str, str], str] | None = None,
    keep_going: bool = False,
    approve: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
    stop: asyncio.Event | None = None,
) -> ImportSummary:
    """Imports documents and files of conversations; what is here already stays as it is.

    `unknown` says what becomes of dimension values that the vocabulary does not have, `becomes` of single ones. With
    `keep_going` the records that cannot be taken are written to a file beside theirs. With `approve` what comes in
    is approved, as far as a bulk of decisions would. Raises `TraintuiError` when a file cannot be read, a value may not
    be added, or, unless `keep_going`, a record cannot be taken; then nothing of any file was stored. A file that
    fails later, or is stopped (`Stopped`), is removed; those before it stay.
    """
    rules, keys = await metadata_schema.rules(db), await key_rules(db)
    texts: list[tuple[Path, DocumentText]] = []
    files: list[ExaminedFile] = []
    words: list[VocabularyValue] = []
    try:
        for path in paths:
            kind = kind_of(path)
            if kind == "document":
                texts.append((path, await asyncio.to_thread(read_document, path)))
            elif kind == "vocabulary":
                words.extend(read_vocabulary(path))
            else:
                keep_bad = keep_going and not dry_run
                examine = partial(
                    examined, path, format, mapping, keep_going=keep_going, keep_bad=keep_bad, rules=rules, keys=keys,
                    stop=stop,
                )  # fmt: skip
                files.append(await asyncio.to_thread(examine))
        check_names(texts)
        found = await settle_values(db, files, words, unknown, becomes)
        if dry_run:
            planned = tuple(outcome(file, file.findings.good, 0) for file in files)
            read = [await documents.foreseen(db, text) for _, text in texts]
            return ImportSummary(tuple(read), planned, dry_run=True, vocabulary=len(words), added=len(found.new))
        asked = await thresholds.read(db)
        await vocabulary.add(db, [*words, *found.new])
        stored = [await documents.store(db, text, source_path=str(path)) for path, text in texts]
        loaded = [
            await load(db, file, found, asked, approve=approve, keep_going=keep_going, progress=progress, stop=stop)
            for file in files
        ]
    except BaseException:
        for file in files:
            file.bad.discard()
        raise
    starter = await add_starter(db) if texts else 0
    return ImportSummary(
        tuple(stored), tuple(loaded), dry_run=False, vocabulary=len(words), starter=starter, added=len(found.new)
    )


def check_names(texts: Sequence[tuple[Path, DocumentText]]) -> None:
    """Raises `TraintuiError` when two documents would be stored under one name."""
    names = [text.name for _, text in texts]
    for (path, _), name in zip(texts, names, strict=True):
        if names.count(name) > 1:
            raise TraintuiError(
                "Documents not imported",
                f'{path} would be stored as "{name}", and so would another of these files.',
                "Rename one of them, or import them one by one.",
            )


async def settle_values(
    db: Database,
    files: Sequence[ExaminedFile],
    words: Sequence[VocabularyValue],
    unknown: Unknown,
    becomes: Mapping[tuple[str, str], str] | None = None,
) -> Settled:
    """What becomes of the values in all files; a vocabulary that comes along is known. Raises like `settled`."""
    values = sum((file.findings.values for file in files), Counter[tuple[str, str]]())
    known = {(word.dimension, word.value): word for word in words} | await vocabulary.labels(db)
    return settled(values, known, unknown, becomes)


async def add_starter(db: Database) -> int:
    """Gives each dimension that has no value yet those of the starter vocabulary, so that something can be generated.
    Returns how many values were added."""
    known = {value.dimension for value in await vocabulary.values(db)}
    return await vocabulary.add(db, [v for v in read_vocabulary(starter_path()) if v.dimension not in known])
