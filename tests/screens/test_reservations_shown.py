"""Two people never read the same conversation unasked, and each sees what the other has."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from textual.widgets import Static

from screens.test_review import on_screen, opened, review_of, said
from screens.waiting import Waiting, until, written
from support import Conninfo, fetch, imported, scalar, status
from traintui import clock
from traintui.app import TraintuiApp
from traintui.data import reservations
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.read_ahead import LEAST, MOST, NEXT
from traintui.screens.review_ahead import ReviewAhead
from traintui.screens.review_reservation import AT_WORK
from traintui.settings import Settings

THERE = uuid4()


async def has(db: Database, *ids: str) -> None:
    """Another person opens these."""
    await reservations.reserve(db, THERE, ids, len(ids))


async def test_what_somebody_else_has_is_passed_over(app: TraintuiApp, db: Database, reviewer_db: Database) -> None:
    ids = await imported(db, 5)
    await has(reviewer_db, ids[0], ids[2])
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, ids[1])
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == ids[3])
        await until(pilot, lambda: review_of(app).reservation.has(ids[4]))
    assert [await status(db, one) for one in ids] == ["generated", "approved", *["generated"] * 3]


async def test_what_is_reserved_first_is_on_the_screen_without_another_look(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traintui.screens.review_reading.POLL", 3_600)
    (only,) = await imported(db, 1)
    app = Waiting(Settings(home=tmp_path), workspace=db)  # nor does the change feed bring one
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, only)


async def test_after_a_decision_comes_the_next_one_though_an_earlier_one_is_reserved_already(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await imported(db, 8)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, ids[0])
        await until(pilot, lambda: review_of(app).reservation.has(ids[2]))
        monkeypatch.setattr(ReviewAhead, "_read_ahead", lambda screen: None)  # a server that takes its time
        await until(pilot, lambda: not review_of(app).reading_now("ahead"))
        review_of(app).visit(ids[4])
        await until(pilot, lambda: on_screen(app) == ids[4])
        await pilot.press("a")
        await until(pilot, lambda: review_of(app).queue.current == ids[5])
        await written(app)
        assert on_screen(app) is None
        monkeypatch.undo()
        review_of(app)._read_ahead()
        await until(pilot, lambda: on_screen(app) == ids[5])


async def test_a_fault_is_no_outage_and_opens_nothing_that_is_not_reserved(
    app: TraintuiApp, db: Database, conninfo: Conninfo
) -> None:
    ids = await imported(db, MOST + 3)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, ids[0])
        review = review_of(app)
        await until(pilot, lambda: len(review._known._known) >= LEAST and review.reservation.has(ids[NEXT]))
        with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
            await asyncio.to_thread(connection.execute, "ALTER TABLE reservations RENAME TO gone")
            for one in ids[1 : NEXT + 1]:
                await pilot.press("space")
                await until(pilot, partial(lambda one: on_screen(app) == one, one))
            await pilot.press("space")
            await until(pilot, lambda: review.queue.current == ids[NEXT + 1] and review.reading.has_class("-nothing"))
            await until(pilot, lambda: "This did not work" in str(review.reading.notice.content))
            assert app.outage is None and on_screen(app) is None
            await asyncio.to_thread(connection.execute, "ALTER TABLE gone RENAME TO reservations")
        await pilot.press("r")
        await until(pilot, lambda: on_screen(app) == ids[NEXT + 1])


async def test_what_is_read_ahead_is_reserved_and_what_is_left_is_free(app: TraintuiApp, db: Database) -> None:
    ids = await imported(db, 5)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, ids[0])
        held = "SELECT array_agg(c.conversation_id ORDER BY c.id) FROM reservations JOIN conversations AS c ON c.id ="
        held += " reservations.conversation_id"
        await until(pilot, lambda: review_of(app).reservation.has(ids[2]))
        assert await scalar(db, held) == ids[:3]
        await pilot.press("space")
        await until(pilot, lambda: review_of(app).reservation.has(ids[3]))
        assert await scalar(db, held) == ids[1:4]
        await pilot.press("q")
    assert await scalar(db, held) is None


async def test_everything_open_elsewhere_is_said_and_comes_when_it_is_left(
    app: TraintuiApp, db: Database, reviewer_db: Database
) -> None:
    first, second = await imported(db, 2)
    await has(reviewer_db, first, second)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "review" in app._screen_stacks)
        await until(pilot, lambda: "rita has it" in str(review_of(app).reading.notice.content))
        await pilot.press("a")
        await reservations.release(reviewer_db, THERE)
        await until(pilot, lambda: on_screen(app) == first)
    assert await status(db, first) == "generated"


async def test_what_was_opened_shows_who_has_it_and_one_key_takes_it_over(
    app: TraintuiApp, db: Database, reviewer_db: Database
) -> None:
    first, second = await imported(db, 2)
    await has(reviewer_db, second)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        review_of(app).visit(second)
        await until(pilot, lambda: on_screen(app) == second and "@ rita has it" in said(app, "#position"))
        await pilot.press("a")
        await until(pilot, lambda: "o takes it over" in said(app, "#said"))
        await pilot.press("x")
        assert app.screen is review_of(app)
        await written(app)
        assert await status(db, second) == "generated"
        await pilot.press("o")
        await until(pilot, lambda: "taken over from rita" in said(app, "#said"))
        assert "rita" not in said(app, "#position")
        await until(pilot, lambda: "taken over" in str(review_of(app).reading.panel.query_one(Static).content))
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == first)
        await written(app)
    assert await status(db, second) == "approved"
    log = await fetch(db, "SELECT action, reviewer_id FROM review_logs WHERE action <> 'import' ORDER BY id")
    assert log == [("takeover", "ada"), ("approve", "ada")]


async def test_what_is_taken_away_stays_to_be_read_and_is_not_decided(
    app: TraintuiApp, db: Database, reviewer_db: Database
) -> None:
    (one,) = await imported(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        await until(pilot, lambda: review_of(app).reservation.has(one))
        await reservations.take_over(reviewer_db, THERE, one, key="taken")
        await until(pilot, lambda: "@ rita has it" in said(app, "#position"))
        await pilot.press("a")
        await until(pilot, lambda: "o takes it over" in said(app, "#said"))
        assert on_screen(app) == one
    assert await status(db, one) == "generated"


async def test_who_is_not_at_work_keeps_nothing_for_good(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        screen = review_of(app)
        await until(pilot, lambda: screen.reservation.has(one) and not screen.reading_now("ahead"))
        asked: list[object] = []
        screen._prepare = lambda: asked.append(one)  # type: ignore[method-assign, assignment, return-value]
        app.touched = clock.ticks() - AT_WORK - 1
        screen._renew()
        assert not asked and not screen.reading_now("ahead")
        del screen._prepare
        # The lease has ended meanwhile: a key that comes then decides nothing, and has it reserved again.
        screen.reservation._until = clock.ticks() - 1
        await pilot.press("a")
        await until(pilot, lambda: "reserving it again" in said(app, "#said"))
        await until(pilot, lambda: not screen.reservation.lapsed)
        await pilot.press("a")
        await until(pilot, lambda: one in said(app, "#said"))
    assert await status(db, one) == "approved"


async def test_the_table_marks_what_others_have_and_does_not_decide_it(
    app: TraintuiApp, db: Database, reviewer_db: Database
) -> None:
    (one,) = await imported(db)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = app.screen
        assert isinstance(screen, ConversationsScreen)
        await until(pilot, lambda: screen.table.current is not None)
        await has(reviewer_db, one)
        await until(pilot, lambda: "○ @rita" in screen.table.render_line(1).text)
        await pilot.press("a")
        await until(pilot, lambda: "@ rita has it" in str(screen.said.content))
        await reservations.release(reviewer_db, THERE)
        await until(pilot, lambda: "○ to review" in screen.table.render_line(1).text)
    assert await status(db, one) == "generated"


async def test_an_auditor_reads_what_others_have_and_keeps_nothing_from_them(
    conninfo: Conninfo, db: Database, reviewer_db: Database, tmp_path: Path
) -> None:
    from support import logged_in

    first, second = await imported(db, 2)
    await has(reviewer_db, first)
    async with logged_in(conninfo("audrey")) as auditor_db:
        app = TraintuiApp(Settings(home=tmp_path), workspace=auditor_db)
        async with app.run_test(size=(120, 40)) as pilot:
            await opened(pilot, app, first)
            await pilot.press("space")
            await until(pilot, lambda: on_screen(app) == second)
    assert await scalar(db, "SELECT array_agg(DISTINCT reviewer_id) FROM reservations") == ["rita"]


async def test_what_ones_own_other_window_has_is_no_one_elses(app: TraintuiApp, db: Database) -> None:
    first, second = await imported(db, 2)
    await has(db, first, second)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)  # at once, and not when a lease of a minute has ended
        assert "has it" not in said(app, "#position")
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second)
        await written(app)
        await until(pilot, lambda: app.outbox is not None and not app.outbox.waiting)
    assert [await status(db, one) for one in (first, second)] == ["approved", "generated"]


async def test_ones_other_window_keeps_its_part_of_the_queue_while_there_is_something_else(
    app: TraintuiApp, db: Database
) -> None:
    first, second = await imported(db, 2)
    await has(db, first)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, second)
