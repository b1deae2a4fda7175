"""Turns are added, split, merged and deleted with a key each; what would not alternate says why."""

from __future__ import annotations

from textual.pilot import Pilot

from screens.test_review import on_screen, opened, review_of, said
from screens.test_turn_editor import answer, editor, texts
from screens.waiting import until
from support import imported, turns_of
from traintui.app import TraintuiApp
from traintui.data import conversations
from traintui.data.engine import Database
from traintui.screens.turn_editor import TurnEditor
from traintui.screens.turn_tools import TurnToolsDialog
from traintui.widgets.key_menu import KeyMenu


async def tools(pilot: Pilot[None], app: TraintuiApp, one: str, turn: int = 0) -> str:
    """Opens the tools of a turn; what they say."""
    await opened(pilot, app, one)
    await pilot.press(*["j"] * turn, "E")
    await until(pilot, lambda: isinstance(app.screen, TurnToolsDialog))
    return app.screen.query_one(KeyMenu).said


async def test_turns_are_added_as_message_and_answer(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db, turns=turns_of("a", "b", "c", "d"))
    async with app.run_test(size=(120, 40)) as pilot:
        await tools(pilot, app, one)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, TurnEditor) and app.screen.field.has_focus)
        assert "a line with only +++" in answer(app)
        await pilot.press(*"Why?", "ctrl+s")
        await until(pilot, lambda: "part 2 of 2 is empty" in answer(app))
        await pilot.press("ctrl+end", *"So.", "ctrl+s")
        await until(pilot, lambda: "2 turns more: revision 2" in said(app, "#said"))
    assert await texts(db, one) == ["a", "b", "Why?", "So.", "c", "d"]


async def test_new_turns_that_are_not_saved_are_a_draft(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db, turns=turns_of("a", "b"))
    async with app.run_test(size=(120, 40)) as pilot:
        await tools(pilot, app, one)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, TurnEditor) and app.screen.field.has_focus)
        await pilot.press(*"Why?", "escape")
        await until(pilot, lambda: "not saved: new turns at 3" in said(app, "#position"))
        await pilot.press("E", "a")
        await until(pilot, lambda: isinstance(app.screen, TurnEditor) and "Why?" in app.screen.field.text)


async def test_a_split_that_would_not_alternate_says_why(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db, turns=turns_of("a", "b1", "c", "d"))
    async with app.run_test(size=(120, 40)) as pilot:
        await tools(pilot, app, one, turn=1)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, TurnEditor) and app.screen.field.has_focus)
        await pilot.press("ctrl+end", "enter", *"+++", "enter", *"b2", "ctrl+s")
        await until(pilot, lambda: "two of the user in a row" in answer(app))
        editor(app).field.load("b1\n+++\nWell?\n +++ \nb2")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "2 turns more: revision 2" in said(app, "#said"))
    assert await texts(db, one) == ["a", "b1", "Well?", "b2", "c", "d"]


async def test_merging_and_deleting_are_a_key_each_and_undone_like_any_edit(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db, turns=turns_of("a", "b", "c", "d"))
    async with app.run_test(size=(120, 40)) as pilot:
        await tools(pilot, app, one)
        await pilot.press("m")
        await until(pilot, lambda: "turns 1 to 4 are one exchange: revision 2" in said(app, "#said"))
        assert await texts(db, one) == ["a\n\nc", "b\n\nd"]
        await until(pilot, lambda: on_screen(app) == one)
        await pilot.press("u")
        await until(pilot, lambda: "undone" in said(app, "#said"))
        await until(pilot, lambda: on_screen(app) == one and len(review_of(app).reading.transcript.turns) == 4)
        await pilot.press("G", "E", "d")
        await until(pilot, lambda: "turns 3 and 4 taken out: revision 4" in said(app, "#said"))
    assert await texts(db, one) == ["a", "b"]


async def test_what_cannot_be_done_says_why_and_does_nothing(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db, turns=turns_of("a", "b"))
    async with app.run_test(size=(80, 24)) as pilot:
        shown = await tools(pilot, app, one)
        assert "turns 1 and 2 are the last exchange" in shown and "2 turns at least" in shown
        await pilot.press("m", "d", "escape")
        await until(pilot, lambda: app.screen is review_of(app))
    assert (await conversations.read(db, one)).row.revision == 1


async def test_the_system_prompt_is_edited_or_taken_out(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db, system_prompt="Be brief.")
    async with app.run_test(size=(120, 40)) as pilot:
        await tools(pilot, app, one)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, TurnEditor) and app.screen.field.has_focus)
        await pilot.press("ctrl+end", *" Please.", "ctrl+s")
        await until(pilot, lambda: "the system prompt saved: revision 2" in said(app, "#said"))
        assert (await conversations.read(db, one)).system_prompt == "Be brief. Please."
        await until(pilot, lambda: on_screen(app) == one)
        await pilot.press("E", "p")
        await until(pilot, lambda: isinstance(app.screen, TurnEditor) and app.screen.field.has_focus)
        await pilot.press("f7", "delete", "ctrl+s")
        await until(pilot, lambda: "revision 3" in said(app, "#said"))
    assert (await conversations.read(db, one)).system_prompt is None
