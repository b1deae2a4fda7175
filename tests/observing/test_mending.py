"""What is done to an index is done whole or not at all, by whom may, and stands in the log."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from benchmarks.pooling import pgbouncer, pooled

from churned import INDEX, as_owner, churn, density, invalid, sampled
from support import Conninfo, beside, eventually, imported, scalar, sqlstate
from traintui import clock
from traintui.data import index_actions, index_building, index_facts
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.index_building import BuildProgress
from traintui.data.index_facts import IndexFact
from traintui.data.refusals import Refused
from traintui.errors import TraintuiError
from traintui.observing import mending, rebuilding
from traintui.observing.index_findings import IndexFinding
from traintui.observing.standing import index_states

GATE = 4711
"""What the build of a slow index waits for."""
DIES = """
import asyncio, sys
from traintui.data import index_facts, workspace
from traintui.data.embedded import EmbeddedServer
from traintui.data.engine import Database, make_engine
from traintui.observing import mending
from pathlib import Path

async def main(conninfo, home):
    login, role = await workspace.whoami(conninfo)
    db = Database(make_engine(conninfo, pooled=False), conninfo, "embedded", login, role, EmbeddedServer(Path(home)))
    (fact,) = [each for each in await index_facts.indexes(db) if each.name == "ix_churned_number"]
    await mending.carry_out(db, mending.rebuilding(fact))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def mender(db: Database, server: EmbeddedServer) -> Database:
    """The workspace as ada, an administrator, on its embedded server."""
    return replace(db, server=server)


async def fact_of(db: Database, name: str = INDEX) -> IndexFact:
    """An index as the catalog has it."""
    return next(each for each in await index_facts.indexes(db) if each.name == name)


async def finding_of(db: Database, name: str) -> IndexFinding | None:
    """What is wrong with an index."""
    return next((each.finding for each in await index_states(db, clock.now()) if each.name == name), None)


@contextmanager
def open_transaction(conninfo: Conninfo) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Somebody has read the table, and has not ended."""
    with psycopg.connect(conninfo(SUPERUSER)) as resting:
        resting.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        resting.execute("SELECT count(*) FROM churned WHERE number = 1")
        yield resting


def leave_one(conninfo: Conninfo) -> None:
    """A rebuild that gives up, and leaves what it built."""
    with (
        open_transaction(conninfo),
        psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection,
        pytest.raises(psycopg.errors.LockNotAvailable),
    ):
        connection.execute("SET ROLE traintui_owner")
        connection.execute("SET lock_timeout = 200")
        connection.execute(f"REINDEX INDEX CONCURRENTLY {INDEX}".encode())


@contextmanager
def slow(conninfo: Conninfo) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Makes `churned` with an index that is not built to its end before the block ends, or before what it gets lets
    go: one is met in the middle of it."""
    gate = f"PERFORM pg_catalog.pg_advisory_unlock_shared({GATE})"
    tries = f"WHILE NOT pg_catalog.pg_try_advisory_lock_shared({GATE}) LOOP PERFORM pg_catalog.pg_sleep(0.01); END LOOP"
    as_owner(
        conninfo, "CREATE TABLE churned (number bigint) WITH (autovacuum_enabled = off)",
        "INSERT INTO churned SELECT n FROM generate_series(1, 1000) AS n",
        "CREATE FUNCTION slowly(number bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS"
        f" $$ BEGIN {tries}; {gate}; RETURN number; END $$",
        f"CREATE INDEX {INDEX} ON churned (public.slowly(number))",
    )  # fmt: skip
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as holding:
        holding.execute(f"SELECT pg_advisory_lock({GATE})".encode())
        yield holding


def let_go(holding: psycopg.Connection[tuple[object, ...]]) -> None:
    """The index is built to its end."""
    holding.execute(f"SELECT pg_advisory_unlock({GATE})".encode())


async def builds(conninfo: Conninfo, running: asyncio.Future[Any]) -> None:
    """Waits until the index is in the middle of being built."""

    async def is_built() -> bool:
        return bool(invalid(conninfo))

    await beside(running, eventually(is_built))


