"""Reading what an export held: the same conversations at the revisions that the log noted, and what had been decided on
them by then.

Texts are given back as they were, for each revision keeps its own; so are status and decisions, out of the log and what
of it that export saw. Dimensions, metadata, scores and names of documents are those of now: nobody keeps others.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.export_reading import ExportReader, Scope, ScopeCounts, Source
from traintui.data.filters import Condition
from traintui.data.id_lists import Ids
from traintui.data.models import Conversation as C
from traintui.data.noted import Noted
from traintui.errors import TraintuiError

NAMED = 5
"""Conversations that an answer names; it counts the others."""
SAW = """(pg_visible_in_snapshot({row}.xid8, %(snapshot)s::pg_snapshot)
              AND {row}.timestamp < %(began_at)s::timestamptz + interval '1 minute'
              AND (%(moment)s::timestamptz IS NULL OR {row}.timestamp < %(moment)s::timestamptz))"""
"""What it saw of a log. Both are in the numbers of the logs, which go on when a workspace moves to another server. The
clock is for one that moved before its logs had numbers of their own; its minute is for clocks that are put back a
little."""
OF_THEN = f"""(
        SELECT c.id, c.conversation_id, noted.revision, coalesce(stood.status_after, 'generated') AS status,
               text.system_prompt, text.turns AS texts, c.persona, c.emotion, c.topic, c.intent, c.tone, c.tier,
               c.quality_score, c.cost_usd, c.model, c.is_seed, c.is_rehearsal, c.document_id, c.chunk_id, c.metadata,
               c.created_at, jsonb_array_length(text.turns) AS turn_count, stood.id AS decision_id
        FROM {{noted}} AS noted
        JOIN conversations AS c ON c.conversation_id = noted.conversation_id
        JOIN conversation_revisions AS text
            ON text.conversation_id = noted.conversation_id AND text.revision = noted.revision
        LEFT JOIN LATERAL (
            -- What a conversation names as its newest decision: one that settled, or what changed the status.
            SELECT log.id, log.status_after FROM review_logs AS log
            WHERE log.conversation_id = noted.conversation_id AND {SAW.format(row="log")}
              AND (log.status_after IS DISTINCT FROM log.status_before
                   OR log.action IN ('approve', 'reject') AND NOT log.details ? 'blind')
            ORDER BY log.id DESC LIMIT 1) AS stood ON true
        WHERE noted.export_id = %(export_id)s) AS c"""  # noqa: S608 - the parts stand above
TURNS_OF_THEN = """(
        SELECT place AS turn_number, turn->>'content' AS content, (turn->>'train')::boolean AS train
        FROM jsonb_array_elements(c.texts) WITH ORDINALITY AS list(turn, place)) AS t"""


@dataclass(frozen=True, slots=True)
class PastScope(Scope):
    """What an export held. `snapshot` is what of the database it saw, `moment` as of when where that was not as of
    then."""

    noted: Noted = field(default_factory=lambda: Noted(""))
    snapshot: str = ""
    moment: datetime | None = None

    def condition(self, *, rehearsal: bool | None = None) -> Condition:
        """It as SQL, whatever has become of the conversations since."""
        return C.conversation_id.in_(select(self.noted.selected.c.conversation_id))


class ThenReader(ExportReader):
    """Conversations as they were: their revisions, and not what stands in the tables of now, answer what is asked of
    all of them."""

    async def is_weighted(self) -> bool:
        """Whether some answer was not to be trained on."""
        return bool((await self._ask("""bool_or(c.texts @> '[{"role": "assistant", "train": false}]')"""))[0])

    async def had_system(self) -> bool:
        """Whether some revision up to that one has a system prompt."""
        earlier = (
            "bool_or(EXISTS (SELECT FROM conversation_revisions AS r WHERE r.conversation_id = c.conversation_id"
            r" AND r.revision <= c.revision AND r.system_prompt ~ '\S'))"
        )
        return bool((await self._ask(earlier))[0])

    async def _ask(self, what: str) -> tuple[Any, ...]:
        only, values = await self._which()
        statement = f"SELECT {what} FROM {self.source.conversations} {only}"  # noqa: S608 - ours
        return tuple((await self._connection.exec_driver_sql(statement, {**self._values, **values})).one())

    async def _which(self) -> tuple[str, Mapping[str, Any]]:
        """Which of the source are meant, as SQL, and its values; all of them unless it is said."""
        return "", {}


class PastReader(ThenReader):
    """The conversations of an earlier export, as it held them. By pk_export_rows, and the keys of what it names."""

    def __init__(self, connection: AsyncConnection, scope: PastScope) -> None:
        super().__init__(connection, scope)
        self._noted = scope.noted
        self.source = Source(OF_THEN.format(noted=scope.noted.table), TURNS_OF_THEN, SAW)
        self._values = {**scope.noted.values, "snapshot": scope.snapshot, "moment": scope.moment}

    async def counts(self) -> ScopeCounts:
        """How much there is. Raises `TraintuiError` when some of it was erased since, with which."""
        await self._refuse_what_is_gone()
        total, rehearsal, unapproved, has_system, most = await self._ask(
            "count(*), count(*) FILTER (WHERE c.is_rehearsal), count(*) FILTER (WHERE c.status <> 'approved'),"
            r" bool_or(c.system_prompt ~ '\S'), max(c.turn_count)"
        )
        return ScopeCounts(total, rehearsal, unapproved, 0, 0, bool(has_system), (most or 0) > 2)

    async def _refuse_what_is_gone(self) -> None:
        gone: Sequence[Any] = (
            await self._connection.exec_driver_sql(
                f"SELECT noted.conversation_id, count(*) OVER () FROM {self._noted.table} AS noted"  # noqa: S608 - ours
                " WHERE noted.export_id = %(export_id)s AND (NOT EXISTS (SELECT FROM conversations AS c"
                "  WHERE c.conversation_id = noted.conversation_id)"
                " OR NOT EXISTS (SELECT FROM conversation_revisions AS text"
                "  WHERE text.conversation_id = noted.conversation_id AND text.revision = noted.revision))"
                " ORDER BY 1 LIMIT %(most)s",
                {**self._noted.values, "most": NAMED},
            )
        ).all()
        if gone:
            number = int(gone[0][1])
            more = f" and {number - len(gone):,} more" if number > len(gone) else ""
            raise TraintuiError(
                "Not exported",
                f"{number:,} of what {self._noted.export_id} held {'was' if number == 1 else 'were'} purged since:"
                f" {', '.join(name for name, _ in gone)}{more}.",
                "What was purged is gone for good, so the same file cannot be written again. Export what there is as of"
                " now (e in Audit, --as-of now). Nothing was written.",
            )

    async def ids(self) -> Ids:
        """Their ids, four bytes each, in the order in which they were written."""
        statement = select(func.array_agg(C.id)).where(self.scope.condition())
        return array("I", sorted(await self._connection.scalar(statement) or ()))
