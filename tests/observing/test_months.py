"""A month is told from what is stored of it: against the month before, the same again, and with what is to be done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churned import as_owner
from support import Conninfo, imported
from traintui import clock
from traintui.data import monthly, query_times, samples
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.query_plans import explain
from traintui.data.query_shapes import plan_hash, without_values
from traintui.data.refusals import Refused
from traintui.errors import TraintuiError
from traintui.observing import month_files, months, sampling
from traintui.observing.growth import size
from traintui.observing.month_advice import Recommendation, recommendations
from traintui.observing.month_page import Page, Section, html, markdown, page
from traintui.observing.month_records import Month, month_of, read_month
from traintui.observing.standing import index_states

OCTOBER, SEPTEMBER = Month(2026, 10), Month(2026, 9)
IN_NOVEMBER = datetime(2026, 11, 2, 9, tzinfo=UTC)
SERVER = (
    "INSERT INTO server_samples"
    " VALUES (%s, '2026-09-01+00', %s, 100, 1, 0, 2.5, %s, 10, %s, %s, 0, 0, 0, 0, %s, %s, 10e9)"
)
TABLE = (
    "INSERT INTO table_samples VALUES"
    " (%s, 'conversations', 1000, %s, %s, 0, 0, 0, 300000, 30000, 0, 0, 0, 0, NULL, NULL)"
)


ALERT = """
    INSERT INTO alerts (kind, subject, severity, state, says, evidence, around, opened_at, cleared_at)
    VALUES ('slower', 'aside.slower', 'warning', 'cleared', 'aside.slower: slower', '{}', '[]',
            '2026-10-15 12:00+00', '2026-10-16 12:00+00')
"""
ACTION = """
    INSERT INTO index_actions (kind, index_name, table_name, definition, statement, by_itself, acted_by, started_at,
                               ended_at, state, bytes_before, bytes_after, density_before, density_after)
    VALUES ('rebuild', 'ix_old', 'old', '', '', true, 'ada', '2026-10-15 12:00+00', '2026-10-15 12:01+00', 'done',
            20000000, 9000000, 0.31, 0.9)
