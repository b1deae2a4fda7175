"""Reviewers see how fast and how far they are, and set a target that is theirs alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg
import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from screens.waiting import until, written
from support import Conninfo, approved, fetch, imported, seen
from traintui import clock
from traintui.app import TraintuiApp
from traintui.data import assignments, reviews
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.pace import Day, Pace
from traintui.screens.pace import PaceDialog, since_the_first
from traintui.screens.review import ReviewScreen
from traintui.screens.review_pace import ReviewPace
from traintui.settings import load_settings
from traintui.widgets.pace_line import line, span


@pytest.mark.parametrize(
    ("pace", "waiting", "target", "wide", "narrow"),
    [
        (Pace(), 412, None, "", ""),
        (Pace(), 412, 60, "today 0 of 60", "0 of 60"),
        (Pace(7), 412, None, "today 7", "today 7"),
        (Pace(12, 9.0), 412, 60, "9 an hour, about 46 h left   today 12 of 60", "9/h 46 h  12 of 60"),
        (Pace(12, 31.4), 5, None, "31 an hour, about 10 min left   today 12", "31/h 10 min  today 12"),
        (Pace(1, 60.0), 0, None, "60 an hour   today 1", "60/h  today 1"),
        (Pace(1, 200.0), 1_000_000, None, "200 an hour, about 5,000 h left   today 1", "200/h 5,000 h  today 1"),
    ],
)
def test_the_line_says_how_fast_how_long_and_how_far_today(
    pace: Pace, waiting: int, target: int | None, wide: str, narrow: str
) -> None:
    assert str(line(pace, waiting, target, wide=True)) == wide
    assert str(line(pace, waiting, target, wide=False)) == narrow


@pytest.mark.parametrize(
    ("hours", "said"), [(0.001, "1 min"), (0.5, "30 min"), (1.0, "1 h"), (2.25, "2.2 h"), (10.2, "10 h")]
)
def test_a_span_of_work_is_said_as_one_plans(hours: float, said: str) -> None:
    assert span(hours) == said


def review_of(app: TraintuiApp) -> ReviewScreen:
    screen = app.get_screen_stack("review")[0]
    assert isinstance(screen, ReviewScreen)
    return screen


async def reviewing(pilot: Pilot[None], app: TraintuiApp) -> ReviewScreen:
    await pilot.press("2")
    await until(pilot, lambda: "review" in app._screen_stacks and review_of(app).reading.seconds_seen is not None)
    await until(pilot, lambda: review_of(app).reading.transcript.has_focus)
    return review_of(app)


async def shown(pilot: Pilot[None], app: TraintuiApp) -> PaceDialog:
    await pilot.press("P")
    await until(pilot, lambda: isinstance(app.screen, PaceDialog) and app.screen.table.rows)
    assert isinstance(app.screen, PaceDialog)
    return app.screen


async def test_a_decision_counts_at_once(app: TraintuiApp, db: Database) -> None:
    await approved(db, *await imported(db, 2))
    await imported(db, 2)
    async with app.run_test(size=(140, 40)) as pilot:
        review = await reviewing(pilot, app)
        await until(pilot, lambda: "today 2" in str(review.pace_line.content))
        await pilot.press("a")
        await until(pilot, lambda: "today 3" in str(review.pace_line.content))


async def test_what_is_taken_back_elsewhere_counts_no_more(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traintui.screens.review_waiting.LOOK", 3_600)
    await imported(db, 3)
    async with app.run_test(size=(140, 40)) as pilot:
        review = await reviewing(pilot, app)
        for number in (1, 2):
            await until(pilot, lambda: review.reading.seconds_seen is not None)
            await pilot.press("a")
            await until(pilot, partial(lambda today: today in str(review.pace_line.content), f"today {number}"))
        await pilot.press("1", "u")
        await until(pilot, lambda: "undone" in str(app.screen.query_one("#said", Static).content))
        await pilot.press("2")
        await until(pilot, lambda: "today 1" in str(review.pace_line.content))


async def test_a_decision_is_counted_once_though_the_log_was_read_with_it(db: Database) -> None:
    (one,) = await imported(db)
    pace = ReviewPace()
    await pace.read(db)
    entry = await reviews.decide(db, await seen(db, one), "approve", key="once")
    await pace.read(db)
    pace.decided(entry)
    assert pace.known is not None and pace.known.today == 1


async def test_two_weeks_a_share_and_the_pace_are_in_one_place(
    app: TraintuiApp, db: Database, conninfo: Conninfo
) -> None:
    ids = await imported(db, 5)
    rows = [row[0] for row in await fetch(db, "SELECT id FROM conversations ORDER BY id")]
    await assignments.assign(db, [(one, "ada") for one in rows[:4]])
    await approved(db, *ids[:3])
    now = datetime.now(UTC)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        for place, one in enumerate(ids[:3]):
            connection.execute(
                'UPDATE review_logs SET "timestamp" = %s, duration_ms = 90000 WHERE conversation_id = %s',
                [now - timedelta(minutes=6 * place), one],
            )
    with clock.fixed(now):
        async with app.run_test(size=(140, 40)) as pilot:
            await reviewing(pilot, app)
            dialog = await shown(pilot, app)
            said = str(dialog.summary.content)
            assert "10 an hour" in said and "in all 3" in said and "your share 3 of 4 decided" in said
            assert sum(day.decided for day in dialog.table.rows) == 3
            assert next(day.seconds for day in dialog.table.rows if day.decided) == pytest.approx(90)
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is review_of(app))


def test_days_before_the_first_that_has_any_are_not_shown() -> None:
    begins = datetime(2026, 11, 2, tzinfo=UTC)
    days = [Day(begins - timedelta(days=ago), decided) for ago, decided in enumerate((0, 0, 7, 0, 3, 0, 0))]
    assert since_the_first(days) == tuple(days[:5])
    assert since_the_first(days[5:]) == (days[5],)  # today, whatever it has


async def test_a_daily_target_is_kept_changed_and_taken_out(
    app: TraintuiApp, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.toml"
    monkeypatch.setenv("TRAINTUI_CONFIG", str(config))
    monkeypatch.setenv("TRAINTUI_HOME", str(tmp_path))
    await imported(db)
    async with app.run_test(size=(140, 40)) as pilot:
        review = await reviewing(pilot, app)
        dialog = await shown(pilot, app)
        await pilot.press("t", *"60", "enter")
        await until(pilot, lambda: dialog.table.has_focus)
        await written(app)
        assert load_settings().daily_target == 60
        await pilot.press("escape")
        await until(pilot, lambda: "today 0 of 60" in str(review.pace_line.content))
        dialog = await shown(pilot, app)
        for wrong in ("0", "x", "-5", "999999"):
            dialog.typed.value = wrong
            await pilot.press("t", "enter")
            await until(pilot, lambda: dialog.target.has_class("-mistaken"))
            assert app.settings.daily_target == 60
        await pilot.press("escape", "t")
        dialog.typed.value = ""
        await pilot.press("ctrl+s")
        await written(app)
        assert load_settings().daily_target is None and "daily_target" not in config.read_text()
