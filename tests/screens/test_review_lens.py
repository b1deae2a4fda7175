"""Review says what the chosen training targets do with a conversation, and shows it as each of them sees it."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.test_review import on_screen, opened, review_of, said
from screens.test_review_aids import drawn, hint, item
from screens.waiting import until, written
from support import Conninfo, import_items, imported, logged_in
from support import said as spoken
from support import seen as seen_by
from traintui.app import TraintuiApp
from traintui.data import reviews, seen
from traintui.data.engine import Database
from traintui.export import training_targets
from traintui.export.training_targets import TrainingTarget, targets_of
from traintui.screens import preflight_said, review_preflight
from traintui.screens.preflight_said import Looked
from traintui.screens.training_targets import TrainingTargetsDialog
from traintui.settings import Settings

SHORT = ("What does it cost?", "Twelve dollars.", "When is it charged?", "On the first business day.")
LONG = ("What does it cost?", "It costs " + "twelve dollars and " * 40 + "no more.", "When?", "On the first day.")


async def choose(db: Database, *written: str, tokenizer: Path | None = None) -> None:
    chosen = [training_targets.read_target(each) for each in written]
    await training_targets.change(db, targets_of(chosen, tokenizer))


def line(app: TraintuiApp) -> str:
    shown = review_of(app).preflight
    return str(shown.content) if shown.display else ""


async def lens(pilot: Pilot[None], app: TraintuiApp, title: str) -> None:
    await pilot.press("l")
    await until(pilot, lambda: line(app).startswith(f"◉ {title}   "))


async def test_what_chosen_targets_object_to_stands_above_the_text_with_turn_and_key(
    app: TraintuiApp, db: Database
) -> None:
    one, other = await import_items(db, [item(1, *LONG), item(2, *SHORT)])
    await choose(db, "trl:150", "axolotl:100", "mistral")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        await until(pilot, lambda: line(app) == "! TRL cuts at turn 2 (e) · Axolotl drops it as too long (e)")
        await pilot.press("J")
        await until(pilot, lambda: review_of(app).reading.transcript.turn == 1)
        await until(pilot, lambda: "turn 2 TRL cuts at turn 2" in said(app, "#said"))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: on_screen(app) == other and review_of(app)._looked.get((other, 1)))
        assert line(app) == ""  # all take it


async def test_without_a_choice_nothing_is_said_and_the_lens_shows_the_usual_targets(
    app: TraintuiApp, db: Database
) -> None:
    (one,) = await import_items(db, [item(1, *SHORT)])
    async with app.run_test(size=(160, 40)) as pilot:
        await opened(pilot, app, one)
        assert line(app) == "" and "not trained on" not in drawn(app)
        await lens(pilot, app, "TRL, messages")
        await until(pilot, lambda: "takes all of it" in line(app) and "usual targets: L chooses yours" in line(app))
        await lens(pilot, app, "Axolotl")
        assert drawn(app).count("not trained on") == 2
        await lens(pilot, app, "LLaMA-Factory")
        await lens(pilot, app, "OpenAI chat")
        await pilot.press("l")
        await until(pilot, lambda: line(app) == "")
        assert "not trained on" not in drawn(app)


async def test_the_lens_draws_the_line_where_the_trainer_cuts_and_counts_up_to_there(
    app: TraintuiApp, db: Database
) -> None:
    (one,) = await import_items(db, [item(1, *LONG)])
    await choose(db, "trl:150")
    async with app.run_test(size=(140, 40)) as pilot:
        await opened(pilot, app, one)
        await lens(pilot, app, "TRL, messages")
        await until(pilot, lambda: "TRL cuts at turn 2 (e)" in line(app) and "of 150 tokens" in line(app))
        shown = drawn(app)
        assert "┄ TRL stops at 150 tokens: turn 2 is cut, the 2 turns after it are lost ┄" in shown
        assert "of 150  cut" in shown and shown.count("  lost") == 2
        head = next(line for line in shown.splitlines() if "User  1" in line)
        assert "~10 tokens, ~10 of 150" in head
        await pilot.press("l")
        await until(pilot, lambda: "TRL stops at" not in drawn(app))


async def test_the_lens_stays_while_one_goes_on_and_is_worked_out_ahead(app: TraintuiApp, db: Database) -> None:
    ids = await import_items(db, [item(1, *LONG), item(2, *SHORT), item(3, *LONG)])
    await choose(db, "axolotl:100")
    async with app.run_test(size=(140, 40)) as pilot:
        await opened(pilot, app, ids[0])
        await lens(pilot, app, "Axolotl")
        screen = review_of(app)
        await until(pilot, lambda: {key[0] for key in screen._looked} == set(ids))
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) != ids[0])
        assert line(app).startswith("◉ Axolotl")
        await written(app)


async def test_an_edit_is_looked_at_anew(app: TraintuiApp, db: Database) -> None:
    (one,) = await import_items(db, [item(1, *SHORT[:2])])
    await choose(db, "together", "llama-factory")
    async with app.run_test(size=(140, 40)) as pilot:
        await opened(pilot, app, one)
        await until(pilot, lambda: (one, 1) in review_of(app)._looked)
        assert line(app) == ""
        await pilot.press("j", "w")
        says = "! Together and LLaMA-Factory refuse: no answer is to be trained on (w)"
        await until(pilot, lambda: line(app) == says)
        await lens(pilot, app, "Together")
        assert drawn(app).count("not trained on") == 2
        await lens(pilot, app, "LLaMA-Factory")
        assert "trained on all the same" in drawn(app)
        await pilot.press("w")
        await until(pilot, lambda: "takes all of it" in line(app))
        await written(app)


async def test_keys_are_named_as_they_are_bound(db: Database, tmp_path: Path) -> None:
    (one,) = await import_items(db, [item(1, *LONG)])
    await choose(db, "trl:150")
    app = TraintuiApp(Settings(home=tmp_path, keymap={"review.edit": "f8"}), workspace=db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        await until(pilot, lambda: line(app) == "! TRL cuts at turn 2 (f8)")


async def test_on_a_small_terminal_the_line_keeps_the_place_and_says_the_worst_first(
    app: TraintuiApp, db: Database
) -> None:
    (one,) = await import_items(db, [item(1, *LONG)])
    await choose(db, "trl:150", "axolotl:100", "llama-factory:120", "unsloth:140", "trl-prompt-completion:100")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, one)
        await until(pilot, lambda: review_of(app).preflight.size.height == 1)  # it has its place
        await until(pilot, lambda: line(app).startswith("! TRL, ") and len(line(app)) <= 78)
        await until(pilot, lambda: said(app, "#position").startswith("1 of 1 waiting"))


async def test_a_tokenizer_that_is_not_on_this_machine_is_estimated_for_and_that_is_said(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    (one,) = await import_items(db, [item(1, *SHORT)])
    await choose(db, "mistral", tokenizer=tmp_path / "llama" / "tokenizer.json")
    async with app.run_test(size=(220, 40)) as pilot:
        await opened(pilot, app, one)
        await lens(pilot, app, "Mistral")
        await until(
            pilot,
            lambda: "Tokens are estimated: the workspace's tokenizer, llama, is not on this machine." in line(app),
        )
        await until(pilot, lambda: "~10 tokens, ~10 so far" in drawn(app))


async def test_what_cannot_be_a_choice_is_said_and_keeps_nobody_from_reading(app: TraintuiApp, db: Database) -> None:
    from traintui.data import workspace_settings

    await workspace_settings.change(db, training_targets.TARGETS, [{"format": "gpt"}])
    (one,) = await import_items(db, [item(1, *SHORT)])
    async with app.run_test(size=(140, 40)) as pilot:
        await opened(pilot, app, one)
        await until(pilot, lambda: 'There is no format "gpt"' in said(app, "#said"))
        await lens(pilot, app, "TRL, messages")
        assert "takes all of it" in line(app)
        await pilot.press("a")
        await written(app)


async def test_others_choose_and_who_reads_learns_of_it(db: Database, conninfo: Conninfo, tmp_path: Path) -> None:
    (one,) = await import_items(db, [item(1, *LONG)])
    async with logged_in(conninfo("rita")) as reviewer:
        app = TraintuiApp(Settings(home=tmp_path), workspace=reviewer)
        async with app.run_test(size=(140, 40)) as pilot:
            await opened(pilot, app, one)
            screen = review_of(app)
            await until(pilot, lambda: screen._asked is not None)
            await choose(db, "trl:150")
            screen._asked = None  # as after some seconds
            await pilot.press("l")
            await until(pilot, lambda: "TRL cuts at turn 2" in line(app))
            await pilot.press("L")
            await until(pilot, lambda: isinstance(app.screen, TrainingTargetsDialog) and app.screen.table.rows)
            dialog = app.screen
            assert isinstance(dialog, TrainingTargetsDialog)
            assert "Read only" in str(dialog.said.content)
            await pilot.press("space", "f", "ctrl+s")
            await pilot.pause()
            assert [row.number for row in dialog.table.rows if row.number] == [1]
            assert app.screen is dialog
    assert (await training_targets.read(db)).chosen == (TrainingTarget("trl", 150),)


async def test_the_choice_is_made_from_the_lens_and_holds_at_once(app: TraintuiApp, db: Database) -> None:
    (one,) = await import_items(db, [item(1, *LONG)])
    await imported(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        await pilot.press("L")
        await until(pilot, lambda: isinstance(app.screen, TrainingTargetsDialog) and app.screen.table.rows)
        await pilot.press("down", "enter", *"150", "ctrl+s")
        await until(pilot, lambda: app.screen is review_of(app))
        await until(pilot, lambda: line(app) == "! TRL cuts at turn 2 (e)")
    assert (await training_targets.read(db)).chosen == (TrainingTarget("trl", 150),)


async def test_a_look_that_takes_long_is_not_begun_anew_and_the_text_does_not_wait_for_it(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = await import_items(db, [item(1, *LONG)])
    await choose(db, "trl:150")
    begun, may_end = [], Event()

    def slowly(*given: Any) -> Looked:
        begun.append(given)
        assert may_end.wait(180)
        return preflight_said.look(*given)

    monkeypatch.setattr(review_preflight, "look", slowly)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, one)
        await until(pilot, lambda: begun)
        screen = review_of(app)
        screen.action_refresh_queue()
        await until(pilot, lambda: not screen.reading_now("conversation") and screen.reading_now("preflight"))
        await pilot.press("l")
        await until(pilot, lambda: line(app) == "◉ TRL, messages  ◌ counting")
        await until(pilot, lambda: drawn(app).count("Assistant") == 2)
        may_end.set()
        await until(pilot, lambda: "TRL cuts at turn 2" in line(app))
    assert len(begun) == 1


async def test_what_need_not_be_read_is_not_said_while_a_lens_says_what_is_bright(
    app: TraintuiApp, db: Database, reviewer_db: Database
) -> None:
    (one,) = await import_items(db, [item(1, *SHORT)])
    await seen.note(db, {one: 1})
    texts = spoken(*SHORT[:3], "On the first business day of the month.")
    await reviews.edit(reviewer_db, await seen_by(db, one), system_prompt=None, turns=texts, key="edit")
    async with app.run_test(size=(140, 40)) as pilot:
        await opened(pilot, app, one)
        await until(pilot, lambda: "You read revision 1" in hint(app))
        await lens(pilot, app, "TRL, messages")
        assert hint(app) == ""
        for title in ("Axolotl", "LLaMA-Factory", "OpenAI chat"):
            await lens(pilot, app, title)
        await pilot.press("l")
        await until(pilot, lambda: "You read revision 1" in hint(app))
