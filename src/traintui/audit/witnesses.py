"""Witnesses: what in the database must agree with a log, and so tells of rows that no seal has yet.

A row that was just written can be changed together with its hash. What its change leaves elsewhere cannot be undone as
easily: the server's own note of the transaction that wrote what stands there, the conversation that names its decision,
the sums that were kept beside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from traintui.audit.erased import Erased
from traintui.audit.findings import Finding, Kind, Verdict, of_row
from traintui.audit.texts import of_text
from traintui.audit.walking import PLACES, WIDTH
from traintui.data.copied_rows import Row
from traintui.data.seal_records import Key, Order
from traintui.data.sealed_columns import Log
from traintui.data.whole_record import Record

XIDS = 1 << 32
"""The server notes transactions in 32 bits."""
NAMED = 100
"""Rows that a question names."""

DECISIONS = """
    SELECT c.conversation_id, c.decision_id, log.id IS NULL, coalesce(log.xid8::text::bigint, 0)
    FROM conversations AS c LEFT JOIN review_logs AS log ON log.id = c.decision_id
    WHERE c.decision_id IS NOT NULL
      AND (log.id IS NULL OR log.conversation_id <> c.conversation_id
           OR c.status IN ('approved', 'rejected') AND log.status_after IS DISTINCT FROM c.status)
    ORDER BY c.decision_id LIMIT %(limit)s
"""
"""Conversations whose decision is not in the log, or says something else."""

REFERENCES = """
    SELECT log.id, log.xid8::text::bigint, named.id, named.what FROM review_logs AS log
    CROSS JOIN LATERAL (VALUES (log.undoes, 'takes back'), (log.decision_before, 'follows')) AS named(id, what)
    WHERE named.id IS NOT NULL AND NOT EXISTS (SELECT FROM review_logs AS other WHERE other.id = named.id)
    ORDER BY named.id LIMIT %(limit)s
"""
"""Rows that name others which are not there."""

UNFOLLOWED = """
    SELECT log.id, log.xid8::text::bigint, log.conversation_id
    FROM review_logs AS log JOIN conversations AS c ON c.conversation_id = log.conversation_id
    WHERE log.xid8 >= %(horizon)s::text::xid8 AND log.action IN ('approve', 'reject', 'reopen')
      AND log.status_after IS DISTINCT FROM log.status_before AND log.status_after IN ('approved', 'rejected')
      AND NOT log.details ?| ARRAY['blind', 'carried'] AND coalesce(c.decision_id, 0) < log.id
    ORDER BY log.id LIMIT %(limit)s
"""
"""Decisions that no seal has, and of which their conversation knows nothing."""

EXPORTS = """
    WITH held AS (SELECT export_id, count(*) AS number FROM export_rows GROUP BY export_id)
    SELECT coalesce(held.export_id, ended.export_id), coalesce(held.number, 0), ended.id, ended.xid8::text::bigint,
           ended.conversation_count, begun.id IS NULL
    FROM held FULL JOIN (SELECT * FROM export_logs WHERE state = 'succeeded') AS ended USING (export_id)
        LEFT JOIN export_logs AS begun
            ON begun.export_id = coalesce(held.export_id, ended.export_id) AND begun.state = 'started'
    WHERE begun.id IS NULL OR ended.id IS NOT NULL AND ended.conversation_count <> coalesce(held.number, 0)
    LIMIT %(limit)s
"""
"""Exports whose rows disagree with what is noted of their conversations, or that ended and never began."""

TEXTS = """
    SELECT log.conversation_id, log.revision, kept.conversation_id IS NULL
    FROM review_logs AS log
        LEFT JOIN conversation_revisions AS kept
            ON kept.conversation_id = log.conversation_id AND kept.revision = log.revision
    WHERE log.content_sha256 IS NOT NULL AND kept.content_sha256 IS DISTINCT FROM log.content_sha256
      AND NOT EXISTS (SELECT FROM review_logs AS purge WHERE purge.conversation_id = log.conversation_id
                      AND purge.action = 'purge' AND purge.id >= log.id)
    GROUP BY 1, 2, 3 ORDER BY min(log.id) LIMIT %(limit)s
