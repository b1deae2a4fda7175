"""Turns are written anew from Review: one key asks, the revision comes back, and a failure says why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from generation.test_regenerating import run_until_idle
from screens.test_review import on_screen, opened, review_of, said
from screens.waiting import until
from support import Conninfo, imported, logged_in, seen, status
from traintui.app import TraintuiApp
from traintui.data import conversations, regenerations, reservations, reviews
from traintui.data.engine import Database
from traintui.demo.contents import furnish
from traintui.generation.plan import Plan
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.start import start_batch
from traintui.screens.reasons import ReasonsDialog
from traintui.screens.regenerate import RegenerateDialog
from traintui.screens.revision_difference import RevisionsDialog
from traintui.settings import Settings
from traintui.widgets.key_menu import KeyMenu


@pytest.fixture
async def rehearsal() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(port=0, pace=Pace(0)) as server:
        yield server


@pytest.fixture
async def written(db: Database, rehearsal: RehearsalServer) -> str:
    """A conversation of four turns that the rehearsal wrote."""
    await furnish(db)
    await start_batch(db, Plan(name="Trial", count=1, exchanges=(2, 2)), is_rehearsal=True)
    await run_until_idle(db, rehearsal)
    (one,) = await reviews.queue(db)
    return one


@pytest.fixture
def desk(db: Database, rehearsal: RehearsalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TraintuiApp:
    """The app with the rehearsal as its provider. The worker is the test's, in this process."""
    app = TraintuiApp(Settings(home=tmp_path, api_base_url=rehearsal.url), workspace=db)

    async def nobody(*, slots: int = 4) -> None:
        return None

    monkeypatch.setattr(app.crew, "ensure_worker", nobody)
    return app


async def offered(pilot: Pilot[None], app: TraintuiApp, one: str, turn: int) -> str:
    """The choice, opened over a turn; what it says."""
    await opened(pilot, app, one)
    await pilot.press(*["j"] * turn, "R")
    await until(pilot, lambda: isinstance(app.screen, RegenerateDialog))
    return f"{app.screen.query_one(KeyMenu).said}\n{app.screen.query_one(Static).content}"


async def test_a_reviewer_hears_that_writing_anew_takes_an_author(
    db: Database, reviewer_db: Database, tmp_path: Path
) -> None:
    (one,) = await imported(db)
    app = TraintuiApp(Settings(home=tmp_path), workspace=reviewer_db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        await pilot.press("R")
        await until(pilot, lambda: "Writing anew takes an author: reject it" in said(app, "#said"))
        assert not review_of(app).reading_now("anew")


async def test_a_turn_comes_back_written_anew_where_it_is_read(
    desk: TraintuiApp, db: Database, rehearsal: RehearsalServer, written: str
) -> None:
    before = await conversations.read(db, written)
    async with desk.run_test(size=(120, 40)) as pilot:
        shown = await offered(pilot, desk, written, 1)
        assert "turn 2" in shown and "turns 2 to 4, from here on" in shown and "nothing is paid" in shown
        await pilot.press("t")
        await until(pilot, lambda: "being written anew" in said(desk, "#position"))
        await run_until_idle(db, rehearsal)
        await until(pilot, lambda: "written anew: revision 2" in said(desk, "#said"))
        assert "being written anew" not in said(desk, "#position")
        await until(pilot, lambda: on_screen(desk) == written)
        now = review_of(desk).reading.shown
        assert now is not None and now.turns[1] != before.turns[1] and now.turns[2:] == before.turns[2:]
        assert review_of(desk).reading.transcript.turn == 1
        await pilot.press("d")
        await until(
            pilot, lambda: isinstance(desk.screen, RevisionsDialog) and "Turn 2" in desk.screen.difference.plain
        )
        await pilot.press("u")
        await until(pilot, lambda: "it reads as at revision 1 again: revision 3" in said(desk, "#said"))
    assert (await conversations.read(db, written)).turns == before.turns


async def test_a_rejection_with_its_reason_has_it_written_anew_and_it_waits_again(
    desk: TraintuiApp, db: Database, rehearsal: RehearsalServer, written: str
) -> None:
    async with desk.run_test(size=(120, 40)) as pilot:
        await opened(pilot, desk, written)
        await pilot.press("j", "t", "x")  # from the turn that is marked as wrong on
        await until(pilot, lambda: isinstance(desk.screen, ReasonsDialog))
        await pilot.press("R", "2")
        await until(pilot, lambda: "Write turns 2 to 4" in said(desk, "#said"))
        assert await status(db, written) == "rejected"
        await run_until_idle(db, rehearsal)
        await until(pilot, lambda: on_screen(desk) == written and "revision 2" in said(desk, "#said"))
    now = await conversations.read(db, written)
    reason = (await reviews.reasons(db))[1]
    assert (now.row.status, now.history[0].reason, now.history[1].reason) == ("generated", reason, reason)


async def test_a_rejection_that_was_not_sent_leaves_nothing_to_be_written_anew(
    desk: TraintuiApp, db: Database, reviewer_db: Database, written: str
) -> None:
    async with desk.run_test(size=(120, 40)) as pilot:
        await opened(pilot, desk, written)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(desk.screen, ReasonsDialog))
        review = review_of(desk)
        window, shown = uuid4(), review.reading.shown
        assert shown is not None
        await reservations.take_over(reviewer_db, window, written, key="theirs")
        await review.reservation.keep(db, [written], 1, shown=written)
        await pilot.press("R", "2")
        await until(pilot, lambda: "rita has it" in said(desk, "#said"))
        assert not review._because
        await reservations.release(reviewer_db, window)
        await review.reservation.keep(db, [written], 1, shown=written)
        await until(pilot, lambda: on_screen(desk) == written)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(desk.screen, ReasonsDialog))
        await pilot.press("1")
        await until(pilot, lambda: f"rejected  {written}" in said(desk, "#said"))
        await until(pilot, lambda: not [each for each in desk.workers if each.group == "write:regenerate"])
    assert await status(db, written) == "rejected"
    assert await regenerations.outcomes(db, range(1, 10)) == ()


