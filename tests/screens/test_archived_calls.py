"""Calls that are kept in the log no longer are listed behind the others, from the archive, where one asks for them."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest
from textual.pilot import Pilot

from aging import calls_of
from screens.waiting import until, written
from support import Conninfo
from traintui.app import TraintuiApp
from traintui.audit import archiving, call_archive
from traintui.audit.erasing import erase
from traintui.audit.holding import call
from traintui.audit.retiring import retire_due
from traintui.data import retention
from traintui.data.engine import Database
from traintui.data.listing import NEWEST
from traintui.data.log_fields import GENERATIONS
from traintui.data.log_sorting import order_written
from traintui.screens.audit import AuditScreen
from traintui.screens.audit_generations import GenerationsPane
from traintui.settings import load_settings

OLD, OLDER = "2024-01-10 12:00+00", "2023-12-20 12:00+00"
LIVE, EACH = 5, 12


@pytest.fixture
async def retired(db: Database, conninfo: Conninfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two archived weeks of twelve calls each, and five calls of now."""
    monkeypatch.setattr(archiving, "ROWS", 5)
    monkeypatch.setattr(call_archive, "AT_ONCE", 2)
    monkeypatch.setenv("TRAINTUI_CONFIG", str(tmp_path / "config.toml"))
    for moment, number in ((OLD, EACH), (OLDER, EACH), ("now", LIVE)):
        calls_of(conninfo, moment, number)
    outcome = await retire_due(db, await retention.due(db))
    assert len(outcome.retired) == 2 and not outcome.left


async def opened(pilot: Pilot[None], app: TraintuiApp) -> GenerationsPane:
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("4")
    await until(pilot, lambda: isinstance(app.screen, AuditScreen) and app.screen.is_mounted)
    screen = app.screen
    assert isinstance(screen, AuditScreen)
    pane = screen.pane
    assert isinstance(pane, GenerationsPane)
    return pane


def told(pane: GenerationsPane) -> str:
    return str(pane.archive_line.content) if pane.archive_line.display else ""


def lists(pane: GenerationsPane, number: int) -> bool:
    return pane.table.total == number


def counted(pane: GenerationsPane) -> str:
    return str(pane.counted.content)


@pytest.mark.usefixtures("retired")
async def test_the_list_ends_with_the_log_and_says_what_the_archive_has(app: TraintuiApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: "24 archived calls" in told(pane))
        assert told(pane) == "▤ A shows 24 archived calls of these dates too (2 weeks, 2023-12-18 to 2024-01-08)"
        await until(pilot, lambda: "$0.05 in all" in counted(pane))
        assert pane.table.total == LIVE


@pytest.mark.usefixtures("retired")
async def test_a_key_lists_archived_calls_behind_the_others_and_is_remembered(app: TraintuiApp) -> None:
    async with app.run_test(size=(160, 60)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: "24 archived calls" in told(pane))
        await pilot.press("A")
        await until(pilot, lambda: "incl. 24 archived calls" in told(pane) and "so far" not in told(pane))
        assert pane.table.total == LIVE + 2 * EACH and pane.listing is not None and pane.listing.complete
        await until(pilot, lambda: "$0.29 in all" in counted(pane) and "870 tokens" in counted(pane))
        assert "24.1% failed" in counted(pane), "7 of 29"
        await until(pilot, lambda: len(pane.table.rows) == LIVE + 2 * EACH)
        moments = [(row.created_at, row.id) for row in pane.table.rows]
        assert moments == sorted(moments, reverse=True)
        await written(app)
        assert load_settings().archived_rows == "show"
        await pilot.press("A")
        await until(pilot, lambda: pane.table.total == LIVE and "$0.05 in all" in counted(pane))
        await written(app)
        assert load_settings().archived_rows == "hide"


@pytest.mark.usefixtures("retired")
async def test_an_archived_call_shows_what_was_sent_and_where_it_stands(app: TraintuiApp) -> None:
    app.settings.archived_rows = "show"
    async with app.run_test(size=(160, 45)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: pane.table.total == LIVE + 2 * EACH)
        await pilot.press("G")
        await until(pilot, lambda: '"prompt": "Write 1"' in pane.detail.plain)
        assert "the archive: it is kept in the log no longer" in pane.detail.plain
        assert '"text": "Written."' in pane.detail.plain and "Row hash" in pane.detail.plain
        await pilot.press("g")
        await until(pilot, lambda: f'"prompt": "Write {LIVE}"' in pane.detail.plain)
        assert "the archive" not in pane.detail.plain


