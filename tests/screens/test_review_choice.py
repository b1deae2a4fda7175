"""The queue is a filter with an order: it comes from the table, is chosen without leaving, and is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from screens.waiting import Waiting, until
from support import approved, fetch, imported
from traintui.app import TraintuiApp
from traintui.data import assignments, reservations, review_queues
from traintui.data.engine import Database
from traintui.queue_choice import QueueChoice, read_choice, write_choice
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.review import ReviewScreen
from traintui.screens.review_choice import ReviewChoiceDialog
from traintui.settings import Settings

SIZE = (140, 40)


def review_of(app: TraintuiApp) -> ReviewScreen:
    screen = app.get_screen_stack("review")[0]
    assert isinstance(screen, ReviewScreen)
    return screen


def on_screen(app: TraintuiApp) -> str | None:
    reading = review_of(app).reading
    return reading.shown.row.conversation_id if reading.shown is not None and reading.seconds_seen is not None else None


def place(app: TraintuiApp) -> str:
    return str(review_of(app).query_one("#position", Static).content)


async def reviewing(pilot: Pilot[None], app: TraintuiApp, first: str) -> None:
    await until(pilot, lambda: app.live is not None and app.live.mirror is not None)
    await pilot.press("2")
    await until(pilot, lambda: "review" in app._screen_stacks and on_screen(app) == first)
    await until(pilot, lambda: review_of(app).reading.transcript.has_focus)


async def choosing(pilot: Pilot[None], app: TraintuiApp) -> ReviewChoiceDialog:
    await pilot.press("s")
    await until(pilot, lambda: isinstance(app.screen, ReviewChoiceDialog) and app.screen.table.has_focus)
    assert isinstance(app.screen, ReviewChoiceDialog)
    return app.screen


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the choice of this person is kept."""
    monkeypatch.setenv("TRAINTUI_CONFIG", str(tmp_path / "config.toml"))
    return tmp_path / "queue.json"


async def test_another_order_begins_at_its_first_one_and_is_kept(
    app: TraintuiApp, db: Database, kept: Path, tmp_path: Path
) -> None:
    (good,) = await imported(db, quality_score="9.0")
    (worst,) = await imported(db, quality_score="1.0")
    (doubtful,) = await imported(db, quality_score="5.4")
    async with app.run_test(size=SIZE) as pilot:
        await reviewing(pilot, app, worst)
        dialog = await choosing(pilot, app)
        await until(pilot, lambda: "3 wait" in str(dialog.answer.content))
        await pilot.press("j", "j", "enter")
        await until(pilot, lambda: on_screen(app) == doubtful)
        await until(pilot, lambda: "1 of 3 waiting" in place(app) and "most uncertain first" in place(app))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: on_screen(app) in {good, worst})
    assert read_choice(kept) == QueueChoice("", "uncertain")
    await reservations.release(db, app.window_id)
    again = TraintuiApp(Settings(home=tmp_path), workspace=db)
    async with again.run_test(size=SIZE) as pilot:
        await reviewing(pilot, again, doubtful)


async def test_a_filter_is_typed_counted_and_taken(app: TraintuiApp, db: Database) -> None:
    (first,) = await imported(db, quality_score="1.0")
    (second,) = await imported(db, quality_score="8.0")
    async with app.run_test(size=SIZE) as pilot:
        await reviewing(pilot, app, first)
        dialog = await choosing(pilot, app)
        await pilot.press("slash", *"score>7")
        await until(pilot, lambda: "1 waits" in str(dialog.answer.content))
        await pilot.press("enter")
        await until(pilot, lambda: dialog.table.has_focus)
        await pilot.press("enter")
        await until(pilot, lambda: on_screen(app) == second)
        await until(pilot, lambda: "1 of 1 waiting" in place(app) and "score>7" in place(app))


async def test_a_mistake_is_answered_at_its_place_and_nothing_is_taken(app: TraintuiApp, db: Database) -> None:
    (first,) = await imported(db)
    async with app.run_test(size=SIZE) as pilot:
        await reviewing(pilot, app, first)
        dialog = await choosing(pilot, app)
        await pilot.press("slash", *"status:generated scor:7", "ctrl+s")
        await until(pilot, lambda: dialog.filter_line.mistake.display)
        said = str(dialog.filter_line.mistake.content).split("\n")
        assert said[0].index("^") == len(" / status:generated ") and 'no field "scor"' in said[1]
        await pilot.press("escape")
        await until(pilot, lambda: not dialog.filter_line.mistake.display and dialog.table.has_focus)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is review_of(app))
        assert review_of(app).source.choice == QueueChoice()


async def test_a_queue_of_nothing_says_so_and_how_to_leave_it(app: TraintuiApp, db: Database) -> None:
    (first,) = await imported(db)
    async with app.run_test(size=SIZE) as pilot:
        await reviewing(pilot, app, first)
        dialog = await choosing(pilot, app)
        await pilot.press("m", "ctrl+s")
        await until(pilot, lambda: "Nothing of this queue waits" in str(review_of(app).reading.notice.content))
        assert not dialog.is_attached and "is:mine" in str(review_of(app).reading.notice.content)
        await choosing(pilot, app)
        await pilot.press("m", "ctrl+s")
        await until(pilot, lambda: on_screen(app) == first)


