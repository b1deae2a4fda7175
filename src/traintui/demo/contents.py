"""What the demo workspace holds before anything is generated."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from traintui.data import documents, vocabulary
from traintui.data.engine import Database
from traintui.data.records import VocabularyValue
from traintui.generation.plan import Plan, load_plan
from traintui.importing.documents import read_document
from traintui.importing.vocabulary import read_vocabulary


def sample_directory() -> Path:
    """Where the sample documents, the vocabulary and the plan are."""
    return Path(str(resources.files("traintui.demo")))


def sample_vocabulary() -> tuple[VocabularyValue, ...]:
    """The vocabulary of the demo."""
    return read_vocabulary(sample_directory() / "vocabulary.toml")


def sample_plan() -> Plan:
    """What the demo generates."""
    return load_plan(sample_directory() / "plan.toml")


async def furnish(db: Database) -> int:
    """Imports the sample documents and the vocabulary; harmless to run again. Returns the number of documents."""
    await vocabulary.add(db, sample_vocabulary())
    paths = sorted((sample_directory() / "documents").glob("*.md"))
    for path in paths:
        await documents.store(db, read_document(path), source_path=path.name)
    return len(paths)
