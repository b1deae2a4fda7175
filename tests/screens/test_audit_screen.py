"""Audit shows each call, decision and export with all that is known of it, and keeps up with the logs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.waiting import until
from support import ANSWERED, add_vocabulary, approved, generated, imported, planned, seen, started, stored
from traintui.app import TraintuiApp
from traintui.data import conversations, log_listing, reviews, revisions, work
from traintui.data.engine import Database
from traintui.errors import TraintuiError
from traintui.screens.audit import AuditScreen
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.log_pane import LogPane
from traintui.screens.save_csv import SaveCsv
from traintui.screens.trail import TrailDialog


def audit(app: TraintuiApp) -> AuditScreen:
    screen = app.get_screen_stack("audit")[0]
    assert isinstance(screen, AuditScreen)
    return screen


def pane(app: TraintuiApp) -> LogPane[Any]:
    shown = audit(app).pane
    assert isinstance(shown, LogPane)
    return shown


def detail(app: TraintuiApp) -> str:
    return pane(app).detail.plain


async def opened(pilot: Pilot[None], app: TraintuiApp) -> AuditScreen:
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("4")
    await until(pilot, lambda: isinstance(app.screen, AuditScreen) and app.screen.is_mounted)
    return audit(app)


def said(app: TraintuiApp, title: str) -> bool:
    return pane(app).notice.display and title in str(pane(app).notice.content)


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
        assert screen.tabs.chosen == "reviews" and pane(app).table.has_focus


async def test_the_cursor_stays_on_its_row_when_new_ones_come(app: TraintuiApp, db: Database) -> None:
    ids = await imported(db, 3)
    await approved(db, *ids[:2])
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot, app)
        await pilot.press("right")
        await until(pilot, lambda: len(pane(app).table.rows) >= 2)
        await pilot.press("j")
        before, place = pane(app).table.current, pane(app).table.cursor
        await approved(db, ids[2])
        await pilot.press("r")
        await until(pilot, lambda: pane(app).table.cursor == place + 1)
        assert pane(app).table.current == before


async def test_an_empty_log_says_what_will_be_there(app: TraintuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        for title in ("No call yet", "No decision yet", "Nothing was exported"):
            await until(pilot, partial(said, app, title))
            await pilot.press("right")


async def test_enter_gives_the_detail_the_room_and_escape_takes_it_back(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await generated(db, 2)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "RESPONSE" in detail(app))
        await pilot.press("enter")
        await until(pilot, lambda: pane(app).detail.has_focus and pane(app).detail.size.height > 18)
        await pilot.press("G")
        await until(pilot, lambda: pane(app).detail.scroll_offset.y > 0)
        await pilot.press("escape")
        await until(pilot, lambda: pane(app).table.has_focus and pane(app).table.size.height > 5)


async def test_a_log_that_cannot_be_read_is_answered_with_what_to_do(
    app: TraintuiApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise TraintuiError("Database not reached", "nobody answers.", "Check the server.")

    monkeypatch.setattr(log_listing, "first_keys", fails)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "Nobody answers." in str(pane(app).notice.content))
        assert "Check the server. r reads again." in str(pane(app).notice.content)


async def test_a_filter_finds_calls_as_one_types_and_a_mistake_keeps_the_rows(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    one, other = await call(db), await call(db)
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: pane(app).table.total == 2)
        await pilot.press("slash")
        await until(pilot, lambda: pane(app).filter_line.field.has_focus)
        await pilot.press(*f"conversation:{one} ")
        await until(pilot, lambda: [row.conversation_id for row in pane(app).table.rows] == [one])
        await pilot.press(*"stat:ok", "enter")
        await until(pilot, lambda: "Did you mean state?" in str(pane(app).filter_line.mistake.content))
        assert [row.conversation_id for row in pane(app).table.rows] == [one]
        await pilot.press("escape", "escape", "escape")
        await until(pilot, lambda: pane(app).table.total == 2)
        assert {row.conversation_id for row in pane(app).table.rows} == {one, other}


async def test_what_is_not_there_is_said_and_escape_shows_all_again(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await call(db)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: pane(app).table.total == 1)
        audit(app).visit("generations", "model:none")
        await until(pilot, partial(said, app, "Nothing matches this filter"))
        await pilot.press("escape")
        await until(pilot, lambda: pane(app).table.total == 1 and not pane(app).notice.display)


async def test_a_call_that_ends_is_shown_as_it_ended(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await planned(db)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        (item,) = await work.claim(db, worker_id, 1, is_rehearsal=False)
        attempt = await started(db, item, worker_id)
        async with app.run_test(size=(160, 45)) as pilot:
            await opened(pilot, app)
            await until(pilot, lambda: [row.state for row in pane(app).table.rows] == ["sending"])
            assert await stored(db, item, attempt)
            await until(pilot, lambda: [row.state for row in pane(app).table.rows] == ["ok"])
            await until(pilot, lambda: "● answered" in detail(app))


async def test_from_a_conversation_one_key_leads_to_its_calls_and_the_palette_to_the_rest(
    app: TraintuiApp, db: Database
) -> None:
    await add_vocabulary(db)
    one = await call(db)
    await call(db)
    await approved(db, one)
    async with app.run_test(size=(160, 45)) as pilot:
        await until(pilot, lambda: app.workspace is not None and isinstance(app.screen, ConversationsScreen))
        screen = app.screen
        assert isinstance(screen, ConversationsScreen)
        screen.visit(f"id:{one}")
        await until(pilot, lambda: screen.table.current and screen.table.current.conversation_id == one)
        await pilot.press("H")
        await until(pilot, lambda: [row.conversation_id for row in pane(app).table.rows] == [one])
        screen.action_in_audit("reviews")
        await until(pilot, lambda: audit(app).which == "reviews" and len(pane(app).table.rows) == 1)
        assert pane(app).filter_line.field.value == f"conversation:{one}"
        screen.action_in_audit("exports")
        await until(pilot, partial(said, app, "Nothing matches this filter"))


async def test_what_is_deep_or_long_is_folded_until_somebody_unfolds_it(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await call(db, answer="long " * 600)
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "1,000 more characters, + unfolds" in detail(app))
        await pilot.press("plus", "plus", "plus")
        await until(pilot, lambda: "unfolds" not in detail(app))
        for _ in range(6):
            await pilot.press("minus")
        await until(pilot, lambda: "1,000 more characters, + unfolds" in detail(app))


async def test_what_the_filter_names_is_saved_as_csv_and_never_over_something(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    await add_vocabulary(db)
    one, _ = await call(db), await call(db)
    taken, free = tmp_path / "taken.csv", tmp_path / "free.csv"
    taken.write_text("mine")
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot, app)
        audit(app).visit("generations", f"conversation:{one}")
        await until(pilot, lambda: len(pane(app).table.rows) == 1)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, SaveCsv))
        dialog = app.screen
        assert isinstance(dialog, SaveCsv)
        dialog.field.value = str(taken)
        await pilot.press("enter")
        await until(pilot, lambda: "is there already" in str(dialog.answer.content))
        dialog.field.value = str(free)
        await pilot.press("enter")
        await until(pilot, lambda: "1 in" in str(pane(app).counted.content))
        assert one in free.read_text() and taken.read_text() == "mine"


async def test_the_trail_shows_each_text_as_it_was_beside_todays(app: TraintuiApp, db: Database) -> None:
    (public,) = await imported(db, 1)
    await approved(db, public)
    question, answer = (await conversations.read(db, public)).turns
    turns = [question, replace(answer, content="Another answer altogether.")]
    await reviews.edit(db, await seen(db, public), system_prompt=None, turns=turns, key=reviews.new_key())
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        audit(app).visit("reviews", "action:approve")
        await until(pilot, lambda: len(pane(app).table.rows) == 1)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TrailDialog) and len(app.screen.table.rows) >= 3)
        dialog = app.screen
        assert isinstance(dialog, TrailDialog)
        place = [row.action for row in dialog.table.rows].index("approve")
        await pilot.press(*["j"] * place)
        await until(pilot, lambda: "Another answer altogether." in dialog.difference.plain)
        assert answer.content in dialog.difference.plain and "revision 2, today" in dialog.difference.plain
        await pilot.press("w")
        await until(pilot, lambda: "as it was" in dialog.difference.plain)
        assert "Another" not in dialog.difference.plain and question.content in dialog.difference.plain


async def test_a_text_that_the_trail_does_not_read_is_not_said_to_be_purged(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "MOST", 1)
    (public,) = await imported(db, 1)
    question, answer = (await conversations.read(db, public)).turns
    turns = [question, replace(answer, content="Another answer altogether.")]
    await reviews.edit(db, await seen(db, public), system_prompt=None, turns=turns, key=reviews.new_key())
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        audit(app).visit("reviews", "action:edit")
        await until(pilot, lambda: len(pane(app).table.rows) == 1)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TrailDialog) and len(app.screen.table.rows) == 2)
        dialog = app.screen
        assert isinstance(dialog, TrailDialog)
        place = [row.action for row in dialog.table.rows].index("import")
        await pilot.press(*["j"] * place)
        await until(pilot, lambda: "older than the newest 1" in dialog.difference.plain)
