"""What is out at half price is watched, and called off one by one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from textual.pilot import Pilot

from screens.waiting import until, written
from support import MODEL, Wanted, add_vocabulary, fetch, scalar
from traintui import clock
from traintui.app import TraintuiApp
from traintui.data import attempts, batches, submission_views, submissions, templates, work
from traintui.data.engine import Database
from traintui.data.submission_views import SubmissionView
from traintui.data.submissions import SubmissionRequest
from traintui.generation.pricing import PRICES
from traintui.screens.generate import GenerateScreen
from traintui.screens.submissions import CallOff, SubmissionsDialog
from traintui.widgets.submission_rows import about, row_of

NOW = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)


def view(**given: Any) -> SubmissionView:
    values: dict[str, Any] = {
        "id": 1, "batch_id": 2, "batch": "Fees", "batch_state": "running", "model": MODEL, "is_rehearsal": False,
        "key": "tt1", "provider_id": "msgbatch_1", "state": "in_progress", "requests": 100,
        "counts": {"processing": 90, "succeeded": 10}, "settled": 0, "stored": 0, "failures": {},
        "cost_usd": Decimal(0), "unpriced": 0, "is_estimate": False, "submitted_at": NOW, "polled_at": NOW,
        "look_at": NOW.replace(minute=5), "expires_at": NOW.replace(day=24), "unwanted_at": None, "unwanted_by": None,
        "cancelling_at": None, "closed_at": None, "error_message": None, "is_held": False,
    }  # fmt: skip
    return SubmissionView(**(values | given))


def said(view: SubmissionView, *, working: bool = True) -> str:
    with clock.fixed(NOW):
        return about(row_of(view, PRICES), working=working).plain


def test_what_is_known_of_one_ends_with_what_happens_next() -> None:
    assert "90 under way, 10 succeeded" in said(view())
    assert "asked again in 5 min 00 s" in said(view()) and "at the latest" in said(view())
    assert "no worker runs: w on Generate starts one" in said(view(), working=False)
    assert "looked for before anything is sent again" in said(view(state="submitting", provider_id=None))
    assert "begin nothing more" in said(view(unwanted_at=NOW, unwanted_by="ada"))
    home = view(state="imported", closed_at=NOW, cost_usd=Decimal("1.50"), failures={"canceled": 2, "max_tokens": 1})
    assert "$1.50 at half price; one by one it were $3.00." in said(home)
    assert "Brought nothing: 2 called off, 1 too long" in said(home)
    lost = view(state="lost", closed_at=NOW, error_message="the [provider] has this batch no more.")
    assert "The [provider] has this batch no more." in said(lost) and "unknown" in said(lost)


def test_what_has_no_known_price_saved_nothing_that_is_known() -> None:
    row = row_of(view(model="local-model", cost_usd=Decimal(0)), PRICES)
    assert row.saved_usd is None and "at half price" not in about(row, working=True).plain


async def sent(db: Database, worker_id: int, *, estimate: str | None = "0.25") -> None:
    """A submission of two requests that the provider has taken."""
    await add_vocabulary(db)
    template = await templates.store(db, "conversation", system="You write.", user_prompt="About {{ topic }}.")
    await batches.create(
        db, [Wanted(), Wanted()], name="Fees [b]", definition={"name": "Fees", "mode": "batches"},
        template_id=template.id, model=MODEL, is_rehearsal=False,
    )  # fmt: skip
    await work.take_up_batches(db, is_rehearsal=False)
    items = await submissions.claim_items(db, worker_id, 10, is_rehearsal=False)
    requests = [SubmissionRequest(item, MODEL, {}, {"estimated_cost_usd": estimate}, {}) for item in items]
    submission, _, _ = await submissions.start(
        db, worker_id, "tt1", requests, endpoint="api.example.org", is_rehearsal=False, parameters={}
    )
    await submissions.note(
        db, submission, state="in_progress", provider_id="msgbatch_1", counts={"processing": 2}, delay=300.0
    )


async def opened(pilot: Pilot[None], app: TraintuiApp) -> SubmissionsDialog:
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("3")
    await until(pilot, lambda: isinstance(app.screen, GenerateScreen) and app.screen.ready)
    await pilot.press("m")
    await until(pilot, lambda: isinstance(app.screen, SubmissionsDialog))
    assert isinstance(app.screen, SubmissionsDialog)
    return app.screen


async def test_before_the_first_one_it_says_how_there_can_be_one(app: TraintuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        await until(pilot, lambda: "Nothing was submitted yet" in str(dialog.notice.content))


async def test_one_that_is_sent_while_nothing_was_out_shows_by_itself(app: TraintuiApp, db: Database) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        await until(
            pilot, lambda: dialog.has_class("-nothing") and "Nothing was submitted" in str(dialog.notice.content)
        )
        async with work.registered(db) as worker_id:
            await sent(db, worker_id)
            await until(pilot, lambda: len(dialog.table.rows) == 1 and not dialog.has_class("-nothing"))


async def test_a_request_of_unknown_end_and_no_known_price_is_of_unknown_cost_and_not_free(db: Database) -> None:
    async with work.registered(db) as worker_id:
        await sent(db, worker_id, estimate=None)
        for row in await fetch(db, "SELECT id, created_at FROM generation_logs WHERE kind = 'batch_item' LIMIT 1"):
            await attempts.finish(db, attempts.OpenAttempt(*row), attempts.Outcome("unknown"))
    (listed,) = await submission_views.recent(db)
    assert (listed.cost_usd, listed.unpriced) == (Decimal(0), 1)


async def test_one_is_called_off_only_after_asking(app: TraintuiApp, db: Database) -> None:
    async with work.registered(db) as worker_id:
        await sent(db, worker_id)
        async with app.run_test(size=(80, 24)) as pilot:
            dialog = await opened(pilot, app)
            await until(pilot, lambda: dialog.table.rows)
            (row,) = dialog.table.rows
            assert (row.view.batch, row.view.requests, row.view.state) == ("Fees [b]", 2, "in_progress")
            assert "2 under way" in str(dialog.about.content) and "asked again in" in str(dialog.about.content)
            await pilot.press("c")
            await until(pilot, lambda: isinstance(app.screen, CallOff))
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is dialog)
            assert await scalar(db, "SELECT unwanted_at FROM batch_submissions") is None
            await pilot.press("c")
            await until(pilot, lambda: isinstance(app.screen, CallOff))
            await pilot.press("y")
            await until(pilot, lambda: "called off as soon as a worker looks" in str(dialog.said.content))
            await written(app)
            await until(pilot, lambda: dialog.table.rows[0].view.unwanted_by == "ada")
            assert dialog.check_action("call_off", ()) is None


async def test_p_on_generate_has_what_is_out_called_off(app: TraintuiApp, db: Database) -> None:
    async with work.registered(db) as worker_id:
        await sent(db, worker_id)
        async with app.run_test(size=(120, 30)) as pilot:
            await until(pilot, lambda: app.workspace is not None)
            await pilot.press("3")
            await until(pilot, lambda: isinstance(app.screen, GenerateScreen) and app.screen.ready)
            screen = app.screen
            await until(pilot, lambda: screen.watched.last.chosen is not None)  # type: ignore[attr-defined]
            await pilot.press("p")
            await written(app)
        assert await scalar(db, "SELECT state FROM batches") == "paused"
        due = await submissions.claim(db, worker_id, endpoint="api.example.org", is_rehearsal=False)
        assert due is not None and due.unwanted and not due.cancelling
