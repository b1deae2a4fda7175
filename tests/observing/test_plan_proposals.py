"""A plan that reads a whole table to keep a few rows asks for an index, which can be looked at before it is made."""

from __future__ import annotations

from churned import as_owner
from support import Conninfo
from traintui import clock
from traintui.data import query_times
from traintui.data.engine import Database
from traintui.data.query_plans import explain
from traintui.data.query_shapes import plan_hash, without_values
from traintui.observing import mending
from traintui.observing.index_findings import IndexFinding
from traintui.observing.plan_proof import NOT_TESTED, proof
from traintui.observing.plan_proposals import columns_of
from traintui.observing.standing import index_states

ASKED = "SELECT * FROM wide WHERE kind = %(kind)s AND place = %(place)s"


async def note(db: Database, label: str, statement: str) -> None:
    """Keeps the plan that a statement has now, as the recording does."""
    plan = without_values(await explain(db, statement, {"kind": "b7", "place": 3}))
    await query_times.note_plan(db, label, statement, plan_hash(plan), plan)


async def proposed(db: Database) -> list[IndexFinding]:
    """The indexes that plans ask for."""
    found = [each.finding for each in await index_states(db, clock.now())]
    return [each for each in found if each is not None and each.kind == "slow_plan"]


async def test_a_plan_that_reads_all_to_keep_a_few_proposes_an_index_that_serves_it(
    db: Database, conninfo: Conninfo
) -> None:
    as_owner(
        conninfo,
        "CREATE TABLE wide AS SELECT n, 'b' || n % 400 AS kind, n % 50 AS place FROM generate_series(1, 40000) AS n",
        "GRANT SELECT ON wide TO traintui_reviewer", "CREATE INDEX ix_wide_n ON wide (n)", "ANALYZE wide",
    )  # fmt: skip
    await note(db, "wide.kind", ASKED)
    (finding,) = await proposed(db)
    assert finding.statement == "CREATE INDEX CONCURRENTLY ix_wide_kind_place ON wide (kind, place);"
    assert "wide.kind reads about 40,000 rows of wide to keep" in finding.says
    now, tested = await proof(db, finding)
    assert now.startswith("looking up kind, place is planned as Seq Scan on wide, cost ")
    assert tested == NOT_TESTED  # the embedded server has no extensions
    as_owner(conninfo, finding.statement)
    assert await proposed(db) == []
    assert (await proof(db, finding))[0].startswith(
        "looking up kind, place is planned as Bitmap Heap Scan on wide by ix_wide_kind_place, cost "
    )
    assert [(each.label, each.statement) for each in await query_times.scanning(db)] == [("wide.kind", ASKED)]
    await note(db, "wide.kind", ASKED)
    assert await query_times.scanning(db) == ()  # of each statement the newest plan counts
    assert len(await query_times.plans(db)) == 2
    assert await query_times.served(db) == {"ix_wide_kind_place": ("wide.kind",)}


async def test_what_an_index_that_is_gone_served_is_said_before_it_is_made_again(
    db: Database, conninfo: Conninfo
) -> None:
    await query_times.note_plan(
        db, "review.queue", "SELECT 1", "a" * 16,
        [{"Plan": {"Node Type": "Index Scan", "Index Name": "ix_review_logs_xid8", "Total Cost": 1.0, "Plan Rows": 1}}],
    )  # fmt: skip
    as_owner(conninfo, "DROP INDEX ix_review_logs_xid8")
    (finding,) = [each.finding for each in await index_states(db, clock.now()) if each.finding is not None]
    assert await proof(db, finding) == ("it served review.queue",)
    assert mending.creation(finding).kind == "create"


def test_only_columns_that_have_to_have_a_value_are_proposed() -> None:
    assert columns_of("((status = '?'::text) AND (w.topic = '?'::text))") == ("status", "topic")
    assert columns_of("(id = ?)") == ("id",)
    assert columns_of("((status = '?'::text) OR (topic = '?'::text))") == ()
    assert columns_of("(lower(kind) = '?'::text)") == () == columns_of("(score > ?)")
