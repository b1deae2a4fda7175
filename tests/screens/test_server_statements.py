"""What the server counted itself is shown where it counts, and else what would make it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from screens.test_performance_lists import opened
from screens.waiting import until
from traintui.app import TraintuiApp
from traintui.data import server_statements
from traintui.data.engine import Database
from traintui.data.server_statements import ServerStatement, ServerStatements
from traintui.screens.server_statements import ServerStatementsDialog
from traintui.settings import Settings
from traintui.widgets.server_statement_lines import server_statement_lines

ONE = ServerStatement("SELECT\n  $1", "ada", 3, 1_500.0, 500.0, 900.0, 3, 99, 1, 0)


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_where_the_server_counts_nothing_it_says_what_would_make_it(
    db: Database, tmp_path: Path, size: tuple[int, int]
) -> None:
    app = TraintuiApp(Settings(home=tmp_path), workspace=replace(db, label="db.example.org/team"))
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app, 1)
        await pilot.press("S")
        await until(
            pilot, lambda: isinstance(app.screen, ServerStatementsDialog) and "unavailable" in app.screen.view.plain
        )
        assert isinstance(app.screen, ServerStatementsDialog)
        assert "CREATE EXTENSION pg_stat_statements;" in app.screen.view.plain
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ServerStatementsDialog))


async def test_a_server_without_the_extension_is_told_from_one_that_is_away(db: Database) -> None:
    counted = await server_statements.read(replace(db, label="db.example.org/team"))
    assert counted.found == () and "not in this database" in counted.missing


async def test_the_embedded_server_is_told_to_have_none_and_nobody_to_add_it(db: Database) -> None:
    counted = await server_statements.read(db)
    assert "Not on the embedded server" in counted.missing and "CREATE" not in counted.remedy


def test_what_is_hidden_is_said_with_the_grant_that_shows_it() -> None:
    hidden = ServerStatement(None, "bea", 1, 500.0, 500.0, 500.0, 1, 0, 0, 0)
    said = "\n".join(line.plain for line in server_statement_lines(ServerStatements((ONE, hidden), remedy="GRANT x;")))
    assert "reduced" in said and "GRANT x;" in said and "hidden" in said
    assert "3 calls, 1.5 s in all, 75.0% of these; mean 500.0 ms, longest 900.0 ms; 3 rows, 99.0% of blocks" in said
    assert "  SELECT $1" in said
