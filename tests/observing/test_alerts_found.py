"""Faults that are planted into a real server become alerts, with what changed around that time, and go when they are
mended."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from support import Conninfo, add_document, approved, imported, scalar
from traintui.data import alert_context, alert_facts, alerts, query_times, samples, seals
from traintui.data.alert_records import Alert, AlertFacts
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.histograms import bucket_of
from traintui.data.keeping_up import raise_fault
from traintui.data.query_records import QueryTimes
from traintui.data.refusals import Refused
from traintui.observing import alert_rules, recording, sampling
from traintui.observing.alerting import Alerting
from traintui.observing.standing import index_states

HOLDER = "test"
MINUTE, QUARTER = timedelta(minutes=1), timedelta(minutes=15)


class Sampler:
    """Looks as the sampler does, each look twenty seconds after the one before."""

    def __init__(self, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.db = db
        self.later = timedelta()
        self._alerting = Alerting(db)
        works = alert_facts.facts

        async def facts(db: Database) -> AlertFacts:
            found = await works(db)
            return replace(found, at=found.at + self.later)

        monkeypatch.setattr(alert_facts, "facts", facts)

    async def look(self, times: int = 2, *, apart: timedelta = timedelta(seconds=20)) -> dict[str, Alert]:
        """The alerts after so many looks, by kind."""
        await samples.hold(self.db, HOLDER, 600)
        for _ in range(times):
            self.later += apart
            await self._alerting.look(HOLDER)
        return {each.kind: each for each in await alerts.read(self.db)}


@pytest.fixture
async def sampler(db: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sampler]:
    """One that holds the lease, over a workspace that is well."""
    await seals.seal(db, everything=True)
    sampler = Sampler(db, monkeypatch)
    assert await sampler.look() == {}
    yield sampler


def plant(conninfo: Conninfo, *statements: str) -> None:
    """Changes what stands in the database, as its superuser and past its guards."""
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            connection.execute(statement.encode())


@contextmanager
def waiting(conninfo: str, statement: str, *, autocommit: bool = False) -> Iterator[None]:
    """Beside the block a session that waits for a lock."""
    session = psycopg.connect(conninfo, autocommit=autocommit)

    def wait() -> None:
        with session:
            session.execute(statement.encode())

    thread = threading.Thread(target=wait)
    thread.start()
    yield
    thread.join()


async def quarters(db: Database, label: str, us: int, *, errors: int = 0, number: int = 2) -> None:
    """The last quarters of an hour that have ended, each with calls that took so long."""
    now = datetime.now(UTC) - 2 * MINUTE
    ended = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    times = [
        QueryTimes(label, ended - place * QUARTER, 60, 100, errors, 0, 0, 100 * us, us, {bucket_of(us): 100})
        for place in range(1, number + 1)
    ]
    await query_times.note(db, times)


def a_normal_week(label: str, ms: int) -> str:
    """The statement that plants windows of a week in which a label took so long."""
    return f"""
        INSERT INTO query_windows
        SELECT date_bin('15 minutes', now() - interval '50 minutes', 'epoch') - n * interval '15 minutes', '{label}',
               100, 0, {ms * 1000} + n % 7
        FROM generate_series(1, 300) AS n ON CONFLICT DO NOTHING
    """


async def test_a_label_at_two_and_a_half_times_its_normal_is_an_alert_and_goes_when_it_is_well(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(conninfo, a_normal_week("review.decide", 40))
    await quarters(db, "review.decide", 100_000)
    found = (await Sampler(db, monkeypatch).look(1))["slower"]
    assert (found.subject, found.state) == ("review.decide", "open")
    assert re.search(r" 2\.[4-6] times the 40 ms of its last week$", found.says)  # a bucket is 4.5 % wide


async def test_windows_are_added_up_on_the_server_as_they_are_here(db: Database, reviewer_db: Database) -> None:
    from traintui.observing.latency import windows

    await quarters(db, "a.b", 7_300)
    await quarters(db, "a.b", 250_000, number=1, errors=6)
    assert await alert_facts.note_windows(reviewer_db) == 2
    assert await alert_facts.note_windows(reviewer_db) == 0
    now = datetime.now(UTC)
    (counted,) = (await alert_facts.windows(db, now - timedelta(hours=2))).values()
    judged = windows(await query_times.times(db, now - timedelta(hours=2), now, label="a.b"))
    assert [(each.begins_at, each.calls) for each in counted] == [(each.begins_at, each.calls) for each in judged]
    assert [each.p95_ms for each in counted] == pytest.approx([each.p95_ms for each in judged], abs=0.001)
    assert [each.errors for each in counted] == [0, 6]


async def test_a_label_over_half_a_second_is_an_alert_unless_the_workspace_gives_it_more(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    await quarters(db, "exports.write", 800_000)
    assert "500 ms are too long" in (await Sampler(db, monkeypatch).look(1))["too_long"].says
    plant(
        conninfo, "DELETE FROM alerts", "INSERT INTO workspace_settings (key, value) VALUES ('slow_query_ms', '2000')"
    )
    assert await Sampler(db, monkeypatch).look(1) == {}


async def test_statements_that_fail_are_an_alert(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await quarters(db, "turns.store", 2_000, errors=12)
    found = (await Sampler(db, monkeypatch).look(1))["failing"]
    assert found.severity == "urgent" and found.says.startswith("turns.store: 12 of 100 statements failed")


async def test_two_who_want_the_same_row_have_not_failed(db: Database, conninfo: Conninfo) -> None:
    await add_document(db)
    with psycopg.connect(conninfo(SUPERUSER)) as holding:
        holding.execute("SELECT FROM documents FOR UPDATE")
        with pytest.raises(Refused) as refused:
            await db.call("SELECT id FROM documents FOR UPDATE NOWAIT", {}, "wants.it")
    assert refused.value.code == "55P03"
    (counted,) = [each for each in db.queries.taken() if each.label == "wants.it"]
    assert (counted.calls, counted.errors) == (1, 0)


async def test_a_plan_that_flips_to_reading_all_is_an_alert_that_names_the_table(
    db: Database, conninfo: Conninfo, sampler: Sampler
) -> None:
    plant(
        conninfo, "CREATE TABLE large AS SELECT n, md5(n::text) AS word FROM generate_series(1, 60000) AS n",
        "CREATE INDEX ix_large_n ON large (n)", "ANALYZE large", "GRANT SELECT ON large TO traintui_admin",
    )  # fmt: skip

    async def ask() -> None:
        while db.queries.to_explain():
            pass
        db.queries._asked.clear()
        await db.call("SELECT word FROM large WHERE n = :n", {"n": 5}, "large.find")
        await recording.look_at_a_plan(db)

    await ask()
    plant(conninfo, "DROP INDEX ix_large_n")
    await ask()
    found = (await sampler.look(1, apart=QUARTER))["plan_changed"]
    assert found.subject.startswith("large.find ") and "reads all 60,000 rows of large" in found.says
    assert any(each["says"].startswith("large.find has another plan") for each in found.around)
    plant(conninfo, "CREATE INDEX ix_large_n ON large (n)")
    await ask()
    assert await sampler.look(1, apart=QUARTER) == {}


async def test_who_keeps_others_waiting_is_named_at_the_root_of_the_chain(
    conninfo: Conninfo, sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_rules, "WAIT_SECONDS", 0.05)
    row, both = "LOCK TABLE documents", "LOCK TABLE chunks; LOCK TABLE documents"
    with psycopg.connect(conninfo(SUPERUSER), application_name="planted") as root:
        root.execute(row.encode())
        pid = root.info.backend_pid
        with waiting(conninfo(SUPERUSER), both), waiting(conninfo(SUPERUSER), "LOCK TABLE chunks"):
            while True:
                await asyncio.sleep(0.1)
                chains = (await alert_facts.facts(sampler.db)).chains
                if chains and chains[0].number == 2 and chains[0].seconds > 0.05:
                    break
            found = (await sampler.look())["blocking"]
            root.rollback()
    assert f"process {pid} (planted) keeps 2 waiting" in found.says
    assert found.severity == "urgent"
    assert await sampler.look() == {}
    assert [each.state for each in await alerts.read(sampler.db, cleared=True)] == ["cleared"]


async def test_a_build_of_an_index_that_waits_for_a_transaction_is_nobodys_chain(
    conninfo: Conninfo, sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_rules, "WAIT_SECONDS", 0.0)
    waits = "SELECT FROM pg_locks WHERE NOT granted AND locktype = 'virtualxid' AND waitstart IS NOT NULL"
    with psycopg.connect(conninfo("arthur")) as resting, psycopg.connect(conninfo(SUPERUSER)) as looking:
        resting.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        resting.execute("SELECT count(*) FROM conversations")
        with waiting(conninfo(SUPERUSER), "REINDEX INDEX CONCURRENTLY pk_documents", autocommit=True):
            while not looking.execute(waits.encode()).fetchall():
                await asyncio.sleep(0.05)
            assert await sampler.look() == {}
            resting.rollback()


async def test_a_transaction_that_is_open_for_long_is_named_with_who_holds_it(
    conninfo: Conninfo, sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_rules, "LONG_SECONDS", 1.0)
    with psycopg.connect(conninfo("arthur"), application_name="planted") as resting:
        resting.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        resting.execute("SELECT count(*) FROM conversations")
        await asyncio.sleep(1.2)
        found = (await sampler.look())["long_transaction"]
        assert f"arthur, process {resting.info.backend_pid} (planted)" in found.says
        assert "idle in transaction" in found.says
    assert await sampler.look() == {}


async def test_who_waits_is_no_long_transaction_and_whom_it_waits_for_is_though_it_only_reads(
    conninfo: Conninfo, sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_rules, "LONG_SECONDS", 1.0)
    with psycopg.connect(conninfo("arthur"), application_name="planted") as resting:
        resting.execute("SELECT count(*) FROM conversations")  # at rest it holds a lock, and neither snapshot nor id
        pid = resting.info.backend_pid
        with waiting(conninfo(SUPERUSER), "SELECT pg_current_xact_id(); LOCK TABLE conversations"):
            while True:
                await asyncio.sleep(0.1)
                found = (await alert_facts.facts(sampler.db)).transactions
                if found and found[0].waiting and found[0].seconds > 1.5:
                    break
            assert [each.pid for each in found] == [pid]
            await sampler.look()
            (said,) = [each for each in await alerts.read(sampler.db) if each.kind == "long_transaction"]
            resting.rollback()
    assert re.search(
        rf"process {pid} \(planted\) is in a transaction for \d+ s \(idle in transaction\), 1 waits for it", said.says
    )


async def test_a_disk_that_will_be_full_is_forecast_from_samples(
    db: Database, conninfo: Conninfo, sampler: Sampler
) -> None:
    await samples.take(db, HOLDER, relations=False, disk_free=30_000_000_000, disk=100_000_000_000)
    plant(
        conninfo,
        """
        INSERT INTO server_samples
        SELECT (s).* FROM (
            SELECT jsonb_populate_record(s, jsonb_build_object(
                'at', s.at - n * interval '1 hour', 'disk_free_bytes', s.disk_free_bytes + n * 100000000::bigint)) AS s
            FROM server_samples AS s, generate_series(1, 160) AS n WHERE disk_bytes IS NOT NULL) AS planted
        """,
    )
    await sampler.look(1, apart=QUARTER)
    found = (await sampler.look(1, apart=QUARTER))["disk_full"]
    assert found.severity == "urgent" and "30.0 GB of 100.0 GB are free" in found.says
    assert "the disk is full in 12 days" in found.says  # 2.4 GB a day


async def test_a_disk_with_nothing_left_is_told_by_the_newest_sample(
    db: Database, conninfo: Conninfo, sampler: Sampler
) -> None:
    await samples.take(db, HOLDER, relations=False, disk_free=50_000_000_000, disk=100_000_000_000)
    assert await sampler.look() == {}
    await samples.take(db, HOLDER, relations=False, disk_free=2_000_000_000, disk=100_000_000_000)
    await sampler.look(2, apart=MINUTE)  # within the quarter of an hour that the first look began
    found = (await sampler.look(1, apart=10 * MINUTE))["disk_full"]
    assert "2.0 GB of 100.0 GB are free" in found.says
    assert [each.free_bytes for each in await alert_facts.disk(db, datetime.now(UTC) - timedelta(days=1))][-1] == 2e9


async def test_a_week_of_the_log_without_a_partition_is_named_and_goes_when_it_is_made(
    db: Database, conninfo: Conninfo, sampler: Sampler
) -> None:
    ahead = datetime.now(UTC) + timedelta(days=7)
    name = f"generation_logs_{ahead:%G}w{ahead:%V}"
    plant(conninfo, f"ALTER TABLE generation_logs DETACH PARTITION {name}", f"DROP TABLE {name}")
    found = (await sampler.look())["partitions"]
    assert found.says == f"{name} is not there"
    await alert_facts.make_partitions(db)
    assert await sampler.look() == {}


async def test_a_round_of_retention_that_is_days_late_is_an_alert(conninfo: Conninfo, sampler: Sampler) -> None:
    plant(conninfo, "INSERT INTO retention_rounds (due_at) VALUES (now() - interval '3 days')")
    assert await sampler.look() == {}  # it is due, and may just be about to run
    found = (await sampler.look(1, apart=31 * MINUTE))["retention"]
    assert "due since 3.0 days" in found.says


async def test_rows_without_a_seal_for_an_hour_are_an_alert_until_they_are_sealed(
    db: Database, conninfo: Conninfo, sampler: Sampler
) -> None:
    await approved(db, *await imported(db, 2))
    assert await sampler.look() == {}
    plant(conninfo, "UPDATE review_logs SET timestamp = timestamp - interval '90 minutes'")
    found = (await sampler.look(2, apart=6 * MINUTE))["unsealed"]
    assert "min old" in found.says
    await seals.seal(db, everything=True)
    assert await sampler.look() == {}


async def test_counters_that_a_crash_zeroed_raise_no_alert_and_make_nothing_unused(
    db: Database, conninfo: Conninfo, sampler: Sampler
) -> None:
    await samples.take(db, HOLDER, relations=True)
    plant(conninfo, "SELECT pg_stat_reset()")
    await samples.take(db, HOLDER, relations=True)
    assert await sampler.look(3, apart=QUARTER) == {}
    assert not [each for each in await index_states(db, datetime.now(UTC)) if each.finding is not None]


async def test_what_changed_before_an_alert_stands_beside_it(
    db: Database, conninfo: Conninfo, sampler: Sampler
) -> None:
    plant(
        conninfo, "DELETE FROM versions_seen",
        "INSERT INTO versions_seen VALUES ('traintui', '0.0.9', now() - interval '9 days', now() - interval '1 day',"
        " now() - interval '9 days')",
    )  # fmt: skip
    await alerts.note_versions(db, "0.1.0")
    await samples.take(db, HOLDER, relations=True)
    plant(
        conninfo,
        "INSERT INTO table_samples SELECT (jsonb_populate_record(t, jsonb_build_object('at', at - interval '2 hours',"
        " 'live_rows', 20000))).* FROM table_samples AS t WHERE table_name = 'conversations'",
        "UPDATE table_samples SET live_rows = 90000 WHERE table_name = 'conversations' AND live_rows <> 20000",
        "INSERT INTO index_samples SELECT (jsonb_populate_record(i, jsonb_build_object('at', at - interval '2 hours',"
        " 'file_number', 1))).* FROM index_samples AS i WHERE index_name = 'pk_conversations'",
        "INSERT INTO retention_rounds (due_at) VALUES (now() - interval '3 days')",
        "INSERT INTO index_actions (kind, index_name, table_name, definition, statement, by_itself, acted_by,"
        " started_at, ended_at, state) VALUES ('drop', 'ix_old', 'turns', 'd', 's', false, 'ada',"
        " now() - interval '1 hour', now(), 'done')",
    )
    await sampler.look()
    found = (await sampler.look(1, apart=31 * MINUTE))["retention"]
    said = {each["says"] for each in found.around}
    assert {
        "Traintui 0.1.0 was first used", "conversations grew from 20000 to 90000 rows",
        "pk_conversations was built anew", "ada dropped ix_old",
    } <= said  # fmt: skip
    assert "Traintui 0.0.9 was first used" not in said


async def test_what_was_not_done_to_an_index_is_no_change_and_what_was_made_was_not_built_anew(
    db: Database, conninfo: Conninfo
) -> None:
    await samples.hold(db, HOLDER, 600)
    await samples.take(db, HOLDER, relations=True)
    action = (
        "INSERT INTO index_actions (kind, index_name, table_name, definition, statement, by_itself, acted_by,"
        " started_at, ended_at, state) VALUES ('{}', '{}', 'conversations', 'd', 's', false, 'ada',"
        " now() - interval '1 hour', {}, '{}')"
    )
    plant(
        conninfo, action.format("drop", "ix_kept", "now()", "failed"),
        action.format("create", "ix_begun", "NULL", "started"),
        action.format("create", "pk_conversations", "now()", "done"),
        "INSERT INTO index_samples SELECT (jsonb_populate_record(i, jsonb_build_object('at', at - interval '2 hours',"
        " 'file_number', 1))).* FROM index_samples AS i WHERE index_name IN ('pk_conversations', 'pk_documents')",
    )  # fmt: skip
    now = datetime.now(UTC)
    found = await alert_context.changes(db, now - timedelta(days=1), now, None)
    said = [each.says for each in found if each.what in {"index", "rebuild"}]
    assert sorted(said) == ["ada made pk_conversations", "pk_documents was built anew"]


async def test_a_version_that_is_gone_back_to_and_a_migration_under_a_running_process_are_changes(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "RELATION_SECONDS", 0.0)
    monkeypatch.setattr("traintui.__version__", "0.1.0")
    sampler = sampling.Sampler(db, HOLDER, raise_fault)
    await sampler.turn()
    head = await scalar(db, "SELECT version_num FROM alembic_version")
    plant(
        conninfo, "UPDATE versions_seen SET first_seen_at = now() - interval '9 days',"
        " came_at = now() - interval '9 days', last_seen_at = now() - interval '2 days'",
        "INSERT INTO versions_seen SELECT what, v, t, t, t FROM (VALUES ('traintui', '0.2.0'), ('postgresql', '99.1'))"
        " AS newer (what, v), (SELECT now() - interval '1 day 1 hour' AS t) AS at",
        "UPDATE alembic_version SET version_num = '9999'",
    )  # fmt: skip
    await sampler.turn()

    async def said() -> set[str]:
        now = datetime.now(UTC)
        found = await alert_context.changes(db, now - MINUTE, now + MINUTE, None)
        return {each.says for each in found if each.what == "version"}

    server = await scalar(db, "SELECT current_setting('server_version')")
    assert await said() == {
        "Traintui 0.1.0 is used again", "the schema came to revision 9999", f"PostgreSQL {server} is used again",
    }  # fmt: skip
    plant(conninfo, f"UPDATE alembic_version SET version_num = '{head}'")
    await sampler.turn()
    assert f"the schema came to revision {head}" in await said()


async def test_two_versions_at_work_at_once_do_not_come_again_and_again(db: Database, conninfo: Conninfo) -> None:
    plant(
        conninfo, "DELETE FROM versions_seen",
        "INSERT INTO versions_seen SELECT 'traintui', '0.0.9', t, t, t"
        " FROM (SELECT now() - interval '9 days' AS t) AS at",
    )  # fmt: skip
    for version in ("0.1.0", "0.2.0", "0.1.0", "0.2.0"):
        await alerts.note_versions(db, version)
    assert (
        await scalar(db, "SELECT count(*) FROM versions_seen WHERE what = 'traintui' AND came_at > first_seen_at") == 0
    )


async def test_an_alert_that_comes_back_is_another_one_and_the_first_stays_on_record(
    conninfo: Conninfo, sampler: Sampler
) -> None:
    late = "INSERT INTO retention_rounds (due_at) VALUES (now() - interval '3 days')"
    for _ in range(2):
        plant(conninfo, late)
        await sampler.look()
        assert list(await sampler.look(1, apart=31 * MINUTE)) == ["retention"]
        plant(conninfo, "DELETE FROM retention_rounds")
        assert await sampler.look() == {}
    first, second = await alerts.read(sampler.db, cleared=True)
    assert first.id != second.id
    assert [each.event for each in await alerts.events(sampler.db, first.id)] == ["opened", "cleared"]


async def test_a_sampler_that_takes_over_goes_on_with_the_alerts_that_are_open(
    conninfo: Conninfo, sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(conninfo, "INSERT INTO retention_rounds (due_at) VALUES (now() - interval '3 days')")
    await sampler.look()
    (before,) = (await sampler.look(1, apart=31 * MINUTE)).values()
    (after,) = (await Sampler(sampler.db, monkeypatch).look()).values()
    assert after.id == before.id
