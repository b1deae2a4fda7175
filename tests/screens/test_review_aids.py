"""What helps to read in Review: words are found, complaints reached, what is known is quiet, and copies are clean."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest
from textual.events import Key
from textual.pilot import Pilot

from screens.test_review import on_screen, opened, review_of, said
from screens.waiting import until, written
from support import (
    Conninfo,
    Wanted,
    add_document,
    add_vocabulary,
    approved,
    generated,
    import_items,
    imported,
    scalar,
    status,
    turns_of,
)
from support import said as spoken
from support import seen as seen_by
from traintui.app import TraintuiApp
from traintui.data import conversations, reviews, seen
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.quality.signatures import signature
from traintui.quality.signing import sign_imported
from traintui.screens import review_aids
from traintui.screens.copying import CopyDialog
from traintui.screens.reasons import ReasonsDialog
from traintui.screens.what_differs import WhatDiffers
from traintui.settings import Settings
from traintui.widgets.difference import DifferenceView

LONG = "An arranged overdraft costs twelve dollars a month and is charged on the first business day of every month."


def item(line: int, *contents: str) -> dict[str, Any]:
    return {"turns": turns_of(*contents), "system_prompt": None, "line": line}


def drawn(app: TraintuiApp) -> str:
    transcript = review_of(app).reading.transcript
    return "\n".join(transcript.render_line(y).text for y in range(transcript.size.height))


def hint(app: TraintuiApp) -> str:
    return said(app, "#hint") if review_of(app).query_one("#hint").display else ""


async def type_in(pilot: Pilot[None], words: str) -> None:
    await pilot.press("slash", *words)


async def test_words_are_found_and_each_match_is_reached(app: TraintuiApp, db: Database) -> None:
    (one,) = await import_items(db, [item(1, "A fee?", "The **Fee** is high.", "Why?", "A fee is a fee.")])
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        reading = review_of(app).reading
        await type_in(pilot, "fee is")
        await until(pilot, lambda: "1 of 2 matches" in str(reading.search_line.counted.content))
        assert reading.transcript.turn == 1
        await pilot.press("enter")
        await until(pilot, lambda: said(app, "#said") == "1 of 2 matches   > next   < back")
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: reading.transcript.turn == 3 and reading.transcript.has_focus)
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: "1 of 2 matches" in said(app, "#said"))
        await until(pilot, lambda: "from the other end" in said(app, "#said"))
    assert await status(db, one) == "generated"


async def test_a_search_that_is_kept_says_that_nothing_was_found_or_the_keys_that_are_bound(
    db: Database, tmp_path: Path
) -> None:
    (one,) = await import_items(db, [item(1, "A fee?", "The fee is high.")])
    app = TraintuiApp(Settings(home=tmp_path, keymap={"matches.next": "f8"}), workspace=db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        await type_in(pilot, "fee")
        await pilot.press("enter")
        await until(pilot, lambda: said(app, "#said") == "1 of 2 matches   f8 next   < back")
        await type_in(pilot, "cost")
        await pilot.press("enter")
        await until(pilot, lambda: said(app, "#said") == "No match in this conversation.")


async def test_letters_typed_ahead_of_the_search_line_decide_nothing(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        for key, letter in (("slash", "/"), ("a", "a"), ("x", "x"), ("u", "u"), ("slash", "/")):
            app.post_message(Key(key, letter))  # before anything could be drawn
        await until(pilot, lambda: review_of(app).reading.search_line.field.value == "axu/")
        await written(app)
    assert await status(db, one) == "generated"


async def test_leaving_a_search_goes_back_to_where_it_began(app: TraintuiApp, db: Database) -> None:
    (one,) = await import_items(db, [item(1, "Begin.\n" * 60 + "needle", "An answer.")])
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot, app, one)
        transcript = review_of(app).reading.transcript
        await type_in(pilot, "needle")
        await until(pilot, lambda: transcript.scroll_offset.y > 0)
        await pilot.press("escape")
        await until(pilot, lambda: transcript.scroll_offset.y == 0 and transcript.has_focus)


async def test_what_the_filter_looks_for_is_marked(app: TraintuiApp, db: Database) -> None:
    (one,) = await import_items(db, [item(1, "Two fees?", "No, one fee.")])
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.workspace is not None and app.screen.query("FilterField"))
        await pilot.press("slash", *'"fee" -overdraft', "enter")
        await until(pilot, lambda: app.filter_text == '"fee" -overdraft')
        await opened(pilot, app, one)
        await pilot.press("enter")
        await until(pilot, lambda: "of 2 matches" in said(app, "#said"))


async def test_the_next_complaint_is_one_key_away(app: TraintuiApp, db: Database) -> None:
    (one,) = await import_items(
        db,
        [
            item(
                1,
                "What does it cost?",
                f"{LONG}",
                "And what comes then?",
                "As an AI language model I cannot say that, {{name}}",
            )
        ],
    )
    async with app.run_test(size=(140, 40)) as pilot:
        await opened(pilot, app, one)
        await until(pilot, lambda: "holds what a template left" in drawn(app))
        await pilot.press("J")
        await until(pilot, lambda: review_of(app).reading.transcript.turn == 3)
        await until(pilot, lambda: "turn 4 holds what a template left" in said(app, "#said"))


async def test_the_source_shows_what_the_current_turn_draws_on(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await add_document(db, pieces=("An overdraft costs 12 dollars a month. Savings earn interest.",))
    chunk = await scalar(db, "SELECT max(id) FROM chunks")
    (one,) = await generated(db, wanted=[Wanted(chunk_id=chunk)])
    await reviews.edit(
        db, await seen_by(db, one), system_prompt=None,
        turns=spoken("What does it cost?", "Your overdraft costs 12 dollars each month."), key="edit",
    )  # fmt: skip
    async with app.run_test(size=(140, 40)) as pilot:
        await opened(pilot, app, one)
        reading = review_of(app).reading
        await until(pilot, lambda: reading._drawn)
        await pilot.press("j")
        await until(pilot, lambda: marked(app) == "An overdraft costs 12 dollars a month.")


def marked(app: TraintuiApp) -> str:
    from textual.content import Content
    from textual.widgets import Static

    from traintui.widgets.grounds import DRAWN_HERE

    content = review_of(app).reading.panel.query_one(Static).content
    assert isinstance(content, Content)
    return "".join(content.plain[span.start : span.end] for span in content.spans if span.style == DRAWN_HERE)


async def test_after_a_look_only_what_changed_is_bright(
    app: TraintuiApp, db: Database, reviewer_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_aids, "LOOK", 0.0)
    first, second = await import_items(db, [item(1, "How much?", LONG), item(2, "Other?", "Other.")])
    async with app.run_test(size=(140, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: on_screen(app) == second)
        review_of(app)._note_looks()
        await written(app)
    before = (await seen.known(db, (await conversations.read(db, first)).row)).before
    assert before is not None and before.revision == 1
    await reviews.edit(
        reviewer_db, await seen_by(db, first), system_prompt=None, turns=spoken("How much?", f"{LONG} Call us."),
        key="edit",
    )  # fmt: skip
    async with TraintuiApp(app.settings, workspace=db).run_test(size=(140, 40)) as pilot:
        again = pilot.app
        assert isinstance(again, TraintuiApp)
        await opened(pilot, again, None)
        review_of(again).visit(first)
        await until(pilot, lambda: "You read revision 1" in hint(again))
        assert "the same" in drawn(again).splitlines()[0]
        await pilot.press("equals_sign")
        await until(pilot, lambda: isinstance(again.screen, WhatDiffers))
        await until(pilot, lambda: "Call" in again.screen.query_one(DifferenceView).plain)


async def test_a_near_duplicate_of_an_approved_one_says_so(app: TraintuiApp, db: Database) -> None:
    first, second = await import_items(
        db, [item(line, "How much is it?", f"{LONG} {end}") for line, end in enumerate(("Call us.", "Write to us."), 1)]
    )
    await sign_imported(db, signature, 2)
    await approved(db, first)
    async with app.run_test(size=(140, 40)) as pilot:
        await opened(pilot, app, second)
        await until(pilot, lambda: f"like {first}, approved" in hint(app))
        await pilot.press("equals_sign")
        await until(pilot, lambda: isinstance(app.screen, WhatDiffers))
        await until(pilot, lambda: "Write" in app.screen.query_one(DifferenceView).plain)
        await pilot.press("escape")


async def test_the_answer_to_a_press_stays_when_what_helps_to_read_fails(
    app: TraintuiApp, db: Database, conninfo: Conninfo
) -> None:
    first, second, third = await imported(db, 3)
    async with app.run_test(size=(160, 40)) as pilot:
        await opened(pilot, app, first)
        await until(pilot, lambda: len(review_of(app)._aids) == 3)
        review_of(app)._aids.clear()
        with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
            await asyncio.to_thread(connection.execute, "ALTER TABLE conversation_looks RENAME TO gone")
            await pilot.press("a")
            await until(pilot, lambda: on_screen(app) == second and "This did not work" in said(app, "#said"))
            await until(pilot, lambda: said(app, "#said").startswith(f"● approved  {first}"))
            await pilot.press("a")
            await until(pilot, lambda: on_screen(app) == third and f"approved  {second}" in said(app, "#said"))
            await until(pilot, lambda: "This did not work" in said(app, "#said"))
            assert said(app, "#said").startswith(f"● approved  {second}")
            await asyncio.to_thread(connection.execute, "ALTER TABLE gone RENAME TO conversation_looks")


async def test_without_anything_known_the_key_says_so(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        await until(pilot, lambda: review_of(app)._aids)
        await pilot.press("equals_sign")
        await until(pilot, lambda: "Nothing to compare with" in said(app, "#said"))


async def test_ones_own_edit_is_not_called_nothing_changed(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db)
    await seen.note(db, {one: 1})
    await reviews.edit(db, await seen_by(db, one), system_prompt=None, turns=spoken("Mine?", "Mine."), key="edit")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        await until(pilot, lambda: review_of(app)._aids)
        await pilot.press("equals_sign")
        await until(pilot, lambda: "only you changed it since" in said(app, "#said"))


async def test_turn_conversation_and_id_are_copied_without_escapes(app: TraintuiApp, db: Database) -> None:
    (one,) = await import_items(db, [item(1, "Red \x1b[31m?", "No\u202e.")])
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        for key, text in (("y", "Red [31m?"), ("c", "User:\nRed [31m?\n\nAssistant:\nNo.\n"), ("i", one)):
            await pilot.press("y")
            await until(pilot, lambda: isinstance(app.screen, CopyDialog))
            await pilot.press(key)
            await until(pilot, lambda text=text: app.clipboard == text)  # type: ignore[misc]
            assert "Sent to the terminal's clipboard" in said(app, "#said")


async def test_the_last_decision_is_repeated_with_its_reason(app: TraintuiApp, db: Database) -> None:
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        await pilot.press("full_stop")
        await until(pilot, lambda: "Nothing was decided here yet" in said(app, "#said"))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonsDialog))
        await pilot.press("2")
        await until(pilot, lambda: on_screen(app) == second)
        await pilot.press("full_stop")
        await until(pilot, lambda: f"rejected  {second}" in said(app, "#said"))
    entries = [(await conversations.read(db, one)).history[0] for one in (first, second)]
    assert entries[0].reason == entries[1].reason is not None
    assert entries[1].action == "reject"
