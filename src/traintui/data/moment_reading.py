"""Reading conversations as they stood at a moment: the revision, status and decisions of then.

Texts are given back as they were, for each revision keeps its own; so are status and decisions, out of the rows of the
review log before the moment. Dimensions, metadata, scores and names of documents are those of now: nobody keeps others.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.conditions import Condition
from traintui.data.engine import Database
from traintui.data.export_reading import ExportReader, Scope, ScopeCounts, Source
from traintui.data.id_lists import listed
from traintui.data.models import Conversation as C
from traintui.data.past_reading import TURNS_OF_THEN, PastReader, PastScope, ThenReader

BEFORE = "({row}.timestamp < %(moment)s::timestamptz)"
AT_THE_MOMENT = f"""(
        SELECT c.id, c.conversation_id, text.revision,
               CASE WHEN stood.status IN ('approved', 'rejected') THEN stood.status ELSE 'generated' END AS status,
               text.system_prompt, text.turns AS texts, c.persona, c.emotion, c.topic, c.intent, c.tone, c.tier,
               c.quality_score, c.cost_usd, c.model, c.is_seed, c.is_rehearsal, c.document_id, c.chunk_id, c.metadata,
               c.created_at, jsonb_array_length(text.turns) AS turn_count, stood.decision_id
        FROM conversations AS c
        CROSS JOIN LATERAL (
            -- Revisions are counted up, each by a row of the log, but for the first that a model wrote.
            SELECT coalesce(max(log.revision), 1) AS revision,
                   (array_agg(log.status_after ORDER BY log.id DESC) FILTER (WHERE log.status_after IS NOT NULL))[1]
                       AS status,
                   max(log.id) FILTER (WHERE log.status_after IS DISTINCT FROM log.status_before
                       OR log.action IN ('approve', 'reject') AND NOT log.details ? 'blind') AS decision_id
            FROM review_logs AS log
            WHERE log.conversation_id = c.conversation_id AND {BEFORE.format(row="log")}) AS stood
        JOIN conversation_revisions AS text
            ON text.conversation_id = c.conversation_id AND text.revision = stood.revision) AS c"""  # noqa: S608 - ours


@dataclass(frozen=True, slots=True)
class MomentScope(Scope):
    """What of the workspace was what the filter says at `moment`, the one that it names; of a selection too."""

    moment: datetime = datetime.min

    def condition(self, *, rehearsal: bool | None = None) -> Condition:
        """It as SQL: those that have a text and are not in the trash, whatever their status is by now."""
        conditions: list[ColumnElement[bool]] = [C.turn_count >= 2]
        if self.ids is None:
            conditions.append(self.filter.where)
        else:
            stood = (term.where for term in self.filter.written if term.is_of_then and not term.negated)
            conditions += [C.id == func.any(list(self.ids)), C.deleted_at.is_(None), *stood]
        if not (self.rehearsal if rehearsal is None else rehearsal):
            conditions.append(C.is_rehearsal.is_(False))
        return and_(*conditions)


class MomentReader(ThenReader):
    """The conversations of a scope as they stood. By ix_review_logs_conversation_id_id, pk_conversation_revisions."""

    source = Source(AT_THE_MOMENT, TURNS_OF_THEN, BEFORE)

    def __init__(self, connection: AsyncConnection, scope: MomentScope) -> None:
        super().__init__(connection, scope)
        self._values = {"moment": scope.moment}

    async def counts(self) -> ScopeCounts:
        """How much there is."""
        found = await super().counts()
        total, unapproved, has_system, most = await self._ask(
            "count(*), count(*) FILTER (WHERE c.status <> 'approved'),"
            r" bool_or(c.system_prompt ~ '\S'), max(c.turn_count)"
        )
        return ScopeCounts(
            int(total), found.rehearsal, int(unapproved), found.left_out_rehearsal, 0, bool(has_system), (most or 0) > 2
        )

    async def _which(self) -> tuple[str, Mapping[str, Any]]:
        return "WHERE c.id = ANY (%(ids)s::bigint[])", {"ids": listed(await self.ids())}


@asynccontextmanager
async def reader_of(db: Database, scope: Scope) -> AsyncIterator[ExportReader]:
    """A reader over one snapshot of the database: of what there is, of what was at a moment, or of what an export
    held."""
    async with db.read() as connection:
        if isinstance(scope, PastScope):
            yield PastReader(connection, scope)
        elif isinstance(scope, MomentScope):
            yield MomentReader(connection, scope)
        else:
            yield ExportReader(connection, scope)