async def test_what_is_rejected_already_is_written_anew_because_of_it(
    desk: TraintuiApp, db: Database, written: str
) -> None:
    await reviews.decide(db, await seen(db, written), "reject", key="no", reason="Too long", notes="Two [b]sentences.")
    async with desk.run_test(size=(80, 24)) as pilot:
        await opened(pilot, desk, None)
        review_of(desk).visit(written)
        await until(pilot, lambda: on_screen(desk) == written)
        await pilot.press("R")
        await until(pilot, lambda: isinstance(desk.screen, RegenerateDialog))
        assert "Because:  Too long “Two [b]sentences.”" in str(desk.screen.query_one(Static).content)


async def test_a_request_that_fails_says_why_and_leaves_the_conversation(
    desk: TraintuiApp, db: Database, rehearsal: RehearsalServer, written: str
) -> None:
    async with desk.run_test(size=(120, 40)) as pilot:
        await offered(pilot, desk, written, 1)
        await pilot.press("r")
        await until(pilot, lambda: "being written anew" in said(desk, "#position"))
        await reviews.set_flag(db, written, True, key="flag")
        await reviews.decide(db, await seen(db, written), "approve", key="theirs")
        await run_until_idle(db, rehearsal)
        await until(pilot, lambda: "Not written anew" in said(desk, "#said") and "meanwhile" in said(desk, "#said"))
    assert (await conversations.read(db, written)).row.revision == 1


async def test_a_second_request_is_answered(desk: TraintuiApp, db: Database, written: str) -> None:
    async with desk.run_test(size=(120, 40)) as pilot:
        await offered(pilot, desk, written, 1)
        await pilot.press("t")
        await until(pilot, lambda: "being written anew" in said(desk, "#position"))
        await pilot.press("R")
        await until(pilot, lambda: isinstance(desk.screen, RegenerateDialog))
        await pilot.press("t")
        await until(
            pilot, lambda: any("being written anew already" in str(each.message) for each in desk._notifications)
        )
    (only,) = await regenerations.outcomes(db, range(1, 10))
    assert only.state == "waits"


async def test_without_a_provider_it_is_said(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        await pilot.press("R")
        await until(pilot, lambda: any("ANTHROPIC_API_KEY" in str(each.message) for each in app._notifications))


async def test_a_reviewer_has_nothing_written(conninfo: Conninfo, db: Database, tmp_path: Path) -> None:
    (one,) = await imported(db)
    async with logged_in(conninfo("rita")) as reviewer:
        app = TraintuiApp(Settings(home=tmp_path), workspace=reviewer)
        async with app.run_test(size=(120, 40)) as pilot:
            await opened(pilot, app, one)
            await pilot.press("R", "x")
            await until(pilot, lambda: isinstance(app.screen, ReasonsDialog))
            await pilot.press("R", "1")
            await until(pilot, lambda: "rejected" in said(app, "#said"))
    assert await status(db, one) == "rejected"
    assert await regenerations.outcomes(db, range(1, 10)) == ()
