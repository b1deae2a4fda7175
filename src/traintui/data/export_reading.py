"""Reading what an export takes: in order of the id, of one moment, in a memory that does not grow with it."""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import psycopg
from psycopg.types.string import ByteaBinaryLoader
from sqlalchemy import ColumnElement, Integer, Text, and_, cast, exists, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.engine import Database
from traintui.data.fetched import Fetched
from traintui.data.filters import Condition, Filter
from traintui.data.id_lists import Ids, listed
from traintui.data.kin import NODE, Kin, kin_of, nodes_of
from traintui.data.log_models import ConversationRevision as R
from traintui.data.models import Conversation as C
from traintui.data.models import ConversationTurn as T
from traintui.data.noted import Noted

PAGE = 64
"""Conversations that are handed on together: a screen is drawn between two pages, which take some milliseconds each,
and the server goes on meanwhile as far as the connection holds what it sends, which is some forty conversations."""
PAGE_BYTES = 1_000_000
"""Bytes of contents after which a page is handed on though it has fewer, since memory is not to grow with them."""
ASKED = 10_000
"""Conversations that are asked for at once: the server works on them while the ones before are written."""
BUFFER = 400_000
"""Bytes that the driver can take from the connection at once, rather than row by row, which would wake it as often."""
CHUNK = 64
"""Rows that the driver takes from the connection at a time."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What an export takes: of what the filter says, or of a selection (`ids`, whatever the filter says), approved ones
    unless the filter names a status; those of the rehearsal only when asked."""

    filter: Filter
    rehearsal: bool = False
    ids: Ids | None = None

    def condition(self, *, rehearsal: bool | None = None) -> Condition:
        """It as SQL."""
        conditions: list[ColumnElement[bool]] = [C.turn_count >= 2]
        if self.ids is None:
            conditions.append(self.filter.where)
        else:  # an array, for there may be a million
            conditions += [C.id == func.any(list(self.ids)), C.deleted_at.is_(None)]
        if not self.filter.names_status:
            conditions.append(C.status == "approved")
        if not (self.rehearsal if rehearsal is None else rehearsal):
            conditions.append(C.is_rehearsal.is_(False))
        return and_(*conditions)


