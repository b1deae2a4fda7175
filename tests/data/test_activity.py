"""What sessions do is seen as far as one's rights reach, and ended by who may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text

from support import Conninfo, eventually, fetch, imported, logged_in
from traintui.data import activity
from traintui.data.activity_records import Session, named
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import WORKER, Database, make_engine
from traintui.errors import TraintuiError
from traintui.observing.waiting import standings

SLEEP = "SELECT pg_sleep(60), 'a secret of 4711'"


@asynccontextmanager
async def running(
    conninfo: str, statement: str = SLEEP, application: str = "by hand"
) -> AsyncIterator[asyncio.Task[object]]:
    """A session that runs a statement, for the block."""
    connection = await psycopg.AsyncConnection.connect(conninfo, application_name=application, autocommit=True)
    task: asyncio.Task[object] = asyncio.create_task(connection.execute(statement.encode()))
    try:
        yield task
    finally:
        connection.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await connection.close()


async def found(db: Database, holds: Callable[[Session], object]) -> Session:
    """The session of which something holds, once it is there."""
    there: list[Session] = []

    async def looked() -> bool:
        there[:] = [each for each in await activity.sessions(db) if holds(each)]
        return bool(there)

    await eventually(looked)
    return there[0]


async def test_an_administrator_sees_what_others_run_without_the_values_in_it(db: Database, conninfo: Conninfo) -> None:
    async with running(conninfo("rita")):
        session = await found(db, lambda each: each.runs)
    assert (session.login, named(session), session.statement) == ("rita", "by hand", "SELECT pg_sleep(?), '?'")
    assert session.seconds is not None and 0 <= session.seconds < 60 and session.machine is None and not session.hidden


async def test_a_statement_of_the_app_stands_there_by_what_it_is_for(db: Database, conninfo: Conninfo) -> None:
    async with logged_in(conninfo("ada")) as app:
        asked = asyncio.create_task(app.call("SELECT pg_sleep(:seconds)", {"seconds": 60}, "reviews.decide"))
        session = await found(db, lambda each: each.runs)
        assert (session.label, named(session), session.about) == ("reviews.decide", "app", "reviews.decide")
        assert session.statement == "SELECT pg_sleep($1)"
        assert await activity.end(db, session, "cancel")
        with pytest.raises(TraintuiError, match="anceling statement"):
            await asked
    assert [each.label for each in app.queries.taken() if each.label == "reviews.decide"] == ["reviews.decide"]


async def test_the_query_log_has_statements_without_the_label_in_them(db: Database) -> None:
    db.queries.slow_us = 0
    async with db.read("aside.look") as connection:
        await connection.execute(text("SELECT 1 AS one"))
    slow = db.queries.next_slow()
    assert slow is not None and (slow.label, slow.statement) == ("aside.look", "SELECT 1 AS one")


async def test_a_reviewer_sees_of_others_who_is_there_and_for_whom_they_wait(
    db: Database, reviewer_db: Database, conninfo: Conninfo
) -> None:
    (name,) = await imported(db)
    change = f"UPDATE conversations SET flagged = flagged WHERE conversation_id = '{name}'"
    with psycopg.connect(conninfo(SUPERUSER), application_name="the first") as first:
        pid = first.info.backend_pid
        first.execute(change.encode())
        async with running(conninfo(SUPERUSER), change, "the second"):
            second = await found(reviewer_db, lambda each: each.waits_for)
    assert second.hidden and second.application == "the second" and second.waits_for == (pid,)
    assert second.wants == "the end of a transaction"
    assert (second.statement, second.label, second.seconds, second.machine, second.state) == (None,) * 5


async def test_a_blocking_chain_is_told_root_first(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo("rita"), application_name="root") as root:
        root.execute("SELECT FROM conversations")
        lock = "LOCK TABLE conversations IN ACCESS EXCLUSIVE MODE"
        async with running(conninfo(SUPERUSER), f"BEGIN; {lock}", "middle"):
            await found(db, lambda each: each.application == "middle" and each.waits_for)
            async with running(conninfo("ada"), "SELECT FROM conversations", "leaf"):
                await found(db, lambda each: each.application == "leaf" and each.waits_for)
                chain = [each for each in standings(await activity.sessions(db)) if each.waiting or each.depth]
    assert [(each.session.application, each.depth, each.waiting) for each in chain] == [
        ("root", 0, 2), ("middle", 1, 1), ("leaf", 2, 0),
    ]  # fmt: skip
    assert chain[0].session.holds_open and chain[1].session.wants == "conversations (AccessExclusiveLock)"


async def test_who_holds_a_table_for_themselves_is_named_to_everybody(
    reviewer_db: Database, conninfo: Conninfo
) -> None:
    with psycopg.connect(conninfo(SUPERUSER), application_name="holder") as holder:
        holder.execute("LOCK TABLE plans, coverage_targets IN ACCESS EXCLUSIVE MODE")
        session = await found(reviewer_db, lambda each: each.application == "holder")
    assert session.hidden and session.holds == "coverage_targets, plans"


async def test_connections_of_a_worker_are_named_as_such(db: Database, conninfo: Conninfo) -> None:
    engine = make_engine(conninfo("arthur"), pooled=False, application=WORKER)
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
        session = await found(db, lambda each: each.login == "arthur")
    await engine.dispose()
    assert named(session) == "worker" and session.holds_open


async def test_an_administrator_cancels_a_statement_and_it_stands_on_record(db: Database, conninfo: Conninfo) -> None:
    async with running(conninfo("rita")) as task:
        session = await found(db, lambda each: each.runs)
        assert await activity.end(db, session, "cancel")
        with pytest.raises(psycopg.errors.QueryCanceled):
            await task
        assert not await activity.end(db, session, "cancel") or not (await found(db, lambda each: True)).runs
    ended = (await activity.ended(db))[-1]
    assert (ended.ended_by, ended.kind, ended.login, ended.application) == ("ada", "cancel", "rita", "by hand")
    assert ended.statement == "SELECT pg_sleep(?), '?'" and ended.pid == session.pid


async def test_an_administrator_ends_a_session_that_rests_in_a_transaction(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo("rita")) as resting:
        resting.execute("SELECT FROM conversations")
        session = await found(db, lambda each: each.holds_open)
        assert await activity.end(db, session, "end")
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            resting.execute("SELECT 1")
    assert [each.kind for each in await activity.ended(db)] == ["end"]


async def test_a_number_that_another_session_has_by_now_is_nobodys(db: Database, conninfo: Conninfo) -> None:
    async with running(conninfo("rita")) as task:
        session = await found(db, lambda each: each.runs)
        assert session.connected_at is not None and session.statement_at is not None
        second = timedelta(seconds=1)
        for other in (
            replace(session, connected_at=session.connected_at - second),
            replace(session, statement_at=session.statement_at - second),
            replace(session, pid=1),
        ):
            assert not await activity.end(db, other, "cancel")
        assert not task.done() and await activity.ended(db) == ()


async def test_a_reviewer_who_cancels_is_refused_with_the_grant(
    db: Database, reviewer_db: Database, conninfo: Conninfo
) -> None:
    async with running(conninfo("ron")) as task:
        session = await found(db, lambda each: each.runs)
        with pytest.raises(TraintuiError, match="rita may not end what ron runs") as refused:
            await activity.end(reviewer_db, session, "cancel")
        assert 'GRANT pg_read_all_stats, pg_signal_backend TO "rita";' in refused.value.remedy
        assert not task.done()
    assert await fetch(db, "SELECT FROM session_endings") == []


async def test_everybody_ends_what_they_run_themselves(reviewer_db: Database, conninfo: Conninfo) -> None:
    async with running(conninfo("rita")) as task:
        session = await found(reviewer_db, lambda each: each.runs)
        assert session.statement == "SELECT pg_sleep(?), '?'"
        assert await activity.end(reviewer_db, session, "cancel")
        with pytest.raises(psycopg.errors.QueryCanceled):
            await task
    assert [each.ended_by for each in await activity.ended(reviewer_db)] == ["rita"]


async def test_nobody_notes_an_end_that_they_could_not_have_brought(reviewer_db: Database) -> None:
    asked = "SELECT note_session_ending('end', 1, 'ada', 'traintui', 'reviews.decide')"
    with pytest.raises(TraintuiError, match="may not end what ada runs"):
        await reviewer_db.call(asked, {})