"""
"""Revisions that rows of the review log have another digest of, or that are gone."""

TURNS = """
    WITH said AS (
        SELECT conversation_id, jsonb_agg(jsonb_build_object('role', role, 'content', content, 'train', train)
                                          ORDER BY turn_number) AS turns
        FROM conversation_turns GROUP BY conversation_id
    )
    SELECT c.conversation_id, c.revision
    FROM conversations AS c LEFT JOIN said ON said.conversation_id = c.id
        LEFT JOIN conversation_revisions AS kept
            ON kept.conversation_id = c.conversation_id AND kept.revision = c.revision
    WHERE num_nonnulls(said.turns, kept.turns) > 0
      AND (said.turns IS DISTINCT FROM kept.turns OR c.system_prompt IS DISTINCT FROM kept.system_prompt)
    ORDER BY c.id LIMIT %(limit)s
"""
"""Conversations whose turns, or system prompt, are not those of their revision."""

COSTS = """
    WITH logged AS (
        SELECT conversation_id, sum(cost_usd) AS cost_usd FROM (
            SELECT log.conversation_id, log.cost_usd FROM generation_logs AS log
            WHERE log.conversation_id IS NOT NULL AND log.cost_usd IS NOT NULL
              AND NOT EXISTS (SELECT FROM generation_logs AS late
                              WHERE late.late_reply_to = log.id AND late.conversation_id = log.conversation_id)
            UNION ALL SELECT conversation_id, cost_usd FROM retired_calls WHERE conversation_id IS NOT NULL) AS calls
        GROUP BY conversation_id
    )
    SELECT c.conversation_id, c.cost_usd, coalesce(logged.cost_usd, 0)
    FROM conversations AS c LEFT JOIN logged USING (conversation_id)
    WHERE c.cost_usd > coalesce(logged.cost_usd, 0) AND c.created_at >= %(since)s
    ORDER BY c.id LIMIT %(limit)s
