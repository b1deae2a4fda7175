"""A sheet that is answered while one reads leaves the turn in sight that it is about."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets._toast import Toast

from screens.test_review import opened, review_of
from screens.waiting import until
from support import Conninfo, imported, logged_in, turns_of
from traintui.app import TraintuiApp
from traintui.data.engine import Database
from traintui.screens.corner import CornerSheet
from traintui.screens.reasons import ReasonsDialog
from traintui.widgets.marked_transcript import MarkedTranscript

LONG = "The rate is fixed for the whole of the term, and a fee is due where money is taken out early. " * 5


def free_of(app: TraintuiApp, turn: int) -> bool:
    """Whether the sheet lies over nothing of the turn."""
    transcript = review_of(app).query_one(MarkedTranscript)
    return not app.screen.query_one(".dialog").region.overlaps(transcript.place_of(turn))


async def asked(pilot: Pilot[None], app: TraintuiApp) -> None:
    await until(pilot, lambda: isinstance(app.screen, ReasonsDialog) and app.screen.query_one(".dialog").region.height)


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_first_and_last_turn_stay_readable_while_a_reason_is_chosen(
    app: TraintuiApp, db: Database, size: tuple[int, int]
) -> None:
    (one,) = await imported(db, turns=turns_of("a", LONG, "c", "d"))
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app, one)
        await pilot.press("x")
        await asked(pilot, app)
        await until(pilot, lambda: free_of(app, 0))
        await pilot.press("escape", "G", "x")
        await asked(pilot, app)
        await until(pilot, lambda: free_of(app, 3))
        assert isinstance(app.screen, CornerSheet)


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_what_is_answered_meanwhile_hides_no_reason(
    app: TraintuiApp, conninfo: Conninfo, size: tuple[int, int]
) -> None:
    async with logged_in(conninfo("arthur")) as other:  # one's own import is there to be undone
        (one,) = await imported(other, turns=turns_of("a", LONG, "c", "d"))
    async with app.run_test(size=size, notifications=True) as pilot:
        await opened(pilot, app, one)
        for keys in (["u", "x"], ["escape", "G", "u", "x"]):
            await pilot.press(*keys)
            await asked(pilot, app)
            await until(pilot, lambda: app.screen.query(Toast))
            await until(pilot, lambda: all(toast.region.height for toast in app.screen.query(Toast)))
            menu = app.screen.query_one(".dialog").region
            assert not any(toast.region.overlaps(menu) for toast in app.screen.query(Toast))