async def test_a_churned_index_is_found_by_its_density_and_rebuilt(
    mender: Database, reviewer_db: Database, conninfo: Conninfo
) -> None:
    churn(conninfo)
    await sampled(reviewer_db)
    before = await density(mender)
    assert before is not None and 0.3 < before < 0.5
    finding = await finding_of(mender, INDEX)
    assert finding is not None and finding.kind == "sparse" and f"fills {before:.0%} of its leaves" in finding.says
    told: list[BuildProgress] = []
    done = await mending.carry_out(mender, mending.rebuilding(await fact_of(mender)), progress=told.append)
    assert (done.kind, done.state, done.index_name, done.acted_by, done.by_itself, done.error) == (
        "rebuild", "done", INDEX, "ada", False, None,
    )  # fmt: skip
    assert done.density_before == pytest.approx(before, abs=0.02) and (done.density_after or 0) > 0.8
    assert done.bytes_before is not None and done.bytes_after is not None
    assert done.bytes_after < done.bytes_before / 2 and done.seconds is not None
    assert await finding_of(mender, INDEX) is None  # before there is a sample of it
    await sampled(mender)
    assert await finding_of(mender, INDEX) is None and (await density(mender) or 0) > 0.8
    assert invalid(conninfo) == [] and await index_actions.newest(reviewer_db) == (done,)


async def test_a_fresh_index_is_nine_tenths_full_and_what_is_no_tree_has_no_density(
    mender: Database, conninfo: Conninfo
) -> None:
    as_owner(
        conninfo,
        "CREATE TABLE fresh AS SELECT n::bigint AS number FROM generate_series(1, 100000) AS n",
        "CREATE INDEX ix_fresh ON fresh (number)", "CREATE INDEX ix_fresh_hash ON fresh USING hash (number)",
        "CREATE INDEX ix_fresh_packed ON fresh (number) WITH (fillfactor = 60)",
    )  # fmt: skip
    await sampled(mender)
    assert await density(mender, "ix_fresh") == pytest.approx(0.9, abs=0.02)
    assert await density(mender, "ix_fresh_packed") == pytest.approx(0.6, abs=0.02)
    assert await density(mender, "ix_fresh_hash") is None


async def test_what_a_build_left_is_found_and_cleaned_up(mender: Database, conninfo: Conninfo) -> None:
    churn(conninfo, rows=20_000)
    leave_one(conninfo)
    assert invalid(conninfo) == [f"{INDEX}_ccnew"]
    finding = await finding_of(mender, f"{INDEX}_ccnew")
    assert finding is not None and finding.kind == "invalid"
    (left,) = await index_building.leftovers(mender)
    done = await mending.carry_out(mender, mending.cleaning(left))
    assert (done.kind, done.state, done.index_name) == ("clean", "done", f"{INDEX}_ccnew")
    assert invalid(conninfo) == [] and await finding_of(mender, f"{INDEX}_ccnew") is None


async def test_a_leftover_is_none_while_somebody_is_at_it(mender: Database, conninfo: Conninfo) -> None:
    churn(conninfo, rows=20_000)
    leave_one(conninfo)
    with psycopg.connect(conninfo(SUPERUSER)) as busy:
        busy.execute("LOCK TABLE churned IN SHARE UPDATE EXCLUSIVE MODE")
        assert await index_building.leftovers(mender) == ()
    assert len(await index_building.leftovers(mender)) == 1


async def test_what_was_dropped_comes_back_as_it_was(mender: Database, conninfo: Conninfo) -> None:
    as_owner(conninfo, "CREATE INDEX ix_odd ON conversations (lower(persona) DESC, id) INCLUDE (tier) WHERE flagged")
    before = await fact_of(mender, "ix_odd")
    dropped = await mending.carry_out(mender, mending.drop(before, relied_on=False))
    assert dropped.can_be_undone and "ix_odd" not in {each.name for each in await index_facts.indexes(mender)}
    planned = mending.undoing(dropped, await index_facts.indexes(mender))
    assert "CREATE INDEX CONCURRENTLY ix_odd" in planned.statement
    made = await mending.carry_out(mender, planned)
    assert await fact_of(mender, "ix_odd") == before and made.undoes == dropped.id
    undone = await index_actions.one(mender, dropped.id)
    assert undone is not None and undone.undone_by == made.id
    with pytest.raises(TraintuiError, match="was undone already"):
        mending.undoing(undone, await index_facts.indexes(mender))


