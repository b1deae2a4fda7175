"""What the table asks the server for, read as plans at 100,000 conversations: every order, and every kind of term.

Each statement is taken as the code sends it and run again under EXPLAIN ANALYZE. A window is what is asked until the
first rows of a filter are there, together with the rows themselves.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from support import Conninfo, fresh_database, logged_in, scalar
from traintui.data import conversations, finding, review_queues, reviews
from traintui.data.bits import CONTAINER
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.feed import changed_since, here
from traintui.data.fields import META, STATIC, Fields, metadata_field
from traintui.data.filter_beside import Text
from traintui.data.filter_terms import LookedThrough
from traintui.data.filters import NAMES, Filter, parse
from traintui.data.finding import STRETCH, find
from traintui.data.first_rows import FIRST_ROWS, FIRST_TRY, Finding, is_served
from traintui.data.listing import NEWEST, Listing, Order, order_of
from traintui.data.live import Live
from traintui.data.mirror import unanswered
from traintui.data.models import STATUSES
from traintui.data.queue_orders import ORDERS as ORDERS_OF_QUEUES
from traintui.data.queue_orders import QueueOrders
from traintui.data.review_queues import waiting
from traintui.data.snippets import snippets

pytestmark = [pytest.mark.xdist_group("query_plans"), pytest.mark.asyncio(loop_scope="module")]

ROWS = 100_000
WINDOW = 50_000
"""Rows of conversations and turns that a window may read at the most."""
SIZES = 5
"""Statements after which a search before the copy is there has taken steps of every size."""
WATCHED = ("conversations", "conversation_turns")

LOADED = """
INSERT INTO documents (name, title, source_path, media_type, content, content_sha256)
SELECT 'guide_' || n, 'Guide', 'guide.md', 'text/markdown', 'Text', sha256(n::text::bytea)
FROM generate_series(1, 40) AS n;

INSERT INTO chunks (document_id, document_revision, ordinal, heading, content, content_sha256, token_estimate)
SELECT 1 + n % 40, 1, n, 'Part', 'Text', sha256(n::text::bytea), 10 FROM generate_series(0, 799) AS n;

INSERT INTO conversations (conversation_id, document_id, chunk_id, persona, emotion, topic, intent, tone, tier, status,
                           decision_id, quality_score, turn_count, created_at, updated_at, model, cost_usd, reviewed_at,
                           flagged, is_seed, is_rehearsal, deleted_at, metadata)
SELECT 'c' || n, CASE WHEN n % 4 > 0 THEN 1 + n % 40 END, CASE WHEN n % 4 > 0 THEN 1 + n % 800 END,
       CASE WHEN n % 7 > 0 THEN 'p' || n % 20 END, 'e' || n * 7 % 15, 't' || n * 11 % 30, 'i' || n % 10,
       (ARRAY['formal', 'warm', NULL])[1 + n % 3], (ARRAY['template', 'scenario', 'edge_case', NULL])[1 + n % 4],
       (ARRAY['planned', 'generating', 'generated', 'approved', 'rejected', 'failed', 'generated'])[1 + n * 13 % 7],
       n, CASE WHEN n % 5 > 0 THEN (n::bigint * 7919 % 1001) / 100.0 END, 1 + (n % 3)::int / 2,
       timestamptz '2026-11-01' - (n::bigint * 7919 % 400000) * interval '1 minute',
       timestamptz '2026-11-01' + (n::bigint * 104729 % 400000) * interval '1 second',
       (ARRAY['m1', 'm2', NULL])[1 + n % 3], CASE WHEN n % 3 > 0 THEN (n::bigint * 104729 % 1000000) / 1000000.0 END,
       CASE WHEN n % 4 > 0 THEN timestamptz '2026-10-20' + (n::bigint * 31337 % 900000) * interval '1 second' END,
       n % 11 = 0, n % 7 = 0 OR n % 3 = 2 OR n % 4 = 3, n % 13 = 0, CASE WHEN n % 50 = 0 THEN now() END,
       CASE WHEN n % 10 = 0 THEN '{}' ELSE
           jsonb_build_object('source', (ARRAY['web', 'phone', 'mail'])[1 + n % 3], 'batch', n / 100, 'line', n,
                              'grade', n % 100, 'checked', n % 2 = 0, 'due', date '2026-01-01' + n % 300)
           || CASE WHEN n % 500 = 1 THEN '{"reviewer": "rita"}' ELSE '{}' END::jsonb END
