"""Audit shows each call, decision and export with all that is known of it, and keeps up with the logs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from textual.pilot import Pilot

from screens.waiting import until
from support import ANSWERED, add_vocabulary, approved, generated, imported, planned, seen, started, stored
from traintui.app import TraintuiApp
from traintui.data import attempts, reviews, work
from traintui.data.engine import Database
from traintui.errors import TraintuiError
from traintui.screens.audit import AuditScreen


def audit(app: TraintuiApp) -> AuditScreen:
    screen = app.get_screen_stack("audit")[0]
    assert isinstance(screen, AuditScreen)
    return screen


def detail(app: TraintuiApp) -> str:
    return audit(app).detail.plain


async def opened(pilot: Pilot[None], app: TraintuiApp) -> AuditScreen:
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("4")
    await until(pilot, lambda: isinstance(app.screen, AuditScreen) and app.screen.is_mounted)
    return audit(app)


def said(screen: AuditScreen, title: str) -> bool:
    return title in str(screen.notice.content)


async def call(db: Database, *, answer: str = "Written.", prompt: str = "Write.") -> str:
    """A conversation with its call; its public id."""
    await planned(db)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        (item,) = await work.claim(db, worker_id, 1, is_rehearsal=False)
        attempt = await started(
            db,
            item,
            worker_id,
            request_payload={"prompt": prompt},
            redactions={"api_key": 2, "token": 0, "email": 3, "ip_address": 1},
        )
        assert await stored(db, item, attempt, outcome=replace(ANSWERED, response_payload={"text": answer}))
        await work.finish_batches(db)
    return item.conversation_id


async def test_a_call_shows_what_was_sent_and_what_came_back(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    one = await call(db, prompt="First line.\nSecond line.")
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "RESPONSE" in detail(app))
        shown = detail(app)
        for said in (
            one,
            "● answered",
            "10 in, 20 out",
            "$0.01",
            "900 ms",
            "req_1",
            "2 api key",
            "3 e-mail",
            "1 IP address",
            "Asked for by  ada",
        ):
            assert said in shown
        assert "token," not in shown
        assert '"prompt": "First line.\\n\n' in shown and '"text": "Written."' in shown


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_stored_text_is_data_in_every_place(app: TraintuiApp, db: Database, size: tuple[int, int]) -> None:
    await add_vocabulary(db)
    evil = "[/foo] [@click=app.quit]x[/] \x1b]0;owned\x07 \u202e"
    await call(db, answer=evil, prompt=evil)
    ids = await imported(db, 1)
    await reviews.decide(db, await seen(db, ids[0]), "reject", key=reviews.new_key(), reason=evil, notes=evil)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "RESPONSE" in detail(app))
        assert "\x1b" not in detail(app) and "\u202e" not in detail(app) and "[/foo]" in detail(app)
        await pilot.press("right")
        await until(pilot, lambda: "NOTE" in detail(app))
        assert "\x1b" not in detail(app) and "[/foo]" in detail(app)


async def test_a_decision_shows_who_why_and_what_changed(app: TraintuiApp, db: Database) -> None:
    ids = await imported(db, 1)
    await reviews.decide(db, await seen(db, ids[0]), "reject", key=reviews.new_key(), reason="Wrong", notes="See fees.")
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("right")
        await until(pilot, lambda: ids[0] in detail(app))
        shown = detail(app)
        assert "✕ rejected" in shown and "○ to review → ✕ rejected" in shown
        assert "Wrong" in shown and "See fees." in shown and "ada" in shown
        assert screen.tabs.chosen == "reviews" and screen.query_one("#reviews").has_focus


async def test_the_cursor_stays_on_its_row_when_new_ones_come(app: TraintuiApp, db: Database) -> None:
    ids = await imported(db, 3)
    await approved(db, *ids[:2])
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("right")
        await until(pilot, lambda: len(screen.table.rows) >= 2)
        await pilot.press("j")
        before, place = screen.table.current, screen.table.cursor
        await approved(db, ids[2])
        await pilot.press("r")
        await until(pilot, lambda: screen.table.cursor == place + 1)
        assert screen.table.current == before


async def test_an_empty_log_says_what_will_be_there(app: TraintuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        for title in ("No call yet", "No decision yet", "Nothing was exported"):
            await until(pilot, partial(said, screen, title))
            assert screen.notice.display
            await pilot.press("right")


async def test_enter_gives_the_detail_the_room_and_escape_takes_it_back(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await generated(db, 2)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "RESPONSE" in detail(app))
        await pilot.press("enter")
        await until(pilot, lambda: screen.detail.has_focus and screen.detail.size.height > 18)
        await pilot.press("G")
        await until(pilot, lambda: screen.detail.scroll_offset.y > 0)
        await pilot.press("escape")
        await until(pilot, lambda: screen.table.has_focus and screen.table.size.height > 5)


async def test_a_log_that_cannot_be_read_is_answered_with_what_to_do(
    app: TraintuiApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise TraintuiError("Database not reached", "nobody answers.", "Check the server.")

    monkeypatch.setattr(attempts, "newest", fails)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "Nobody answers." in str(screen.notice.content))
        assert "Check the server. r reads again." in str(screen.notice.content)
