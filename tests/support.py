"""Databases of their own for tests, and what stands in them, made through the verbs that the app uses."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from sqlalchemy import text

from traintui.data import (
    attempts,
    batches,
    conversations,
    documents,
    export_history,
    imports,
    reviews,
    templates,
    vocabulary,
    work,
    workspace,
)
from traintui.data.attempts import OpenAttempt, Outcome
from traintui.data.documents import StoredDocument
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import Database, make_engine
from traintui.data.log_fields import EXPORTS, GENERATIONS
from traintui.data.log_listing import first_keys
from traintui.data.log_records import Attempt, Export
from traintui.data.records import Turn, VocabularyValue
from traintui.data.reviews import Seen
from traintui.data.work import ClaimedItem
from traintui.quality.signatures import signature

VALUES: dict[str, tuple[str, ...]] = {
    "persona": ("anxious_planner", "busy_parent"),
    "emotion": ("worried", "calm"),
    "topic": ("overdraft_fees", "savings"),
    "intent": ("understand", "complain"),
    "tone": ("formal", "warm"),
}
MODEL = "claude-haiku-5-5"
serial = itertools.count(1)
TEMPLATE = "traintui_template"
numbers = itertools.count(1)
Conninfo = Callable[[str], str]
PATIENCE = 180.0
"""Seconds."""
T = TypeVar("T")


@contextmanager
def fresh_database(server: EmbeddedServer) -> Iterator[str]:
    """A copy of the template, dropped afterwards."""
    name = f"test_{next(numbers)}"
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(TEMPLATE)
            )
        )
        # Rights on a database are not copied with it: these are the bootstrap's.
        for statement in (
            "REVOKE ALL ON DATABASE {} FROM PUBLIC",
            "GRANT CONNECT ON DATABASE {} TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin",
            "GRANT CONNECT, TEMPORARY ON DATABASE {} TO traintui_owner",
            "GRANT TEMPORARY ON DATABASE {} TO traintui_author",
        ):
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
    yield name
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@asynccontextmanager
async def logged_in(conninfo: str) -> AsyncIterator[Database]:
    """A workspace handle for the login of a connection string."""
    login, role = await workspace.whoami(conninfo)
    engine = make_engine(conninfo, pooled=False)
    database = Database(engine=engine, conninfo=conninfo, label="embedded", login=login, role=role)
    try:
        yield database
    finally:
        await database.close()


async def add_vocabulary(db: Database) -> None:
    """Two values of each dimension; the tiers are there from the first migration on."""
    await vocabulary.add(
        db,
        [
            VocabularyValue(dimension, value, value.replace("_", " ").capitalize(), position=place)
            for dimension, values in VALUES.items()
            for place, value in enumerate(values)
        ],
    )


@dataclass(frozen=True)
class ChunkOf:
    """A piece of a document."""

    content: str
    ordinal: int = 0
    heading: str = "Fees"
    token_estimate: int = 10


@dataclass(frozen=True)
class DocumentOf:
    """A document made of the given pieces."""

    name: str
    pieces: Sequence[str]
    title: str = "Fee schedule"
    media_type: str = "text/markdown"

    @property
    def content(self) -> str:
        return "\n\n".join(self.pieces)

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.content.encode()).digest()

    @property
    def chunks(self) -> Sequence[ChunkOf]:
        return [ChunkOf(piece, ordinal) for ordinal, piece in enumerate(self.pieces)]


async def add_document(
    db: Database,
    name: str = "fees.md",
    pieces: Sequence[str] = ("Overdrafts cost 12 a month.", "Savings cost nothing."),
) -> StoredDocument:
    """A document with one chunk for each piece."""
    return await documents.store(db, DocumentOf(name, pieces), source_path=f"/documents/{name}")


def turns_of(*contents: str) -> list[dict[str, Any]]:
    """Turns that alternate, user first, as an import takes them."""
    return [
        {"role": "assistant" if place % 2 else "user", "content": content, "train": True}
        for place, content in enumerate(contents)
    ]


async def import_items(db: Database, items: Sequence[dict[str, Any]]) -> list[str]:
    """Imports conversations; the public ids of those that are new, in order."""
    newest = await scalar(db, "SELECT coalesce(max(id), 0) FROM conversations")
    await imports.conversations(db, items, source="seeds.jsonl", format="messages")
    rows = await fetch(db, "SELECT conversation_id FROM conversations WHERE id > :newest ORDER BY id", newest=newest)
    return [row[0] for row in rows]


async def imported(db: Database, number: int = 1, **fields: Any) -> list[str]:
    """Conversations from a file, generated and undecided, no two alike; their public ids."""
    return await import_items(
        db,
        [
            {
                "turns": turns_of(f"Question {next(serial)}?", "An answer."),
                "system_prompt": None,
                "line": line,
                **fields,
            }
            for line in range(1, number + 1)
        ],
    )


@dataclass(frozen=True)
class Wanted:
    """One conversation of a plan."""

    persona: str = "anxious_planner"
    emotion: str = "worried"
    topic: str = "overdraft_fees"
    intent: str = "understand"
    tone: str = "formal"
    tier: str = "scenario"
    chunk_id: int | None = None
    exchanges: int = 1
    variation: int = field(default_factory=lambda: next(serial))
    metadata: dict[str, Any] = field(default_factory=dict)


async def planned(
    db: Database, number: int = 1, *, wanted: Sequence[Wanted] | None = None, is_rehearsal: bool = False
) -> int:
    """A queued batch of planned conversations; its id. The vocabulary has to be there."""
    template = await templates.store(db, "conversation", system="You write.", user_prompt="About {{ topic }}.")
    return await batches.create(
        db,
        wanted or [Wanted() for _ in range(number)],
        name="A batch",
        definition={"name": "A batch"},
        template_id=template.id,
        model=MODEL,
        is_rehearsal=is_rehearsal,
    )


async def started(db: Database, item: ClaimedItem | None, worker_id: int | None, **given: Any) -> OpenAttempt:
    """A call whose row is committed and that is not answered yet; it may cost 0.25 USD."""
    values: dict[str, Any] = {
        "kind": "generate", "model": MODEL, "endpoint": "http://127.0.0.1:1", "is_rehearsal": False,
        "request_payload": {"prompt": "Write."}, "parameters": {"estimated_cost_usd": "0.25"}, "redactions": {},
    }  # fmt: skip
    return await attempts.start(db, **(values | given), worker_id=worker_id, item=item)


ANSWERED = Outcome(
    "ok", response_payload={"text": "Written."}, cost_usd=Decimal("0.01"), input_tokens=10, output_tokens=20,
    cache_read_tokens=0, cache_write_tokens=0, duration_ms=900, http_status=200, request_id="req_1",
    stop_reason="end_turn",
)  # fmt: skip


async def stored(
    db: Database, item: ClaimedItem, attempt: OpenAttempt, *, score: str = "7.5", outcome: Outcome = ANSWERED
) -> bool:
    """Stores a question and an answer for a claimed item with the end of its call, as the worker does."""
    turns = [("user", f"Question of {item.conversation_id}?"), ("assistant", "An answer.")]
    return await work.store(
        db, item, turns, signature=signature([content for _, content in turns]),
        scoring=lambda _: (Decimal(score), []), finish=attempts.finishing(attempt, outcome),
    )  # fmt: skip


async def generated(
    db: Database, number: int = 1, *, wanted: Sequence[Wanted] | None = None, is_rehearsal: bool = False
) -> list[str]:
    """Conversations that went the whole way from a plan to their text; their public ids in order."""
    await planned(db, number, wanted=wanted, is_rehearsal=is_rehearsal)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=is_rehearsal)
        items = await work.claim(db, worker_id, len(wanted) if wanted else number, is_rehearsal=is_rehearsal)
        for item in items:
            assert await stored(db, item, await started(db, item, worker_id, is_rehearsal=is_rehearsal))
        await work.finish_batches(db)
    return [item.conversation_id for item in items]


async def seen(db: Database, conversation_id: str) -> Seen:
    """What a reviewer has before their eyes now."""
    return Seen.of((await conversations.read(db, conversation_id)).row)


async def approved(db: Database, *conversation_ids: str) -> None:
    """Approves conversations as the login of `db`."""
    for conversation_id in conversation_ids:
        await reviews.decide(db, await seen(db, conversation_id), "approve", key=reviews.new_key())


async def status(db: Database, conversation_id: str) -> str:
    """The status of a conversation."""
    return (await conversations.read(db, conversation_id)).row.status


def said(*contents: str) -> list[Turn]:
    """Turns that alternate, user first, as an edit takes them."""
    return [
        Turn(place, "user" if place % 2 else "assistant", content) for place, content in enumerate(contents, start=1)
    ]


async def fetch(db: Database, statement: str, **values: Any) -> list[Any]:
    """The rows of a query."""
    async with db.read() as connection:
        return list(await connection.execute(text(statement), values))


async def newest_calls(db: Database) -> tuple[Attempt, ...]:
    """The calls of the log, newest first."""
    found = await first_keys(db, GENERATIONS, GENERATIONS.read(""))
    rows = await attempts.rows(db, found.ids)
    return tuple(rows[id] for id in found.ids)


async def newest_exports(db: Database) -> tuple[Export, ...]:
    """The exports of the log, newest first."""
    found = await first_keys(db, EXPORTS, EXPORTS.read(""))
    rows = await export_history.rows(db, found.ids)
    return tuple(rows[id] for id in found.ids)


async def scalar(db: Database, statement: str, **values: Any) -> Any:
    """The one value of a query."""
    async with db.read() as connection:
        return await connection.scalar(text(statement), values)


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Returns as soon as a condition holds. No passing test waits until what does not come is given up."""
    deadline = time.monotonic() + PATIENCE
    while not await holds():
        assert time.monotonic() < deadline, "the condition did not come true"
        await asyncio.sleep(0.02)


async def beside(running: asyncio.Future[Any], awaited: Awaitable[T]) -> T:
    """What somebody waits for while something else runs that is to bring it about. Raises what that one ended with
    where it failed before, so that nobody waits for what will not come."""
    waiting = asyncio.ensure_future(awaited)
    try:
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            running.result()  # it may have brought it about just as it ended
            await asyncio.wait({waiting}, timeout=PATIENCE)
            assert waiting.done(), "what was to bring it about has ended"
        return waiting.result()
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


def sqlstate(conninfo: str, statement: str, values: Sequence[Any] = ()) -> str | None:
    """The code with which the server refuses a statement in a session of its own; None when it runs and commits."""
    connection = psycopg.connect(conninfo)
    try:
        connection.execute(statement.encode(), values)
        connection.commit()
    except psycopg.Error as error:
        return error.sqlstate
    finally:
        connection.close()
    return None