"""
"""Conversations that cost more than the calls in the log for them. (What two calls cost that ended at once may not all
stand there.)"""


@dataclass(frozen=True, slots=True)
class Touched:
    """A row that is not what its own hash says, or that was `written` by another transaction than it says."""

    log: Log
    key: Key
    as_hashed: bool
    written: bytes | None

    def crosses(self, other: Touched) -> bool:
        """Whether the earlier of the two has the higher number, and the same transaction wrote both."""
        if (self.log, self.written) != (other.log, other.written):
            return False
        return (self.key[0] - other.key[0]) * (self.key[1] - other.key[1]) < 0


class Writers:
    """Compares rows that no seal has with the server's own note of the transaction that wrote what stands there: an
    update by whomever leaves its own. Rows of an import are written in a part of their transaction, which has another
    number; rows of calls are rewritten by a purge or an erasure. `unknown` are rows that came from another server."""

    def __init__(self, record: Record, order: Order, erased: Erased) -> None:
        self.record = record
        self.order = order
        self.erased = erased
        self.number = self.more = self.unknown = 0
        self.found: list[Touched] = []
        self._imports = lru_cache(maxsize=1_000)(record.import_writers)

    def look(self, log: Log, row: Row, key: Key, as_hashed: bool) -> None:
        """Looks at a row that no seal has, and that is what its hash says or is not."""
        self.number += 1
        if as_hashed and self._as_written(log, row, key):
            return
        if len(self.found) < NAMED:
            self.found.append(Touched(log, key, as_hashed, row[WIDTH[log] + 1]))
        else:
            self.more += 1

    def _as_written(self, log: Log, row: Row, key: Key) -> bool:
        """Whether the transaction wrote a row that it says did."""
        if key[0] >= self.order.next:
            return False
        if len(row) == 1:
            return True  # compared by its hash alone, as is said
        if key[0] < self.order.begins_at or self.order.is_copied:
            self.unknown += 1
            return True
        written = int(row[WIDTH[log] + 1] or 0)
        return written == (key[0] - self.order.offset) % XIDS or self._allowed(log, row, key, written)

    def _allowed(self, log: Log, row: Row, key: Key, written: int) -> bool:
        if log == "review_logs":
            bulk = row[PLACES[log]["bulk_id"]]
            return bulk is not None and written in self._imports(bulk.decode(), key[0], self.order.offset)
        if log != "generation_logs":
            return False
        wrote = {xid8 for xid8 in self.erased.transactions(row) if (xid8 - self.order.offset) % XIDS == written}
        return self.erased.allows(row, wrote)

    def findings(self) -> Iterator[Finding]:
        """What was found, first that the order of the logs cannot be. Two that one transaction wrote, the earlier of
        which has the higher number, changed places; a row that is numbered behind all others, and not as old as some of
        them say to be, came later than it says."""
        if self.order.begins_at > self.order.next:
            what = f"rows from transaction {self.order.begins_at:,} on are said to be of this server, which is at"
            yield beside("order of the logs", f"{what} {self.order.next:,}")
        for each in self.found:
            kind: Kind
            if each.key[0] >= self.order.next:
                kind, what = "inserted", "its transaction has not been yet"
            elif any(each.crosses(other) for other in self.found):
                kind, what = "reordered", "another transaction wrote it and one that it changed places with"
            else:
                kind = "inserted" if self._came_later(each) else "changed"
                as_written = "another transaction wrote it than it says"
                what = as_written if each.as_hashed else "it is not what its hash says"
            yield of_row(kind, each.log, each.key, what, sealed=False)

    def _came_later(self, row: Touched) -> bool:
        finished = " AND row_hash IS NOT NULL" if row.log == "generation_logs" else ""
        touched = [each.key[1] for each in self.found if each.log == row.log]
        later = self.record.figures(
            f"SELECT EXISTS (SELECT FROM {row.log} WHERE xid8 > %(xid8)s::text::xid8 AND id < %(id)s{finished})"  # noqa: S608
            f" AND NOT EXISTS (SELECT FROM {row.log} WHERE id > %(id)s AND id <> ALL(%(touched)s){finished})",
            {"xid8": row.key[0], "id": row.key[1], "touched": touched},
        )
        return bool(later[0][0])


def agreeing(record: Record, horizon: int, verdict: Verdict, known: set[tuple[Log, int]]) -> None:
    """Asks every witness in the database, and adds what does not agree. `known` are rows of which something was found
    already, and of which nothing is said again."""

    def add(kind: Kind, log: Log, key: Key, what: str) -> None:
        if (log, key[1]) not in known:
            known.add((log, key[1]))
            verdict.add(of_row(kind, log, key, what, sealed=False))

    limit = {"limit": NAMED}
    for conversation, decision, is_gone, xid8 in record.figures(DECISIONS, limit):
        if is_gone:
            add("removed", "review_logs", (xid8, decision), f"conversation {conversation} names it as its decision")
        else:
            add(
                "changed", "review_logs", (xid8, decision), f"conversation {conversation} names it and stands otherwise"
            )
    for id, xid8, named, what in record.figures(REFERENCES, limit):
        add("removed", "review_logs", (xid8, named), f"row {id:,} {what} it")
    for id, xid8, conversation in record.figures(UNFOLLOWED, limit | {"horizon": horizon}):
        add("inserted", "review_logs", (xid8, id), f"conversation {conversation} knows nothing of this decision")
    for export, held, id, xid8, count, is_unbegun in record.figures(EXPORTS, limit):
        if is_unbegun:
            what = f"nothing says that export {export} began, and {held:,} conversations are noted as in it"
            verdict.add(beside("export log", what))
        else:
            add(
                "changed",
                "export_logs",
                (xid8, id),
                f"it says {count:,} conversations, and {held:,} are noted as in it",
            )
    for conversation, revision, is_gone in record.figures(TEXTS, limit):
        what = "its text is gone" if is_gone else "its digest is not the one that the review log has of it"
        verdict.add(of_text(conversation, revision, what))
    for conversation, revision in record.figures(TURNS, limit):
        verdict.add(of_text(conversation, revision, "what the conversation says now is not what it says"))
    for table, bounds in record.other_tables():
        what = f"its table {table} is of no week ({bounds or 'no bounds'}), and no seal has what stands there"
        verdict.add(beside("generation log", what))
    weeks = sorted(
        {*record.live_weeks(), *(each.week for each in record.retirements() if each.log == "generation_logs")}
    )
    if weeks:
        for conversation, cost, logged in record.figures(COSTS, limit | {"since": weeks[0]}):
            what = f"conversation {conversation} cost ${cost}, and its calls in the log ${logged}"
            verdict.add(beside("generation log", what))


def beside(where: str, what: str) -> Finding:
    """A finding about a log whose row cannot be named."""
    return Finding(
        "witness", where, what,
        "A row of this log was removed before it was sealed, or what must agree with it was changed.",
        "Compare the log with a backup from before, and ask who had a superuser's access since.", sealed=False,
    )  # fmt: skip