"""


def furnish(conninfo: Conninfo) -> None:
    """September and October: a database that grows by 100 MB a day, a label that became three times slower, one that
    fails, and a table with many dead rows."""
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(ALERT)
        connection.execute(ACTION)
        for month, day in ((9, 2), (9, 29), (10, 2), (10, 12), (10, 22)):
            at = datetime(2026, month, day, tzinfo=UTC)
            age = (at - datetime(2026, 9, 1, tzinfo=UTC)).days
            grown = 1_000_000_000 + age * 100_000_000
            connection.execute(
                SERVER, (at, 5 + day, age * 1_000, age * 900, age * 100, grown, 9_000_000_000 - age * 100_000_000)
            )
            connection.execute(TABLE, (at, 60_000 if month == 10 else 0, grown // 2))
        for month, bucket, us in ((9, 80, 16_000), (10, 95, 60_000)):
            connection.execute(
                "INSERT INTO query_times VALUES (3600, %s, 'aside.slower', 500, 0, 0, 500, %s, %s, %s)",
                (datetime(2026, month, 15, 12, tzinfo=UTC), us * 500, us, f'{{"{bucket}": 500}}'),
            )
        connection.execute(
            "INSERT INTO query_times VALUES (3600, '2026-10-15 12:00+00', '<b>aside|fails', 200, 9, 0, 0, 200, 1, %s)",
            ('{"0": 200}',),
        )
        connection.execute(
            "INSERT INTO slow_queries (at, label, login, duration_us, statement, statement_hash, parameters)"
            " VALUES ('2026-10-15 12:00+00', 'aside.slower', 'rita', 900000, 'SELECT\n 1', 'h', '{\"name\": \"Ada\"}')"
        )


async def october(db: Database) -> tuple[Recommendation, ...]:
    return recommendations(await months.figures_of(db, OCTOBER), await months.before(db, OCTOBER))


async def test_a_month_says_what_it_came_to_beside_the_one_before(db: Database, conninfo: Conninfo) -> None:
    furnish(conninfo)
    with clock.fixed(IN_NOVEMBER):
        figures = await months.figures_of(db, OCTOBER)
        before = await months.before(db, OCTOBER)
    server = figures.server
    assert server is not None and before is not None and before.month == SEPTEMBER
    assert server.days == 3 and server.growth_a_day == pytest.approx(100_000_000)
    assert (server.transactions, server.hit_rate) == (20_000, 0.9)  # between its first and its last sample
    assert [(each.label, each.calls) for each in figures.queries] == [("aside.slower", 500), ("<b>aside|fails", 200)]
    (slow,) = figures.slowest
    assert (slow.statement, slow.most_ms) == ("SELECT 1", 900)
    (table,) = figures.tables
    assert table.total_bytes - table.bytes_before == 1_000_000_000
    shown = markdown(page(figures, before, "corpus"))
    assert "| aside.slower | 500 | 0 | 0 | 57.5 | 57.5 | 57.5 | 15.7 |" in shown
    assert (
        "| 2026-10-15 12:00 | 2026-10-16 12:00 | warning | A label became slower | aside.slower: slower | - |" in shown
    )
    assert "| 2026-10-15 12:00 | rebuild | ix\\_old | by itself | done | 20 MB → 9.0 MB | 31% → 90% |" in shown
    assert "Ada" not in shown and "rita" not in shown


async def test_what_is_to_be_done_says_why_and_by_which_statement(db: Database, conninfo: Conninfo) -> None:
    furnish(conninfo)
    with clock.fixed(IN_NOVEMBER):
        found = {each.finding: each for each in await october(db)}
    assert found["The disk is full in about 39 days"].evidence == "3.9 GB are free, and 100 MB come a day"
    assert found["aside.slower became 3.7 times slower"].statement is None
    assert found["<b>aside|fails fails"].evidence == "9 of 200 calls ended with an error"
    assert found["conversations has many dead rows"].statement == "VACUUM (ANALYZE) conversations;"
    assert next(iter(found)).startswith("The disk")


async def test_no_server_is_told_to_take_less_memory_than_it_has(db: Database, conninfo: Conninfo) -> None:
    furnish(conninfo)
    with clock.fixed(IN_NOVEMBER):
        figures = await months.figures_of(db, OCTOBER)
    assert figures.server is not None
    sorting = replace(figures, server=replace(figures.server, temp_bytes=20_000_000_000))
    reads, sorts = "The server reads much from the disk", "Sorting goes over the disk"

    def advised(shared_buffers: int, work_mem: int) -> dict[str, Recommendation]:
        of_memory = replace(sorting, settings=monthly.ServerSettings(shared_buffers, work_mem))
        return {each.finding: each for each in recommendations(of_memory, None)}

    found = advised(128 * 2**20, 4 * 2**20)
    assert found[reads].statement == "ALTER SYSTEM SET shared_buffers = '1GB';"
    assert found[reads].evidence == "90.0% of blocks were in memory, and shared_buffers is 128 MB"
    assert found[sorts].statement == "ALTER SYSTEM SET work_mem = '32MB';"
    found = advised(16 * 2**30, 2**25)
    assert found[reads].statement is None is found[sorts].statement
    assert "shared_buffers is 16,384 MB" in found[reads].evidence and "work_mem is 32 MB" in found[sorts].evidence


async def test_the_first_hours_of_a_server_say_nothing_of_its_memory(db: Database, conninfo: Conninfo) -> None:
    furnish(conninfo)
    with clock.fixed(IN_NOVEMBER):
        figures = await months.figures_of(db, OCTOBER)
    assert figures.server is not None
    cold = replace(figures, server=replace(figures.server, days=1, growth_a_day=None, hit_rate=0.5))
    said = "The server reads much from the disk"
    assert [[each.finding for each in recommendations(of, None)].count(said) for of in (figures, cold)] == [1, 0]


async def test_what_takes_long_is_told_by_the_setting_of_the_workspace(db: Database, conninfo: Conninfo) -> None:
    furnish(conninfo)
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("INSERT INTO workspace_settings (key, value) VALUES ('slow_query_ms', '50')")
        (shared_buffers,) = (
            connection.execute(
                "SELECT setting::bigint * 8192 FROM pg_settings WHERE name = 'shared_buffers'"
            ).fetchone()
            or ()
        )
    with clock.fixed(IN_NOVEMBER):
        found = {each.finding: each for each in await october(db)}
        figures = await months.figures_of(db, OCTOBER)
    assert found["aside.slower takes more than 50 ms"].evidence == "its 95th percentile was 58 ms in 500 calls."
    assert figures.settings.shared_buffers == shared_buffers and figures.settings.work_mem > 0


async def test_what_was_wrong_in_a_month_stands_in_its_report(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(
            "INSERT INTO alerts (kind, subject, severity, state, says, evidence, around, opened_at, cleared_at) SELECT"
            " 'retention', says, 'warning', CASE WHEN over IS NULL THEN 'open' ELSE 'cleared' END, says, '{}', '[]',"
            " opened, over FROM (VALUES ('before', timestamptz '2026-09-01Z', timestamptz '2026-09-30Z'),"
            " ('began | before', '2026-09-30Z', '2026-10-02Z'), ('went on', '2026-10-20 08:30Z', '2026-11-01 09:00Z'),"
            " ('lasts', '2026-10-30Z', NULL), ('after', '2026-11-01Z', NULL)) AS planted (says, opened, over)"
        )
    with clock.fixed(IN_NOVEMBER):
        shown = markdown(await month_files.page_of(db, OCTOBER))
        kept = months.from_json(months.as_json(await months.figures_of(db, OCTOBER)))
    assert [each.says for each in kept.alerts] == ["began | before", "went on", "lasts"]
    assert (
        "3 alerts." in shown
        and "| 2026-10-20 08:30 | goes on | warning | Retention was not run | went on | - |" in shown
    )


async def test_an_hour_of_samples_forecasts_nothing(db: Database) -> None:
    await samples.hold(db, "one", 60)
    for free in (2_000, 1_000):
        await samples.take(db, "one", relations=False, disk_free=free, disk=10_000)
        await imported(db, 3)
    this = month_of(clock.now())
    assert "| growth a day | not known yet |" in markdown(await month_files.page_of(db, this))
    assert recommendations(await months.figures_of(db, this), None) == ()


async def test_a_month_without_a_fault_recommends_nothing(db: Database) -> None:
    await imported(db, 3)
    this = month_of(clock.now())
    found = recommendations(await months.figures_of(db, this), await months.before(db, this))
    assert found == ()
    assert "Nothing is to be done." in markdown(await month_files.page_of(db, this))


async def test_an_index_that_a_team_left_alone_on_its_working_days_is_unused_in_february_too(
    db: Database, conninfo: Conninfo
) -> None:
    as_owner(
        conninfo, "CREATE TABLE large (n integer PRIMARY KEY, m integer)",
        "INSERT INTO large SELECT n, n % 7 FROM generate_series(1, 200000) AS n",
        "CREATE INDEX ix_large_m ON large (n, m)",
    )  # fmt: skip
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO index_samples (at, index_name, table_name, is_valid, index_bytes, entries, file_number, scans,"
            " blocks_hit, blocks_read) SELECT day, 'ix_large_m', 'large', true, 4000000, 200000, 1, 7, 0, 0"
            " FROM generate_series('2026-12-15 12:00+00'::timestamptz, '2027-02-28 12:00+00', '1 day') AS day"
            " WHERE extract(isodow FROM day) < 6"
        )
    with clock.fixed(datetime(2027, 3, 1, 9, tzinfo=UTC)):
        of_now = [state.finding for state in await index_states(db, clock.now()) if state.finding is not None]
        figures = await months.figures_of(db, Month(2027, 2))
    assert [(each.kind, each.index) for each in of_now] == [("unused", "ix_large_m")]
    assert [each.index for each in figures.index_findings] == ["ix_large_m"]
    (recommended,) = recommendations(figures, None)
    assert recommended.finding.startswith("ix_large_m was not scanned on 54 days (")


async def test_a_month_lists_indexes_as_they_were_and_says_what_is_of_now(db: Database, conninfo: Conninfo) -> None:
    furnish(conninfo)
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        for name, day, size, entries in (
            ("ix_gone", 3, 9_000_000, 20_000), ("ix_gone", 30, 8_000_000, 20_000), ("ix_before", 3, 7_000_000, 10),
        ):  # fmt: skip
            connection.execute(
                "INSERT INTO index_samples (at, index_name, table_name, is_valid, index_bytes, entries, file_number,"
                " scans, blocks_hit, blocks_read) VALUES (%s, %s, 'gone', true, %s, %s, 1, 0, 0, 0)",
                (datetime(2026, 10, day, tzinfo=UTC), name, size, entries),
            )
    with clock.fixed(IN_NOVEMBER):
        figures = await months.figures_of(db, OCTOBER)
        shown = await month_files.page_of(db, OCTOBER)
    assert [(each.name, each.table, each.index_bytes) for each in figures.indexes] == [("ix_gone", "gone", 8_000_000)]
    assert "what waits for retention, are those of 2026-11-02 09:00 UTC" in shown.says
    assert figures.made_at == IN_NOVEMBER and months.from_json(months.as_json(figures)) == figures


async def test_a_report_finds_what_the_screen_finds(db: Database, conninfo: Conninfo) -> None:
    as_owner(
        conninfo,
        "CREATE TABLE wide AS SELECT n, 'b' || n % 400 AS kind, n % 50 AS place FROM generate_series(1, 40000) AS n",
        "GRANT SELECT ON wide TO traintui_reviewer",
        "CREATE INDEX ix_wide_n ON wide (n)",
        "ANALYZE wide",
    )
    plan = without_values(await explain(db, "SELECT * FROM wide WHERE kind = 'b7' AND place = 3", {}))
    await query_times.note_plan(db, "wide.kind", "SELECT", plan_hash(plan), plan)
    figures = await months.figures_of(db, month_of(clock.now()))
    assert [(each.kind, each.index) for each in figures.index_findings] == [("slow_plan", "ix_wide_kind_place")]
    assert markdown(page(figures, None, "corpus")).count("CREATE INDEX CONCURRENTLY ix\\_wide\\_kind\\_place") == 1


async def test_a_month_that_is_over_is_kept_once_and_says_the_same_when_its_samples_are_gone(
    db: Database, conninfo: Conninfo
) -> None:
    furnish(conninfo)
    with clock.fixed(IN_NOVEMBER):
        shown = await month_files.page_of(db, OCTOBER)
        assert await months.keep_last(db) == OCTOBER
        kept = await monthly.read(db, OCTOBER.first)
        assert await months.keep_last(db) == OCTOBER
        assert await monthly.read(db, OCTOBER.first) == kept
        with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
            connection.execute("DELETE FROM server_samples; DELETE FROM table_samples; DELETE FROM query_times")
            connection.execute("DELETE FROM slow_queries")
        again = await month_files.page_of(db, OCTOBER)
        november = await months.figures_of(db, Month(2026, 11))
        assert (await months.before(db, Month(2026, 11))) == await months.figures_of(db, OCTOBER)
        assert await months.months(db) == (Month(2026, 11), OCTOBER)
    assert again.sections[1:] != () and november.server is None
    # The month before is not kept: all that is said without it stays.
    for section in ("Server", "Tables", "Slowest statements"):
        assert [each for each in again.sections if each.title == section] == [
            each for each in shown.sections if each.title == section
        ]


async def test_only_an_administrator_keeps_a_month_and_only_one_that_is_over_and_was_sampled(
    db: Database, reviewer_db: Database, conninfo: Conninfo
) -> None:
    furnish(conninfo)
    with clock.fixed(IN_NOVEMBER), pytest.raises(Refused):
        await months.keep_last(reviewer_db)
    with pytest.raises(Refused, match="not over"):
        await monthly.note(db, month_of(datetime.now(UTC)).first, b"{}")
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("DELETE FROM server_samples")
    with pytest.raises(Refused, match=r"(?i)nothing was sampled"):
        await monthly.note(db, OCTOBER.first, b"{}")


async def test_the_sampler_saves_the_report_of_a_month_in_the_home(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    furnish(conninfo)
    with clock.fixed(IN_NOVEMBER):
        await sampling.keep_month(replace(db, home=tmp_path))
    names = sorted(path.name for path in (tmp_path / "reports").iterdir())
    assert names == ["traintui-database-2026-10.html", "traintui-database-2026-10.md"]
    written = (tmp_path / "reports" / names[0]).read_text()
    assert "&lt;b&gt;aside|fails" in written and "<b>aside" not in written
    assert r"\<b\>aside\|fails" in (tmp_path / "reports" / names[1]).read_text()


async def test_a_report_that_could_not_be_saved_is_saved_at_the_next_look(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    furnish(conninfo)
    await samples.hold(db, "one", 60)
    home = replace(db, home=tmp_path)
    (tmp_path / "reports").write_text("in the way")
    with clock.fixed(IN_NOVEMBER):
        with pytest.raises(TraintuiError, match="cannot be written"):
            await sampling.keep_month(home)
        (tmp_path / "reports").unlink()
        await sampling.keep_month(home)
        found = sorted((tmp_path / "reports").iterdir())
        found[0].unlink()
        written = found[1].stat().st_mtime_ns
        await sampling.keep_month(home)
        assert found[0].exists() and found[1].stat().st_mtime_ns != written
        written = found[1].stat().st_mtime_ns
        await sampling.keep_month(home)
    assert found[1].stat().st_mtime_ns == written


async def test_a_month_that_has_not_begun_has_no_report(db: Database) -> None:
    with pytest.raises(TraintuiError, match="has not begun"):
        await months.figures_of(db, month_of(clock.now()).after)


@pytest.mark.parametrize("written", ["2026", "11-2026", "2026-13", "", "2026-11-01"])
def test_what_is_no_month_is_answered_with_how_one_is_written(written: str) -> None:
    with pytest.raises(TraintuiError, match="no month"):
        read_month(written)


@given(st.integers(1, 9998), st.integers(1, 12))
def test_months_follow_each_other_without_a_gap(year: int, number: int) -> None:
    month = Month(year, number)
    assert month.after.before == month and month.end == month.after.begin
    assert month.begin < month.end <= month.begin + timedelta(days=31)
    assert read_month(str(month)) == month


@given(st.lists(st.integers(0, 1_000), min_size=1))
def test_a_counter_that_falls_began_anew(counter: list[int]) -> None:
    assert months.counted(counter) >= max(0, counter[-1] - counter[0])
    if counter == sorted(counter):
        assert months.counted(counter) == counter[-1] - counter[0]


def test_what_others_named_and_asked_tells_a_terminal_nothing() -> None:
    shown = Page(
        "t\x1b[2J", "says", (Section("S\x9b2J", ("a\x07",), ("b",), (("c\u202e",),), code=("SELECT '\x1b[2J'",)),)
    )
    for written in (markdown(shown), html(shown)):
        assert "SELECT" in written and not [sign for sign in written if not sign.isprintable() and sign != "\n"]


def test_what_shrank_is_said_in_the_units_of_what_grew() -> None:
    assert (size(-3_000_000), size(3_000_000), size(-2_100_000_000)) == ("-3.0 MB", "3.0 MB", "-2.1 GB")


def test_a_page_of_html_needs_nothing_beside_it() -> None:
    written = html(Page("<title>", "says", ()))
    assert "&lt;title&gt;" in written and "http" not in written and "<script" not in written
