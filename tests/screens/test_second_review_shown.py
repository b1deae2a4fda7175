"""Second reviews as reviewers and administrators meet them: kept decisions, disagreements, and how far people agree."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from screens.test_review import on_screen, opened, review_of, said
from screens.waiting import until
from support import Conninfo, imported, logged_in, seen, status
from traintui.app import TraintuiApp
from traintui.data import assignments, reviews, second_review
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.reviews import new_key
from traintui.data.second_review import SecondReview, Standing
from traintui.quality.agreement import Agreement
from traintui.screens.agreement import AgreementDialog, Looked, asked_for
from traintui.screens.second_review_form import SecondReviewForm
from traintui.screens.second_review_release import ReleaseDialog
from traintui.settings import Settings


@pytest.fixture
async def ron_db(conninfo: Conninfo) -> AsyncIterator[Database]:
    async with logged_in(conninfo("ron")) as database:
        yield database


async def decide(db: Database, one: str, action: reviews.Action) -> None:
    await reviews.decide(db, await seen(db, one), action, key=new_key())


def dialog_of(app: TraintuiApp) -> AgreementDialog:
    assert isinstance(app.screen, AgreementDialog)
    return app.screen


def shown(app: TraintuiApp) -> str:
    return str(dialog_of(app).shown.content)


async def test_a_decision_that_waits_for_another_says_so_and_does_not_come_back(app: TraintuiApp, db: Database) -> None:
    await second_review.ask(db, SecondReview(2, 1.0))
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second and "waits for another reviewer" in said(app, "#said"))
        await pilot.press("r")
        await until(pilot, lambda: review_of(app).queue.ids == [second])
        await pilot.press("u")
        await until(pilot, lambda: on_screen(app) == first and "undone" in said(app, "#said"))
    assert await status(db, first) == "generated"


async def test_what_one_decided_is_not_counted_as_waiting_when_something_else_changes(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traintui.screens.review_waiting.POLL", 3_600)
    await second_review.ask(db, SecondReview(2, 1.0))
    first, second, third = await imported(db, 3)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await until(pilot, lambda: app.live and app.live.mirror and "1 of 3 waiting" in said(app, "#position"))
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second and "1 of 2 waiting" in said(app, "#position"))
        await until(pilot, lambda: "waits for another reviewer" in said(app, "#said"))
        await imported(db, 2)
        await until(pilot, lambda: "1 of 4 waiting" in said(app, "#position"))
        heard: list[int] = []
        app.changed.subscribe(app, lambda _: heard.append(review_of(app).queue.waiting), immediate=True)
        await reviews.set_flag(db, third, True, key=new_key())
        await until(pilot, lambda: heard)
        assert heard == [4] and "1 of 4 waiting" in said(app, "#position")


async def test_disagreements_are_a_queue_of_their_own(
    app: TraintuiApp, db: Database, reviewer_db: Database, ron_db: Database
) -> None:
    await second_review.ask(db, SecondReview(2, 1.0))
    disputed, waiting = await imported(db, 2)
    await decide(reviewer_db, disputed, "approve")
    await decide(ron_db, disputed, "reject")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, waiting)
        await until(pilot, lambda: "1 of 1 waiting" in said(app, "#position"))  # a disagreement is no part of it
        await pilot.press("O")
        await until(
            pilot, lambda: isinstance(app.screen, AgreementDialog) and "1 disagreement, 1 for you" in shown(app)
        )
        await pilot.press("d")
        await until(pilot, lambda: on_screen(app) == disputed)
        await until(pilot, lambda: "1 of 1 disputed" in said(app, "#position"))
        assert "rita" not in str(review_of(app).reading.panel.query_one("Static").content)  # type: ignore[attr-defined]
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == waiting)
        await until(pilot, lambda: "waiting" in said(app, "#position"))
    assert await status(db, disputed) == "approved"


async def test_agreement_is_shown_by_pair_and_by_reason(
    app: TraintuiApp, db: Database, reviewer_db: Database, ron_db: Database
) -> None:
    await second_review.ask(db, SecondReview(2, 1.0))
    ids = await imported(db, 4)
    for number, one in enumerate(ids):
        await decide(reviewer_db, one, "approve" if number else "reject")
        await decide(ron_db, one, "approve" if number < 3 and number else "reject")
    await decide(db, ids[3], "approve")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, None)
        await pilot.press("O")
        await until(pilot, lambda: isinstance(app.screen, AgreementDialog) and "2 independent decisions" in shown(app))
        line = next(line for line in shown(app).splitlines() if line.startswith("rita, ron"))
        assert "3 of 4" in line and "75%" in line and "kappa  0.50" in line and "few" in line


async def test_an_administrator_asks_for_second_reviews(app: TraintuiApp, db: Database) -> None:
    await imported(db, 1)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, None)
        await pilot.press("O")
        await until(pilot, lambda: isinstance(app.screen, AgreementDialog) and "One decision is enough" in shown(app))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, SecondReviewForm))
        form = app.screen
        assert isinstance(form, SecondReviewForm)
        for wrong in ("0", "101", "some", "nan"):
            form.query_one("#share-text", Input).value = wrong
            await pilot.press("ctrl+s")
            await until(pilot, lambda: form.share.has_class("-mistaken"))
        form.query_one("#share-text", Input).value = "12.5"
        form.query_one("#decisions-text", Input).value = "9"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: form.decisions.has_class("-mistaken") and not form.share.has_class("-mistaken"))
        form.query_one("#decisions-text", Input).value = "3"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, AgreementDialog) and "3 independent decisions" in shown(app))
    assert await second_review.asked(db) == SecondReview(3, 0.125)


async def test_a_reviewer_reads_the_agreement_and_does_not_change_what_is_asked_for(
    reviewer_db: Database, db: Database, tmp_path: Path
) -> None:
    await imported(db, 1)
    app = TraintuiApp(Settings(home=tmp_path), workspace=reviewer_db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, None)
        await pilot.press("O")
        await until(pilot, lambda: isinstance(app.screen, AgreementDialog) and "SECOND REVIEW" in shown(app))
        await pilot.press("e", "d")
        assert isinstance(app.screen, AgreementDialog)


async def test_where_too_few_review_that_is_said_and_an_administrator_releases_what_waits(
    app: TraintuiApp, db: Database, reviewer_db: Database
) -> None:
    number = len(await assignments.reviewers(db))
    (one,) = await imported(db, 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, None)
        await pilot.press("O")
        await until(pilot, lambda: isinstance(app.screen, AgreementDialog) and "One decision is enough" in shown(app))
        assert "are needed" not in shown(app) and not app.screen.check_action("release", ())
        app.push_screen(SecondReviewForm(None, 1))
        await until(pilot, lambda: isinstance(app.screen, SecondReviewForm) and app.screen.query_one("#share-text"))
        form = app.screen
        assert isinstance(form, SecondReviewForm)
        form.query_one("#share-text", Input).value = "100"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: form.decisions.has_class("-mistaken"))
        assert "There is 1 reviewer; 2 are needed" in str(form.decisions.query_one(".answer", Static).content)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, AgreementDialog))
        await decide(reviewer_db, one, "approve")
        dialog = dialog_of(app)
        dialog.action_look()
        await until(pilot, lambda: "1 waits for another decision" in shown(app))
        assert dialog._looked is not None and dialog._looked.standing.agreed is None  # counted where that is asked
        assert number > 1 and "are needed" not in shown(app)
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, ReleaseDialog))
        release = app.screen
        assert isinstance(release, ReleaseDialog)
        assert "1: the decisions that are there count" in str(release.says.content)
        assert "the second review is over: one decision settles each" in str(release.says.content)
        await pilot.press("s")
        await until(pilot, lambda: app.screen is dialog and "1 approved, 0 rejected" in shown(app))
        assert "u takes them back, but the second review is over" in shown(app)
    assert await status(db, one) == "approved"


async def releasing(pilot: Pilot[None], app: TraintuiApp) -> ReleaseDialog:
    """The dialog that releases what waits, opened by its keys."""
    await opened(pilot, app, None)
    await pilot.press("O")
    await until(pilot, lambda: isinstance(app.screen, AgreementDialog) and "for another decision" in shown(app))
    await pilot.press("l")
    await until(pilot, lambda: isinstance(app.screen, ReleaseDialog) and app.screen.says)
    assert isinstance(app.screen, ReleaseDialog)
    return app.screen


async def test_what_is_released_is_counted_when_that_is_asked(
    app: TraintuiApp, db: Database, reviewer_db: Database, ron_db: Database
) -> None:
    await second_review.ask(db, SecondReview(2, 1.0))
    first, second = await imported(db, 2)
    await decide(reviewer_db, first, "approve")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, None)
        await pilot.press("O")
        await until(pilot, lambda: isinstance(app.screen, AgreementDialog) and "1 waits for another" in shown(app))
        await decide(ron_db, second, "reject")
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, ReleaseDialog))
        assert "Release 2 conversations" in str(app.screen.query_one(".dialog").border_title)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, AgreementDialog))
        await decide(ron_db, first, "approve")
        await decide(reviewer_db, second, "reject")
        await pilot.press("l")
        await until(pilot, lambda: "0 wait for another" in shown(app))


async def test_what_was_decided_while_the_numbers_stood_there_is_left_as_it_is_and_that_is_said(
    app: TraintuiApp, db: Database, reviewer_db: Database, ron_db: Database
) -> None:
    await second_review.ask(db, SecondReview(3, 1.0))
    first, second = await imported(db, 2)
    for one in (first, second):
        await decide(reviewer_db, one, "approve")
    async with app.run_test(size=(120, 40)) as pilot:
        await releasing(pilot, app)
        await decide(ron_db, second, "approve")
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, AgreementDialog) and "1 approved, 0 rejected" in shown(app))
        assert "1 changed meanwhile, so nothing was done on it." in shown(app) and "1 waits for another" in shown(app)
    assert await status(db, first) == "approved" and await status(db, second) == "generated"


async def test_a_release_that_fails_on_the_way_says_what_was_done_and_the_rest_is_as_it_was(
    app: TraintuiApp, db: Database, reviewer_db: Database, conninfo: Conninfo
) -> None:
    await second_review.ask(db, SecondReview(3, 1.0))
    liked, disliked = await imported(db, 2)
    await decide(reviewer_db, liked, "approve")
    await decide(reviewer_db, disliked, "reject")
    async with app.run_test(size=(120, 40)) as pilot:
        release = await releasing(pilot, app)
        refuse = "ALTER TABLE bulk_actions ADD CHECK (action <> 'reject') NOT VALID"
        with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
            await asyncio.to_thread(connection.execute, refuse)
        await pilot.press("s")
        await until(pilot, lambda: "1 approved, 0 rejected" in str(release.says.content))
        told = str(release.says.content)
        assert "!" in told and "The rest is as it was" in told and "the decisions that are there count" not in told
        await pilot.press("s", "h")  # by numbers that hold no more nothing is released
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, AgreementDialog) and "1 approved, 0 rejected" in shown(app))
        assert "1 waits for another decision" in shown(app) and "The rest is as it was" in shown(app)
    assert await status(db, liked) == "approved" and await status(db, disliked) == "generated"


def test_people_who_are_too_few_for_a_disagreement_may_be_enough_for_the_rest() -> None:
    looked = Looked(SecondReview(2, 1.0), Standing(3, 1, 3), 2, 0, (), (), Agreement(0, 0), ())
    said_there = "\n".join(line.plain for line in asked_for(looked))
    assert "There are 2 reviewers; 3 are needed to settle all of it" in said_there