FROM generate_series(1, 100000) AS n;

INSERT INTO conversation_turns (conversation_id, turn_number, role, content)
SELECT n, turn, CASE turn WHEN 1 THEN 'user' ELSE 'assistant' END,
       CASE turn WHEN 1 THEN 'How does account ' || n || ' work' ELSE 'It depends on the account' END
       || CASE WHEN n % 10 = 3 THEN ' and its late fee' WHEN n % 10 = 4 THEN ' and the fee of late summer' ELSE '' END
       || CASE WHEN n % 20011 = 7 THEN ' or an escrow shortage' ELSE '' END
       || CASE WHEN n % 900 = 0 THEN ' at 5%, really' ELSE '' END
FROM generate_series(1, 100000) AS n, generate_series(1, 1 + n % 3 / 2) AS turn;

INSERT INTO search_turns (conversation_id, turn_number, piece, words)
SELECT conversation_id, turn_number, 1, search_vector(search_words(content), search_language())
FROM conversation_turns WHERE conversation_id <= 99500;

INSERT INTO search_metadata (conversation_id, metadata)
SELECT id, metadata FROM conversations WHERE metadata <> '{}' AND id <= 99500;

INSERT INTO search_pending (of_turns, conversation_id)
SELECT of_turns, n FROM generate_series(99501, 100000) AS n, (VALUES (true), (false)) AS either (of_turns);

INSERT INTO review_logs (conversation_id, action, reviewer_id, revision, reviewer_role, row_hash, xid8)
SELECT 'c' || n, (ARRAY['approve', 'reject'])[1 + n % 2],
       CASE WHEN n % 2000 = 0 THEN 'rare' ELSE (ARRAY['ada', 'rita', 'ron'])[1 + n % 3] END, 1, 'reviewer',
       sha256(''), pg_current_xact_id() FROM generate_series(1, 100000) AS n WHERE n % 10 < 6;

INSERT INTO generation_logs (conversation_id, run_id, template_id, template_version, kind, state, requested_by, sent_by,
                             endpoint, is_rehearsal, model, parameters, request_sha256, row_hash, xid8)
SELECT 'c' || n, CASE WHEN n % 2000 = 0 THEN 777 ELSE 1 + n % 100 END,
       CASE WHEN n % 2000 = 0 THEN 777 ELSE 1 + n % 5 END, 1, 'generate', 'ok', 'ada', 'ada',
       'http://127.0.0.1', false, 'm1', '{}', sha256(''), sha256(''), pg_current_xact_id()
FROM generate_series(1, 100000) AS n WHERE n % 10 < 6;

INSERT INTO assignments (conversation_id, reviewer_id, sharing_id)
SELECT n, CASE WHEN n % 2000 = 1 THEN 'rare' ELSE (ARRAY['ada', 'rita', 'ron'])[1 + n % 3] END, 's'
FROM generate_series(1, 100000) AS n WHERE n % 10 < 3;

