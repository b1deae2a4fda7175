"""An edit outlives an outage and the app, as a decision does: in order and exactly once, or it is a draft again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from interruptions import away
from screens.test_review import on_screen, opened, review_of, said
from screens.test_turn_editor import editing, editor
from screens.test_unsent import edited, line, log, read_ahead
from screens.waiting import until
from support import approved, fetch, imported
from traintui.app import TraintuiApp
from traintui.data import bulk, conversations
from traintui.data.embedded import EmbeddedServer
from traintui.data.engine import Database
from traintui.screens.decide_anew import DecideAnew
from traintui.screens.leaving import LeavingUnsent
from traintui.screens.passages import OneTurn
from traintui.screens.shell import OpenConversation
from traintui.screens.stored_edit import StoredEdit, edit_of, expected
from traintui.screens.turn_editor import TurnEditor
from traintui.settings import Settings


async def saved(pilot: Pilot[None], app: TraintuiApp) -> None:
    await until(pilot, lambda: not line(app) and app.outbox is not None and not app.outbox.waiting)


async def painted(pilot: Pilot[None], app: TraintuiApp) -> None:
    """Waits until what is on the screen may be decided."""
    await until(pilot, lambda: review_of(app).reading.seconds_seen is not None)


async def answers(db: Database, one: str) -> list[str]:
    return [turn.content for turn in (await conversations.read(db, one)).turns if turn.role == "assistant"]


async def test_an_edit_and_its_approval_are_kept_while_the_database_is_away(
    app: TraintuiApp, db: Database, server: EmbeddedServer
) -> None:
    first, second, _ = await imported(db, 3)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await read_ahead(pilot, app, 3)
        with away(server):
            await editing(pilot, app, first, turn=1)
            await pilot.press("ctrl+end", *" More", "ctrl+s")
            await until(pilot, lambda: "not saved yet: turn 2" in said(app, "#said"))
            await until(pilot, lambda: "not saved yet: 1" in line(app))
            shown = review_of(app).reading.shown
            assert shown is not None and (shown.row.revision, shown.turns[1].content) == (2, "An answer. More")
            await painted(pilot, app)
            await pilot.press("a")
            await until(pilot, lambda: on_screen(app) == second and "not saved yet: 2" in line(app))
        await saved(pilot, app)
        assert not app.drafts.of(first)
    assert await log(db) == [(first, "edit"), (first, "approve")]
    assert await answers(db, first) == ["An answer. More"]
    assert (await conversations.read(db, first)).row.revision == 2


async def test_edits_of_what_was_decided_build_on_each_other(
    app: TraintuiApp, db: Database, server: EmbeddedServer
) -> None:
    (first,) = await imported(db, 1)
    await approved(db, first)
    async with app.run_test(size=(120, 40)) as pilot:
        app.post_message(OpenConversation(first))
        await opened(pilot, app, first)
        await painted(pilot, app)
        with away(server):
            await pilot.press("w")
            await until(pilot, lambda: "not saved yet: turn 1 is not trained on" in said(app, "#said"))
            await painted(pilot, app)
            await pilot.press("j", "w")
            await until(pilot, lambda: "not saved yet: turn 2 is not trained on" in said(app, "#said"))
            await painted(pilot, app)
            await pilot.press("a")
            await until(pilot, lambda: "not saved yet: 3" in line(app))
        await saved(pilot, app)
    assert (await log(db))[1:] == [(first, "edit"), (first, "edit"), (first, "approve")]
    now = await conversations.read(db, first)
    assert (now.row.status, now.row.revision, [turn.train for turn in now.turns]) == ("approved", 3, [False, False])


async def test_the_next_start_saves_an_edit_that_waited(
    app: TraintuiApp, db: Database, server: EmbeddedServer, tmp_path: Path
) -> None:
    (first,) = await imported(db, 1)
    await waits_and_ends(app, first, server)
    assert await log(db) == []
    again = TraintuiApp(Settings(home=tmp_path), workspace=db)
    async with again.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Saved at this start: 1 press" in line(again))
    assert await answers(db, first) == ["An answer. More"]


async def waits_and_ends(app: TraintuiApp, first: str, server: EmbeddedServer, *then: str) -> None:
    """An edit is made while the database is away, and the app is closed before it is back."""
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        with away(server):
            await editing(pilot, app, first, turn=1)
            await pilot.press("ctrl+end", *" More", "ctrl+s")
            await until(pilot, lambda: "not saved yet: turn 2" in said(app, "#said"))
            await painted(pilot, app)
            await pilot.press(*then)
            await until(pilot, lambda: f"not saved yet: {1 + len(then)}" in line(app))
            await pilot.press("q")
            await until(pilot, lambda: isinstance(app.screen, LeavingUnsent))
            await pilot.press("q")
            await until(pilot, lambda: not app.is_running)


async def test_an_edit_that_came_too_late_is_a_draft_that_shows_both(
    app: TraintuiApp, db: Database, reviewer_db: Database, server: EmbeddedServer, tmp_path: Path
) -> None:
    (first,) = await imported(db, 1)
    await waits_and_ends(app, first, server)
    await edited(reviewer_db, first)
    again = TraintuiApp(Settings(home=tmp_path), workspace=db)
    async with again.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: any("not saved" in note.title for note in again._notifications))
        assert any("What you typed is kept" in note.message for note in again._notifications)
        await opened(pilot, again, first)
        await until(pilot, lambda: "not saved: turn 2" in said(again, "#position"))
        await pilot.press("j", "e")
        await until(pilot, lambda: isinstance(again.screen, TurnEditor) and editor(again).difference.display)
        assert editor(again).field.text == "An answer. More"
        await until(
            pilot, lambda: "It was changed since you began" in str(editor(again).query_one("#answer", Static).content)
        )
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "turn 2 saved: revision 3" in said(again, "#said"))
    assert await log(db) == [(first, "edit"), (first, "edit")]
    assert await answers(db, first) == ["An answer. More"]


async def test_a_decision_on_an_edit_that_was_refused_decides_nothing_else(
    app: TraintuiApp, db: Database, reviewer_db: Database, server: EmbeddedServer, tmp_path: Path
) -> None:
    (first,) = await imported(db, 1)
    await waits_and_ends(app, first, server, "a")
    await edited(reviewer_db, first)  # which makes revision 2 too: not the one that was approved
    again = TraintuiApp(Settings(home=tmp_path), workspace=db)
    async with again.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(again.screen, DecideAnew) and again.screen._newest is not None)
        dialog = again.screen
        assert isinstance(dialog, DecideAnew)
        await until(pilot, lambda: "Your approve of your edit was not applied" in str(dialog.says.content))
        await pilot.press("escape")
    assert await log(db) == [(first, "edit")]


async def test_an_edit_that_was_not_sent_is_taken_back_with_its_text_kept(
    app: TraintuiApp, db: Database, server: EmbeddedServer
) -> None:
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await read_ahead(pilot, app, 2)
        with away(server):
            await painted(pilot, app)
            await pilot.press("a")  # the one that is tried
            await until(pilot, lambda: on_screen(app) == second and "not saved yet: 1" in line(app))
            await painted(pilot, app)
            await editing(pilot, app, second, turn=1)
            await pilot.press("ctrl+end", *" More", "ctrl+s")
            await until(pilot, lambda: "not saved yet: 2" in line(app))
            await pilot.press("u")
            await until(pilot, lambda: "taken back before it was sent" in said(app, "#said"))
            shown = review_of(app).reading.shown
            assert shown is not None and (shown.row.revision, shown.turns[1].content) == (1, "An answer.")
            await until(pilot, lambda: "not saved: turn 2" in said(app, "#position"))
        await saved(pilot, app)
    assert await log(db) == [(first, "approve")]
    assert await fetch(db, "SELECT 1 FROM conversation_revisions WHERE revision > 1") == []


async def test_an_edit_that_is_refused_while_its_editor_closes_is_not_said_to_be_saved(
    app: TraintuiApp, db: Database, reviewer_db: Database
) -> None:
    (first,) = await imported(db, 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        review, outbox = review_of(app), app.outbox
        before = review.reading.shown
        assert before is not None and outbox is not None
        await edited(reviewer_db, first)
        turns = (before.turns[0], replace(before.turns[1], content="Mine."))
        edit = edit_of(before, turns=turns, system_prompt=None, what="turn 2", passage="turn 2", written="Mine.")
        await outbox.keep(edit)
        await until(pilot, lambda: not outbox.waiting)
        review._edited(before, OneTurn(1), StoredEdit(expected(before, edit), edit, waits=True))
        assert "not saved: turn 2" in said(app, "#said") and "revision" not in said(app, "#said")
        await until(pilot, lambda: review.reading.shown and review.reading.shown.turns[1].content == "A better answer.")
        await until(pilot, lambda: "not saved: turn 2" in said(app, "#position"))
        assert review.after(before) is None
    assert await log(db) == [(first, "edit")]


@pytest.mark.parametrize("passage", ["turn 1", "the system prompt"])
async def test_what_is_refused_for_good_says_so_where_it_was_typed(
    app: TraintuiApp, db: Database, passage: str
) -> None:
    (first,) = await imported(db, 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        if passage == "turn 1":
            await pilot.press("e")
        else:
            await pilot.press("E", "p")
        await until(pilot, lambda: isinstance(app.screen, TurnEditor) and app.screen.field.has_focus)
        await pilot.press(*"Oh ")
        await bulk.trash(db, [(await conversations.read(db, first)).row.id], True)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Not saved" in str(editor(app).query_one("#answer", Static).content))
        assert not app._notifications  # one answer, where the work is
        assert app.drafts.of(first) == (passage,)
