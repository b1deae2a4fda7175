"""What the import dialog says of a document or a vocabulary: what it is and holds, and what storing it does."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text
from traintui.widgets.row_table import Column

if TYPE_CHECKING:
    from traintui.data.documents import StoredDocument
    from traintui.data.engine import Database
    from traintui.importing.chunks import ChunkText
    from traintui.importing.store import ImportSummary

KINDS = {"text/markdown": "a document in Markdown", "text/plain": "a document in plain text"}


@dataclass(frozen=True, slots=True)
class Paper:
    """A document or a vocabulary that was read: what it is, what it holds, and what storing it will do. Its chunks,
    where it is a document."""

    path: Path
    seen: Content
    holds: Content
    will: Content
    chunks: tuple[ChunkText, ...] = ()


async def read_paper(db: Database, path: Path, kind: str) -> Paper:
    """A document or a vocabulary, read whole; nothing is stored. Raises `TraintuiError` when it cannot be read."""
    return await (_document(db, path) if kind == "document" else _vocabulary(db, path))


async def _document(db: Database, path: Path) -> Paper:
    from traintui.data import documents
    from traintui.importing.documents import read_document

    document = await asyncio.to_thread(read_document, path)
    found = await documents.foreseen(db, document)
    named = text.shown(found.name, single_line=True, limit=80, style="bold")
    tokens = sum(chunk.token_estimate for chunk in document.chunks)
    return Paper(
        path,
        Content.assemble(KINDS.get(document.media_type, "a document"), ", which is called ", named),
        Content.assemble(
            (text.plural(found.chunk_count, "chunk"), "bold"),
            (f" to write from, about {text.tokens(tokens)} tokens in all", "$muted"),
        ),
        _will(found),
        tuple(document.chunks),
    )  # fmt: skip


def _will(found: StoredDocument) -> Content:
    """What storing a document does."""
    if found.outcome == "unchanged":
        return Content.assemble(("● ", "$approved"), "It is here already, as it is: nothing would change.")
    if found.outcome == "new":
        return Content.assemble(("ctrl+s", "bold"), " stores it; batches can write from its chunks.")
    changes = f" stores it as revision {found.revision}"
    if found.retired_count:
        changes += f": {text.plural(found.retired_count, 'chunk')} that it lacks {_are(found.retired_count)} retired"
    stale = f"{text.plural(found.stale_count, 'conversation')} about these become stale" if found.stale_count else ""
    return Content.assemble(("ctrl+s", "bold"), changes, (f"; {stale}" if stale else "", "$warning"), ".")


async def _vocabulary(db: Database, path: Path) -> Paper:
    from traintui.data import vocabulary
    from traintui.importing.vocabulary import read_vocabulary

    values = await asyncio.to_thread(read_vocabulary, path)
    known = await vocabulary.labels(db)
    new = [value for value in values if (value.dimension, value.value) not in known]
    some = ", ".join(f"{value.dimension} {value.value}" for value in new[:5]) + (", …" if len(new) > 5 else "")
    told = f", {len(new):,} of them new" if new else ", all of them known"
    will: tuple[Content | str | tuple[str, str], ...] = (
        ("● ", "$approved"), "All of them are here already: nothing would change.",
    )  # fmt: skip
    if new:
        adds = f" adds {text.plural(len(new), 'value')}; those that are here stay as they are."
        will = (("ctrl+s", "bold"), adds)
    return Paper(
        path, Content("a vocabulary"),
        Content.assemble(
            (text.plural(len(values), "value"), "bold"), told, (f": {some}" if some else "", "$muted"),
        ),
        Content.assemble(*will),
    )  # fmt: skip


def chunk_columns() -> list[Column[ChunkText]]:
    """The columns of the chunks of a document."""
    return [
        Column("Chunk", 6, lambda chunk: Content(f"{chunk.ordinal:,}"), right=True),
        Column("Tokens", 7, lambda chunk: Content(f"{chunk.token_estimate:,}"), right=True),
        Column("Heading", 28, lambda chunk: text.shown(chunk.heading, single_line=True, limit=60), from_width=60),
        Column("Begins", 0, lambda chunk: text.shown(chunk.content, single_line=True, limit=200, style="$muted")),
    ]


def stored_words(summary: ImportSummary) -> Content:
    """What came of a document or a vocabulary."""
    parts = [
        f"{text.visible(document.name, single_line=True)}: {document.outcome}, revision {document.revision},"
        f" {text.plural(document.chunk_count, 'chunk')}"
        for document in summary.documents
    ]
    if summary.vocabulary:
        parts.append(text.plural(summary.vocabulary, "value"))
    number = text.plural(summary.starter, "value")
    starter = f"\nA starter vocabulary of {number} came with it; V shows it." if summary.starter else ""
    return Content.assemble(
        ("● ", "$approved"), ("; ".join(parts), "bold"), ".", starter, ("\nesc closes.", "$muted")
    )  # fmt: skip


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
