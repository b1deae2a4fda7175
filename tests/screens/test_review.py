"""One key, one decision, the next conversation is there; nothing is decided unseen, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import event
from textual.containers import Vertical
from textual.events import Key, Paste
from textual.pilot import Pilot
from textual.widgets import Static, TextArea

from screens.waiting import Waiting, until, written
from support import Conninfo, approved, imported, logged_in, seen, status
from traintui.app import TraintuiApp
from traintui.data import conversations, reviews
from traintui.data.engine import Database
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.note import NoteDialog
from traintui.screens.reasons import ReasonsDialog
from traintui.screens.review import ReviewScreen
from traintui.settings import Settings


def review_of(app: TraintuiApp) -> ReviewScreen:
    screen = app.get_screen_stack("review")[0]
    assert isinstance(screen, ReviewScreen)
    return screen


def on_screen(app: TraintuiApp) -> str | None:
    """What may be decided: it is current and painted."""
    reading = review_of(app).reading
    return reading.shown.row.conversation_id if reading.shown is not None and reading.seconds_seen is not None else None


def said(app: TraintuiApp, widget: str) -> str:
    return str(review_of(app).query_one(widget, Static).content)


async def opened(pilot: Pilot[None], app: TraintuiApp, first: str | None) -> None:
    await pilot.press("2")
    await until(pilot, lambda: "review" in app._screen_stacks and (first is None or on_screen(app) == first))
    await until(pilot, lambda: first is None or review_of(app).reading.transcript.has_focus)  # keys arrive there


async def test_what_comes_just_as_reading_takes_a_while_is_not_covered(app: TraintuiApp, db: Database) -> None:
    (only,) = await imported(db, 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, only)
        reading = review_of(app).reading
        shown = reading.shown
        assert shown is not None
        reading.nothing("loading", "Reading")
        timer = reading._soon
        assert timer is not None and timer._callback is not None
        reading.show(shown, app.labels)
        timer._callback()  # was under way already when the text came
        await until(pilot, lambda: on_screen(app) == only)
        assert not reading.has_class("-nothing")


async def test_one_key_decides_and_the_next_is_there(app: TraintuiApp, db: Database) -> None:
    first, second, third = await imported(db, 3)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await until(pilot, lambda: "1 of 3 waiting" in said(app, "#position"))
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonsDialog))
        await pilot.press("2")
        await until(pilot, lambda: on_screen(app) == third)
        await until(pilot, lambda: "rejected" in said(app, "#said"))
    assert (await status(db, first), await status(db, second)) == ("approved", "rejected")
    entry = (await conversations.read(db, second)).history[0]
    assert (entry.action, entry.reason) == ("reject", (await reviews.reasons(db))[1])


async def test_the_lowest_score_comes_first(app: TraintuiApp, db: Database) -> None:
    await imported(db, quality_score="8.0")
    (worst,) = await imported(db, quality_score="2.5")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, worst)
        shown = review_of(app).reading.shown
        assert shown is not None and shown.row.quality_score == Decimal("2.50")


async def test_a_held_key_decides_nothing_that_was_not_painted(app: TraintuiApp, db: Database) -> None:
    ids = await imported(db, 12)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, ids[0])
        screen = review_of(app)
        # Twelve presses before anything is painted again: only the first one counts.
        for _ in range(12):
            screen.action_decide("approve")
        await until(pilot, lambda: on_screen(app) == ids[1])
        await until(pilot, lambda: "approved" in said(app, "#said"))
    assert [await status(db, one) for one in ids] == ["approved"] + ["generated"] * 11


async def test_what_was_there_is_seen_until_reading_takes_a_while_and_is_not_decided(
    app: TraintuiApp, db: Database
) -> None:
    (only,) = await imported(db, 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, only)
        reading = review_of(app).reading
        shown = reading.shown
        assert shown is not None
        reading.nothing("loading", "Reading")
        assert not reading.has_class("-nothing")
        review_of(app).action_decide("approve")
        await until(pilot, lambda: reading.has_class("-nothing") and "Reading" in str(reading.notice.content))
        reading.show(shown, {})
        reading.nothing("loading", "Reading")
        reading.show(shown, {})
        assert reading._soon is None and not reading.has_class("-nothing")
    assert await status(db, only) == "generated"


async def test_undo_brings_the_conversation_back(app: TraintuiApp, db: Database) -> None:
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second)
        await pilot.press("u")
        await until(pilot, lambda: on_screen(app) == first)
        await until(pilot, lambda: "2 waiting" in said(app, "#position"))
        await until(pilot, lambda: f"undone: approve of {first}" in said(app, "#said"))
    assert await status(db, first) == "generated"


async def test_each_undo_takes_back_one_more_however_fast_it_comes(app: TraintuiApp, db: Database) -> None:
    first, second, third = await imported(db, 3)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second and first in said(app, "#said"))
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == third and second in said(app, "#said"))
        table = app.get_screen_stack("conversations")[0]
        assert isinstance(table, ConversationsScreen)
        review_of(app).action_undo()
        table.action_undo()
        await written(app)
        await until(pilot, lambda: on_screen(app) == first)
        assert not app._notifications
    assert [await status(db, one) for one in (first, second)] == ["generated"] * 2


async def test_undoing_what_was_exported_warns_first(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def exported(*_: object) -> bool:
        return True

    monkeypatch.setattr(reviews, "exported_since", exported)
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second and first in said(app, "#said"))
        await pilot.press("u")
        await until(pilot, lambda: "exported meanwhile" in said(app, "#said"))
        assert await status(db, first) == "approved"
        await pilot.press("u")
        await until(pilot, lambda: on_screen(app) == first)
    assert await status(db, first) == "generated"


async def test_deciding_a_guest_anew_leaves_the_number_that_wait(app: TraintuiApp, db: Database) -> None:
    first, second = await imported(db, 2)
    await approved(db, first)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, second)
        screen = review_of(app)
        screen.visit(first)
        await until(pilot, lambda: on_screen(app) == first)
        before = screen.queue.waiting
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonsDialog))
        await pilot.press("1")
        await until(pilot, lambda: f"rejected  {first}  " in said(app, "#said"))
        assert screen.queue.waiting == before == 1


async def test_who_decides_what_is_decided_so_already_goes_on(app: TraintuiApp, db: Database) -> None:
    first, second = await imported(db, 2)
    await approved(db, first)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, second)
        screen = review_of(app)
        screen.visit(first)
        await until(pilot, lambda: on_screen(app) == first)
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second and f"approved already  {first}" in said(app, "#said"))
        await written(app)
    assert await status(db, second) == "generated"
    assert len((await conversations.read(db, first)).history) == 2


async def test_what_was_decided_while_one_looked_elsewhere_says_so_when_one_is_back(
    app: TraintuiApp, db: Database
) -> None:
    first, _ = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await until(pilot, lambda: app.live and app.live.mirror)
        await pilot.press("1")
        await until(pilot, lambda: app.current_mode != "review")
        await approved(db, first)
        await until(pilot, lambda: app.live and (app.live.status_counts() or {}).get("approved"))
        await pilot.press("2")
        await until(pilot, lambda: "Not waiting" in said(app, "#position") and "approved" in said(app, "#position"))
        await until(pilot, lambda: on_screen(app) == first)


async def test_undo_without_a_decision_is_answered(app: TraintuiApp, conninfo: Conninfo) -> None:
    async with logged_in(conninfo("arthur")) as other:
        (first,) = await imported(other, 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("u")
        await until(pilot, lambda: any("Nothing to undo" in note.title for note in app._notifications))
        assert on_screen(app) == first


async def test_note_and_wrong_turn_go_with_the_decision(app: TraintuiApp, db: Database) -> None:
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("j", "t", "n")
        await until(pilot, lambda: isinstance(app.screen, NoteDialog))
        await pilot.press(*"fee", "ctrl+s")
        await until(pilot, lambda: "fee" in said(app, "#position"))
        assert "turn 2" in said(app, "#position")
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second)
        assert "fee" not in said(app, "#position")
        await until(pilot, lambda: first in said(app, "#said"))
    entry = (await conversations.read(db, first)).history[0]
    assert (entry.reviewer_notes, entry.turn_number) == ("fee", 2)


async def test_a_note_loses_what_tells_who_somebody_is(app: TraintuiApp, db: Database) -> None:
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NoteDialog) and isinstance(app.focused, TextArea))
        await pilot.press(*"ask ann@example.org", "ctrl+s")
        await until(pilot, lambda: "✎ ask" in said(app, "#position"))
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second)
        await written(app)
    assert (await conversations.read(db, first)).history[0].reviewer_notes == "ask [e-mail 1]"


async def test_note_and_wrong_turn_stay_while_one_looks_elsewhere_and_come_back_with_an_undo(
    app: TraintuiApp, db: Database
) -> None:
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("j", "t", "n", "f", "e", "e", "ctrl+s")
        await until(pilot, lambda: "fee" in said(app, "#position"))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: on_screen(app) == second)
        assert "turn 2" not in said(app, "#position")
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: on_screen(app) == first)
        await until(pilot, lambda: "✕ turn 2" in said(app, "#position") and "fee" in said(app, "#position"))
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second)
        await written(app)
        await pilot.press("u")
        await until(pilot, lambda: on_screen(app) == first)
        await until(pilot, lambda: "✕ turn 2" in said(app, "#position") and "fee" in said(app, "#position"))


async def test_what_was_typed_right_before_a_key_belongs_to_it(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db, 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NoteDialog) and isinstance(app.focused, TextArea))
        for key in (*(Key(letter, letter) for letter in "fees"), Key("ctrl+s", None)):  # as from a paste: at once
            app.post_message(key)
        await until(pilot, lambda: "✎ fees" in said(app, "#position"))


async def test_enter_keeps_a_note_and_its_lines_are_told_apart(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db, 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NoteDialog) and isinstance(app.focused, TextArea))
        await pilot.press(*"fee", "ctrl+j", *"law", "enter")
        await until(pilot, lambda: "✎ fee / law" in said(app, "#position"))
        await pilot.press("a")
        await until(pilot, lambda: one in said(app, "#said"))
    assert (await conversations.read(db, one)).history[0].reviewer_notes == "fee\nlaw"


async def test_what_was_done_last_is_not_said_for_ever(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    (only,) = await imported(db, 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, only)
        monkeypatch.setattr("traintui.screens.review_reading.SAID", 0.05)
        review_of(app).action_repeat()
        assert "Nothing was decided here yet" in said(app, "#said")
        await until(pilot, lambda: said(app, "#said") == "")


async def test_the_usual_order_is_named_too(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db, 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        assert "lowest score first" in said(app, "#position")


async def test_a_note_that_is_too_long_is_not_kept(app: TraintuiApp, db: Database) -> None:
    (first,) = await imported(db, 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NoteDialog))
        app.screen.query_one(TextArea).text = "x" * 501
        await pilot.press("ctrl+s")
        assert isinstance(app.screen, NoteDialog)
        assert "too long to keep by 1" in str(app.screen.panel.border_subtitle)
        await pilot.press("escape")
        assert "✎" not in said(app, "#position")


STRANGE = (
    "\x1b]52;c;x\x07 \u202eright to left: \u05e9\u05dc\u05d5\u05dd \U0001f469\u200d\U0001f469\u200d\U0001f467"
    " [@click=app.quit]x[/]"
)


async def test_a_note_may_hold_anything_and_is_kept_as_it_is(app: TraintuiApp, db: Database) -> None:
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NoteDialog) and isinstance(app.focused, TextArea))
        app.post_message(Paste(STRANGE))
        await until(pilot, lambda: f"{len(STRANGE)} of 500" in str(app.screen.query_one(Vertical).border_subtitle))
        drawn = "".join(segment.text for line in app.screen._compositor.render_strips() for segment in line)
        assert "\x1b" not in drawn and "\u202e" not in drawn
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "✎" in said(app, "#position"))
        assert "\x1b" not in said(app, "#position") and "\u202e" not in said(app, "#position")
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second and first in said(app, "#said"))
    assert (await conversations.read(db, first)).history[0].reviewer_notes == STRANGE


async def test_ten_megabytes_are_no_note(app: TraintuiApp, db: Database) -> None:
    (first,) = await imported(db, 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NoteDialog) and isinstance(app.focused, TextArea))
        await pilot.press(*"fee")
        app.post_message(Paste("x" * 10_000_000))
        await until(pilot, lambda: "10,000,000" in str(app.screen.query_one(Vertical).border_subtitle))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "✎ fee" in said(app, "#position"))


@pytest.mark.parametrize("letters", ["axu", "1q2"])
async def test_letters_typed_ahead_of_a_note_are_its_text(app: TraintuiApp, db: Database, letters: str) -> None:
    (one,) = await imported(db, 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        for letter in "n" + letters:
            app.post_message(Key(letter, letter))  # before anything could be drawn
        await until(pilot, lambda: isinstance(app.screen, NoteDialog) and app.screen.field.text == letters)
        await written(app)
    assert await status(db, one) == "generated"


async def test_skipping_leaves_it_waiting(app: TraintuiApp, db: Database) -> None:
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("space")
        await until(pilot, lambda: on_screen(app) == second)
        await until(pilot, lambda: "2 of 2 waiting" in said(app, "#position"))
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: on_screen(app) == first)
    assert await status(db, first) == "generated"


async def test_a_flag_is_set_and_shown(app: TraintuiApp, db: Database) -> None:
    (first,) = await imported(db, 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("f")
        await until(pilot, lambda: "flagged" in said(app, "#position"))
    assert (await conversations.read(db, first)).row.flagged


async def test_an_empty_queue_says_so_and_picks_up_what_comes(app: TraintuiApp, db: Database) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, None)
        screen = review_of(app)
        await until(pilot, lambda: "Nothing waits" in str(screen.reading.notice.content))
        (new,) = await imported(db, 1)
        await until(pilot, lambda: on_screen(app) == new)


async def test_the_last_decision_leads_to_the_end(app: TraintuiApp, db: Database) -> None:
    (only,) = await imported(db, 1)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, only)
        await pilot.press("a")
        await until(pilot, lambda: "Nothing waits" in str(review_of(app).reading.notice.content))
        await until(pilot, lambda: only in said(app, "#said"))
    assert await status(db, only) == "approved"


async def test_stored_text_is_shown_and_never_run(app: TraintuiApp, db: Database) -> None:
    hostile = "[@click=app.quit]press[/] [/foo] \x1b]0;x\x07"
    (only,) = await imported(
        db, 1, turns=[{"role": "user", "content": hostile}, {"role": "assistant", "content": hostile}],
        system_prompt=hostile, metadata={},
    )  # fmt: skip
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, only)
        transcript = review_of(app).reading.transcript
        lines = [transcript.render_line(y) for y in range(transcript.size.height)]
        assert any("[@click=app.quit]press[/] [/foo] ␛]0;x␇" in line.text for line in lines)
        assert not any(segment.style and segment.style.meta.get("@click") for line in lines for segment in line)


async def test_an_auditor_reads_and_cannot_decide(db: Database, tmp_path: Path) -> None:
    (only,) = await imported(db, 1)
    app = TraintuiApp(Settings(home=tmp_path), workspace=replace(db, role="auditor"))
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, only)
        await pilot.press("a")
        await pilot.pause()
        assert on_screen(app) == only
    assert await status(db, only) == "generated"


@pytest.mark.parametrize("width", [80, 160])
async def test_the_facts_are_beside_the_text_or_one_key_away(app: TraintuiApp, db: Database, width: int) -> None:
    (only,) = await imported(db, 1)
    async with app.run_test(size=(width, 30)) as pilot:
        await opened(pilot, app, only)
        panel = review_of(app).reading.panel
        assert panel.display == (width > 110)
        await pilot.press("i")
        await pilot.pause()
        assert panel.display == (width < 110)


async def test_time_on_screen_goes_along(app: TraintuiApp, db: Database) -> None:
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        assert (await seen(db, first)).revision == 1
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second and first in said(app, "#said"))
    async with db.read() as connection:
        taken = (
            await connection.exec_driver_sql("SELECT duration_ms FROM review_logs WHERE action = 'approve'")
        ).scalar()
    assert taken is not None and 0 <= taken < 60_000


async def test_how_many_wait_comes_from_the_copy_in_memory_and_follows_what_others_do(
    app: TraintuiApp, db: Database, conninfo: Conninfo
) -> None:
    first, second, *_ = await imported(db, 4)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.live is not None and app.live.mirror is not None)
        statements: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            statements.append(statement)

        event.listen(db.engine.sync_engine, "before_cursor_execute", note)
        await opened(pilot, app, first)
        await until(pilot, lambda: "1 of 4 waiting" in said(app, "#position"))
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second and "1 of 3 waiting" in said(app, "#position"))
        async with logged_in(conninfo("arthur")) as other:
            await imported(other, 2)
        await until(pilot, lambda: "1 of 5 waiting" in said(app, "#position"))
        await pilot.press("u")
        await until(pilot, lambda: on_screen(app) == first and "of 6 waiting" in said(app, "#position"))
        event.remove(db.engine.sync_engine, "before_cursor_execute", note)
        counting = [each for each in statements if "count(*)" in each and "FROM conversations" in each]
        assert not [each for each in counting if "metadata" not in each]  # what Conversations learns of its keys


async def test_before_the_copy_is_there_the_server_says_how_many_wait(db: Database, tmp_path: Path) -> None:
    first, second, _ = await imported(db, 3)
    app = Waiting(Settings(home=tmp_path), workspace=db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await until(pilot, lambda: "1 of 3 waiting" in said(app, "#position"))
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second and "1 of 2 waiting" in said(app, "#position"))
        assert app.live is not None and app.live.mirror is None
