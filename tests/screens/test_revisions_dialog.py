"""What each revision changed is seen, and taken back by going back to one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from screens.test_review import on_screen, opened, review_of
from screens.test_review import said as on_line
from screens.waiting import until
from support import Conninfo, imported, logged_in, said, seen
from traintui.app import TraintuiApp
from traintui.data import conversations, reviews, revisions
from traintui.data.engine import Database
from traintui.data.records import Turn
from traintui.screens.revision_difference import RevisionsDialog, parts_of
from traintui.settings import Settings


async def edited(db: Database) -> str:
    """A conversation of two turns that was edited twice, four turns in the end."""
    (one,) = await imported(db)
    for number, turns in enumerate((said("How?", "So."), said("How?", "So.", "And?", "No."))):
        await reviews.edit(db, await seen(db, one), system_prompt=None, turns=turns, key=f"edit {number}")
    return one


def dialog(app: TraintuiApp) -> RevisionsDialog:
    screen = app.screen
    assert isinstance(screen, RevisionsDialog)
    return screen


async def test_d_shows_what_each_revision_changed(app: TraintuiApp, db: Database) -> None:
    one = await edited(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, RevisionsDialog) and "And?" in dialog(app).difference.plain)
        newest = dialog(app).difference.plain
        assert "Turn 3  User  added" in newest and "Turn 4  Assistant  added" in newest and "Turn 1" not in newest
        await pilot.press("j")
        await until(pilot, lambda: "Turn 1" in dialog(app).difference.plain)
        assert "Question" in dialog(app).difference.plain and "How?" in dialog(app).difference.plain
        await pilot.press("j", "space", "k", "k")  # from the first one on
        await until(
            pilot, lambda: "revision 1" in dialog(app).difference.plain and "And?" in dialog(app).difference.plain
        )
        await pilot.press("d")
        await until(pilot, lambda: app.screen is review_of(app))


async def test_an_edit_is_taken_back_by_going_back_to_what_it_was(app: TraintuiApp, db: Database) -> None:
    one = await edited(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, RevisionsDialog) and "And?" in dialog(app).difference.plain)
        await pilot.press("u")  # on the newest: back to the one before
        await until(pilot, lambda: "it reads as at revision 2 again: revision 4" in on_line(app, "#said"))
        await until(pilot, lambda: on_screen(app) == one)
        shown = review_of(app).reading.shown
        assert shown is not None and [turn.content for turn in shown.turns] == ["How?", "So."]
    newest, *kept = await revisions.of_conversation(db, one)
    assert len(kept) == 3 and newest.turns == kept[1].turns
    assert (await conversations.read(db, one)).history[0].reviewer_notes == "back to revision 2"


async def test_what_was_never_changed_has_nothing_to_go_back_to(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, one)
        await pilot.press("d")
        await until(
            pilot, lambda: isinstance(app.screen, RevisionsDialog) and "the same" in dialog(app).difference.plain
        )
        await pilot.press("u")
        await until(pilot, lambda: "nothing to go back to" in str(dialog(app).answer.content))
    assert (await conversations.read(db, one)).row.revision == 1


async def test_what_moved_on_meanwhile_is_not_taken_back(app: TraintuiApp, db: Database) -> None:
    one = await edited(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, RevisionsDialog) and "And?" in dialog(app).difference.plain)
        await reviews.edit(db, await seen(db, one), system_prompt=None, turns=said("Else?", "No."), key="theirs")
        await pilot.press("j", "u")
        await until(pilot, lambda: "Changed meanwhile" in str(dialog(app).answer.content))
    assert (await conversations.read(db, one)).turns[0].content == "Else?"


async def test_an_auditor_sees_revisions_and_changes_none(conninfo: Conninfo, db: Database, tmp_path: Path) -> None:
    one = await edited(db)
    async with logged_in(conninfo("audrey")) as auditor:
        app = TraintuiApp(Settings(home=tmp_path), workspace=auditor)
        async with app.run_test(size=(80, 24)) as pilot:
            await opened(pilot, app, one)
            await pilot.press("d")
            await until(
                pilot, lambda: isinstance(app.screen, RevisionsDialog) and "And?" in dialog(app).difference.plain
            )
            await pilot.press("j", "u", "d")
            await until(pilot, lambda: app.screen is review_of(app))
    assert (await conversations.read(db, one)).row.revision == 3


async def test_a_turn_that_was_put_between_others_leaves_the_rest_alike(db: Database) -> None:
    (one,) = await imported(db)
    await reviews.edit(db, await seen(db, one), system_prompt="Be kind.", turns=said("a", "b", "c", "d"), key="1")
    await reviews.edit(db, await seen(db, one), system_prompt=None, turns=said("a", "b", "x", "y", "c", "d"), key="2")
    new, old, _ = await revisions.of_conversation(db, one)
    assert [title for title, _ in parts_of(old, new)] == [
        "System prompt", "Turn 3  User  added", "Turn 4  Assistant  added",
    ]  # fmt: skip
    assert parts_of(new, new) == [("All of it", ())]
    silent = said("a", "b", "x", "y", "c", "d")
    silent[1] = Turn(2, "assistant", "b", train=False)
    await reviews.edit(db, await seen(db, one), system_prompt=None, turns=silent, key="3")
    newest, *_ = await revisions.of_conversation(db, one)
    assert parts_of(new, newest) == [("Turn 2  Assistant  not trained on", ())]


async def test_each_revision_is_called_what_it_did(app: TraintuiApp, db: Database) -> None:
    one = await edited(db)
    steps = (
        said("How?", "So. It is.", "And?", "No."), said("How?", "So. It is. No."), said("How?", "So.", "Then?", "No."),
    )  # fmt: skip
    for number, turns in enumerate(steps):
        await reviews.edit(db, await seen(db, one), system_prompt=None, turns=turns, key=f"step {number}")
    await reviews.undo_last(db, key="undo")
    await reviews.decide(db, await seen(db, one), "approve", key="approve")
    await reviews.undo_last(db, key="another undo")
    trained = tuple(replace(turn, train=turn.role == "user") for turn in (await conversations.read(db, one)).turns)
    await reviews.edit(db, await seen(db, one), system_prompt=None, turns=trained, key="train")
    await reviews.edit(db, await seen(db, one), system_prompt="Be kind.", turns=trained, key="system")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, RevisionsDialog) and len(dialog(app).table.rows) == 9)
        assert [row.how for row in dialog(app).table.rows] == [
            "✎ system prompt", "✎ turn 2 not trained on", "↶ undone", "✎ turn 2 split", "✎ turns 2-4 merged",
            "✎ turn 2", "+ turns 3-4", "✎ turns 1-2", "imported",
        ]  # fmt: skip
        newest = dialog(app).table.rows[0].revision.created_at
        await until(pilot, lambda: f"{newest.astimezone():%H:%M:%S}" in drawn(app))


def drawn(app: TraintuiApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())
