"""The queue as a worker uses it: its own liveness, claims behind a fence, and what becomes of an item."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import psycopg
from sqlalchemy import ColumnElement, Select, TextClause, func, insert, select, text, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui import clock
from traintui.data.batch_models import Batch, GenerationItem, Worker
from traintui.data.engine import WORKER, Database
from traintui.data.models import Chunk, Conversation, Document
from traintui.data.signatures import Nearest, nearest
from traintui.data.storable import as_json, storable
from traintui.errors import TraintuiError

Scoring = Callable[[Nearest | None], tuple[Decimal, Sequence[Mapping[str, Any]]]]
"""What tells score and parts as soon as the conversation that is nearest is known."""
LEASE_SECONDS = 20.0
LOOK_SECONDS = 1.0
"""How often a worker looks for others that are gone."""
LOCK_CLASS = 7454
"""Class of the advisory lock that shows a worker alive; `recover_lost_work` looks for it."""


@dataclass(frozen=True, slots=True)
class ClaimedItem:
    """An item that is ours as long as nobody counts its fence up, with all that its prompt needs."""

    id: int
    batch_id: int
    fence: int
    attempts: int
    conversation_id: str
    persona: str
    emotion: str
    topic: str
    intent: str
    tone: str
    tier: str
    exchanges: int
    variation: int
    document: str | None
    heading: str | None
    source: str | None
    kind: Literal["generate", "judge", "regenerate"] = "generate"
    """Whether the conversation is to be written, to be judged as it is, or to be written anew in part."""


@asynccontextmanager
async def registered(db: Database, *, endpoint: str | None = None) -> AsyncIterator[int]:
    """A worker of this process for the block, which calls that `endpoint`; its id.

    The lease is renewed meanwhile, and on a direct connection a lock is held too, so that its death is seen at once.
    Its items go back to the queue when the block ends. What workers that are gone left behind is found at the
    beginning, at the end, and every second.
    """
    async with db.write() as connection:
        worker_id = await connection.scalar(
            insert(Worker)
            .values(host=socket.gethostname(), pid=os.getpid(), lease_until=lease(), endpoint=endpoint)
            .returning(Worker.id)
        )
    assert worker_id is not None  # noqa: S101 - RETURNING gives the row that was inserted
    held: psycopg.AsyncConnection[Any] | None = None
    beating = asyncio.create_task(keep_alive(db, worker_id), name="keep-alive")
    try:
        async with db.write() as connection:
            await connection.execute(text("SELECT make_generation_partitions()"))
        await recover(db)
        held = await hold_lock(db, worker_id)
        yield worker_id
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        try:
            async with db.write() as connection:
                await connection.execute(text("SELECT retire_worker(:id)"), {"id": worker_id})
            await recover(db)
        finally:
            if held is not None:
                await held.close()


async def recover(db: Database) -> int:
    """Retires workers that are gone and marks what they leave behind. Returns how many were retired."""
    async with db.write() as connection:
        return int(await connection.scalar(text("SELECT recover_lost_work()")) or 0)


def lease() -> Any:
    """The moment at which a lease that is renewed now ends, by the clock of the database."""
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, LEASE_SECONDS)


async def hold_lock(db: Database, worker_id: int) -> psycopg.AsyncConnection[Any] | None:
    """A connection of its own that holds the worker's lock until it is closed, by whatever; None through a pooler,
    where a lock would outlive who took it."""
    connection = await psycopg.AsyncConnection.connect(db.conninfo, autocommit=True, application_name=WORKER)
    try:
        answer = await (await connection.execute("SELECT pg_backend_pid()")).fetchone()
        # A pooler greets with a number of its own, and hands statements to whatever backend is free.
        if answer is None or answer[0] != connection.info.backend_pid:
            await connection.close()
            return None
        await connection.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, worker_id])
        async with db.write() as writer:
            await writer.execute(update(Worker).where(Worker.id == worker_id).values(holds_lock=True))
    except BaseException:
        await connection.close()
        raise
    return connection


async def keep_alive(db: Database, worker_id: int) -> None:
    """Renews the lease, three times as often as it would end, and looks for workers that are gone.

    A database that is away for a while does not end it: the lease may run out meanwhile, which fences make harmless,
    and the next claim takes it up again."""
    renewed = clock.ticks()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        with contextlib.suppress(TraintuiError):
            if clock.ticks() - renewed >= LEASE_SECONDS / 3:
                async with db.write() as connection:
                    await connection.execute(update(Worker).where(Worker.id == worker_id).values(lease_until=lease()))
                renewed = clock.ticks()
            await recover(db)


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker that is alive: where it runs, how many calls it has under way, and when it last said so."""

    id: int
    host: str
    pid: int
    login: str
    running: int
    seen_at: datetime


