"""What watches the database gives nobody rights, and nobody can blind it for others."""

from __future__ import annotations

import json

import psycopg
import pytest

from support import Conninfo
from traintui.data.embedded import SUPERUSER

PRETENDER = """
    CREATE FUNCTION pg_temp.pgstatindex(relname regclass, OUT avg_leaf_density double precision)
    LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'run as %', current_user; END $$
"""
PLAN = {"Plan": {"Node Type": "Seq Scan", "Total Cost": 1.5, "Plan Rows": 3}}
DEEP = json.loads('{"Plans": [' * 150 + "{}" + "]}" * 150)


def test_a_function_by_the_name_of_an_extensions_is_not_run_as_the_owner(conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("DROP SCHEMA traintui_server CASCADE")
    with psycopg.connect(conninfo("ada"), autocommit=True) as connection:
        connection.execute(PRETENDER)
        asked = "SELECT index_density('pk_conversations'::regclass::oid, true)"
        assert connection.execute(asked).fetchone() == (None,)


def test_only_a_superusers_function_reads_the_leaves(conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("ALTER FUNCTION traintui_server.leaf_density(oid) OWNER TO traintui_owner")
    with psycopg.connect(conninfo("ada"), autocommit=True) as connection:
        asked = "SELECT index_density('pk_conversations'::regclass::oid)"
        assert connection.execute(asked).fetchone() == (None,)


@pytest.mark.parametrize(
    "plan",
    [
        [], [1], {}, [{"Plan": {}}], [{"Plan": {"Node Type": "Seq Scan"}}],
        [PLAN | {"Plan": PLAN["Plan"] | {"Plans": [{}]}}],
        [PLAN | {"Plan": PLAN["Plan"] | {"Plans": [1]}}], [PLAN | {"More": DEEP}],
    ],
)  # fmt: skip
def test_a_plan_that_nobody_could_read_is_refused(conninfo: Conninfo, plan: object) -> None:
    note = "SELECT note_plan('x', 'hash', 'plan', 'SELECT 1', %s)"
    with psycopg.connect(conninfo("rita"), autocommit=True) as connection:
        connection.execute(note, (json.dumps([PLAN]),))
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(note.replace("'plan'", "'other'"), (json.dumps(plan),))


@pytest.mark.parametrize("histogram", [{"x": 1}, {"209": 1}, {"-1": 1}, {"1": "1"}, {"1": 0}, {"1": 1e12}])
def test_a_histogram_that_nobody_could_add_up_is_refused(conninfo: Conninfo, histogram: dict[str, object]) -> None:
    note = (
        "SELECT note_queries(jsonb_build_array(jsonb_build_object('begins_at', now(), 'label', 'x', 'calls', 20,"
        " 'errors', 0, 'slow', 0, 'row_count', 0, 'total_us', 20, 'most_us', 1, 'histogram', %s::jsonb)))"
    )
    with psycopg.connect(conninfo("rita"), autocommit=True) as connection:
        connection.execute(note, ('{"0": 20, "208": 1}',))
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(note, (json.dumps(histogram),))


def test_who_waits_for_whom_is_seen_without_the_right_to_see_sessions(conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("REVOKE pg_read_all_stats FROM traintui_owner")
        try:
            with psycopg.connect(conninfo("ron")) as holds, psycopg.connect(conninfo("rita")) as waits:
                holds.execute("SELECT pg_advisory_xact_lock(42)")
                waits.execute("SET lock_timeout = '60s'")
                with waits.pipeline():
                    waits.execute("SELECT pg_advisory_xact_lock(42)")
                    waits.pgconn.flush()
                    chains: list[dict[str, int]] = []
                    while not chains:
                        (facts,) = connection.execute("SELECT alert_facts()").fetchone() or ({},)
                        chains = facts["chains"]
                    assert chains[0]["pid"] == holds.info.backend_pid
                    holds.rollback()
        finally:
            connection.execute("GRANT pg_read_all_stats TO traintui_owner")
