"""Documents and their chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.engine import Database
from traintui.data.models import Chunk, Conversation, Document
from traintui.data.records import ChunkOutline, ChunkRecord, DocumentRecord


class NewChunk(Protocol):
    """A piece of a document as a reader gives it."""

    @property
    def ordinal(self) -> int: ...
    @property
    def heading(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def token_estimate(self) -> int: ...


class NewDocument(Protocol):
    """A document as a reader gives it."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def media_type(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def sha256(self) -> bytes: ...
    @property
    def chunks(self) -> Sequence[NewChunk]: ...


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """What storing a document did, or would do: it was `new`, `changed` (a new revision), or `unchanged`. `stale_count`
    is how many conversations are about chunks that it retired."""

    name: str
    outcome: Literal["new", "changed", "unchanged"]
    revision: int
    chunk_count: int
    retired_count: int
    stale_count: int = 0


async def foreseen(db: Database, document: NewDocument) -> StoredDocument:
    """What `store` would do; nothing is stored."""
    digests = set(digests_of(document))
    async with db.read() as connection:
        found = (
            await connection.execute(
                select(Document.id, Document.revision, Document.content_sha256).where(Document.name == document.name)
            )
        ).one_or_none()
        if found is None:
            return StoredDocument(document.name, "new", 1, len(digests), 0)
        if bytes(found.content_sha256) == document.sha256:
            return StoredDocument(document.name, "unchanged", found.revision, len(digests), 0)
        rows = await connection.execute(
            select(Chunk.id, Chunk.content_sha256).where(Chunk.document_id == found.id, Chunk.retired_at.is_(None))
        )
        gone = [row.id for row in rows if bytes(row.content_sha256) not in digests]
        stale = await _about(connection, gone)
    return StoredDocument(document.name, "changed", found.revision + 1, len(digests), len(gone), stale)


def digests_of(document: NewDocument) -> dict[bytes, NewChunk]:
    """The chunks of a document by what tells them apart."""
    return {hashlib.sha256(f"{chunk.heading}\n{chunk.content}".encode()).digest(): chunk for chunk in document.chunks}


async def _about(connection: AsyncConnection, chunk_ids: Sequence[int]) -> int:
    """How many conversations are about these chunks, those in the trash left out."""
    statement = select(func.count()).where(Conversation.chunk_id.in_(chunk_ids), Conversation.deleted_at.is_(None))
    return await connection.scalar(statement) or 0


async def store(db: Database, document: NewDocument, *, source_path: str) -> StoredDocument:
    """Stores a document under its name. Importing the same again changes nothing; a changed one becomes a new revision:
    chunks that it still has stay as they are, those that it lacks are retired, and nothing is thrown away.

    Raises `Refused` when one may not.
    """
    rows = digests_of(document)
    async with db.write() as connection:
        written = {
            "title": document.title, "source_path": source_path, "media_type": document.media_type,
            "content": document.content, "content_sha256": document.sha256,
        }  # fmt: skip
        # The insert waits for another import of the same name, so the row below is the newest.
        made = await connection.scalar(
            insert(Document).values(name=document.name, **written).on_conflict_do_nothing().returning(Document.id)
        )
        found = (
            await connection.execute(
                select(Document.id, Document.revision, Document.content_sha256)
                .where(Document.name == document.name)
                .with_for_update()
            )
        ).one()
        if made is None and bytes(found.content_sha256) == document.sha256:
            return StoredDocument(document.name, "unchanged", found.revision, len(rows), 0)
        revision = found.revision if made is not None else found.revision + 1
        if made is None:
            await connection.execute(
                update(Document)
                .where(Document.id == found.id)
                .values(revision=revision, updated_at=func.now(), **written)
            )
        if rows:
            statement = insert(Chunk)
            await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["document_id", "content_sha256"],
                    set_={
                        "ordinal": statement.excluded.ordinal,
                        "document_revision": statement.excluded.document_revision,
                        "retired_at": None,
                    },
                ),
                [
                    {
                        "document_id": found.id, "document_revision": revision, "ordinal": chunk.ordinal,
                        "heading": chunk.heading, "content": chunk.content, "content_sha256": digest,
                        "token_estimate": chunk.token_estimate,
                    }
                    for digest, chunk in rows.items()
                ],
            )  # fmt: skip
        retired = await connection.scalars(
            update(Chunk)
            .where(Chunk.document_id == found.id, Chunk.retired_at.is_(None), Chunk.document_revision < revision)
            .values(retired_at=func.now())
            .returning(Chunk.id)
        )
        gone = list(retired)
        stale = await _about(connection, gone)
    outcome: Literal["new", "changed"] = "new" if made is not None else "changed"
    return StoredDocument(document.name, outcome, revision, len(rows), len(gone), stale)


async def documents(db: Database) -> tuple[DocumentRecord, ...]:
    """Every document with its chunks in use, by title."""
    statement = (
        select(
            Document.id, Document.name, Document.title, Document.revision, func.count(Chunk.id),
            func.coalesce(func.sum(Chunk.token_estimate), 0), Document.updated_at,
        )
        .outerjoin(Chunk, (Chunk.document_id == Document.id) & Chunk.retired_at.is_(None))
        .group_by(Document.id)
        .order_by(Document.title)
    )  # fmt: skip
    async with db.read() as connection:
        return tuple(DocumentRecord(*row) for row in await connection.execute(statement))


CHUNKS = (
    select(
        Chunk.id, Chunk.document_id, Document.name, Document.title, Chunk.ordinal, Chunk.heading, Chunk.content,
        Chunk.token_estimate,
    )
    .join(Document, Document.id == Chunk.document_id)
    .where(Chunk.retired_at.is_(None))
)  # fmt: skip


async def chunk_beside(db: Database, chunk_id: int, *, backwards: bool = False) -> ChunkRecord | None:
    """The chunk in use behind another one by id, or before it; at the end it begins anew. None where there are none.
    Served by `pk_chunks`."""
    beyond = Chunk.id < chunk_id if backwards else Chunk.id > chunk_id
    order = Chunk.id.desc() if backwards else Chunk.id
    async with db.read() as connection:
        for statement in (CHUNKS.where(beyond), CHUNKS):
            row = (await connection.execute(statement.order_by(order).limit(1))).one_or_none()
            if row is not None:
                return ChunkRecord(*row)
    return None


async def chunks(db: Database, names: Sequence[str] = ()) -> tuple[ChunkRecord, ...]:
    """The chunks in use of the named documents, or of all, in reading order."""
    statement = CHUNKS.order_by(Document.name, Chunk.ordinal, Chunk.id)
    if names:
        statement = statement.where(Document.name.in_(names))
    async with db.read() as connection:
        return tuple(ChunkRecord(*row) for row in await connection.execute(statement))


async def outline(db: Database) -> tuple[ChunkOutline, ...]:
    """The chunks in use of all documents without their text, by title, in reading order."""
    statement = (
        select(Chunk.id, Document.name, Document.title, Chunk.heading, Chunk.token_estimate)
        .join(Document, Document.id == Chunk.document_id)
        .where(Chunk.retired_at.is_(None))
        .order_by(Document.title, Document.name, Chunk.ordinal, Chunk.id)
    )
    async with db.read() as connection:
        return tuple(ChunkOutline(*row) for row in await connection.execute(statement))
