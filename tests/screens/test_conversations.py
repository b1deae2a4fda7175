"""The table shows what is there, keeps up with it, and answers a mistake without losing its rows."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pyroaring import BitMap
from textual.events import Key, Paste
from textual.pilot import Pilot
from textual.widgets import Static

from screens.waiting import Waiting, until, written
from support import Conninfo, add_vocabulary, approved, imported, scalar, status
from traintui.app import TraintuiApp
from traintui.data import conversations, reviews
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.fields import FIELDS
from traintui.data.listing import order_of
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.reasons import ReasonsDialog
from traintui.screens.review import ReviewScreen
from traintui.settings import Settings


def table_of(app: TraintuiApp) -> ConversationsScreen:
    screen = app.get_screen_stack("conversations")[0]
    assert isinstance(screen, ConversationsScreen)
    return screen


def rows(app: TraintuiApp) -> list[str]:
    return [row.conversation_id for row in table_of(app).table.rows]


def said(app: TraintuiApp, widget: str) -> str:
    return str(table_of(app).query_one(widget, Static).content)


def painted(app: TraintuiApp) -> str:
    return "\n".join(strip.text for strip in table_of(app)._compositor.render_strips())


def bold(app: TraintuiApp) -> set[str]:
    lines = table_of(app)._compositor.render_strips()
    return {part.text.strip(" .?!").lower() for line in lines for part in line if part.style and part.style.bold}


def facet(app: TraintuiApp, label: str) -> str:
    """The line of the facets that has this label."""
    panel = table_of(app).facets
    lines = [panel.render_line(y).text.rstrip() for y in range(panel.size.height)]
    return next((line for line in lines if label in line), "")


async def filtered(pilot: Pilot[None], app: TraintuiApp, wanted: str) -> None:
    await pilot.press("slash")
    await until(pilot, lambda: table_of(app).filter_line.field.has_focus)
    table_of(app).filter_line.field.value = wanted
    await pilot.press("enter")


async def test_the_newest_rows_are_there_with_their_counts(app: TraintuiApp, db: Database) -> None:
    ids = await imported(db, 3)
    await approved(db, ids[0])
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: len(rows(app)) == 3)
        assert rows(app) == ids[::-1]
        await pilot.press("F", "F")
        await until(pilot, lambda: "2 to review" in said(app, "#counted") and "1 approved" in said(app, "#counted"))


async def test_letters_typed_ahead_of_the_filter_decide_nothing(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: rows(app) == [one])
        for letter in "/axufd":
            app.post_message(Key("slash" if letter == "/" else letter, letter))  # before anything could be drawn
        await until(pilot, lambda: table_of(app).filter_line.field.value == "axufd")
        await written(app)
    assert await status(db, one) == "generated"
    assert await scalar(db, "SELECT count(*) FROM review_logs WHERE action <> 'import'") == 0


async def test_a_paste_of_ten_megabytes_is_no_filter(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: rows(app) == [one])
        await pilot.press("slash")
        field = table_of(app).filter_line.field
        await until(pilot, lambda: field.has_focus)
        app.post_message(Paste("score>5 " * 1_250_000))
        await until(pilot, lambda: "10,000,000 characters" in str(table_of(app).filter_line.mistake.content))
        await until(pilot, lambda: "Nothing was pasted: 10,000,000 characters" in painted(app))
        assert field.value == ""
        app.post_message(Paste("score>=0"))
        await until(pilot, lambda: field.value == "score>=0" and not table_of(app).filter_line.mistake.display)


async def test_an_empty_workspace_says_what_to_do(app: TraintuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "No conversations yet" in str(table_of(app).notice.content))
        assert table_of(app).notice.display


async def copied(app: TraintuiApp) -> None:
    """The copy has been read."""
    assert app.live is not None and app.live.mirror is None
    await app.live.load()
    app.changed.publish(BitMap())


async def test_until_the_copy_is_there_the_server_counts(db: Database, tmp_path: Path) -> None:
    ids = await imported(db, 3)
    await approved(db, ids[0])
    app = Waiting(Settings(home=tmp_path), workspace=db)
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: len(rows(app)) == 3)
        await until(pilot, lambda: said(app, "#counted").startswith("3 conversations   reading"))
        await until(pilot, lambda: facet(app, "approved").endswith(" 1") and facet(app, "to review").endswith(" 2"))
        await filtered(pilot, app, "status:approved")
        await until(pilot, lambda: said(app, "#counted").startswith("1 match"))
        await copied(app)
        await until(pilot, lambda: said(app, "#counted").startswith("1 match, of 3"))


async def test_an_order_that_no_index_serves_is_said_to_wait_for_the_copy(db: Database, tmp_path: Path) -> None:
    await add_vocabulary(db)
    (worst,) = await imported(db, quality_score="1.0", tone="warm")
    (best,) = await imported(db, quality_score="9.0", tone="formal")
    (newest,) = await imported(db, quality_score="5.0", tone="warm")
    app = Waiting(Settings(home=tmp_path), workspace=db)
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: rows(app) == [newest, best, worst])
        screen = table_of(app)
        screen.sort_by(order_of("-score", FIELDS))
        await until(pilot, lambda: rows(app) == [best, newest, worst])
        await until(pilot, lambda: "until then" not in said(app, "#counted"))
        screen.sort_by(order_of("tone", FIELDS))
        await until(pilot, lambda: rows(app) == [newest, best, worst])
        await until(pilot, lambda: "newest first until then, not by Tone" in said(app, "#counted"))
        await copied(app)
        await until(pilot, lambda: rows(app) == [best, worst, newest])
        await until(pilot, lambda: "until then" not in said(app, "#counted"))


async def test_where_the_facets_are_folded_the_server_counts_as_well(db: Database, tmp_path: Path) -> None:
    ids = await imported(db, 3)
    await approved(db, ids[0])
    app = Waiting(Settings(home=tmp_path), workspace=db)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "2 to review" in said(app, "#counted") and "1 approved" in said(app, "#counted"))


async def test_what_was_counted_of_one_filter_is_never_said_of_another(
    conninfo: Conninfo, db: Database, tmp_path: Path
) -> None:
    ids = await imported(db, 3)
    await approved(db, ids[0])
    app = Waiting(Settings(home=tmp_path), workspace=db)
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: said(app, "#counted").startswith("3 conversations"))
        await until(pilot, lambda: "counting…" not in facet(app, "Facets"))
        with psycopg.connect(conninfo(SUPERUSER)) as connection:  # the server counts nothing before this ends
            await asyncio.to_thread(connection.execute, "LOCK TABLE conversations IN ACCESS EXCLUSIVE MODE")
            await filtered(pilot, app, "status:approved")
            await until(pilot, lambda: "counting…" in facet(app, "Facets"))
            await until(pilot, lambda: not said(app, "#counted").startswith("3 "))
        await until(pilot, lambda: said(app, "#counted").startswith("1 match") and rows(app) == [ids[0]])
        await until(pilot, lambda: "counting…" not in facet(app, "Facets"))


async def test_counts_stay_while_the_copy_takes_over(db: Database, tmp_path: Path) -> None:
    await imported(db, 2)
    word = (await conversations.first_rows(db)).rows[0].opening.split()[0]
    app = Waiting(Settings(home=tmp_path), workspace=db)
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: len(rows(app)) == 2)
        await filtered(pilot, app, f"status:generated {word}")
        await until(pilot, lambda: said(app, "#counted").startswith("2 match"))
        await until(pilot, lambda: facet(app, "to review").endswith(" 2") and "counting…" not in facet(app, "Facets"))
        shown: list[tuple[str, bool]] = []
        screen = table_of(app)
        counted, facets = screen.counted.update, screen.facets.show

        def noted(content: Any = "", **given: Any) -> None:
            shown.append((str(content), True))
            counted(content, **given)

        def noted_facets(found: Any, chosen: Any, complete: bool) -> None:
            shown.append(("2 match", complete))
            facets(found, chosen, complete)

        screen.counted.update = noted  # type: ignore[method-assign]
        screen.facets.show = noted_facets  # type: ignore[assignment, method-assign]
        await copied(app)
        await until(pilot, lambda: said(app, "#counted").startswith("2 match, of 2"))
        assert all(line.startswith("2 match") and complete for line, complete in shown)


async def test_a_filter_narrows_and_escape_widens(app: TraintuiApp, db: Database) -> None:
    ids = await imported(db, 3)
    await approved(db, ids[0])
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: len(rows(app)) == 3)
        await filtered(pilot, app, "status:approved")
        await until(pilot, lambda: rows(app) == [ids[0]])
        assert app.filter_text == "status:approved"
        await filtered(pilot, app, "status:failed")
        await until(pilot, lambda: "Nothing matches" in str(table_of(app).notice.content))
        await pilot.press("escape")
        await until(pilot, lambda: len(rows(app)) == 3)
        assert app.filter_text == ""


async def test_a_mistaken_filter_shows_its_place_and_keeps_the_rows(app: TraintuiApp, db: Database) -> None:
    await imported(db, 2)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: len(rows(app)) == 2)
        await filtered(pilot, app, "status:approved scor:9")
        line = table_of(app).filter_line
        await until(pilot, lambda: line.mistake.display)
        carets = str(line.mistake.content).splitlines()[0]
        assert carets == " " * (3 + len("status:approved ")) + "^" * len("scor:9")
        assert "Did you mean score?" in str(line.mistake.content)
        assert len(rows(app)) == 2 and app.filter_text == ""
        await pilot.press("escape")
        assert not line.mistake.display and line.field.value == ""


async def test_a_name_that_is_half_typed_is_no_word_to_look_for(app: TraintuiApp, db: Database) -> None:
    ids = await imported(db, 2)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: len(rows(app)) == 2)
        await pilot.press("slash", *"scor")
        assert table_of(app).filter_line.field.value == "scor"
        assert len(rows(app)) == 2 and app.filter_text == ""
        await pilot.press("e")
        assert len(rows(app)) == 2 and app.filter_text == ""
        await pilot.press("x")
        await until(pilot, lambda: "Nothing matches" in str(table_of(app).notice.content))
        assert app.filter_text == "scorex"
        await pilot.press(*["backspace"] * 6, *"status")
        assert app.filter_text == ""
        await until(pilot, lambda: rows(app) == ids[::-1] and not table_of(app).notice.display)


async def test_rows_that_are_here_show_how_the_words_stand_in_them(app: TraintuiApp, db: Database) -> None:
    await imported(db, 2)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: len(rows(app)) == 2)
        word = table_of(app).table.rows[0].opening.split()[0].strip(".?!").lower()
        await filtered(pilot, app, word)
        await until(
            pilot, lambda: all(row.id in table_of(app)._snippets for row in table_of(app).table.rows) and rows(app)
        )
        await until(
            pilot,
            lambda: any(
                part.style and part.style.bold and part.text.strip(" .?!").lower() == word
                for strip in table_of(app)._compositor.render_strips()
                for part in strip
            ),
        )


async def test_it_keeps_up_and_the_cursor_stays_on_its_row(app: TraintuiApp, db: Database) -> None:
    await imported(db, 3)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: len(rows(app)) == 3)
        await pilot.press("j")
        chosen = table_of(app).table.current
        await imported(db, 2)
        await until(pilot, lambda: len(rows(app)) == 5 and table_of(app).table.current == chosen)


async def test_a_row_is_approved_rejected_undone_and_flagged(app: TraintuiApp, db: Database) -> None:
    second, first = await imported(db, 2)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: len(rows(app)) == 2)
        await pilot.press("a")
        await until(pilot, lambda: table_of(app).table.rows[0].status == "approved")
        await pilot.press("j", "x")
        await until(pilot, lambda: isinstance(app.screen, ReasonsDialog))
        await pilot.press("1")
        await until(pilot, lambda: table_of(app).table.rows[1].status == "rejected")
        await pilot.press("u")
        await until(pilot, lambda: table_of(app).table.rows[1].status == "generated")
        await pilot.press("f")
        await until(pilot, lambda: table_of(app).table.rows[1].flagged)
    assert (await status(db, first), await status(db, second)) == ("approved", "generated")


async def test_pressing_twice_decides_once(app: TraintuiApp, db: Database) -> None:
    (only,) = await imported(db, 1)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: len(rows(app)) == 1)
        for _ in range(5):
            table_of(app).action_decide("approve")
        await until(pilot, lambda: table_of(app).table.rows[0].status == "approved")
        assert not app._notifications
    assert await scalar(db, "SELECT count(*) FROM review_logs WHERE action = 'approve'") == 1
    assert await status(db, only) == "approved"


async def test_a_held_key_decides_one_row_and_none_of_those_that_come_up(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every press counts as held, however slow this is.
    monkeypatch.setattr("traintui.screens.conversation_actions.HELD", 60.0)
    await imported(db, 3)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: len(rows(app)) == 3)
        await filtered(pilot, app, "status:generated")
        await until(pilot, lambda: table_of(app).table.has_focus and len(rows(app)) == 3)
        await pilot.press("a")
        await until(pilot, lambda: len(rows(app)) == 2)
        await pilot.press("a", "a")
        await written(app)
    assert await scalar(db, "SELECT count(*) FROM review_logs WHERE action = 'approve'") == 1


async def test_a_row_can_be_decided_again_after_an_undo_that_warned(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def exported(*_: object) -> bool:
        return True

    monkeypatch.setattr(reviews, "exported_since", exported)
    monkeypatch.setattr("traintui.screens.conversation_actions.HELD", 0.0)
    (only,) = await imported(db, 1)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: len(rows(app)) == 1)
        await pilot.press("a")
        await until(pilot, lambda: table_of(app).table.rows[0].status == "approved")
        await pilot.press("u")
        await until(pilot, lambda: "exported meanwhile" in said(app, "#said"))
        assert await status(db, only) == "approved"
        await pilot.press("u")
        await until(pilot, lambda: f"undone: approve of {only}" in said(app, "#said"))
        await until(pilot, lambda: table_of(app).table.rows[0].status == "generated")
        await pilot.press("a")
        await until(pilot, lambda: table_of(app).table.rows[0].status == "approved")
        assert not app._notifications


async def test_a_row_that_just_came_under_the_cursor_is_not_decided(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traintui.screens.conversation_actions.HELD", 60.0)
    await imported(db, 1)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: len(rows(app)) == 1)
        (newer,) = await imported(db, 1)
        await until(pilot, lambda: len(rows(app)) == 2)
        assert table_of(app).table.cursor == 0
        table_of(app)._pressed = -60.0
        await pilot.press("a")
        await written(app)
    assert await status(db, newer) == "generated"


async def test_the_preview_follows_the_cursor(app: TraintuiApp, db: Database) -> None:
    ids = await imported(db, 3)
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: len(rows(app)) == 3)
        preview = table_of(app).preview.query_one(Static)
        await until(pilot, lambda: ids[2] in str(preview.content))
        await pilot.press("j")
        await until(pilot, lambda: ids[1] in str(preview.content))
        opening = (await conversations.read(db, ids[1])).turns[0].content
        assert opening in str(preview.content)


async def test_enter_reads_a_row_in_review(app: TraintuiApp, db: Database) -> None:
    ids = await imported(db, 2)
    await approved(db, ids[1])
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: len(rows(app)) == 2)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and app.screen.reading.seconds_seen is not None)
        screen = app.screen
        assert isinstance(screen, ReviewScreen) and screen.reading.shown is not None
        assert screen.reading.shown.row.conversation_id == ids[1]
        await until(pilot, lambda: "Not waiting" in str(screen.position.content))


async def test_what_changed_while_one_looked_elsewhere_is_counted_when_one_is_back(
    app: TraintuiApp, db: Database
) -> None:
    first, _ = await imported(db, 2)
    async with app.run_test(size=(150, 40)) as pilot:
        await until(pilot, lambda: facet(app, "to review").endswith("2"))
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        await approved(db, first)
        await until(pilot, lambda: app.live and (app.live.status_counts() or {}).get("approved"))
        await pilot.press("1")
        await until(pilot, lambda: facet(app, "approved").endswith("1") and facet(app, "to review").endswith("1"))
