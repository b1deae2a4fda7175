"""Plans: asked for without running anything, drawn as a tree, and answered in words."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from support import imported, scalar
from traintui.data.engine import Database
from traintui.data.query_plans import explain
from traintui.errors import TraintuiError
from traintui.observing.plans import drawn, findings


async def test_a_plan_is_made_without_running_the_statement(db: Database) -> None:
    (public_id,) = await imported(db)
    before = await scalar(db, "SELECT count(*) FROM review_logs")
    plan = await explain(db, "SELECT (set_flag(%(id)s::text, true, 'key')).id", {"id": public_id})
    assert drawn(plan) and await scalar(db, "SELECT count(*) FROM review_logs") == before


async def test_a_plan_is_that_of_the_values_asked_with(db: Database) -> None:
    plan = await explain(db, "SELECT id FROM conversations WHERE conversation_id = %(id)s::text", {"id": "c-x"})
    assert any(line.says.startswith("Index") and "conversation_id" in line.says for line in drawn(plan))


async def test_a_statement_without_a_plan_is_an_error(db: Database) -> None:
    with pytest.raises(Exception, match="does not exist"):
        await explain(db, "SELECT * FROM no_such_table", {})
    assert await scalar(db, "SELECT 1") == 1  # the connection is as it was


async def test_the_costly_node_of_a_tree_is_marked_and_only_that(db: Database) -> None:
    statement = """
        SELECT count(*) FROM generate_series(1, 500000) AS a (n)
        JOIN conversations AS c ON c.turn_count = a.n WHERE c.flagged
    """
    lines = drawn(await explain(db, statement, {}))
    (costly,) = [line for line in lines if line.costly]
    assert costly.share == max(line.share for line in lines)
    assert lines[0].depth == 0 and {line.depth for line in lines[1:]} >= {1, 2}
    assert all(0 <= line.share <= 1 for line in lines)


async def test_a_table_that_is_read_whole_for_few_rows_is_told(db: Database) -> None:
    async with db.write() as connection:
        await connection.execute(
            text("CREATE TEMPORARY TABLE many AS SELECT n, n % 1000 AS kind FROM generate_series(1, 50000) AS n")
        )
        await connection.execute(text("ANALYZE many"))
        found = await connection.exec_driver_sql("EXPLAIN (FORMAT JSON) SELECT n FROM many WHERE kind = 7")
        plan = found.scalar_one()
    (said,) = findings(plan, {"many": 50_000})
    assert said.startswith("Reads about 50,000 rows of many to keep ") and "index" in said and "kind = 7" in said
    assert findings(plan, {"many": 500}) == ()  # a small table is read whole by right


async def test_a_plan_that_takes_long_to_make_is_given_up(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("traintui.data.query_plans.PLAN_MS", 1)
    pairs = (f"pg_class AS c{n} JOIN pg_attribute AS a{n} ON a{n}.attrelid = c{n}.oid" for n in range(6))
    with pytest.raises(TraintuiError):
        await explain(db, f"SELECT 1 FROM {' CROSS JOIN '.join(pairs)}", {})