async def workers(db: Database) -> tuple[WorkerView, ...]:
    """The workers that are alive, the oldest first."""
    running = (
        select(func.count())
        .select_from(GenerationItem)
        .where(GenerationItem.worker_id == Worker.id, GenerationItem.state == "running")
        .scalar_subquery()
    )
    seen_at = Worker.lease_until - func.make_interval(0, 0, 0, 0, 0, 0, LEASE_SECONDS)
    statement = select(Worker.id, Worker.host, Worker.pid, Worker.login, running, seen_at)
    async with db.read() as connection:
        rows = await connection.execute(statement.where(Worker.ended_at.is_(None)).order_by(Worker.id))
        return tuple(WorkerView(*row) for row in rows)


async def processes_here(db: Database, endpoint: str) -> tuple[int, ...]:
    """The processes of this machine and login that generate through an endpoint, and take more work."""
    statement = select(Worker.pid).where(
        Worker.ended_at.is_(None), Worker.host == socket.gethostname(), Worker.login == db.login,
        Worker.endpoint == endpoint,
    )  # fmt: skip
    async with db.read() as connection:
        return tuple(await connection.scalars(statement.order_by(Worker.id)))


async def take_no_more(db: Database, worker_id: int) -> None:
    """Says that a worker ends after what it has under way, so that nobody counts on it."""
    async with db.write() as connection:
        await connection.execute(update(Worker).where(Worker.id == worker_id).values(endpoint=None))


async def take_up_batches(db: Database, *, is_rehearsal: bool, batch_id: int | None = None) -> None:
    """Batches that wait for such a worker, or that one, are running from now on; so are those whose worker was lost,
    which nobody needs to ask for."""
    among = true() if batch_id is None else Batch.id == batch_id
    async with db.write() as connection:
        await connection.execute(
            update(Batch)
            .where(Batch.state.in_(("queued", "interrupted")), Batch.is_rehearsal == is_rehearsal, among)
            .values(state="running", state_reason=None, started_at=func.coalesce(Batch.started_at, func.now()))
        )


async def finish_batches(db: Database) -> None:
    """Batches with nothing left to do are finished from now on."""
    unfinished = select(GenerationItem.id).where(
        GenerationItem.batch_id == Batch.id, GenerationItem.state.in_(("queued", "running"))
    )
    async with db.write() as connection:
        await connection.execute(
            update(Batch)
            .where(Batch.state == "running", ~unfinished.exists())
            .values(state="finished", state_reason=None, finished_at=func.now())
        )


async def open_batches(db: Database, *, is_rehearsal: bool, batch_id: int | None = None) -> int:
    """How many batches, or whether that one, still have something to do for such a worker."""
    async with db.read() as connection:
        statement = select(func.count()).select_from(Batch)
        waiting = Batch.state.in_(("queued", "running", "interrupted"))
        among = true() if batch_id is None else Batch.id == batch_id
        statement = statement.where(waiting, Batch.is_rehearsal == is_rehearsal, among)
        return await connection.scalar(statement) or 0


async def claim(
    db: Database, worker_id: int, limit: int, *, is_rehearsal: bool, batch_id: int | None = None
) -> tuple[ClaimedItem, ...]:
    """Up to `limit` items of running batches, or of that one, now ours."""
    return await take_items(
        db,
        text("SELECT id FROM claim_items(:worker_id, :limit, :is_rehearsal, :batch_id)"),
        {"worker_id": worker_id, "limit": limit, "is_rehearsal": is_rehearsal, "batch_id": batch_id},
    )


async def take_items(db: Database, claiming: TextClause, values: Mapping[str, Any]) -> tuple[ClaimedItem, ...]:
    """The items that a claim gives, claimed and read in one transaction: none is ours that we do not know of."""
    async with db.write() as connection:
        ids = (await connection.scalars(claiming, dict(values))).all()
        if not ids:
            return ()
        rows = await connection.execute(items_where(GenerationItem.id.in_(ids)))
        return tuple(ClaimedItem(*tuple(row)) for row in rows)


async def held(db: Database, worker_id: int, *, for_submission: bool) -> tuple[ClaimedItem, ...]:
    """The items that are a worker's now: those that it is to submit, or those that it calls the model for. A claim
    whose answer was lost may have been made."""
    submitted = (Batch.mode == "batches") & (GenerationItem.kind == "generate")
    statement = (
        items_where(GenerationItem.worker_id == worker_id, GenerationItem.state == "running")
        .join(Batch, Batch.id == GenerationItem.batch_id)
        .where(submitted if for_submission else ~submitted)
    )
    async with db.read() as connection:
        return tuple(ClaimedItem(*tuple(row)) for row in await connection.execute(statement))