async def test_an_index_of_a_table_of_many_parts_comes_back_with_all_of_them(
    mender: Database, conninfo: Conninfo
) -> None:
    as_owner(conninfo, "CREATE INDEX ix_odd ON generation_logs (http_status, id)")
    before = await fact_of(mender, "ix_odd")
    dropped = await mending.carry_out(mender, mending.drop(before, relied_on=False))
    await mending.carry_out(mender, mending.undoing(dropped, await index_facts.indexes(mender)))
    assert await fact_of(mender, "ix_odd") == before
    done = await mending.carry_out(mender, mending.rebuilding(before))
    assert done.state == "done" and await fact_of(mender, "ix_odd") == before and invalid(conninfo) == []


async def test_an_index_that_keeps_rows_right_is_not_dropped(mender: Database) -> None:
    for name in ("pk_conversations", "uq_index_actions_one_at_a_time"):
        with pytest.raises(TraintuiError, match="not only there to be quick"):
            mending.drop(await fact_of(mender, name), relied_on=True)


async def test_what_a_finding_proposes_is_made(mender: Database, conninfo: Conninfo) -> None:
    as_owner(conninfo, "DROP INDEX ix_review_logs_xid8")
    finding = await finding_of(mender, "ix_review_logs_xid8")
    assert finding is not None
    done = await mending.carry_out(mender, mending.creation(finding))
    assert (done.kind, done.state) == ("create", "done") and await finding_of(mender, "ix_review_logs_xid8") is None


async def test_what_dropping_risks_is_what_its_finding_says(mender: Database, conninfo: Conninfo) -> None:
    churn(conninfo, rows=2_000)
    as_owner(conninfo, "CREATE INDEX ix_churned_both ON churned (number, other)")
    (state,) = [each for each in await index_states(mender, clock.now()) if each.name == INDEX]
    planned = mending.drop(await fact_of(mender), relied_on=False, finding=state.finding)
    assert planned.risks == "it is smaller than the other: scans of it alone become a little slower; nobody waits"
    assert "reads whole tables" in mending.drop(await fact_of(mender, "ix_churned_both"), relied_on=False).risks


async def test_beside_a_transaction_that_stays_open_nothing_is_begun(mender: Database, conninfo: Conninfo) -> None:
    churn(conninfo, rows=20_000)
    with open_transaction(conninfo):
        for planned in (
            mending.rebuilding(await fact_of(mender)), mending.drop(await fact_of(mender), relied_on=False),
        ):  # fmt: skip
            with pytest.raises(TraintuiError) as refused:
                await mending.carry_out(mender, planned)
            assert refused.value.title == "Others were in the way"
            assert f"transaction of {SUPERUSER}, process " in refused.value.message
            assert re.search(r"5 Live, X, or traintui db live --end \d+\.$", refused.value.remedy)
            assert invalid(conninfo) == []
            row, *_ = await index_actions.newest(mender)
            assert row.state == "failed" and "Others were in the way" in (row.error or "")
    assert (await mending.carry_out(mender, mending.rebuilding(await fact_of(mender)))).state == "done"


async def test_what_a_rebuild_left_behind_a_transaction_that_came_in_between_goes_after_it(
    mender: Database, conninfo: Conninfo
) -> None:
    with slow(conninfo) as holding:
        running = asyncio.create_task(mending.carry_out(mender, mending.rebuilding(await fact_of(mender))))
        await builds(conninfo, running)
        with open_transaction(conninfo), pytest.raises(TraintuiError, match="Others were in the way"):
            let_go(holding)
            await running
    await rebuilding.look(mender, asyncio.Event())
    assert invalid(conninfo) == [] and (await fact_of(mender)).is_valid


