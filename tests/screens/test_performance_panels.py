"""Every panel of Performance shows something true and says how much of it: on the oldest server and the newest, as
administrator and as reviewer, directly and through a pooler."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from benchmarks.pooling import pgbouncer, pooled
from textual.pilot import Pilot

from data.test_activity import running
from older_server import SUPERUSER as POSTGRES
from older_server import is_there, older_server
from screens.waiting import until
from support import Conninfo, imported, logged_in, scalar
from traintui.app import TraintuiApp
from traintui.data import samples, server_statements, workspace
from traintui.data.engine import Database, make_engine
from traintui.data.rights import rights
from traintui.observing import recording
from traintui.observing.panels import POOLED, panel
from traintui.screens.performance import PerformanceScreen
from traintui.screens.performance_alerts import AlertsPane
from traintui.screens.performance_indexes import IndexesPane
from traintui.screens.performance_live import LivePane
from traintui.screens.performance_overview import OverviewPane
from traintui.screens.performance_queries import QueriesPane
from traintui.screens.performance_report import ReportPane
from traintui.screens.performance_tables import TablesPane
from traintui.settings import Settings

NEEDS_OLDER = pytest.mark.skipif(
    not is_there(), reason="PostgreSQL 15 is not installed (apt-get install postgresql-15)"
)
NEEDS_POOLER = pytest.mark.skipif(pgbouncer() is None, reason="PgBouncer is not installed (apt-get install pgbouncer)")


@pytest.fixture(scope="module")
def older(_nothing_from_outside: None) -> Iterator[Conninfo]:
    """A workspace on PostgreSQL 15."""
    with older_server({"ada": "admin", "rita": "reviewer", "ron": "reviewer"}) as found:
        yield found


@asynccontextmanager
async def as_login(conninfo: str, *, through: bool) -> AsyncIterator[Database]:
    """The workspace of a connection string, directly or through a pooler."""
    with ExitStack() as stack:
        url = stack.enter_context(pooled(conninfo)) if through else conninfo
        login, role = await workspace.whoami(url)
        database = Database(make_engine(url, pooled=through), url, "shared", login, role)
        try:
            yield database
        finally:
            await database.close()


async def shown(pilot: Pilot[None], app: TraintuiApp, key: str, name: str) -> PerformanceScreen:
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, PerformanceScreen) and app.screen.which == name)
    assert isinstance(app.screen, PerformanceScreen)
    return app.screen


def level(app: TraintuiApp) -> str:
    """What the line of rights says."""
    assert isinstance(app.screen, PerformanceScreen)
    return str(app.screen.rights_line.content)


@pytest.mark.parametrize("through", [False, pytest.param(True, marks=NEEDS_POOLER)], ids=["direct", "pooled"])
@pytest.mark.parametrize("login", ["ada", "rita"])
@pytest.mark.parametrize("version", ["18", pytest.param("15", marks=NEEDS_OLDER)])
async def test_every_panel_shows_something_true(
    request: pytest.FixtureRequest, tmp_path: Path, version: str, login: str, through: bool
) -> None:
    conninfo: Conninfo = request.getfixturevalue("conninfo" if version == "18" else "older")
    async with logged_in(conninfo("ada")) as furnishing:
        await imported(furnishing, 3)
        await recording.note_times(furnishing)
        assert await samples.hold(furnishing, "one", 60)
        at = await samples.take(furnishing, "one", relations=True)
        assert await scalar(furnishing, "SELECT count(*) FROM index_samples WHERE at = :at", at=at) > 50
        await samples.release(furnishing, "one")
    async with running(conninfo("ron"), application="by hand"), as_login(conninfo(login), through=through) as db:
        app = TraintuiApp(Settings(home=tmp_path), workspace=db)
        async with app.run_test(size=(160, 45)) as pilot:
            await until(pilot, lambda: app.workspace is not None)
            screen = await shown(pilot, app, "5", "overview")
            overview = screen.query_one(OverviewPane)
            await until(pilot, lambda: "schema revision" in str(overview.figures.content))
            assert f"PostgreSQL    {version}." in str(overview.figures.content)
            connections = str(overview.figures.content).partition("Connections")[2].split(" of ")[0]
            assert int(connections) >= 2  # those of others count too
            assert {"conversations", "generation_logs"} <= {row.name for row in overview.sizes.rows}
            await until(pilot, lambda: level(app).startswith("● full"))

            screen = await shown(pilot, app, "right", "queries")
            queries = screen.query_one(QueriesPane)
            await until(pilot, lambda: "imports.copy" in [row.label for row in queries.table.rows])
            kept = "Of slow statements only your own" in level(app) and 'GRANT traintui_auditor TO "rita"' in level(app)
            assert kept == (login == "rita") and level(app).startswith("○ reduced" if kept else "● full")

            screen = await shown(pilot, app, "right", "indexes")
            indexes = screen.query_one(IndexesPane)
            await until(pilot, lambda: "pk_conversations" in [row.name for row in indexes.table.rows])
            assert level(app).startswith(("● full", "○ reduced  How full indexes are"))

            screen = await shown(pilot, app, "right", "tables")
            tables = screen.query_one(TablesPane)
            await until(pilot, lambda: "conversations" in [row.name for row in tables.table.rows])
            assert all((row.fact.total_bytes or 0) > 0 for row in tables.table.rows if row.name == "conversations")
            assert level(app).startswith("● full")

            screen = await shown(pilot, app, "right", "live")
            live = screen.query_one(LivePane)
            await until(pilot, lambda: "by hand" in [row.session.application for row in live.table.rows])
            (by_hand,) = (row.session for row in live.table.rows if row.session.application == "by hand")
            assert by_hand.hidden == (login == "rita") and by_hand.login == "ron"
            assert by_hand.statement == (None if login == "rita" else "SELECT pg_sleep(?), '?'")
            assert level(app).startswith("● full" if login == "ada" and not through else "○ reduced")
            assert ('GRANT pg_read_all_stats, pg_signal_backend TO "rita"' in level(app)) == (login == "rita")
            assert ("through a pooler" in level(app).lower()) == through
            assert " run" in str(live.counted.content)

            screen = await shown(pilot, app, "right", "alerts")
            alerts = screen.query_one(AlertsPane)
            await until(pilot, lambda: "not over" in str(alerts.counted.content))
            assert level(app).startswith("● full")

            screen = await shown(pilot, app, "right", "report")
            report = screen.query_one(ReportPane)
            await until(pilot, lambda: "RECOMMENDATIONS" in report.detail.plain)
            assert "new conversations" in report.detail.plain and level(app).startswith("● full")


@NEEDS_OLDER
async def test_what_the_server_counted_shows_no_password(older: Conninfo) -> None:
    with psycopg.connect(older(POSTGRES), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        connection.execute("GRANT pg_read_all_stats TO ada")
        connection.execute("ALTER ROLE ron PASSWORD 'kept to himself'")
        async with logged_in(older("ada")) as db:
            counted = await server_statements.read(db, limit=10_000)
        connection.execute("REVOKE pg_read_all_stats FROM ada")
        connection.execute("DROP EXTENSION pg_stat_statements")
    said = [each.statement for each in counted.found if each.statement is not None]
    assert "ALTER ROLE ron PASSWORD '?'" in said and not [each for each in said if "himself" in each]
    assert [each for each in said if "$1" in each]  # what the server left out itself stays as it says it


async def test_what_is_not_tracked_is_not_there_and_says_which_setting_brings_it(db: Database) -> None:
    found = await rights(db)
    assert found.tracks_activities and found.tracks_counts and not found.pooled and found.ends_sessions
    without = replace(found, pooled=True, samples_see=False, tracks_activities=False, tracks_counts=False)
    assert (panel("live", without).level, panel("live", without).change) == (
        "unavailable", "ALTER SYSTEM SET track_activities = on;",
    )  # fmt: skip
    assert panel("tables", without) == panel("indexes", without) and "track_counts" in panel("tables", without).change
    for name in ("overview", "alerts"):
        assert panel(name, without).change == "GRANT pg_read_all_stats TO traintui_owner;"
    assert panel("report", without).level == "full" and POOLED in panel("live", replace(found, pooled=True)).why
