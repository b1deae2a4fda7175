"""A press outlives an outage and the app; what came too late shows both versions; others' decisions are seen soon."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import psycopg
import pytest
from textual.pilot import Pilot
from textual.widgets import Static, TextArea

from interruptions import away
from screens.test_review import on_screen, opened, review_of
from screens.test_review import said as says
from screens.waiting import Waiting, until, written
from support import Conninfo, approved, fetch, imported, said, scalar, seen, status
from traintui import clock
from traintui.app import TraintuiApp
from traintui.data import bulk, conversations, reviews
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.outbox.outcomes import Refusal
from traintui.outbox.presses import Decision, Flag, Undo
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.decide_anew import DecideAnew
from traintui.screens.leaving import LeavingUnsent
from traintui.screens.note import NoteDialog
from traintui.screens.read_ahead import LEAST, MOST, NEXT
from traintui.screens.reasons import ReasonsDialog
from traintui.screens.turn_editor import TurnEditor
from traintui.settings import Settings
from traintui.widgets.unsent import UnsentLine

LOG = "SELECT conversation_id, action FROM review_logs WHERE action <> 'import' ORDER BY id"


def line(app: TraintuiApp) -> str:
    """What stands under the header; nothing where it is hidden."""
    found = app.screen_stack[0].query_one(UnsentLine)
    return str(found.content) if found.display else ""


async def log(db: Database) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in await fetch(db, LOG)]


async def read_ahead(pilot: Pilot[None], app: TraintuiApp, number: int) -> None:
    """Waits until the next ones are here: without the database only those can be read."""
    await until(pilot, lambda: len(review_of(app)._known._known) >= number)


async def test_keys_go_on_while_the_database_is_away_and_are_saved_in_order_when_it_is_back(
    app: TraintuiApp, db: Database, server: EmbeddedServer
) -> None:
    first, second, third = await imported(db, 3)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await read_ahead(pilot, app, 3)
        with away(server):
            await pilot.press("a")
            await until(pilot, lambda: on_screen(app) == second and "not saved yet: 1" in line(app))
            assert "kept on this machine" in line(app)
            kept = "kept: approve of {}, sent when the database is back"
            await until(pilot, lambda: kept.format(first) in says(app, "#said"))
            await pilot.press("a")
            await until(pilot, lambda: on_screen(app) == third and "not saved yet: 2" in says(app, "#position"))
            await until(pilot, lambda: kept.format(second) in says(app, "#said"))
            await pilot.press("f")
            await until(pilot, lambda: f"kept: flag of {third}" in says(app, "#said"))
        await until(pilot, lambda: not line(app) and app.outbox is not None and not app.outbox.waiting)
        await until(pilot, lambda: f"approved  {second}" in says(app, "#said"))
        assert "not saved" not in says(app, "#position")
    assert await log(db) == [(first, "approve"), (second, "approve"), (third, "flag")]


async def test_an_embedded_database_that_somebody_stopped_is_left_alone_and_the_line_says_what_to_do(
    db: Database, server: EmbeddedServer, tmp_path: Path
) -> None:
    first, _ = await imported(db, 2)
    app = TraintuiApp(Settings(home=tmp_path), workspace=replace(db, server=server))
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        with away(server):
            await until(pilot, lambda: "Quit and start Traintui again" in line(app))
            await pilot.press("a")
            await until(pilot, lambda: "not saved yet: 1   The database was stopped." in line(app))
            assert not server.running() and ".s.PGSQL" not in line(app)
        await until(pilot, lambda: not line(app) and app.outbox is not None and not app.outbox.waiting)
    assert await log(db) == [(first, "approve")]


@pytest.mark.parametrize("seconds_between_looks", [0.7, 3_600.0])
async def test_an_outage_leaves_enough_to_go_on_with_and_says_when_that_is_used_up(
    app: TraintuiApp, db: Database, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch,
    seconds_between_looks: float,
) -> None:  # fmt: skip
    monkeypatch.setattr("traintui.app.LOOK", seconds_between_looks)  # also where only Review notices it
    ids = await imported(db, MOST + 3)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, ids[0])
        await read_ahead(pilot, app, LEAST)
        assert await scalar(db, "SELECT count(*) FROM reservations") == 1 + NEXT
        review = review_of(app)

        def is_used_up() -> bool:
            notice = review.reading.notice
            return review.reading.has_class("-nothing") and "Nothing more was read ahead" in str(notice.content)

        with away(server):
            for number in range(1, len(ids) + 1):
                await pilot.press("a")
                await until(pilot, partial(lambda number: f"not saved yet: {number}" in line(app), number))
                if number == 1:
                    await until(pilot, lambda: review._away)
                    review.reservation._until = clock.ticks() - 1  # as after a minute, in which nobody could renew it
                following = ids[number]
                await until(
                    pilot,
                    partial(lambda one: on_screen(app) == one or is_used_up(), following),
                )
                if is_used_up():
                    break
            assert number >= LEAST
            assert "The database is away" in str(review.reading.notice.content) and not app._notifications
        await until(pilot, lambda: on_screen(app) == ids[number] and app.outbox and not app.outbox.waiting)
        assert not app._notifications
    assert await log(db) == [(one, "approve") for one in ids[:number]]


async def test_an_undo_while_presses_wait_takes_back_the_newest_that_was_not_sent(
    app: TraintuiApp, db: Database, server: EmbeddedServer
) -> None:
    first, second, third = await imported(db, 3)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await read_ahead(pilot, app, 3)
        with away(server):
            await pilot.press("a")
            await until(pilot, lambda: on_screen(app) == second and "not saved yet: 1" in line(app))
            await pilot.press("a")
            await until(pilot, lambda: on_screen(app) == third and "not saved yet: 2" in line(app))
            await pilot.press("u")
            await until(pilot, lambda: on_screen(app) == second and "not saved yet: 1" in line(app))
            await until(pilot, lambda: "taken back before it was sent" in says(app, "#said"))
            await pilot.press("u")  # the first may have reached the database: its undo waits behind it
            await until(pilot, lambda: "not saved yet: 2" in line(app) and "undo of" in says(app, "#said"))
        await until(pilot, lambda: on_screen(app) == first and not line(app))
        await until(pilot, lambda: says(app, "#said") == f"↶ undone: {first}")
    assert await log(db) == [(first, "approve"), (first, "undo")]
    assert await status(db, second) == "generated"


async def test_closing_with_unsent_presses_says_so_and_the_next_start_sends_them(
    app: TraintuiApp, db: Database, server: EmbeddedServer, tmp_path: Path
) -> None:
    first, second, _ = await imported(db, 3)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await read_ahead(pilot, app, 3)
        with away(server):
            await pilot.press("a")
            await until(pilot, lambda: on_screen(app) == second and "not saved yet: 1" in line(app))
            await pilot.press("q")
            await until(pilot, lambda: isinstance(app.screen, LeavingUnsent))
            shown = "\n".join(str(each.content) for each in app.screen.query(Static))
            assert "The next start here sends them" in shown
            await pilot.press("escape")
            assert app.is_running and not isinstance(app.screen, LeavingUnsent)
            await pilot.press("q")
            await until(pilot, lambda: isinstance(app.screen, LeavingUnsent))
            await pilot.press("q")
            await until(pilot, lambda: not app.is_running)
    assert await log(db) == []
    again = TraintuiApp(Settings(home=tmp_path), workspace=db)
    async with again.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Saved at this start: 1 press that had waited" in line(again))
        await opened(pilot, again, None)
    assert await log(db) == [(first, "approve")]


async def test_a_press_on_the_table_waits_like_one_in_review(
    app: TraintuiApp, db: Database, server: EmbeddedServer
) -> None:
    await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        table = app.screen_stack[0]
        assert isinstance(table, ConversationsScreen)
        await until(pilot, lambda: table.table.current is not None and app.live and app.live.mirror)
        assert table.table.current is not None
        one = table.table.current.conversation_id
        with away(server):
            await pilot.press("f", "a")
            await until(pilot, lambda: "not saved yet: 2" in line(app))
        await until(pilot, lambda: not line(app) and f"approved  {one}" in str(table.said.content))
    assert await log(db) == [(one, "flag"), (one, "approve")]


async def test_an_undo_on_the_table_that_waited_is_said_to_be_saved_once_it_is(
    app: TraintuiApp, db: Database, server: EmbeddedServer
) -> None:
    (one,) = await imported(db)
    await approved(db, one)
    async with app.run_test(size=(120, 40)) as pilot:
        table = app.screen_stack[0]
        assert isinstance(table, ConversationsScreen)
        await until(pilot, lambda: table.table.current is not None and app.live and app.live.mirror)
        (last,) = [entry for entry in (await conversations.read(db, one)).history if entry.action == "approve"]
        with away(server):
            undo = Undo(reviews.new_key(), clock.now(), one, log_id=last.id)
            assert app.outbox is not None
            undone, answer = await table._undoing._press(app.outbox, undo, "")
            table._say(answer)
            assert undone is None and "not saved yet: the undo of" in str(table.said.content)
        await until(pilot, lambda: str(table.said.content) == f"↶ undone: {one}")
    assert await status(db, one) == "generated"


async def test_sending_that_ends_by_a_fault_is_said_and_begins_again(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        ended = app.outbox
        assert ended is not None

        def broken(_: object) -> None:
            raise ValueError("nobody thought of this")

        monkeypatch.setattr(ended, "_told", broken)
        await pilot.press("a")
        await until(pilot, lambda: any("Sending stopped" in note.title for note in app._notifications))
        assert any("nobody thought of this" in note.message for note in app._notifications)
        await until(pilot, lambda: on_screen(app) == second)
        await pilot.press("a")
        await until(pilot, lambda: f"approved  {second}" in says(app, "#said"))
    assert await log(db) == [(first, "approve"), (second, "approve")]


async def test_what_a_restart_of_sending_takes_over_is_not_told_as_of_an_earlier_run(
    app: TraintuiApp, db: Database, server: EmbeddedServer
) -> None:
    first, second, _ = await imported(db, 3)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await read_ahead(pilot, app, 3)
        with away(server):
            await pilot.press("a")
            await until(pilot, lambda: on_screen(app) == second and "not saved yet: 1" in line(app))
            (ended,) = app.sending
            assert app.workspace is not None
            ended.cancel()
            await until(pilot, lambda: ended.is_finished)
            app.sending_failed(app.workspace, ValueError("nobody thought of this"))
            await until(pilot, lambda: app.outbox and app.outbox.left_over == 1)
        await until(pilot, lambda: "Saved since sending began again: 1 press" in line(app))
    assert await log(db) == [(first, "approve")]


async def test_what_came_too_late_and_is_no_decision_is_answered(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db, 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        error = Refused("Changed meanwhile", f"{one} is another one.", "Read it again.", code="TT001")
        app._became(Refusal(Flag(reviews.new_key(), clock.now(), one, True), error))
        await until(pilot, lambda: any("Changed meanwhile" in note.title for note in app._notifications))


async def test_a_decision_is_said_to_wait_where_an_edit_before_it_waits_for_an_answer(
    app: TraintuiApp, db: Database, conninfo: Callable[[str], str]
) -> None:
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await read_ahead(pilot, app, 2)
        with psycopg.connect(conninfo(SUPERUSER)) as connection:  # somebody holds it for a while
            hold = "SELECT FROM conversations WHERE conversation_id = %s FOR UPDATE"
            await asyncio.to_thread(connection.execute, hold, [first])
            await pilot.press("e")
            await until(pilot, lambda: isinstance(app.screen, TurnEditor) and app.screen.field.has_focus)
            await pilot.press(*"So ", "ctrl+s")
            await until(pilot, lambda: "not saved yet: turn 1" in says(app, "#said"))
            assert app.outbox is not None and app.outbox.away is None
            await until(pilot, lambda: on_screen(app) == first)
            await pilot.press("a")
            await until(pilot, lambda: on_screen(app) == second and "approve of" in says(app, "#said"))
        await until(pilot, lambda: f"approved  {first}" in says(app, "#said"))
    assert await log(db) == [(first, "edit"), (first, "approve")]


# Too late


async def edited(db: Database, one: str) -> None:
    """Somebody else writes another answer."""
    turns = said("Question?", "A better answer.")
    await reviews.edit(db, await seen(db, one), system_prompt=None, turns=turns, key=reviews.new_key())


async def too_late(pilot: Pilot[None], app: TraintuiApp) -> DecideAnew:
    await until(pilot, lambda: isinstance(app.screen, DecideAnew))
    dialog = app.screen
    assert isinstance(dialog, DecideAnew)
    await until(pilot, lambda: dialog._newest is not None)
    return dialog


async def test_both_versions_are_shown_and_one_key_decides_on_the_newest(
    db: Database, reviewer_db: Database, tmp_path: Path
) -> None:
    first, second = await imported(db, 2)
    app = Waiting(Settings(home=tmp_path), workspace=db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await edited(reviewer_db, first)
        await pilot.press("a")
        dialog = await too_late(pilot, app)
        await until(pilot, lambda: "Your approve of revision 1 was not applied" in str(dialog.says.content))
        await until(pilot, lambda: "edit by rita" in str(dialog.says.content))
        await until(
            pilot,
            lambda: all(text in dialog.difference.plain for text in ("An answer.", "A better answer.", "revision 2")),
        )
        await pilot.press("a", "a", "a")  # a held key decides nothing here
        assert await log(db) == [(first, "edit")]
        await pilot.press("y")
        await until(pilot, lambda: app.screen is review_of(app))
        await written(app)
        await until(pilot, lambda: app.outbox is not None and not app.outbox.waiting)
        await until(pilot, lambda: on_screen(app) == second)
    assert await log(db) == [(first, "edit"), (first, "approve")]
    assert (await conversations.read(db, first)).history[0].revision == 2


async def test_left_alone_it_comes_back_with_its_note(db: Database, reviewer_db: Database, tmp_path: Path) -> None:
    first, second = await imported(db, 2)
    app = Waiting(Settings(home=tmp_path), workspace=db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NoteDialog))
        await pilot.press(*"fee", "ctrl+s")
        await until(pilot, lambda: "fee" in says(app, "#position"))
        await edited(reviewer_db, first)
        await pilot.press("a")
        await too_late(pilot, app)
        await pilot.press("escape")
        await until(pilot, lambda: on_screen(app) == second)
        await pilot.press("space")
        await until(pilot, lambda: on_screen(app) == first and "fee" in says(app, "#position"))
    assert await log(db) == [(first, "edit")]


async def test_where_somebody_decided_the_same_nothing_is_left_to_decide(
    db: Database, reviewer_db: Database, tmp_path: Path
) -> None:
    (only,) = await imported(db, 1)
    app = Waiting(Settings(home=tmp_path), workspace=db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, only)
        await approved(reviewer_db, only)
        await pilot.press("a")
        dialog = await too_late(pilot, app)
        await until(
            pilot,
            lambda: (
                "nothing is left to decide" in str(dialog.says.content)
                and "the text is the same" in str(dialog.says.content)
            ),
        )
        await pilot.press("y")
        assert app.screen is dialog
        await pilot.press("escape")
    assert await log(db) == [(only, "approve")]


async def test_nobody_who_writes_is_interrupted_by_it(db: Database, reviewer_db: Database, tmp_path: Path) -> None:
    first, second = await imported(db, 2)
    app = Waiting(Settings(home=tmp_path), workspace=db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await edited(reviewer_db, first)
        review = review_of(app)
        review.action_decide("approve")
        await until(pilot, lambda: on_screen(app) == second)
        review.action_note()
        await until(pilot, lambda: isinstance(app.screen, NoteDialog) and bool(app._stale))
        await pilot.press(*"yes")
        assert app.screen.query_one(TextArea).text == "yes"
        await pilot.press("escape")
        await too_late(pilot, app)
    assert await log(db) == [(first, "edit")]


@pytest.mark.parametrize("meanwhile", ["approve", "edit"])
async def test_a_rejection_is_of_what_was_on_the_screen_when_its_reason_was_asked_for(
    app: TraintuiApp, db: Database, reviewer_db: Database, meanwhile: str
) -> None:
    first, _ = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await until(pilot, lambda: app.live and app.live.mirror)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonsDialog))
        await (approved if meanwhile == "approve" else edited)(reviewer_db, first)
        await until(pilot, lambda: f"{meanwhile} by rita" in says(app, "#said"))  # below the question
        await until(pilot, lambda: on_screen(app) == first)
        await pilot.press("2")
        dialog = await too_late(pilot, app)
        await until(pilot, lambda: "Your reject of revision 1 was not applied" in str(dialog.says.content))
        await pilot.press("escape")
    assert await log(db) == [(first, meanwhile)]


async def test_a_rejection_of_what_went_from_the_screen_while_it_was_asked_about_is_answered(
    app: TraintuiApp, db: Database
) -> None:
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonsDialog))
        review_of(app).action_step(1)
        await until(pilot, lambda: on_screen(app) == second)
        await pilot.press("2")
        await until(pilot, lambda: f"rejected  {first}" in says(app, "#said"))
        assert on_screen(app) == second
    assert await log(db) == [(first, "reject")]


async def test_what_somebody_else_decided_is_said_and_painted_before_it_is_decided_again(
    db: Database, reviewer_db: Database, tmp_path: Path
) -> None:
    (only,) = await imported(db, 1)
    app = Waiting(Settings(home=tmp_path), workspace=db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, only)
        await approved(reviewer_db, only)
        review = review_of(app)
        review._show(await conversations.read(db, only))
        assert review.reading.seconds_seen is None
        assert "changed meanwhile: approve by rita" in says(app, "#said")
        review.action_decide("reject")  # meant for what stood there before
        await until(pilot, lambda: on_screen(app) == only)
        await written(app)
    assert await log(db) == [(only, "approve")]


async def test_what_is_refused_while_one_is_asked_is_told_too(
    db: Database, reviewer_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traintui.screens.unsent.TOGETHER", 0.001)  # each is answered on its own
    ids = await imported(db, 4)
    app = Waiting(Settings(home=tmp_path), workspace=db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, ids[0])
        await read_ahead(pilot, app, 3)
        review = review_of(app)
        await edited(reviewer_db, ids[0])
        await edited(reviewer_db, ids[1])
        review.action_decide("approve")
        first = await too_late(pilot, app)
        await until(pilot, lambda: on_screen(app) == ids[1])
        review.action_decide("approve")  # a second one that is asked after it
        await until(pilot, lambda: on_screen(app) == ids[2] and len(app._stale) == 1)
        await bulk.trash(db, [(await conversations.read(db, ids[2])).row.id], True)
        review.action_decide("approve")
        await until(pilot, lambda: any("trash" in note.message for note in app._notifications))
        assert app.screen is first
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not first)
        await too_late(pilot, app)
        await pilot.press("escape")


async def test_many_refusals_at_once_are_one_answer(
    app: TraintuiApp, db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traintui.screens.unsent.TOGETHER", 0.001)  # on a busy machine each takes longer
    ids = await imported(db, 3)
    await imported(db, 1)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, ids[0])
        await read_ahead(pilot, app, 3)
        await bulk.trash(db, [(await conversations.read(db, one)).row.id for one in ids], True)
        assert app.outbox is not None
        async with await psycopg.AsyncConnection.connect(conninfo(SUPERUSER)) as busy:
            await busy.execute("SELECT FROM conversations WHERE conversation_id = %s FOR UPDATE", [ids[0]])
            for one in ids:
                await app.outbox.keep(Decision(reviews.new_key(), clock.now(), one, "approve", 1, None))
        await until(pilot, lambda: app.outbox and not app.outbox.waiting and not app._refused)
        (note,) = app._notifications
        assert "3 presses were refused" in note.message and "trash" in note.message


# Others


async def test_what_somebody_else_decides_leaves_the_queue_with_the_change_feed_and_not_with_the_next_poll(
    app: TraintuiApp, db: Database, reviewer_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traintui.screens.review_waiting.POLL", 3_600)
    first, second, third, fourth = await imported(db, 4)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        screen = review_of(app)
        await until(pilot, lambda: app.live and app.live.mirror and len(screen.queue.ids) == 4)
        await approved(reviewer_db, third)
        await until(pilot, lambda: third not in screen.queue.ids)
        # One comes and one goes: the numbers say nothing of it.
        await approved(reviewer_db, fourth)
        (new,) = await imported(db, 1)
        await until(pilot, lambda: screen.queue.ids == [first, second, new])
        await edited(reviewer_db, first)
        await until(pilot, lambda: "revision 2" in says(app, "#position") and on_screen(app) == first)
        await approved(reviewer_db, first)
        await until(pilot, lambda: "Not waiting" in says(app, "#position") and "approved" in says(app, "#position"))


async def test_a_conversation_that_is_deleted_while_it_is_open_is_not_decided(app: TraintuiApp, db: Database) -> None:
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await until(pilot, lambda: app.live and app.live.mirror)
        await bulk.trash(db, [(await conversations.read(db, first)).row.id], True)
        await until(pilot, lambda: "Not waiting" in says(app, "#position"))
        await pilot.press("a")
        await until(pilot, lambda: any("trash" in note.message for note in app._notifications))
        await until(pilot, lambda: on_screen(app) == second and first not in review_of(app).queue.ids)
    assert await scalar(db, "SELECT status FROM conversations WHERE conversation_id = :one", one=first) == "generated"


async def test_who_lost_the_right_meanwhile_is_answered_and_decides_nothing(
    conninfo: Callable[[str], str], db: Database, tmp_path: Path
) -> None:
    from support import logged_in

    (only,) = await imported(db, 1)
    async with logged_in(conninfo("audrey")) as auditor:
        app = Waiting(Settings(home=tmp_path), workspace=replace(auditor, role="auditor"))
        async with app.run_test(size=(120, 40)) as pilot:
            await opened(pilot, app, only)
            review_of(app).action_decide("approve")  # as if the role had been another one when the app began
            await until(pilot, lambda: any("No right" in note.title for note in app._notifications))
    assert await status(db, only) == "generated"