def items_where(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The columns of `ClaimedItem`, in the order of the queue's ids."""
    I, C = GenerationItem, Conversation  # noqa: E741 - aliases of tables
    return (
        select(
            I.id, I.batch_id, I.fence, I.attempts, C.conversation_id, C.persona, C.emotion, C.topic, C.intent, C.tone,
            C.tier, I.exchanges, I.variation, Document.title, Chunk.heading, Chunk.content, I.kind,
        )
        .join(C, C.id == I.conversation_id)
        .outerjoin(Chunk, Chunk.id == C.chunk_id)
        .outerjoin(Document, Document.id == Chunk.document_id)
        .where(*conditions)
        .order_by(I.id)
    )  # fmt: skip


async def release(
    db: Database, item: ClaimedItem, state: str, *, delay: float = 0.0, error: str | None = None, counts: bool = True
) -> bool:
    """Puts an item back into the queue after `delay` seconds, or ends it. False when it is not ours any more.

    `counts=False` says that the attempt was none: the provider asked to wait.
    """
    async with db.write() as connection:
        return bool(
            await connection.scalar(
                text("SELECT release_item(:id, :fence, :state, :delay, :error, :counts)"),
                {
                    "id": item.id, "fence": item.fence, "state": state, "delay": delay, "error": storable(error),
                    "counts": counts,
                },
            )
        )  # fmt: skip


async def write_stream(db: Database, item: ClaimedItem, content: str) -> None:
    """Shows what has been written of an item so far to whoever watches; nothing when it is not ours any more."""
    async with db.write() as connection:
        await connection.execute(
            text(
                "INSERT INTO generation_streams (item_id, fence, content) SELECT id, fence, :content"
                " FROM generation_items WHERE id = :id AND fence = :fence AND state = 'running'"
                " ON CONFLICT (item_id) DO UPDATE"
                " SET content = excluded.content, fence = excluded.fence, updated_at = now()"
            ),
            {"id": item.id, "fence": item.fence, "content": storable(content)},
        )


async def store(
    db: Database,
    item: ClaimedItem,
    turns: Sequence[tuple[str, str]],
    *,
    signature: bytes,
    scoring: Scoring,
    finish: tuple[str, Mapping[str, Any]],
    model: str | None = None,
) -> bool:
    """Stores what was written for an item together with the end of its call, in one transaction.

    `turns` are (role, content), with the signature of what they say; `scoring` gives score and parts as soon as it is
    told what is nearest; `finish` is the statement of `attempts.finishing`. Of two that say the same and are stored at
    once the second sees the first. `model` wrote it, where that is not the one of the plan. False when the item is not
    ours any more: then only the call is completed.
    """
    statement, values = finish
    async with db.write() as connection:
        # The item is locked before the call, as everywhere: in the other order two workers could wait for each other.
        stored = await write(connection, item, turns, signature=signature, scoring=scoring)
        if stored and model is not None:
            await note_model(connection, item, model)
        await connection.execute(text(statement), dict(values))
    return stored


async def note_model(connection: AsyncConnection, item: ClaimedItem, model: str) -> None:
    """Names the model that wrote what was stored for an item, where that is not the one of its plan."""
    await connection.execute(
        text("SELECT note_model(:id, :fence, :model)"), {"id": item.id, "fence": item.fence, "model": model}
    )


async def write(
    connection: AsyncConnection,
    item: ClaimedItem,
    turns: Sequence[tuple[str, str]],
    *,
    signature: bytes,
    scoring: Scoring,
) -> bool:
    """Writes the turns of an item with score and signature; False when the item is not ours any more."""
    score, parts = scoring(await nearest(connection, signature, itself=item.conversation_id))
    written = [{"role": role, "content": content, "train": True} for role, content in turns]
    return bool(
        await connection.scalar(
            text(
                "SELECT CASE WHEN store_generated(:id, :fence, CAST(:turns AS jsonb), :score, CAST(:parts AS jsonb))"
                " THEN keep_signature(:conversation_id, :signature) ELSE false END"
            ),
            {
                "id": item.id, "fence": item.fence, "turns": as_json(written), "score": score,
                "parts": as_json(list(parts)), "conversation_id": item.conversation_id, "signature": signature,
            },
        )
    )  # fmt: skip
