"""A turn is edited where it stands: what saved is a revision, and what is not saved is never lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Static

from screens.test_review import on_screen, opened, review_of, said
from screens.waiting import until, written
from support import Conninfo, imported, logged_in, seen, status, turns_of
from support import said as turns_said
from traintui.app import TraintuiApp
from traintui.data import conversations, reviews, revisions
from traintui.data.engine import Database
from traintui.screens.turn_editor import TurnEditor
from traintui.settings import Settings


def editor(app: TraintuiApp) -> TurnEditor:
    screen = app.screen
    assert isinstance(screen, TurnEditor)
    return screen


async def editing(pilot: Pilot[None], app: TraintuiApp, first: str, turn: int = 0) -> TurnEditor:
    """The editor, open over a turn of the first conversation."""
    await opened(pilot, app, first)
    await pilot.press(*["j"] * turn)
    await pilot.press("e")
    await until(pilot, lambda: isinstance(app.screen, TurnEditor) and app.screen.field.has_focus)
    return editor(app)


def answer(app: TraintuiApp) -> str:
    return str(editor(app).query_one("#answer", Static).content)


async def texts(db: Database, one: str) -> list[str]:
    return [turn.content for turn in (await conversations.read(db, one)).turns]


async def test_fix_and_approve_is_two_keys(app: TraintuiApp, db: Database) -> None:
    first, second = await imported(db, 2)
    before = await texts(db, first)
    async with app.run_test(size=(120, 40)) as pilot:
        await editing(pilot, app, first, turn=1)
        await pilot.press("ctrl+end", *" More")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "turn 2 saved: revision 2" in said(app, "#said"))
        shown = review_of(app).reading.shown
        assert shown is not None and (shown.row.revision, shown.turns[1].content) == (2, "An answer. More")
        assert review_of(app).reading.transcript.turn == 1  # where one was
        await until(pilot, lambda: on_screen(app) == first)
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second)
        await written(app)
    conversation = await conversations.read(db, first)
    assert (conversation.row.status, conversation.row.revision) == ("approved", 2)
    edit = conversation.history[1]
    assert (edit.action, edit.turn_number, edit.revision) == ("edit", 2, 2)
    kept = await revisions.of_conversation(db, first)
    assert [[turn.content for turn in each.turns] for each in kept] == [[before[0], "An answer. More"], before]
    assert [(each.number, each.origin, each.author) for each in kept] == [(2, "edited", "ada"), (1, "imported", "ada")]


async def test_fix_and_approve_is_two_keys_however_fast(app: TraintuiApp, db: Database) -> None:
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await editing(pilot, app, first, turn=1)
        await pilot.press("ctrl+end", *" More")
        app.simulate_key("ctrl+s")
        app.simulate_key("a")
        await until(pilot, lambda: on_screen(app) == second)
        await written(app)
    conversation = await conversations.read(db, first)
    assert (conversation.row.status, conversation.row.revision) == ("approved", 2)


async def test_undo_takes_an_edit_back(app: TraintuiApp, db: Database) -> None:
    (first,) = await imported(db)
    before = await texts(db, first)
    async with app.run_test(size=(120, 40)) as pilot:
        await editing(pilot, app, first)
        await pilot.press(*"Oh ", "ctrl+s")
        await until(pilot, lambda: "saved" in said(app, "#said"))
        await pilot.press("u")
        await until(pilot, lambda: "undone: edit" in said(app, "#said"))
    assert await texts(db, first) == before


async def test_a_turn_is_not_edited_to_nothing(app: TraintuiApp, db: Database) -> None:
    (first,) = await imported(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await editing(pilot, app, first)
        await pilot.press("f7", "delete", "ctrl+s")
        await until(pilot, lambda: "Nothing left" in answer(app))
        assert "delete it" in answer(app)
        await pilot.press(*"Why?", "ctrl+s")
        await until(pilot, lambda: "saved" in said(app, "#said"))
    assert (await texts(db, first))[0] == "Why?"


async def test_leaving_keeps_what_was_typed_for_the_next_time(app: TraintuiApp, db: Database) -> None:
    (first,) = await imported(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await editing(pilot, app, first)
        await pilot.press(*"Oh ", "escape")
        await until(pilot, lambda: "turn 1: not saved" in said(app, "#said"))
        await until(pilot, lambda: "not saved: turn 1" in said(app, "#position"))
        await pilot.press("1", "2")  # another screen and back
        await until(pilot, lambda: app.screen is review_of(app))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, TurnEditor) and app.screen.field.text.startswith("Oh "))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "turn 1 saved" in said(app, "#said"))
        assert "not saved" not in said(app, "#position")
    assert (await texts(db, first))[0].startswith("Oh ")


async def test_what_was_typed_survives_the_end_of_the_app(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINTUI_CONFIG", str(tmp_path / "config.toml"))
    (first,) = await imported(db)
    one = TraintuiApp(Settings(home=tmp_path), workspace=db)
    async with one.run_test(size=(120, 40)) as pilot:
        await editing(pilot, one, first)
        await pilot.press(*"Oh ")
        await until(pilot, lambda: (tmp_path / "drafts.json").exists())
        one.run_quit()
        await until(pilot, lambda: not one.is_running)
    other = TraintuiApp(Settings(home=tmp_path), workspace=db)
    async with other.run_test(size=(120, 40)) as pilot:
        field = (await editing(pilot, other, first)).field
        assert field.text.startswith("Oh ")
    assert (tmp_path / "drafts.json").stat().st_mode & 0o077 == 0


async def test_nothing_typed_leaves_nothing_behind(app: TraintuiApp, db: Database) -> None:
    (first,) = await imported(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await editing(pilot, app, first)
        await pilot.press(*"Oh", "backspace", "backspace", "escape")
        await until(pilot, lambda: "Nothing was changed" in said(app, "#said"))
    assert (await conversations.read(db, first)).row.revision == 1


async def test_saving_what_was_not_changed_leaves_the_editor_open_for_what_is_typed_on(
    app: TraintuiApp, db: Database
) -> None:
    (first,) = await imported(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await editing(pilot, app, first)
        await pilot.press("ctrl+s", *"x1 a")
        await until(pilot, lambda: editor(app).field.text.startswith("x1 a"))
        await pilot.press(*["backspace"] * 4, "ctrl+s")
        await until(pilot, lambda: "Nothing was changed: esc leaves." in answer(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is review_of(app))
    assert await status(db, first) == "generated" and (await conversations.read(db, first)).row.revision == 1


async def test_what_another_saved_meanwhile_stands_beside_what_was_typed(app: TraintuiApp, db: Database) -> None:
    (first,) = await imported(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await editing(pilot, app, first)
        await pilot.press(*"Mine ")
        now = await conversations.read(db, first)
        await reviews.edit(
            db, reviews.Seen.of(now.row), system_prompt=None, turns=turns_said("Theirs.", "An answer."), key="theirs"
        )
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "nothing was saved" in answer(app))
        difference = editor(app).difference
        await until(pilot, lambda: "Theirs." in difference.plain and "Mine Question" in difference.plain)
        assert (await texts(db, first))[0] == "Theirs."
        assert editor(app).field.text.startswith("Mine Question")
        await until(pilot, lambda: not editor(app).field.read_only)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "turn 1 saved: revision 3" in said(app, "#said"))
    assert (await texts(db, first))[0].startswith("Mine Question")


async def test_a_draft_of_an_older_revision_says_so_when_it_is_opened_again(app: TraintuiApp, db: Database) -> None:
    (first,) = await imported(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await editing(pilot, app, first)
        await pilot.press(*"Mine ", "escape")
        await reviews.edit(
            db, await seen(db, first), system_prompt=None, turns=turns_said("Theirs.", "An answer."), key="theirs"
        )
        await pilot.press("r")
        shown = review_of(app).reading
        await until(pilot, lambda: shown.shown is not None and shown.shown.row.revision == 2 and shown.seconds_seen)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, TurnEditor) and "changed since" in answer(app))
        assert editor(app).field.text.startswith("Mine ")


async def test_a_conversation_deleted_meanwhile_leaves_the_text_in_the_editor(app: TraintuiApp, db: Database) -> None:
    (first,) = await imported(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await editing(pilot, app, first)
        await pilot.press(*"Mine ")
        from traintui.data import bulk

        row = (await conversations.read(db, first)).row
        await bulk.trash(db, [row.id], deleted=True)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Not saved" in answer(app) and "trash" in answer(app))
        assert editor(app).field.text.startswith("Mine ")


async def test_a_paste_of_ten_megabytes_is_refused_and_nothing_is_lost(app: TraintuiApp, db: Database) -> None:
    (first,) = await imported(db)
    async with app.run_test(size=(120, 40)) as pilot:
        field = (await editing(pilot, app, first)).field
        before = field.text
        field.post_message(Paste("x" * 10_000_000))
        await until(pilot, lambda: "10,000,000 characters are more" in answer(app))
        assert field.text == before
        field.post_message(Paste("two\r\nlines "))
        await until(pilot, lambda: field.text == f"two\nlines {before}")


async def test_signs_that_act_on_a_terminal_are_shown_and_kept(app: TraintuiApp, db: Database) -> None:
    odd = "a\x1b[31mred\r\n\u05e9\u05dc\u05d5\u05dd \u202eabc \u2028 👩\u200d👩\u200d👧 👍🏽 e\u0301\ttab"
    (first,) = await imported(db, turns=turns_of(odd, "So."))
    async with app.run_test(size=(120, 40)) as pilot:
        field = (await editing(pilot, app, first)).field
        drawn = "".join(segment.text for y in range(field.size.height) for segment in field.render_line(y))
        assert "␛[31mred␍" in drawn and "\x1b" not in drawn and "\u202e" not in drawn and "\u2028" not in drawn
        assert field.written == odd
        await pilot.press("ctrl+end", "!", "ctrl+s")
        await until(pilot, lambda: "saved" in said(app, "#said"))
    assert (await texts(db, first))[0] == odd + "!"


async def test_w_says_whether_a_turn_is_trained_on(app: TraintuiApp, db: Database) -> None:
    (first,) = await imported(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("j", "w")
        await until(pilot, lambda: "turn 2 is not trained on: revision 2" in said(app, "#said"))
        await until(pilot, lambda: on_screen(app) == first)
        await pilot.press("w")
        await until(pilot, lambda: "turn 2 is trained on: revision 3" in said(app, "#said"))
    assert [turn.train for turn in (await conversations.read(db, first)).turns] == [True, True]


async def test_an_edit_of_a_decided_conversation_makes_it_wait_again(app: TraintuiApp, db: Database) -> None:
    first, second = await imported(db, 2)
    await reviews.decide(db, await seen(db, first), "approve", key="once")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, second)
        review_of(app).visit(first)
        await until(pilot, lambda: on_screen(app) == first)
        await until(pilot, lambda: "Not waiting" in said(app, "#position"))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, TurnEditor) and app.screen.field.has_focus)
        await pilot.press(*"So ", "ctrl+s")
        await until(pilot, lambda: "1 of 2 waiting" in said(app, "#position"))
    assert await status(db, first) == "generated"


async def test_who_may_not_review_edits_nothing(conninfo: Conninfo, db: Database, tmp_path: Path) -> None:
    (first,) = await imported(db)
    async with logged_in(conninfo("audrey")) as auditor:
        app = TraintuiApp(Settings(home=tmp_path), workspace=auditor)
        async with app.run_test(size=(120, 40)) as pilot:
            await opened(pilot, app, first)
            await pilot.press("e", "w", "j")
            await until(pilot, lambda: review_of(app).reading.transcript.turn == 1)
            assert app.screen is review_of(app)
    assert (await conversations.read(db, first)).row.revision == 1


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_the_editor_lies_over_its_turn(app: TraintuiApp, db: Database, size: tuple[int, int]) -> None:
    (first,) = await imported(db, turns=turns_of(*(f"Line {place}.\n" * 6 for place in range(8))))
    async with app.run_test(size=size) as pilot:
        panel = (await editing(pilot, app, first, turn=5)).panel
        transcript = review_of(app).reading.transcript
        await until(pilot, lambda: transcript.region.contains_region(panel.region))
        turn = transcript.place_of(5)
        assert panel.region.y <= turn.y and panel.region.bottom >= turn.bottom