INSERT INTO conversation_changes (conversation_id) SELECT n FROM generate_series(1, 100000) AS n;
"""

ACTED_SINCE = """
INSERT INTO review_logs (conversation_id, action, reviewer_id, revision, reviewer_role, row_hash, xid8)
SELECT 'c' || n, action, reviewer, 1, 'reviewer', sha256(''), pg_current_xact_id()
FROM (VALUES ('approve', 'rita'), ('flag', 'ron')) AS act (action, reviewer), generate_series(1, 20000) AS n;
"""
"""What one reviewer decided, and another did there after it."""

FIELDS = Fields(
    registered
    for registered in (
        metadata_field("grade", "integer"), metadata_field("due", "date"), metadata_field("checked", "boolean"),
    )
    if registered is not None
)  # fmt: skip
ORDERS = [NEWEST, *(Order(each, descending) for each in FIELDS.values() for descending in (False, True))]

TERMS: dict[str, tuple[str, ...]] = {
    "status": ("status:generated", "status:approved,rejected", "-status:planned"),
    "persona": ("persona:p3", "persona:none", "-persona:p3,p4"),
    "emotion": ("emotion:e4",),
    "topic": ("topic:t2,t3",),
    "intent": ("-intent:i1",),
    "tone": ("tone:formal", "tone:none"),
    "tier": ("tier:edge_case", "-tier:template"),
    "model": ("model:m1", "model:none"),
    "score": ("score>=9.9", "score:4..6", "-score<5"),
    "judge": ("judge>=7", "-judge>=0"),
    "turns": ("turns:2",),
    "cost": ("cost>0.999", "cost<=0.25"),
    "created": ("created>=2026-10-30", "created:2026-08-01..2026-08-02"),
    "updated": ("updated<2026-11-02",),
    "reviewed": ("reviewed>2026-10-28", "-reviewed>2026-10-21"),
    "is": ("is:flagged", "-is:seed", "is:rehearsal,flagged", "is:deleted", "is:mine", "is:flagged,mine", "-is:mine",
        "is:disputed", "is:disputed,flagged", "-is:disputed"),
    "id": ("id:c77", "id:c5,c99999", "-id:c77"),
    "document": ("document:guide_7", "document:none", "-document:guide_7", "document:guide_7,none"),
    "chunk": ("chunk:7", "chunk:none", "-chunk:7,8"),
    "reviewer": ("reviewer:rita", "reviewer:rare", "reviewer:none", "-reviewer:rita", "reviewer:nobody"),
    "assigned": ("assigned:rita", "assigned:rare", "assigned:none", "-assigned:rita", "assigned:nobody"),
    "run": ("run:5", "run:none", "-run:5", "run:777", "-run:777", "run:7777"),
    "template": ("template:2", "template:none", "-template:2", "template:777", "template:7777"),
    "cause": ('cause:"It declined."', "cause:none", '-cause:"It declined."'),
    "has": ("has:meta.reviewer", "has:meta.source", "-has:meta.source", "has:meta.reviewer,meta.no", "has:meta.x"),
    "meta.": (
        "meta.source:web", "-meta.source:web", "meta.line:77", "meta.batch:12,13", "meta.source:none",
        "meta.grade:7", "meta.grade>98", "meta.grade:4..6", "meta.due>=2026-10-01", "-meta.due<2026-10-01",
        "meta.checked:true", "-meta.checked:true",
    ),
    "text": (
        "account", "fee", '"late fee"', '"fee of late summer"', "escro*", '"escrow short*"', "-account", '-"late fee"',
        "unheard",
    ),
}  # fmt: skip
COMBINED = (
    "status:generated score>=5 fee", "fee meta.source:web -run:5", '"late fee" -is:mine persona:p3', "fee summer -late",
    "meta.source:web has:meta.reviewer -meta.checked:true", "document:guide_7 reviewer:rare run:777",
    "unheard meta.source:web meta.batch:12 meta.line:1 -has:meta.reviewer", "is:deleted escrow",
    "-account -fee meta.source:web", "meta.source:web meta.source:phone",
)  # fmt: skip
LOOKED_THROUGH = (
    "meta.batch>990",
    "meta.source>=web",
    "%",
    "-%",
    "meta.batch<3 fee",
    "% document:guide_7 -meta.line<9",
)
FILTERS = ("", *(each for terms in TERMS.values() for each in terms), *COMBINED)


@dataclass
class Recorded:
    """The statements that were sent, and what they were for."""

    purpose: str = "window"
    sent: list[tuple[str, str, Any]] = field(default_factory=list)

    def of(self, purpose: str) -> list[tuple[str, Any]]:
        """Those with one purpose."""
        return [(statement, parameters) for each, statement, parameters in self.sent if each == purpose]


@dataclass(frozen=True)
class Plan:
    """What one run of a statement read of the tables that are watched."""

    statement: str
    rows: int
    scanned: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.rows:,} rows, scans {self.scanned}: {self.statement[:2000]}"


@contextmanager
def recorded(db: Database) -> Iterator[Recorded]:
    """What is sent inside of the block."""
    kept = Recorded()

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        kept.sent.append((kept.purpose, statement, parameters))

    event.listen(db.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield kept
    finally:
        event.remove(db.engine.sync_engine, "before_cursor_execute", note)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a plan."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


COUNTED = text("SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname = ANY(:watched)")


async def scans(connection: AsyncConnection) -> dict[str, int]:
    """How often this session has scanned each table that is watched, of late."""
    return {name: number for name, number in await connection.execute(COUNTED, {"watched": list(WATCHED)})}


async def explained(
    db: Database, sent: Sequence[tuple[str, Any]], *, run: bool = True, watched: Sequence[str] = WATCHED
) -> list[Plan]:
    """The plans of statements, each run once more; without `run` they say nothing of rows."""
    plans = []
    how = "ANALYZE, FORMAT JSON, TIMING OFF" if run else "FORMAT JSON"
    async with db.read() as connection:
        for statement, parameters in sent:
            before = await scans(connection)
            explain = f"EXPLAIN ({how}) {statement}"
            told = (await connection.exec_driver_sql(explain, parameters)).scalar_one()
            after = await scans(connection)
            plan = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
            rows, scanned = 0.0, []
            for node in nodes(plan):
                if node.get("Relation Name") not in watched:
                    continue
                each = node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0)
                rows += (each + node.get("Rows Removed by Index Recheck", 0)) * node.get("Actual Loops", 0)
                if node["Node Type"] == "Seq Scan":
                    scanned.append(node["Relation Name"])
            # What a function reads is in no plan.
            scanned += [name for name in after if after[name] > before[name] and name not in scanned]
            plans.append(Plan(statement, round(rows), tuple(scanned)))
    return plans


# The workspace --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(server: EmbeddedServer) -> Iterator[Conninfo]:
    """The connection strings of a workspace with 100,000 conversations, of which 500 wait for the search index."""
    with fresh_database(server) as name:
        with psycopg.connect(server.conninfo(SUPERUSER, name), autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(LOADED.encode())
            connection.execute("VACUUM (ANALYZE)")
        yield lambda login: server.conninfo(login, name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def copy(large: Conninfo) -> AsyncIterator[Live]:
    """The copy in memory of a reviewer, loaded once."""
    async with logged_in(large("rita")) as db:
        loaded = Live(db, FIELDS)
        await loaded.load()
        yield loaded


@pytest.fixture
def live(copy: Live) -> Live:
    """The table of a reviewer, before the server has answered anything."""
    fresh = Live(copy.db, FIELDS)
    fresh.mirror = copy.mirror
    return fresh


# What the screen does -------------------------------------------------------------------------------------------------


async def fetch(db: Database, wanted: Filter, ids: Sequence[int]) -> None:
    """The rows that are shown, as `ConversationRows` fetches them."""
    await conversations.rows(db, ids, [name.removeprefix(META) for name in FIELDS if name.startswith(META)])
    words = [part.words for term in wanted.written if not term.negated for part in term.parts if isinstance(part, Text)]
    if words:
        await snippets(db, ids, words[0])


class TriedEnoughError(Exception):
    """The first rows are all that is looked at."""


async def shown(
    live: Live, wanted: Filter, order: Order, monkeypatch: pytest.MonkeyPatch, *, whole: bool = True
) -> Recorded:
    """Shows a filter in an order and goes to its middle and its end; without `whole`, it ends with the first rows.

    The answer to the whole comes as late as it can: after everything has been tried that is tried beside it.
    """
    tried = asyncio.Event()
    first_by_trying, answers_of, by_looking_through = (
        finding.first_by_trying, finding.answers_of, finding.by_looking_through,
    )  # fmt: skip
    with recorded(live.db) as kept, monkeypatch.context() as patch:

        async def trying(*given: Any, **named: Any) -> AsyncIterator[Finding]:
            async for each in first_by_trying(*given, **named):
                yield each
            tried.set()

        async def answering(*given: Any) -> Any:
            await tried.wait()
            if not whole:
                raise TriedEnoughError
            kept.purpose = "whole"
            return await answers_of(*given)

        async def looking(*given: Any) -> AsyncIterator[Finding]:
            kept.purpose = "stretch"
            async for each in by_looking_through(*given):
                yield each

        patch.setattr(finding, "first_by_trying", trying)
        patch.setattr(finding, "answers_of", answering)
        patch.setattr(finding, "by_looking_through", looking)
        listing: Listing | None = live.listing(wanted, order)
        first: Sequence[int] = ()
        if listing is None:
            with suppress(TriedEnoughError):
                async for each in find(live, wanted, order):
                    listing, first = each.listing, first or each.listing.ids(0, FIRST_ROWS)
            if not whole:
                await fetch(live.db, wanted, first)
                return kept
        assert listing is not None and listing.complete
        kept.purpose = "window"
        await fetch(live.db, wanted, first or listing.ids(0, FIRST_ROWS))
        for purpose, start in (("middle", listing.total // 2), ("end", max(0, listing.total - FIRST_ROWS))):
            kept.purpose = purpose
            await fetch(live.db, wanted, listing.ids(start, FIRST_ROWS))
    return kept


async def check_windows(live: Live, filter_text: str, order: Order, kept: Recorded) -> None:
    """Every window keeps within the limit and scans nothing."""
    assert kept.of("window")
    for purpose in ("window", "middle", "end"):
        plans = await explained(live.db, kept.of(purpose))
        assert not [str(plan) for plan in plans if plan.scanned], (filter_text, order.text, purpose)
        assert sum(plan.rows for plan in plans) <= WINDOW, (filter_text, order.text, [str(plan) for plan in plans])


# The promises ---------------------------------------------------------------------------------------------------------


async def test_every_name_that_a_filter_knows_is_tried_here() -> None:
    assert set(TERMS) == {*NAMES, META, "text"}
    for name, terms in TERMS.items():
        if name in NAMES:
            assert all(parse(each).written[0].field == name for each in terms)
    assert {order.field.name for order in ORDERS if order.field} >= {each.name for each in STATIC}


@pytest.mark.parametrize("filter_text", FILTERS)
async def test_a_window_of_any_filter_reads_few_rows_and_the_whole_answer_comes_by_an_index(
    live: Live, filter_text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = parse(filter_text, fields=FIELDS, login="rita")
    kept = await shown(live, wanted, NEWEST, monkeypatch)
    await check_windows(live, filter_text, NEWEST, kept)
    plans = await explained(live.db, kept.of("whole"), run=False)
    assert bool(plans) == bool(unanswered(wanted))
    assert not [str(plan) for plan in plans if plan.scanned], (filter_text, "whole")


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.text or "newest")
async def test_a_window_in_any_order_reads_few_rows_by_their_keys(
    live: Live, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    for filter_text in ("", '"late fee" meta.source:web'):
        wanted = parse(filter_text, fields=FIELDS, login="rita")
        await check_windows(live, filter_text, order, await shown(live, wanted, order, monkeypatch, whole=False))


@pytest.mark.parametrize(
    "order", [order_of(name, FIELDS) for name in ("score", "-updated")], ids=lambda order: order.text
)
async def test_candidates_from_all_over_the_table_are_read_by_their_keys(
    live: Live, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    for filter_text in ("reviewer:rare", "unheard", "meta.line:77", "run:777 escrow -has:meta.reviewer"):
        wanted = parse(filter_text, fields=FIELDS, login="rita")
        await check_windows(live, filter_text, order, await shown(live, wanted, order, monkeypatch, whole=False))


@pytest.mark.parametrize("order", [*(order.text for order in ORDERS_OF_QUEUES), "-judge"])
async def test_a_part_of_a_queue_in_any_order_is_read_by_its_keys_from_its_beginning_to_its_end(
    live: Live, order: str
) -> None:
    orders, wanted = QueueOrders(1), parse(waiting("is:mine"), fields=FIELDS, login="rita")
    await review_queues.answer(live, wanted)  # whose statements are looked at above
    total = review_queues.total(live, wanted, orders)
    assert total and total > 2 * review_queues.SIZE
    with recorded(live.db) as kept:
        await review_queues.prepare(live.db, live, wanted, order, orders)
        for rank in (0, total // 2, total):
            assert (await review_queues.window(live.db, live, wanted, order, orders, near=None, rank=rank)).ids
    plans = await explained(live.db, kept.of("window"))
    assert not [str(plan) for plan in plans if plan.scanned]
    assert sum(plan.rows for plan in plans) <= 4 * 3 * review_queues.SIZE, [str(plan) for plan in plans]


async def test_before_the_copy_is_there_a_queue_is_read_along_its_index(live: Live) -> None:
    with recorded(live.db) as kept:
        await reviews.queue(live.db, parse(waiting(""), fields=FIELDS), limit=review_queues.SIZE)
    (plan,) = await explained(live.db, kept.of("window"))
    assert not plan.scanned and plan.rows <= 2 * review_queues.SIZE, str(plan)


async def test_the_last_action_to_take_back_is_looked_for_in_few_rows_where_others_acted_since(
    server: EmbeddedServer,
) -> None:
    with fresh_database(server) as name:
        with psycopg.connect(server.conninfo(SUPERUSER, name), autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(ACTED_SINCE.encode())
            connection.execute("VACUUM (ANALYZE)")
        async with logged_in(server.conninfo("rita", name)) as db:
            with recorded(db) as kept:
                assert await reviews.last_undoable(db) is None
            (plan,) = await explained(db, kept.of("window"), watched=("review_logs",))
    assert not plan.scanned and plan.rows <= 4 * reviews.UNDO_DEPTH, str(plan)


@pytest.mark.parametrize("filter_text", LOOKED_THROUGH)
async def test_what_no_index_serves_is_looked_through_by_stretches_of_the_key(
    live: Live, filter_text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = parse(filter_text, fields=FIELDS, login="rita")
    slow = [asked for asked in unanswered(wanted) if isinstance(asked, LookedThrough)]
    kept = await shown(live, wanted, NEWEST, monkeypatch)
    stretches = kept.of("stretch")
    assert slow and len(stretches) == len(slow) * (ROWS // STRETCH + 1)
    for plan in await explained(live.db, [*kept.of("window"), *stretches]):
        assert plan.rows <= CONTAINER and not plan.scanned, str(plan)


@pytest.mark.parametrize(
    "filter_text", ("", *(each for terms in TERMS.values() for each in terms[:1]), *COMBINED[:3], *LOOKED_THROUGH)
)
async def test_before_the_copy_is_there_rows_are_found_by_steps_along_the_key(live: Live, filter_text: str) -> None:
    live.mirror = None
    wanted = parse(filter_text, fields=FIELDS, login="rita")
    with recorded(live.db) as kept:
        async for each in find(live, wanted, NEWEST):
            if each.listing.total >= FIRST_ROWS or len(kept.sent) >= SIZES:
                break
    for plan in await explained(live.db, kept.of("window")):
        assert plan.rows <= WINDOW and not plan.scanned, str(plan)


@pytest.mark.parametrize("filter_text", ("", "status:generated tone:warm", "fee", "reviewer:rare", "score>=9.9"))
@pytest.mark.parametrize("order", [order for order in ORDERS if is_served(order)], ids=lambda order: order.text)
async def test_before_the_copy_is_there_an_index_gives_the_first_rows_of_an_order(
    live: Live, order: Order, filter_text: str
) -> None:
    live.mirror = None
    wanted = parse(filter_text, fields=FIELDS, login="rita")
    with recorded(live.db) as kept:
        async for each in find(live, wanted, order):
            if each.listing.total >= FIRST_ROWS or len(kept.sent) >= 2 * SIZES:
                break
    for plan in await explained(live.db, kept.of("window")):
        assert plan.rows <= WINDOW and not plan.scanned, str(plan)


@pytest.mark.parametrize(
    ("filter_text", "order"), [("score>=9.9", "score"), ("status:failed", "status"), ("created>=2026-10-30", "created")]
)
async def test_before_the_copy_is_there_an_order_begins_where_the_filter_begins(
    live: Live, filter_text: str, order: str
) -> None:
    live.mirror = None
    with recorded(live.db) as kept:
        async for each in find(live, parse(filter_text, fields=FIELDS), order_of(order, FIELDS)):
            assert each.listing.total
            break
    candidates = [statement for statement, _ in kept.of("window") if "LIMIT" in statement]
    assert len(candidates) <= len(STATUSES)
    assert sum([plan.rows for plan in await explained(live.db, kept.of("window"))]) <= 2 * FIRST_TRY


async def test_the_feed_is_read_by_its_index(large: Conninfo, live: Live) -> None:
    async with live.db.read() as connection:
        seen = await here(connection)
    with psycopg.connect(large(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("INSERT INTO conversation_changes (conversation_id) SELECT generate_series(1, 300)")
    with recorded(live.db) as kept:
        async with live.db.read() as connection:
            _, changed = await changed_since(connection, seen)
    assert len(changed) == 300
    _, statement, parameters = kept.sent[-1]
    async with live.db.read() as connection:
        told = (await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)).scalar_one()
    names = [node.get("Index Name") for node in nodes(told[0]["Plan"]) if "Scan" in node["Node Type"]]
    assert names and set(names) <= {"ix_conversation_changes_xid8"}
    assert await scalar(live.db, "SELECT count(*) FROM conversation_changes") >= ROWS