async def test_what_cannot_be_taken_away_is_not_tried_all_the_time(
    mender: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    churn(conninfo, rows=2_000)
    leave_one(conninfo)
    with open_transaction(conninfo):
        await rebuilding.look(mender, asyncio.Event())
        await rebuilding.look(mender, asyncio.Event())
    assert [(each.kind, each.state) for each in await index_actions.newest(mender)] == [("clean", "failed")]
    monkeypatch.setattr(rebuilding, "CLEAN_AGAIN", timedelta(0))
    await rebuilding.look(mender, asyncio.Event())
    assert invalid(conninfo) == []


async def test_a_drop_behind_a_transaction_that_came_in_between_is_finished_after_it(
    mender: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(*_: object, **__: object) -> set[str]:
        return set()

    churn(conninfo, rows=20_000)
    monkeypatch.setattr(index_building, "others", nobody)  # they come right behind the look
    with open_transaction(conninfo):
        dropped = await mending.carry_out(mender, mending.drop(await fact_of(mender), relied_on=False))
        assert dropped.state == "done" and invalid(conninfo) == [INDEX]
    await rebuilding.look(mender, asyncio.Event())
    assert invalid(conninfo) == [] and INDEX not in {each.name for each in await index_facts.indexes(mender)}
    made = await mending.carry_out(mender, mending.undoing(dropped, await index_facts.indexes(mender)))
    assert made.state == "done" and (await fact_of(mender)).is_valid


async def test_a_rebuild_that_is_stopped_leaves_no_invalid_index(mender: Database, conninfo: Conninfo) -> None:
    stop = asyncio.Event()
    told: list[BuildProgress] = []

    async def watched() -> bool:
        return bool(told)

    with slow(conninfo):
        planned = mending.rebuilding(await fact_of(mender))
        running = asyncio.create_task(mending.carry_out(mender, planned, progress=told.append, stop=stop))
        await beside(running, eventually(watched))
        assert told[0].phase.startswith("building index")
        stop.set()
        with pytest.raises(TraintuiError, match="as it was"):
            await running
    assert invalid(conninfo) == []
    assert [(each.state, each.error) for each in await index_actions.newest(mender)] == [
        ("failed", f"Stopped: {INDEX} is as it was.")
    ]


async def test_one_who_is_cancelled_ends_the_build_and_leaves_nothing(mender: Database, conninfo: Conninfo) -> None:
    with slow(conninfo):
        running = asyncio.create_task(mending.carry_out(mender, mending.rebuilding(await fact_of(mender))))
        await builds(conninfo, running)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert invalid(conninfo) == []
    assert [each.error for each in await index_actions.newest(mender)] == ["stopped in the middle"]


async def test_what_a_killed_process_left_is_cleaned_up_at_the_next_look(
    mender: Database, conninfo: Conninfo, server: EmbeddedServer
) -> None:
    async def gone() -> bool:
        return not await scalar(
            mender, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'traintui maintenance'"
        )

    with slow(conninfo):
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", DIES, conninfo("ada"), str(server.home))
        await builds(conninfo, asyncio.ensure_future(child.wait()))
        os.kill(child.pid, signal.SIGKILL)
        await child.wait()
        await eventually(gone)  # the server notices
    assert invalid(conninfo) == [f"{INDEX}_ccnew"]
    with pytest.raises(Refused, match="A rebuild is under way on ix_churned_number"):
        await mending.carry_out(mender, mending.rebuilding(await fact_of(mender)))
    with psycopg.connect(conninfo(SUPERUSER)) as connection:  # half a minute later
        connection.execute("UPDATE index_actions SET held_until = now() - interval '1 second'")
    await rebuilding.look(mender, asyncio.Event())
    assert invalid(conninfo) == []
    cleaned, died = await index_actions.newest(mender)
    assert (died.state, died.error) == ("failed", "the process that did it ended in the middle")
    assert (cleaned.kind, cleaned.state, cleaned.by_itself) == ("clean", "done", True)


def taken_for_dead(conninfo: Conninfo) -> None:
    """Others find nothing heard of what is under way."""
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(
            "UPDATE index_actions SET state = 'failed', ended_at = now(), held_until = NULL, error = 'it died'"
            " WHERE state = 'started'"
        )


async def test_who_others_took_for_dead_stops_and_says_so(
    mender: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mending, "KEEP_SECONDS", 0.1)
    stop = asyncio.Event()
    with slow(conninfo):
        running = asyncio.create_task(mending.carry_out(mender, mending.rebuilding(await fact_of(mender)), stop=stop))
        await builds(conninfo, running)
        await asyncio.to_thread(taken_for_dead, conninfo)
        with pytest.raises(TraintuiError, match="others may have gone on"):
            await running
    assert invalid(conninfo) == [] and not stop.is_set()
    assert [(each.state, each.error) for each in await index_actions.newest(mender)] == [("failed", "it died")]


async def test_who_can_tell_nobody_that_it_goes_on_stops_before_others_begin(
    mender: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mending, "KEEP_SECONDS", 0.5)
    monkeypatch.setattr(index_actions, "HELD_SECONDS", 3.0)

    async def stopped() -> bool:
        return not invalid(conninfo)

    with slow(conninfo):
        running = asyncio.create_task(mending.carry_out(mender, mending.rebuilding(await fact_of(mender))))
        await builds(conninfo, running)
        with psycopg.connect(conninfo(SUPERUSER)) as holding:
            await asyncio.to_thread(holding.execute, "SELECT FROM index_actions FOR UPDATE")
            await eventually(stopped)
        with pytest.raises(TraintuiError, match="others may have gone on"):
            await running


async def test_what_the_log_does_not_know_as_done_is_not_told_as_done(
    mender: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mending, "KEEP_SECONDS", 3_600.0)  # it is done before the next word of it
    monkeypatch.setattr(index_actions, "HELD_SECONDS", 7_200.0)
    with slow(conninfo) as holding:
        running = asyncio.create_task(mending.carry_out(mender, mending.rebuilding(await fact_of(mender))))
        await builds(conninfo, running)
        await asyncio.to_thread(taken_for_dead, conninfo)
        let_go(holding)
        with pytest.raises(TraintuiError, match="the log does not say that it was done"):
            await running


async def test_one_thing_is_done_at_a_time(mender: Database) -> None:
    first = await index_actions.begin(mender, "rebuild", "ix_a", "a", definition="", statement="")
    with pytest.raises(Refused, match="A rebuild is under way on ix_a since"):
        await index_actions.begin(mender, "clean", "ix_b", "b", definition="", statement="")
    assert await index_actions.keep(mender, first)
    await index_actions.end(mender, first, size=None, density=None, error=None)
    assert not await index_actions.keep(mender, first)
    assert await index_actions.begin(mender, "clean", "ix_b", "b", definition="", statement="") > first


async def test_a_reviewer_mends_nothing(
    reviewer_db: Database, mender: Database, server: EmbeddedServer, conninfo: Conninfo
) -> None:
    await imported(mender, 1)
    planned = mending.rebuilding(await fact_of(mender, "pk_conversations"))
    with pytest.raises(Refused, match="rita is no administrator"):
        await mending.carry_out(replace(reviewer_db, server=server), planned)
    begins = "SELECT begin_index_action('drop', 'a', 'b', '', '', false, NULL, NULL, NULL, 9)"
    for login in ("rita", "arthur", "audrey"):
        assert sqlstate(conninfo(login), begins) == "42501"
        assert sqlstate(conninfo(login), "SELECT traintui_server.leaf_density('pk_conversations'::regclass)") == "42501"
    assert await index_actions.newest(mender) == ()


async def test_on_a_shared_server_an_administrator_needs_the_owners_right_and_is_told_the_grant(
    db: Database, conninfo: Conninfo
) -> None:
    planned = mending.rebuilding(await fact_of(db, "pk_conversations"))
    with pytest.raises(Refused) as refused:
        await mending.carry_out(db, planned)
    assert 'GRANT traintui_owner TO "ada" WITH INHERIT FALSE;' in refused.value.remedy
    assert 'GRANT MAINTAIN ON conversations TO "ada";' in refused.value.remedy
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        try:
            connection.execute("GRANT MAINTAIN ON conversations TO ada")
            assert (await mending.carry_out(db, planned)).state == "done"
            with pytest.raises(Refused):  # which does not let one drop
                await mending.carry_out(
                    db, mending.drop(await fact_of(db, "ix_review_logs_xid8"), relied_on=True)
                )  # fmt: skip
            connection.execute("REVOKE MAINTAIN ON conversations FROM ada")
            connection.execute("GRANT traintui_owner TO ada WITH INHERIT FALSE")
            assert (await mending.carry_out(db, planned)).state == "done"
            # What is done as oneself is done without the owner's rights.
            assert sqlstate(conninfo("ada"), "UPDATE review_logs SET reason = 'x'") == "42501"
        finally:
            with suppress(psycopg.Error):
                connection.execute("REVOKE traintui_owner FROM ada")


@pytest.mark.skipif(pgbouncer() is None, reason="PgBouncer is not installed (apt-get install pgbouncer)")
async def test_through_a_pooler_nothing_is_begun(db: Database, conninfo: Conninfo) -> None:
    planned = mending.rebuilding(await fact_of(db, "pk_conversations"))
    with pooled(conninfo("ada")) as url, pytest.raises(TraintuiError, match="a pooler stands between"):
        await mending.carry_out(replace(db, conninfo=url), planned)
    assert await index_actions.newest(db) == ()
