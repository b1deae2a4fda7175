"""Indexes are mended from the Indexes tab: each with its SQL shown, and a history that undoes a drop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from churned import as_owner, churn, invalid, unfinished
from screens.test_performance_lists import opened
from screens.waiting import on_screen, until, written
from support import Conninfo
from traintui.app import TraintuiApp
from traintui.data import index_actions, index_facts, rebuild_policy
from traintui.data.embedded import EmbeddedServer
from traintui.data.engine import Database
from traintui.screens.index_history import IndexHistory
from traintui.screens.mend_index import MendIndex
from traintui.screens.performance_indexes import IndexesPane
from traintui.settings import Settings

INDEX = "ix_review_logs_xid8"


@pytest.fixture
def app(db: Database, server: EmbeddedServer, tmp_path: Path) -> TraintuiApp:
    """The app as the administrator of an embedded workspace."""
    return TraintuiApp(Settings(home=tmp_path), workspace=replace(db, server=server))


async def on_index(pilot: Pilot[None], app: TraintuiApp, name: str = INDEX) -> IndexesPane:
    """The Indexes tab with the cursor on an index."""
    pane = (await opened(pilot, app, 2)).query_one(IndexesPane)
    await until(pilot, lambda: pane.table.rows)
    # What is found comes after the names, and stands first: others go down meanwhile.
    while pane.table.current is None or pane.table.current.name != name:
        place = [row.name for row in pane.table.rows].index(name)
        await pilot.press("down" if place > pane.table.cursor else "up")
    return pane


def named(app: TraintuiApp) -> set[str]:
    """The actions whose keys work."""
    return {active.binding.action for active in app.screen.active_bindings.values() if active.enabled}


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_an_index_is_rebuilt_once_its_statement_was_seen(
    app: TraintuiApp, db: Database, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await on_index(pilot, app)
        await pilot.press("R")
        for said in (f"REINDEX INDEX CONCURRENTLY {INDEX};", "Costs", "Risks"):
            await until(pilot, lambda said=said: said in on_screen(app))  # type: ignore[misc]
        assert await index_actions.newest(db) == ()
        await pilot.press("y")
        await until(pilot, lambda: "Rebuilt in" in on_screen(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, MendIndex))
    (row,) = await index_actions.newest(db)
    assert (row.kind, row.state, row.index_name) == ("rebuild", "done", INDEX)


async def test_who_goes_back_changes_nothing(app: TraintuiApp, db: Database) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await on_index(pilot, app)
        await pilot.press("d")
        await until(pilot, lambda: "Traintui relies on it" in on_screen(app))
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(app.screen, MendIndex))
    assert await index_actions.newest(db) == ()


async def test_the_history_brings_back_what_was_dropped(app: TraintuiApp, db: Database) -> None:
    async with app.run_test(size=(160, 45)) as pilot:
        pane = await on_index(pilot, app)
        await pilot.press("d", "y")
        await until(pilot, lambda: isinstance(app.screen, MendIndex) and app.screen.state == "over")
        await pilot.press("escape")
        await until(pilot, lambda: pane.table.rows[0].name == INDEX and pane.table.rows[0].fact is None)
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, IndexHistory) and "● dropped" in on_screen(app))
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, MendIndex))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, MendIndex) and app.screen.state == "over")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, IndexHistory) and len(app.screen.table.rows) == 2)
        await until(pilot, lambda: "↶ undone" in on_screen(app))
    assert INDEX in {fact.name for fact in await index_facts.indexes(db)}


async def test_what_a_finding_proposes_is_made_and_what_is_unfinished_is_cleaned_up(
    app: TraintuiApp, db: Database, conninfo: Conninfo
) -> None:
    churn(conninfo, rows=2_000)
    as_owner(
        conninfo, f"DROP INDEX {INDEX}",
        "CREATE INDEX ix_churned_number_ccnew ON churned (number)",
    )  # fmt: skip
    unfinished(conninfo, "ix_churned_number_ccnew")
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await on_index(pilot, app)
        await until(pilot, lambda: {"create", "history"} <= named(app))
        assert not {"rebuild", "drop", "clean"} & named(app)
        await pilot.press("c", "y")
        await until(pilot, lambda: isinstance(app.screen, MendIndex) and app.screen.state == "over")
        await pilot.press("escape")
        await until(pilot, lambda: pane.table.rows[0].name == "ix_churned_number_ccnew")
        await pilot.press("home")
        await until(pilot, lambda: "clean" in named(app))
        await pilot.press("x", "y")
        await until(pilot, lambda: isinstance(app.screen, MendIndex) and app.screen.state == "over")
    assert invalid(conninfo) == []
    assert [(each.kind, each.state) for each in await index_actions.newest(db)] == [
        ("clean", "done"), ("create", "done"),
    ]  # fmt: skip


async def test_one_key_lets_indexes_be_rebuilt_by_themselves_or_no_longer(app: TraintuiApp, db: Database) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await on_index(pilot, app)
        await until(pilot, lambda: "rebuilt by themselves: on" in str(pane.counted.content))
        await pilot.press("A")
        await written(app)
        await until(pilot, lambda: "rebuilt by themselves: off" in str(pane.counted.content))
        await until(pilot, lambda: any("Off from now on, for everybody" in each.message for each in app._notifications))
        await pilot.press("A")
        await written(app)
        await until(pilot, lambda: any("On from now on, for everybody, at any hour: none is" in each.message
                                       for each in app._notifications))  # fmt: skip
        await until(pilot, lambda: "rebuilt by themselves: on" in str(pane.counted.content))
        await pilot.press("A")
        await written(app)
        await until(pilot, lambda: "rebuilt by themselves: off" in str(pane.counted.content))
    assert not (await rebuild_policy.read(db)).on


async def test_who_turns_it_on_and_may_not_do_it_is_told_the_grant(db: Database, tmp_path: Path) -> None:
    await rebuild_policy.switch(db, False)
    app = TraintuiApp(Settings(home=tmp_path), workspace=db)  # a shared server, on which ada owns nothing
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await on_index(pilot, app)
        await until(pilot, lambda: "rebuilt by themselves: off" in str(pane.counted.content))
        await pilot.press("A")
        await written(app)
        await until(pilot, lambda: any("GRANT traintui_owner" in each.message for each in app._notifications))


async def test_a_reviewer_reads_and_has_no_key_that_changes(reviewer_db: Database, tmp_path: Path) -> None:
    app = TraintuiApp(Settings(home=tmp_path), workspace=reviewer_db)
    async with app.run_test(size=(120, 40)) as pilot:
        await on_index(pilot, app)
        await until(pilot, lambda: "history" in named(app))
        assert not {"rebuild", "drop", "create", "clean", "automatic"} & named(app)
        await pilot.press("R", "d", "A")
        assert not isinstance(app.screen, MendIndex)
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, IndexHistory))
        await until(pilot, lambda: "Nothing was done yet" in on_screen(app))


async def test_what_is_refused_is_answered_in_the_dialog(db: Database, tmp_path: Path) -> None:
    app = TraintuiApp(Settings(home=tmp_path), workspace=db)  # a shared server, on which ada owns nothing
    async with app.run_test(size=(120, 40)) as pilot:
        await on_index(pilot, app)
        await pilot.press("R", "y")
        await until(pilot, lambda: "of which ada is no member" in on_screen(app))
        await until(pilot, lambda: "GRANT traintui_owner TO" in on_screen(app))