async def opened_in_table(pilot: Pilot[None], app: TraintuiApp, text: str, sort: str, wanted: str) -> None:
    table = app.get_screen_stack("conversations")[0]
    assert isinstance(table, ConversationsScreen)
    await until(pilot, lambda: app.live is not None and app.live.mirror is not None)
    table.apply(text, top=True)
    table._sorted(sort)
    await until(pilot, lambda: table.table.current is not None and table.table.current.conversation_id == wanted)
    await pilot.press("enter")
    await until(pilot, lambda: "review" in app._screen_stacks and on_screen(app) == wanted)
    await until(pilot, lambda: review_of(app).reading.transcript.has_focus)


async def test_it_starts_from_what_the_table_shows_at_the_row_that_was_opened(app: TraintuiApp, db: Database) -> None:
    (low,) = await imported(db, quality_score="2.0")
    (high,) = await imported(db, quality_score="9.0")
    (middle,) = await imported(db, quality_score="5.0")
    async with app.run_test(size=SIZE) as pilot:
        await opened_in_table(pilot, app, "score>3", "-score", high)
        await until(pilot, lambda: "1 of 2 waiting" in place(app))
        await until(pilot, lambda: "score>3" in place(app) and "score ▼" in place(app))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: on_screen(app) == middle)
        # It holds for this run, and the choice before is not lost.
        dialog = await choosing(pilot, app)
        assert dialog.table.current is not None and dialog.table.current.text == "-score"
        dialog.filter_line.field.value = ""
        await pilot.press("g", "enter")
        await until(pilot, lambda: on_screen(app) == low and "1 of 3 waiting" in place(app))


async def test_a_table_of_which_nothing_waits_leaves_the_queue_as_it_was(app: TraintuiApp, db: Database) -> None:
    first, second = await imported(db, 2)
    await approved(db, second)
    async with app.run_test(size=SIZE) as pilot:
        await opened_in_table(pilot, app, "status:approved", "", second)
        await until(pilot, lambda: "Not waiting" in place(app))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: on_screen(app) == first and "1 of 1 waiting" in place(app))
        assert "status:approved" not in place(app)


async def test_who_has_a_share_begins_with_it(app: TraintuiApp, db: Database) -> None:
    _, second = await imported(db, 2)
    ids = [row[0] for row in await fetch(db, "SELECT id FROM conversations ORDER BY id")]
    await assignments.assign(db, [(ids[1], "ada")])
    async with app.run_test(size=SIZE) as pilot:
        await reviewing(pilot, app, second)
        await until(pilot, lambda: "1 of 1 waiting" in place(app) and "is:mine" in place(app))


async def test_a_kept_filter_of_another_workspace_is_left_out(app: TraintuiApp, db: Database, kept: Path) -> None:
    write_choice(kept, QueueChoice("persona:", "random"))
    (first,) = await imported(db)
    again = TraintuiApp(app.settings, workspace=db)
    async with again.run_test(size=SIZE) as pilot:
        await reviewing(pilot, again, first)
        assert review_of(again).source.choice == QueueChoice("", "random")
        assert "does not fit this workspace" in place(again)


async def test_before_the_copy_is_there_the_lowest_scores_come_and_the_order_is_announced(
    db: Database, tmp_path: Path, kept: Path
) -> None:
    write_choice(kept, QueueChoice("", "random"))
    await imported(db, quality_score="8.0")
    (worst,) = await imported(db, quality_score="1.0")
    app = Waiting(Settings(home=tmp_path), workspace=db)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "review" in app._screen_stacks and on_screen(app) == worst)
        await until(pilot, lambda: "random, once all is read" in place(app) and "1 of 2 waiting" in place(app))


async def test_a_long_queue_is_read_part_by_part_from_its_first_to_its_last_and_begins_anew(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from traintui.screens import review_queue

    monkeypatch.setattr(review_queues, "SIZE", 6)
    monkeypatch.setattr(review_queues, "BEHIND", 2)
    monkeypatch.setattr(review_queue, "MARGIN", 2)
    ids = await imported(db, 15)
    async with app.run_test(size=SIZE) as pilot:
        await reviewing(pilot, app, ids[0])

        def goes_on() -> bool:
            queue = review_of(app).queue
            return queue.place + 1 < len(queue.ids) or queue.start + len(queue.ids) >= len(ids)

        for number, one in enumerate(ids[1:], 2):
            await until(pilot, goes_on)  # the next part may still be on its way
            await pilot.press("space")
            await until(pilot, lambda one=one: on_screen(app) == one)  # type: ignore[misc]
            await until(pilot, lambda number=number: f"{number} of 15 waiting" in place(app))  # type: ignore[misc]
            assert len(review_of(app).queue.ids) <= 7
        await pilot.press("space")
        await until(pilot, lambda: on_screen(app) == ids[0] and "1 of 15 waiting" in place(app))


@pytest.mark.parametrize("written", ["", "[]", "7", '{"filter_text": "x"}', "\x00", '"score"'])
def test_what_is_no_choice_counts_as_none(tmp_path: Path, written: str) -> None:
    path = tmp_path / "queue.json"
    path.write_text(written)
    assert read_choice(path) is None
    assert read_choice(None) is None and read_choice(tmp_path / "nowhere.json") is None
    write_choice(None, QueueChoice())
    write_choice(path / "below a file" / "queue.json", QueueChoice())