@dataclass(frozen=True, slots=True)
class ScopeCounts:
    """How much there is in a scope. `total` will be written, `rehearsal` and `unapproved` are among them;
    `left_out_rehearsal` would be there if those of the rehearsal were taken, `left_out_unapproved` are of a selection
    and not approved. `has_system` and `has_exchanges` say whether some has a system prompt, and more than one exchange.
    """

    total: int
    rehearsal: int
    unapproved: int
    left_out_rehearsal: int
    left_out_unapproved: int = 0
    has_system: bool = False
    has_exchanges: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a conversation is read beside its text: what was decided on it with the earlier texts, its metadata and
    where it comes from (`details`)."""

    decisions: bool = False
    details: bool = False


TEXT_ONLY = Wanted()


@dataclass(frozen=True, slots=True)
class Source:
    """Where the statement finds conversations, as `c`, and the turns of one, as `t`; and how it tells whether a row of
    the log, `log` or `undo`, was there to see."""

    conversations: str = "conversations AS c"
    turns: str = "conversation_turns AS t WHERE t.conversation_id = c.id"
    saw: str = "true"

    @property
    def parts(self) -> dict[str, str]:
        """What stands in for the names in the texts below."""
        return {"turns": self.turns, "saw_log": self.saw.format(row="log"), "saw_undo": self.saw.format(row="undo")}


NOW = Source()


class ExportReader:
    """The conversations of one export, all as they were at one moment."""

    source = NOW

    def __init__(self, connection: AsyncConnection, scope: Scope) -> None:
        self._connection = connection
        self._ids: Ids | None = None
        self.scope = scope
        self._values: Mapping[str, Any] = {}
        """What the source has names for in the statement."""

    async def snapshot(self) -> str:
        """What of the logs it sees, as PostgreSQL writes a snapshot, in the numbers of the logs."""
        return str(await self._connection.scalar(select(cast(func.log_snapshot(func.pg_current_snapshot()), Text))))

    async def counts(self) -> ScopeCounts:
        """How much there is, in one look."""
        taken = func.count() if self.scope.rehearsal else func.count().filter(C.is_rehearsal.is_(False))
        written = C.system_prompt.op("~")(r"\S")
        statement = select(
            taken, func.count().filter(C.is_rehearsal), func.count().filter(C.status != "approved"),
            func.count().filter(C.status != "approved", C.is_rehearsal), func.bool_or(written),
            func.max(C.turn_count),
        ).where(self.scope.condition(rehearsal=True))  # fmt: skip
        total, rehearsal, unapproved, both, has_system, most = (await self._connection.execute(statement)).one()
        takes = self.scope.rehearsal
        return ScopeCounts(
            int(total), int(rehearsal) if takes else 0, int(unapproved) - (0 if takes else int(both)),
            0 if takes else int(rehearsal), await self._left_out_of_selection(), bool(has_system), (most or 0) > 2,
        )  # fmt: skip

    async def _left_out_of_selection(self) -> int:
        if self.scope.ids is None or self.scope.filter.names_status:
            return 0
        statement = select(func.count()).where(C.id == func.any(list(self.scope.ids)), C.status != "approved")
        return int(await self._connection.scalar(statement) or 0)

    async def is_weighted(self) -> bool:
        """Whether some answer is not to be trained on. By ix_conversation_turns_untrained, which has only those."""
        untrained = exists().where(T.conversation_id == C.id, T.train.is_(False), T.role == "assistant")
        return bool(await self._connection.scalar(select(exists().where(self.scope.condition(), untrained))))

    async def had_system(self) -> bool:
        """Whether some revision has a system prompt. By the key of conversation_revisions."""
        earlier = exists().where(R.conversation_id == C.conversation_id, R.system_prompt.op("~")(r"\S"))
        return bool(await self._connection.scalar(select(exists().where(self.scope.condition(), earlier))))

    async def ids(self) -> Ids:
        """Their ids, four bytes each. By ix_conversations_status_id where no term of the filter has a better one."""
        # One array rather than a cursor of the server: a look that is given up leaves none open.
        if self._ids is None:
            statement = select(func.array_agg(aggregate_order_by(C.id, C.id))).where(self.scope.condition())
            self._ids = array("I", await self._connection.scalar(statement) or ())
        return self._ids

    async def _raw(self) -> psycopg.AsyncConnection[Any]:
        raw = (await self._connection.get_raw_connection()).driver_connection
        assert isinstance(raw, psycopg.AsyncConnection)  # noqa: S101 - the engine is made with it
        return raw

    async def kin(self, on_progress: Callable[[int, int], None] = lambda _done, _total: None) -> Kin:
        """Which of them belong on one side of a split. `on_progress` gets how many were compared, of how many."""
        return await kin_of(await self._raw(), await self.ids(), on_progress)

    async def nodes(self) -> AsyncIterator[tuple[str, int, bool]]:
        """The public id of each and what it is to `kin`, in order of the id, and whether it was compared."""
        async for each in nodes_of(await self._raw(), await self.ids()):
            yield each

    async def pages(self, wanted: Wanted = TEXT_ONLY, *, first: int | None = None) -> AsyncIterator[Sequence[Fetched]]:
        """All of them in order of the id, page by page; or only so many of the first."""
        ids = await self.ids()
        read = reading_of(wanted, self.source)
        raw = await self._raw()
        async with raw.cursor(binary=True) as cursor:  # libpq makes its buffer as large as what it once got
            await cursor.execute("SELECT repeat(' ', %s)", [BUFFER])
        rest = iter(ids if first is None else ids[:first])
        while part := list(islice(rest, ASKED)):
            page: list[Fetched] = []
            size = 0
            # What is not taken yet waits in the connection, so the server is ahead by as much as that holds.
            async with raw.cursor(binary=True, row_factory=fetched) as cursor:
                cursor.adapters.register_loader("json", ByteaBinaryLoader)
                values = {**self._values, "ids": listed(part)}
                async for row in cursor.stream(read, values, binary=True, size=chunk_size()):
                    page.append(row)
                    size += len(row.contents)
                    if len(page) == PAGE or size >= PAGE_BYTES:
                        yield page
                        page, size = [], 0
            if page:
                yield page


def fetched(_cursor: Any) -> Callable[[Sequence[Any]], Fetched]:
    """What the driver makes of a row."""
    return Fetched._make


def chunk_size() -> int:
    """Rows at a time: libpq before 17 gives them one by one."""
    return CHUNK if psycopg.pq.version() >= 170_000 else 1


TEXTS = """
    (SELECT json_agg(t.content ORDER BY t.turn_number) AS contents,
            array_agg(t.turn_number) FILTER (WHERE NOT t.train) AS untrained
     FROM {turns})"""
DETAILS = """
        LEFT JOIN documents AS document ON document.id = c.document_id
        LEFT JOIN chunks AS chunk ON chunk.id = c.chunk_id
        LEFT JOIN LATERAL (
            -- What came in with our own format names where it is from, though its document is not here.
            SELECT log.details->>'document' AS document, log.details->>'chunk' AS chunk FROM review_logs AS log
            WHERE log.conversation_id = c.conversation_id AND log.action = 'import' ORDER BY log.id LIMIT 1
        ) AS brought ON c.document_id IS NULL"""
NAMED = """c.metadata, coalesce(document.name, brought.document), coalesce(chunk.heading, brought.chunk),
               to_char(c.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
DECISIONS = """
    (SELECT jsonb_agg(jsonb_build_array(
                log.action, log.revision, log.turn_number, log.reason, log.reviewer_notes,
                -- A decision that came in with a file is that of the one who made it, at that moment.
                CASE WHEN log.details ? 'carried' THEN log.details->'carried'->>'reviewer' ELSE log.reviewer_id END,
                CASE WHEN log.details ? 'carried' THEN log.details->'carried'->>'at'
                     ELSE to_char(log.timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END
            ) ORDER BY log.id) AS decisions,
            array_agg(log.revision) || (array_agg(log.revision - 1) FILTER (WHERE log.action = 'edit')) AS revisions
     FROM review_logs AS log
     WHERE log.conversation_id = c.conversation_id AND log.action IN ('approve', 'reject', 'edit')
       -- What a model wrote anew is no preference of a reviewer.
       AND log.details->>'origin' IS DISTINCT FROM 'regenerated' AND {saw_log}
       AND NOT EXISTS (SELECT FROM review_logs AS undo WHERE undo.undoes = log.id AND {saw_undo}))"""
EARLIER = """
    (SELECT jsonb_agg(jsonb_build_array(text.revision, text.system_prompt, text.turns) ORDER BY text.revision) AS texts
     FROM conversation_revisions AS text
     WHERE text.conversation_id = c.conversation_id AND text.revision < c.revision
       AND text.revision = ANY (decided.revisions))"""


def reading_of(wanted: Wanted, source: Source = NOW) -> str:
    """The statement for ids in order. By the primary key, and for each id by the keys of turns, log and revisions:
    uq_conversation_turns_conversation_id_turn_number, pk_review_logs, ix_review_logs_conversation_id_id and
    pk_conversation_revisions."""
    decisions = (
        f"LEFT JOIN LATERAL {DECISIONS} AS decided ON true LEFT JOIN LATERAL {EARLIER} AS earlier ON true"
        if wanted.decisions
        else ""
    )
    joined = f"""
        {DETAILS if wanted.details else ""}
        LEFT JOIN review_logs AS newest ON newest.id = c.decision_id
        CROSS JOIN LATERAL {TEXTS} AS said
        {decisions}"""
    return f"""
        SELECT c.conversation_id, c.revision, c.status, c.system_prompt, c.turn_count, said.contents, said.untrained,
               c.persona, c.emotion, c.topic, c.intent, c.tone, c.tier, c.quality_score::float8, c.cost_usd, c.model,
               c.is_seed, c.is_rehearsal, {NODE},
               CASE WHEN newest.action IN ('approve', 'reject')
                    THEN coalesce(newest.details->'carried'->>'reviewer', newest.reviewer_id) END,
               {NAMED if wanted.details else "NULL, NULL, NULL, NULL"},
               {"decided.decisions, earlier.texts" if wanted.decisions else "NULL, NULL"}
        FROM {source.conversations}
        {joined.format(**source.parts)}
        WHERE c.id = ANY (%(ids)s::bigint[])
        ORDER BY c.id"""  # noqa: S608 - the parts stand above


@asynccontextmanager
async def reading(db: Database, scope: Scope) -> AsyncIterator[ExportReader]:
    """A reader over one snapshot of the database."""
    async with db.read() as connection:
        yield ExportReader(connection, scope)


async def ids_of(db: Database, public: Sequence[str]) -> dict[str, int]:
    """The internal ids of conversations by their public ones, of those that are here. By
    uq_conversations_conversation_id."""
    async with db.read() as connection:
        found = await connection.execute(
            select(C.conversation_id, C.id).where(C.conversation_id == func.any(list(public)))
        )
        return {name: key for name, key in found}


@dataclass(frozen=True, slots=True)
class Since:
    """What differs from an earlier export: conversations that it did not hold, that are not in the scope any more, and
    that were edited since."""

    more: int
    gone: int
    edited: int

    @property
    def is_nothing(self) -> bool:
        """Whether the same export would hold the same revisions."""
        return not (self.more or self.gone or self.edited)


async def since(db: Database, noted: Noted, scope: Scope) -> Since:
    """How a scope differs from what an export held. By pk_export_rows."""
    then = noted.selected
    # What is asked of a moment has the revision that it had.
    revision = literal(None, Integer) if scope.filter.stood_as else C.revision
    now = select(C.conversation_id, revision.label("revision")).where(scope.condition()).subquery()
    both = then.join(now, then.c.conversation_id == now.c.conversation_id, full=True)
    statement = select(
        func.count().filter(then.c.conversation_id.is_(None)),
        func.count().filter(now.c.conversation_id.is_(None)),
        func.count().filter(then.c.revision != now.c.revision),
    ).select_from(both)
    async with db.read() as connection:
        more, gone, edited = (await connection.execute(statement)).one()
    return Since(int(more), int(gone), int(edited))


async def still_here(db: Database, noted: Noted) -> Ids:
    """The internal ids of what an export held and what is still here. By pk_export_rows."""
    held = select(noted.selected.c.conversation_id)
    async with db.read() as connection:
        return list(await connection.scalars(select(C.id).where(C.conversation_id.in_(held)).order_by(C.id)))
