"""Reports are made on demand beside the painting, name what does not pass, stop, and are saved by a key."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from screens.waiting import until, written
from support import approved, imported
from traintui.app import TraintuiApp
from traintui.audit.reports import saving
from traintui.audit.reports.model import Plot
from traintui.data import report_reviewed
from traintui.data.engine import Database
from traintui.errors import TraintuiError
from traintui.screens.audit import AuditScreen
from traintui.screens.audit_reports import ReportsPane
from traintui.screens.report_form import ReportForm
from traintui.screens.save_csv import SaveCsv
from traintui.widgets.report_lines import plotted


async def opened(pilot: Pilot[None], app: TraintuiApp) -> ReportsPane:
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("4")
    await until(pilot, lambda: isinstance(app.screen, AuditScreen) and app.screen.ready)
    screen = app.screen
    assert isinstance(screen, AuditScreen)
    while screen.which != "reports":
        before = screen.which
        await pilot.press("right")
        await until(pilot, lambda before=before: screen.which != before)  # type: ignore[misc]
    pane = screen.query_one(ReportsPane)
    await until(pilot, lambda: len(pane.table.rows) == 4 and app.focused is pane.table)
    return pane


def report(pane: ReportsPane, name: str) -> Any:
    return next(row.report for row in pane.table.rows if row.kind.name == name)


def line(pane: ReportsPane) -> str:
    return str(pane.line.content)


async def test_a_report_is_made_and_names_what_does_not_pass(app: TraintuiApp, db: Database) -> None:
    one, two = await imported(db, 2)
    await approved(db, one)
    async with app.run_test(size=(160, 45)) as pilot:
        pane = await opened(pilot, app)
        assert "enter makes it" in pane.detail.plain
        await pilot.press("j", "enter")
        await until(pilot, lambda: report(pane, "reviewed") is not None)
        await until(pilot, lambda: two in pane.detail.plain)
        shown = pane.detail.plain
        assert "✕ fail" in shown
        assert "50.0 % reviewed: 1 of 2 conversations, 1 by nobody" in shown
        assert "newest seal" in shown
        assert one not in shown
        await approved(db, two)
        await pilot.press("enter")
        await until(pilot, lambda: report(pane, "reviewed").answer.passed)
        await until(pilot, lambda: "● pass" in pane.detail.plain)


async def test_all_are_made_one_after_the_other_also_in_a_small_terminal(app: TraintuiApp, db: Database) -> None:
    await approved(db, *await imported(db, 1))
    async with app.run_test(size=(80, 24)) as pilot:
        pane = await opened(pilot, app)
        await pilot.press("m")
        await until(pilot, lambda: all(row.report is not None for row in pane.table.rows))
        await until(pilot, lambda: not pane.is_making)
        assert all(row.report is not None and row.report.answer.passed for row in pane.table.rows)
        await until(pilot, lambda: "DECISIONS BY HOUR" in pane.detail.plain)


async def test_esc_stops_it_and_what_was_made_before_stands(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await imported(db, 1)
    reading = report_reviewed.stretches

    async def endless(*args: Any, **named: Any) -> AsyncIterator[Any]:
        while True:
            async for found in reading(*args, **named):
                yield found

    async with app.run_test(size=(160, 45)) as pilot:
        pane = await opened(pilot, app)
        await pilot.press("j", "enter")
        await until(pilot, lambda: report(pane, "reviewed") is not None and not pane.is_making)
        before = report(pane, "reviewed")
        monkeypatch.setattr(report_reviewed, "stretches", endless)
        await pilot.press("enter")
        await until(pilot, lambda: "esc stops it" in line(pane))
        assert pane.is_making
        await pilot.press("escape")
        await until(pilot, lambda: not pane.is_making)
        assert "Stopped" in line(pane)
        assert report(pane, "reviewed") is before
        await until(pilot, lambda: all(row.under_way is None for row in pane.table.rows))


async def test_what_it_is_of_is_asked_and_a_mistake_is_answered_at_its_field(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    await imported(db, 1)
    async with app.run_test(size=(100, 30)) as pilot:
        pane = await opened(pilot, app)
        await pilot.press("p")
        await until(
            pilot, lambda: isinstance(app.screen, ReportForm) and app.screen.query_one("#as_of", Input).has_focus
        )
        form = app.screen
        form.query_one("#as_of", Input).value = "soon"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: form.query_one("#as_of_field").has_class("-mistaken"))
        form.query_one("#as_of", Input).value = "2026-01-01"
        form.query_one("#save_in", Input).value = str(tmp_path / "out")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "as of 2026-01-01" in line(pane))
        await until(pilot, lambda: app.focused is pane.table)
        await pilot.press("j", "enter")
        await until(pilot, lambda: report(pane, "reviewed") is not None and not pane.is_making)
        assert report(pane, "reviewed").answer.says == "there was no conversation to review"
        await pilot.press("s")
        await until(pilot, lambda: "and its CSV" in line(pane))
        await written(app)
        assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".csv", ".md"]


async def test_what_is_being_saved_is_saved_though_it_is_made_anew_meanwhile(
    app: TraintuiApp, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = await imported(db, 1)
    monkeypatch.chdir(tmp_path)
    writing, going_on = saving.write, threading.Event()

    def held(*args: Any) -> Any:
        assert going_on.wait(180)
        return writing(*args)

    monkeypatch.setattr(saving, "write", held)
    async with app.run_test(size=(100, 30)) as pilot:
        pane = await opened(pilot, app)
        await pilot.press("j", "enter")
        await until(pilot, lambda: report(pane, "reviewed") is not None and not pane.is_making)
        before = report(pane, "reviewed")
        await pilot.press("s", "enter")
        await until(pilot, lambda: report(pane, "reviewed") is not before)
        going_on.set()
        await until(pilot, lambda: "and its CSV" in line(pane))
        await written(app)
    (csv,) = (tmp_path / "reports").glob("*.csv")
    assert one in csv.read_text()


async def test_without_a_report_there_is_nothing_to_save_and_a_failure_is_answered(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*_: Any, **__: Any) -> AsyncIterator[Any]:
        raise TraintuiError("Not reached", "the database is away.", "Try again.")
        yield

    monkeypatch.setattr(report_reviewed, "stretches", failing)
    async with app.run_test(size=(100, 30)) as pilot:
        pane = await opened(pilot, app)
        await pilot.press("s")
        await until(pilot, lambda: "nothing to save yet" in line(pane))
        await pilot.press("j", "enter")
        await until(pilot, lambda: "The database is away." in line(pane))
        await until(pilot, lambda: all(row.under_way is None for row in pane.table.rows))


def test_bars_are_the_newest_that_there_is_room_for_and_what_is_there_is_seen() -> None:
    plot = Plot("Decisions by day", tuple(f"d{place:02d}" for place in range(40)), (*range(39), 1_000))
    title, *bars, ends = (each.plain for each in plotted(plot, 20))
    assert "most 1,000: d39, the newest 20" in title
    assert [line[-1] for line in bars] == ["█"] * 4
    assert bars[-1] == "▁" * 19 + "█"
    assert ends.startswith("d20") and ends.endswith("d39") and len(ends) == 20


def test_the_ends_of_a_short_axis_do_not_run_together() -> None:
    def ends(*labels: str) -> str:
        *_, last = plotted(Plot("Decisions by day", labels, tuple(range(1, len(labels) + 1))), 80)
        return last.plain

    assert ends("2026-11-29") == "2026-11-29"
    assert ends("2026-11-29", "2026-11-30") == "2026-11-29 to 2026-11-30"
    assert ends("a", "b", "c") == "a            c"


async def test_a_key_saves_all_rows_as_csv_where_one_says(app: TraintuiApp, db: Database, tmp_path: Path) -> None:
    one, two = await imported(db, 2)
    await approved(db, one)
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await opened(pilot, app)
        await pilot.press("j", "c")
        await until(pilot, lambda: "enter makes the report" in line(pane))
        await pilot.press("enter")
        await until(pilot, lambda: report(pane, "reviewed") is not None)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, SaveCsv) and app.screen.is_mounted)
        dialog = app.screen
        assert isinstance(dialog, SaveCsv) and dialog.field.value.startswith("report-reviewed-")
        dialog.field.value = str(tmp_path / "reviewed.csv")
        await pilot.press("enter")
        await until(pilot, lambda: "1 row in " in line(pane))
    assert two in (tmp_path / "reviewed.csv").read_text() and one not in (tmp_path / "reviewed.csv").read_text()