@pytest.mark.usefixtures("retired")
async def test_an_archived_call_says_what_was_erased_of_it(app: TraintuiApp, db: Database) -> None:
    app.settings.archived_rows = "show"
    async with app.run_test(size=(160, 45)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: pane.table.total == LIVE + 2 * EACH)
        await pilot.press("G")
        await until(pilot, lambda: '"prompt": "Write 1"' in pane.detail.plain)
        row = pane.table.current
        assert row is not None
        assert (await erase(db, [await call(db, row.id)], "request", "She asked")).done == 1
        pane.detail.key = None
        await pilot.press("r")
        await until(pilot, lambda: "erased by ada on" in pane.detail.plain and ": She asked" in pane.detail.plain)
        assert "Write 1" not in pane.detail.plain and '"text": "Written."' in pane.detail.plain


@pytest.mark.usefixtures("retired")
async def test_archived_calls_join_only_those_that_stand_newest_first(app: TraintuiApp) -> None:
    app.settings.archived_rows = "show"
    async with app.run_test(size=(160, 45)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: pane.table.total == LIVE + 2 * EACH and "$0.29 in all" in counted(pane))
        pane.sort_by(order_written("-cost", GENERATIONS))
        await until(pilot, lambda: "listed newest first only, s sorts so (2 weeks" in told(pane))
        await until(pilot, lambda: lists(pane, LIVE) and "$0.05 in all" in counted(pane))
        assert told(pane).startswith("▤ 24 archived calls of these dates")
        pane.sort_by(NEWEST)
        await until(pilot, lambda: lists(pane, LIVE + 2 * EACH) and "incl. 24 archived calls" in told(pane))
        await until(pilot, lambda: "$0.29 in all" in counted(pane))


@pytest.mark.usefixtures("retired")
async def test_a_filter_means_the_same_in_the_archive(app: TraintuiApp) -> None:
    app.settings.archived_rows = "show"
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await opened(pilot, app)
        for wanted, number, archived in (
            ("state:error", 7, 6), ("conversation:c-7", 2, 2), ("overloaded created<2024-01-01", 3, 3),
            ("created>=2024-01-01", 17, 12), ("created>=2024-01-01 created<2024-01-09", 0, 0),
        ):  # fmt: skip
            pane.visit(wanted)
            await until(pilot, lambda: pane.listing is not None and pane.listing.complete)
            await until(pilot, partial(lists, pane, number))
            assert (f"incl. {archived} archived" in told(pane)) == bool(told(pane)), wanted
            assert bool(archived) <= bool(told(pane))


@pytest.mark.usefixtures("retired")
async def test_dates_that_the_archive_does_not_have_are_not_spoken_of(app: TraintuiApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: "24 archived calls" in told(pane))
        pane.visit("created>=-1d")
        await until(pilot, lambda: not told(pane))
        pane.visit("created<2024-01-01")
        await until(pilot, lambda: "12 archived calls" in told(pane))
        assert pane.table.total == 0 and "(week of 2023-12-18)" in told(pane)


@pytest.mark.usefixtures("retired")
async def test_escape_ends_the_reading_of_the_archive(app: TraintuiApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_archive, "SAID_EVERY", 0.0)
    reading, find = asyncio.Event(), call_archive.matching

    async def slow(*given: object) -> object:
        if reading.is_set():
            await asyncio.Event().wait()
        reading.set()
        return await find(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(call_archive, "matching", slow)
    app.settings.archived_rows = "show"
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: "looked through, esc stops" in counted(pane))
        assert "so far incl. " in told(pane) and pane.table.total > LIVE
        await pilot.press("escape")
        await until(pilot, lambda: not pane.reading_now("find"))
        assert "looked through" not in counted(pane) and "more than" in counted(pane)


async def test_a_week_that_goes_while_it_is_listed_is_still_shown(
    app: TraintuiApp, db: Database, conninfo: Conninfo
) -> None:
    calls_of(conninfo, OLD, EACH)
    async with app.run_test(size=(160, 45)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: len(pane.table.rows) == EACH)
        assert len((await retire_due(db, await retention.due(db))).retired) == 1
        pane.table.forget_all()
        await pilot.press("G")
        await until(pilot, lambda: "the archive: it is kept" in pane.detail.plain)
        await until(pilot, lambda: len(pane.table.rows) == EACH)


@pytest.mark.usefixtures("retired")
async def test_saved_as_csv_they_are_what_is_listed(app: TraintuiApp, tmp_path: Path) -> None:
    app.settings.archived_rows = "show"
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: pane.listing is not None and pane.listing.complete)
        assert pane.wanted is not None
        pane._save_csv(pane.wanted, tmp_path / "all.csv")
        await until(pilot, lambda: "● 29 in" in counted(pane))
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 1 + LIVE + 2 * EACH
