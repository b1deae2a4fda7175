"""Audit shows each call, decision and export with all that is known of it, and keeps up with the logs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.actions import parse
from textual.pilot import Pilot

from screens.waiting import on_screen, until
from support import (
    ANSWERED,
    MODEL,
    add_vocabulary,
    approved,
    generated,
    imported,
    newest_calls,
    planned,
    scalar,
    seen,
    started,
    stored,
)
from traintui.app import TraintuiApp
from traintui.commands import of
from traintui.data import (
    bulk,
    conversations,
    erasures,
    exports,
    log_listing,
    log_sorting,
    purging,
    reviews,
    revisions,
    views,
    work,
)
from traintui.data.engine import Database
from traintui.data.export_reading import ids_of
from traintui.data.log_fields import GENERATIONS
from traintui.errors import TraintuiError
from traintui.export.request import ExportRequest
from traintui.export.write import run_export
from traintui.screens.audit import AuditScreen
from traintui.screens.audit_generations import GenerationsPane
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.log_pane import LogPane
from traintui.screens.save_csv import SaveCsv
from traintui.screens.sorting import SortDialog
from traintui.screens.trail import TrailDialog
from traintui.screens.views import ViewsDialog
from traintui.widgets.day_bars import DayBars
from traintui.widgets.log_table import LogTable
from traintui.widgets.name_bars import NameBars


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


async def test_payloads_are_folded_by_level_by_line_and_whole(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await call(db, answer="First.\nSecond.")
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "Second." in detail(app))
        for _ in range(6):
            await pilot.press("minus")
        await until(pilot, lambda: "Second." in detail(app))  # text stays
        await pilot.press("enter")
        await until(pilot, lambda: pane(app).detail.has_focus)
        await pilot.press("z")
        await until(pilot, lambda: "Second." not in detail(app) and "1 more line" in detail(app))
        await pilot.press("z")
        await until(pilot, lambda: "Second." in detail(app))


async def test_words_are_found_in_what_came_back(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await call(db, answer="A fee of 5.\nNo other fee.")
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "No other fee" in detail(app))
        shown = pane(app)
        assert isinstance(shown, GenerationsPane)
        await pilot.press("enter", "slash")
        await until(pilot, lambda: shown.search_line.field.has_focus)
        await pilot.press(*"fee", "enter")
        await until(pilot, lambda: "1 of 2 matches" in str(shown.search_line.counted.content))
        await until(pilot, lambda: shown.detail.has_focus)
        await pilot.press("n")
        await until(pilot, lambda: "2 of 2 matches" in str(shown.search_line.counted.content))
        await pilot.press("escape")
        await until(pilot, lambda: not shown.search_line.display and shown.detail.has_focus)
        await pilot.press("escape")
        await until(pilot, lambda: shown.table.has_focus)
        assert shown.filter_text == ""


async def test_rows_are_sorted_by_what_they_cost_and_views_keep_that(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    one, other = await call(db), await call(db)
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: [row.conversation_id for row in pane(app).table.rows] == [other, one])
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, SortDialog) and bool(app.screen.table.rows))
        assert isinstance(app.screen, SortDialog) and app.screen.table.current is not None
        assert app.screen.table.current.title == "When"
        await pilot.press("enter")  # turns it around
        await until(pilot, lambda: [row.conversation_id for row in pane(app).table.rows] == [one, other])
        audit(app).visit("generations", "state:ok")
        await until(pilot, lambda: pane(app).filter_text == "state:ok")
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, ViewsDialog) and len(app.screen.table.rows) > 3)
        await pilot.press("n", *"Mine", "ctrl+s")
        dialog = app.screen
        assert isinstance(dialog, ViewsDialog)
        await until(pilot, lambda: [view.name for view in dialog.table.rows][-1] == "Mine")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, AuditScreen))
    (mine,) = [view for view in await views.views(db, "generations") if not view.is_built_in]
    assert (mine.filter_text, mine.sort) == ("state:ok", "created")
    assert [view for view in await views.views(db) if not view.is_built_in] == []


async def test_a_view_brings_filter_and_order_and_a_heading_turns_it_around(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await call(db)
    await views.save(db, "Dear", "state:ok", "-cost", of="generations")
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: pane(app).table.total == 1)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, ViewsDialog) and app.screen.table.rows[-1].name == "Dear")
        await pilot.press("G", "enter")
        await until(pilot, lambda: pane(app).filter_text == "state:ok" and pane(app).shown_order.text == "-cost")
        pane(app).table.post_message(LogTable.SortRequested(pane(app).table, "cost"))
        await until(pilot, lambda: pane(app).shown_order.text == "cost")


async def test_where_too_many_match_an_order_without_an_index_is_not_offered(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_sorting, "MOST_SORTED", 1)
    await add_vocabulary(db)
    one, other = await call(db), await call(db)
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: (found := pane(app).listing) is not None and found.complete)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, SortDialog) and bool(app.screen.table.rows))
        assert isinstance(app.screen, SortDialog)
        rests = {choice.title for choice in app.screen.table.rows if choice.rests}
        assert {"Model", "State"} <= rests and not {"When", "Cost", "Took", "Tokens"} & rests
        await pilot.press("escape")
        pane(app).sort_by(log_sorting.order_written("model", GENERATIONS))
        await until(pilot, lambda: "too many to sort by Model" in str(pane(app).counted.content))
        assert [row.conversation_id for row in pane(app).table.rows] == [other, one]


@pytest.mark.parametrize("order", ["", "-cost"])
async def test_who_is_far_down_stays_there_when_all_is_read_anew(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    monkeypatch.setattr(log_listing, "FIRST", 1)
    monkeypatch.setattr(log_sorting, "FIRST", 1)
    await add_vocabulary(db)
    for _ in range(3):
        await call(db)
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: pane(app).table.total == 3)
        if order:
            pane(app).sort_by(log_sorting.order_written(order, GENERATIONS))
            await until(pilot, lambda: pane(app).shown_order.text == order)
        await until(pilot, lambda: (found := pane(app).listing) is not None and found.complete and found.total == 3)
        await pilot.press("G")
        await until(pilot, lambda: pane(app).table.cursor == 2)
        before = pane(app).listing
        await pilot.press("r")
        await until(pilot, lambda: (found := pane(app).listing) is not before and found is not None and found.complete)
        assert pane(app).table.cursor == 2


async def test_totals_follow_when_a_call_ends_that_was_under_way(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await planned(db)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        (item,) = await work.claim(db, worker_id, 1, is_rehearsal=False)
        attempt = await started(db, item, worker_id)
        async with app.run_test(size=(160, 45)) as pilot:
            await opened(pilot, app)
            await until(pilot, lambda: "0.0% failed" in str(pane(app).counted.content))
            assert await stored(db, item, attempt, outcome=replace(ANSWERED, cost_usd=Decimal("7.25")))
            await until(pilot, lambda: "$7.25 in all" in str(pane(app).counted.content))


async def test_decisions_and_exports_say_what_they_add_up_to(app: TraintuiApp, db: Database) -> None:
    ids = await imported(db, 2)
    await approved(db, ids[0])
    await exports.record(db, "e-1", "started", count=2, filter_state={}, format="trl", metadata={})
    await exports.record(db, "e-1", "succeeded", count=2, filter_state={}, format="trl", metadata={})
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot, app)
        await pilot.press("right")
        await until(pilot, lambda: "100.0% approved" in str(pane(app).counted.content))
        assert "1 decision " in f"{pane(app).counted.content} " and "1 stands " in f"{pane(app).counted.content} "
        await until(pilot, lambda: "100% approved" in pane(app).query_one(NameBars).render().plain)
        await pilot.press("right")
        await until(pilot, lambda: "2 deliveries" in str(pane(app).counted.content))


async def test_of_an_empty_log_nothing_is_drawn_and_bars_stay_while_one_filters(app: TraintuiApp, db: Database) -> None:
    await approved(db, *await imported(db))
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: not pane(app).query_one(".figures").display)
        await pilot.press("right")
        await until(pilot, lambda: "100.0% approved" in str(pane(app).counted.content))
        await pilot.press("slash", *"action:reject", "enter")
        await until(pilot, lambda: "approved" not in str(pane(app).counted.content) and pane(app).filter_text)
        assert pane(app).query_one(".figures").display


async def test_from_a_decision_and_from_a_trail_one_key_leads_to_the_calls(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    one = await call(db)
    await call(db)
    await approved(db, one)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        for through_trail in (False, True):
            audit(app).visit("reviews", "")
            await until(pilot, lambda: audit(app).which == "reviews" and pane(app).table.current is not None)
            if through_trail:
                await pilot.press("t")
                await until(pilot, lambda: isinstance(app.screen, TrailDialog))
            await pilot.press("H")
            await until(pilot, lambda: audit(app).which == "generations")
            await until(pilot, lambda: [row.conversation_id for row in pane(app).table.rows] == [one])
            assert pane(app).filter_text == f"conversation:{one}"


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
        await until(pilot, lambda: "1 in /" in str(pane(app).counted.content))
        assert one in free.read_text() and taken.read_text() == "mine"
        await pilot.press("j")
        await until(pilot, lambda: "1 in /" not in str(pane(app).counted.content))
        assert "1 match" in str(pane(app).counted.content), "what was said of the file alone goes"


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


async def test_a_call_of_which_something_was_erased_or_purged_has_a_mark_in_row_and_head(
    app: TraintuiApp, db: Database
) -> None:
    await add_vocabulary(db)
    erased, purged = await call(db), await call(db)
    ids = {each.conversation_id: each for each in await newest_calls(db)}
    assert await erasures.erase(db, ids[erased].id, ids[erased].created_at, ["request"], "she asked")
    keys = list((await ids_of(db, [purged])).values())
    await bulk.trash(db, keys, True)
    await purging.purge(db, keys)

    def marked(mark: str) -> bool:
        return len(pane(app).table.rows) == 1 and mark in detail(app).splitlines()[0]

    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: len(pane(app).table.rows) == 2)
        assert {row.conversation_id: row.gone for row in pane(app).table.rows} == {erased: "erased", purged: "purged"}
        for public, mark in ((erased, "✕ erased"), (purged, "✕ purged")):
            audit(app).visit("generations", f"conversation:{public}")
            await until(pilot, partial(marked, mark))
            assert mark in on_screen(app).split("RESPONSE")[0]


async def test_the_palette_leads_from_a_row_to_exports_and_decisions_of_its_conversation(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    one, other = await imported(db, 2)
    await approved(db, one)
    await run_export(db, ExportRequest(tmp_path / "one.jsonl"))
    await approved(db, other)
    await run_export(db, ExportRequest(tmp_path / "both.jsonl"))
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        audit(app).visit("reviews", f"conversation:{other} action:approve")
        await until(pilot, lambda: len(pane(app).table.rows) == 1)
        named = [command.name for node, where in audit(app).offered() for command in of(where)
                 if command.palette and node.check_action(parse(command.action)[1], ())]  # fmt: skip
        assert {"log: its exports", "log: its decisions", "log: its calls"} <= set(named)
        await app.run_action("its('exports')", pane(app))
        await until(pilot, lambda: audit(app).which == "exports" and len(pane(app).table.rows) == 1)
        assert pane(app).filter_text == f"conversation:{other}"


async def test_the_trail_shows_how_it_was_written_and_which_exports_hold_it(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    await add_vocabulary(db)
    (one,) = await generated(db)
    await approved(db, one)
    await run_export(db, ExportRequest(tmp_path / "out.jsonl"))
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot, app)
        audit(app).visit("reviews", "")
        await until(pilot, lambda: pane(app).table.current is not None)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TrailDialog) and len(app.screen.table.rows) == 4)
        dialog = app.screen
        assert isinstance(dialog, TrailDialog)
        steps = {row.action: row for row in dialog.table.rows}
        assert [row.action for row in dialog.table.rows][:2] == ["export", "approve"]
        assert steps["export"].revision == steps["generate"].revision == 1
        assert "out.jsonl" in steps["export"].why and "batch " in steps["generate"].why
        assert "conversation@" in steps["generate"].why and MODEL in steps["generate"].why
        await pilot.press(*["j"] * [row.action for row in dialog.table.rows].index("call"))
        await until(pilot, lambda: "H shows what was sent" in dialog.difference.plain)
        await pilot.press("E")
        await until(pilot, lambda: audit(app).which == "exports" and pane(app).filter_text == f"conversation:{one}")


async def test_a_trail_without_a_step_says_what_will_stand_there(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await planned(db)
    one = await scalar(db, "SELECT conversation_id FROM conversations")

    def answers(dialog: TrailDialog, says: str) -> bool:
        return says in str(dialog.answer.content)

    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        for public, says in ((one, "waits for a worker"), ("c-nowhere", "There is no conversation of this id")):
            dialog = TrailDialog(public)
            app.push_screen(dialog)
            await until(pilot, partial(answers, dialog, says))
            await pilot.press("escape")


async def test_the_key_of_the_archive_says_that_there_is_nothing(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await call(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: pane(app).table.current is not None and "in all" in str(pane(app).counted.content))
        await pilot.press("A")
        await until(pilot, lambda: any("The archive has no calls" in note.message for note in app._notifications))
        assert app.settings.archived_rows == "hide"


async def test_a_name_that_nothing_has_is_answered_with_the_nearest(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await call(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        audit(app).visit("generations", "user:adda")
        await until(pilot, lambda: said(app, 'There is no user "adda" here. Did you mean ada?'))
        audit(app).visit("generations", "template:conversatoin")
        await until(pilot, lambda: said(app, "Did you mean conversation?"))


async def test_what_a_rehearsal_cost_is_marked_as_not_paid(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await generated(db, is_rehearsal=True)
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "$0.01 in all   by the rehearsal, not paid" in str(pane(app).counted.content))
        assert "dearest day $0.01" in pane(app).query_one("#cost", DayBars).render().plain
