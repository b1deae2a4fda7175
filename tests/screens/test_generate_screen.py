"""Generate shows how far a batch is and what is being written, and starts, pauses and ends batches."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input, Static

from screens.waiting import until
from support import add_document, add_vocabulary, generated, planned, scalar, started, stored
from traintui.app import TraintuiApp
from traintui.data import batches, capabilities, limits, templates, work
from traintui.data.engine import Database
from traintui.demo.run import rehearsal
from traintui.generation.children import Crew
from traintui.generation.provider import provider_of
from traintui.generation.rehearsal import RehearsalServer, like
from traintui.screens.batch_cancel import CancelBatch
from traintui.screens.batch_form import BatchForm
from traintui.screens.batch_preview import BatchPreview
from traintui.screens.batch_values import ValuesDialog
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.generate import GenerateScreen
from traintui.screens.review import ReviewScreen
from traintui.settings import Settings
from traintui.widgets.batch_lists import Cause
from traintui.widgets.form_field import FormField
from traintui.widgets.model_choice import OTHER


def generate(app: TraintuiApp) -> GenerateScreen:
    screen = app.get_screen_stack("generate")[0]
    assert isinstance(screen, GenerateScreen)
    return screen


def band(app: TraintuiApp) -> str:
    return str(generate(app).band.content)


async def opened(pilot: Pilot[None], app: TraintuiApp) -> GenerateScreen:
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("3")
    await until(pilot, lambda: isinstance(app.screen, GenerateScreen) and app.screen.is_mounted)
    return generate(app)


async def form(pilot: Pilot[None], app: TraintuiApp) -> BatchForm:
    await pilot.press("n")
    await until(pilot, lambda: isinstance(app.screen, BatchForm) and app.screen.query("#start"))
    assert isinstance(app.screen, BatchForm)
    drawn = app.screen.query_one("#drawn", Static)
    await until(pilot, lambda: "Reading" not in str(drawn.content))
    return app.screen


@pytest.fixture
def worker_starts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many slots each worker was started with; none is really started."""
    slots_given: list[int] = []

    async def ensure_worker(_: Crew, *, slots: int = 4) -> None:
        slots_given.append(slots)

    monkeypatch.setattr(Crew, "ensure_worker", ensure_worker)
    return slots_given


async def test_a_new_workspace_says_how_to_begin(app: TraintuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "No batch yet" in str(screen.notice.content))
        assert "n plans one" in str(screen.notice.content) and screen.notice.display


async def test_a_batch_shows_count_cost_calls_tokens_and_what_it_wrote(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    ids = await generated(db, 3)
    async with app.run_test(size=(160, 45)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "3 of 3" in band(app))
        shown = band(app)
        assert "● finished" in shown and "100 %" in shown and "$0.03" in shown and "rehearsal" not in shown
        assert "30 in  60 out" in shown
        await until(pilot, lambda: [row.conversation_id for row in screen.written.rows] == ids[::-1])
        await until(pilot, lambda: screen.pane.shown == ids[-1])
        assert [turn.role for turn in screen.pane.transcript.turns] == ["user", "assistant"]


async def test_a_rehearsal_s_bill_says_that_nothing_is_paid(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await generated(db, 1, is_rehearsal=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "1 of 1" in band(app))
        assert "rehearsal, nothing is paid" in band(app)


async def test_what_is_being_written_appears_turn_by_turn_and_ends_as_it_was_stored(
    app: TraintuiApp, db: Database
) -> None:
    await add_vocabulary(db)
    await planned(db, 2)
    reply = json.dumps({"exchanges": [{"user": "May I [b]ask[/b]?", "assistant": "Do ask."}]})
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        (item,) = await work.claim(db, worker_id, 1, is_rehearsal=False)
        attempt = await started(db, item, worker_id)
        await work.write_stream(db, item, reply[:30])
        async with app.run_test(size=(160, 45)) as pilot:
            screen = await opened(pilot, app)
            transcript = screen.pane.transcript
            await until(pilot, lambda: transcript.turns)
            assert [turn.content for turn in transcript.turns] == [reply[:30].rpartition('"')[2]]
            await until(pilot, lambda: "being written" in str(screen.pane.heading.content))
            await work.write_stream(db, item, reply)
            await until(pilot, lambda: len(transcript.turns) == 2)
            assert transcript.turns[1].content == "Do ask."
            assert transcript.turn == 1
            assert await stored(db, item, attempt)
            await until(pilot, lambda: "to review" in str(screen.pane.heading.content))
            assert transcript.turns[0].content == f"Question of {item.conversation_id}?"
            await until(pilot, lambda: "1 of 2" in band(app))


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_an_interrupted_batch_says_that_any_worker_goes_on_with_it(
    app: TraintuiApp, db: Database, size: tuple[int, int]
) -> None:
    await add_vocabulary(db)
    batch_id = await planned(db, 5)
    await batches.change_state(db, batch_id, "interrupted", allowed=("queued",), reason="The [worker] ended.")
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "Interrupted at 0 of 5: w starts a worker, which goes on" in band(app))
        await until(pilot, lambda: "The [worker] ended." in band(app))


async def test_p_pauses_and_without_a_provider_p_changes_nothing(
    app: TraintuiApp, db: Database, worker_starts: list[int]
) -> None:
    await add_vocabulary(db)
    batch_id = await planned(db, 2)
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "Waits for a worker: w starts one here" in band(app))
        await pilot.press("p")
        await until(pilot, lambda: "Paused at 0 of 2: p resumes it" in band(app))
        assert "Paused by ada." in band(app)
        await pilot.press("p")
        await until(pilot, lambda: any("No API key" in note.title for note in app._notifications))
        assert (await batches.progress(db, batch_id)).state == "paused"
        assert worker_starts == []


async def test_p_resumes_with_a_worker(db: Database, tmp_path: Path, worker_starts: list[int]) -> None:
    await add_vocabulary(db)
    batch_id = await planned(db, 2, is_rehearsal=True)
    await batches.hold(db, batch_id, "Looked too dear.")
    async with rehearsal() as url:
        app = TraintuiApp(Settings(home=tmp_path, api_base_url=url), workspace=db)
        async with app.run_test(size=(120, 30)) as pilot:
            await opened(pilot, app)
            await until(pilot, lambda: "Looked too dear." in band(app))
            await pilot.press("p")
            await until(pilot, lambda: worker_starts == [4])
            await until(pilot, lambda: "queued" in band(app))


async def test_a_batch_of_a_real_provider_is_not_resumed_with_the_rehearsal(
    db: Database, tmp_path: Path, worker_starts: list[int]
) -> None:
    await add_vocabulary(db)
    batch_id = await planned(db, 2)
    await batches.pause(db, batch_id)
    async with rehearsal() as url:
        app = TraintuiApp(Settings(home=tmp_path, api_base_url=url), workspace=db)
        async with app.run_test(size=(120, 30)) as pilot:
            await opened(pilot, app)
            await until(pilot, lambda: "Paused at" in band(app))
            await pilot.press("p")
            await until(pilot, lambda: any("Another provider" in note.title for note in app._notifications))
            assert (await batches.progress(db, batch_id)).state == "paused"
            assert worker_starts == []


async def test_a_batch_is_ended_only_after_asking(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    batch_id = await planned(db, 2)
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "queued" in band(app))
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CancelBatch))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, GenerateScreen))
        assert (await batches.progress(db, batch_id)).state == "queued"
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CancelBatch))
        await pilot.press("y")
        await until(pilot, lambda: "Ended at 0 of 2" in band(app))
        assert (await batches.progress(db, batch_id)).state == "cancelled"


async def test_a_key_raises_the_priority_of_a_batch_and_another_lowers_it(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    batch_id = await planned(db, 2)
    async with app.run_test(size=(160, 45)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: screen.batches.rows)
        await pilot.press("plus", "plus", "minus", "plus")
        await until(pilot, lambda: screen.batches.rows[0].priority == 2)
        drawn = "\n".join(screen.batches.render_line(y).text for y in range(screen.batches.size.height))
        assert "+2" in drawn
        assert await scalar(db, "SELECT priority FROM batches") == 2
        await batches.cancel(db, batch_id)
        await pilot.press("R")
        await until(pilot, lambda: screen.check_action("rank", ()) is None)


async def test_failures_are_grouped_by_their_cause(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await planned(db, 3)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        for place, item in enumerate(await work.claim(db, worker_id, 3, is_rehearsal=False)):
            await work.release(db, item, "failed", error="It declined." if place else "[/b] \x1b[2J")
        await work.finish_batches(db)
    async with app.run_test(size=(160, 45)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "3 failed" in band(app))
        await until(pilot, lambda: screen.failures.rows == (Cause("It declined.", 2), Cause("[/b] \x1b[2J", 1)))
        drawn = "\n".join(screen.failures.render_line(y).text for y in range(screen.failures.size.height))
        assert "2 ✕" in drawn and "[/b] ␛[2J" in drawn


async def test_r_tries_again_what_failed_for_the_cause_under_the_cursor(
    db: Database, tmp_path: Path, worker_starts: list[int]
) -> None:
    await add_vocabulary(db)
    batch_id = await planned(db, 3, is_rehearsal=True)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=True)
        for place, item in enumerate(await work.claim(db, worker_id, 3, is_rehearsal=True)):
            await work.release(db, item, "failed", error="It declined." if place else "It was too long.")
        await work.finish_batches(db)
    async with rehearsal() as url:
        app = TraintuiApp(Settings(home=tmp_path, api_base_url=url), workspace=db)
        async with app.run_test(size=(160, 45)) as pilot:
            screen = await opened(pilot, app)
            await until(pilot, lambda: len(screen.failures.rows) == 2)
            screen.failures.focus()
            await pilot.press("j", "r")
            await until(pilot, lambda: screen.failures.rows == (Cause("It declined.", 2),) and worker_starts)
            progress = await batches.progress(db, batch_id)
            assert (progress.state, progress.queued, progress.failed) == ("queued", 1, 2)
            await pilot.press("r")
            await until(pilot, lambda: not screen.failures.rows or "3 wait" in band(app) or len(worker_starts) == 2)
            assert (await batches.progress(db, batch_id)).queued == 3


async def test_enter_on_a_cause_shows_what_failed_in_the_table(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    batch_id = await planned(db, 3)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        for place, item in enumerate(await work.claim(db, worker_id, 3, is_rehearsal=False)):
            await started(db, item, worker_id)
            await work.release(db, item, "failed", error='It said "no", twice \\o/.' if place else "It declined.")
    async with app.run_test(size=(160, 45)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: screen.failures.rows)
        screen.failures.focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConversationsScreen))
        table = app.screen
        assert isinstance(table, ConversationsScreen)
        await until(pilot, lambda: app.filter_text == f'run:{batch_id} cause:"It said \\"no\\", twice \\\\o/."')
        await until(pilot, lambda: table.table.total == 2)
        await pilot.press("3")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("j", "enter")
        await until(pilot, lambda: table.table.total == 1 and app.screen is table)
        await until(pilot, lambda: app.filter_text == f'run:{batch_id} cause:"It declined."')


async def test_limits_and_workers_stand_below_the_figures_while_a_batch_runs(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await planned(db, 3)
    model = await scalar(db, "SELECT model FROM batches")
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        await work.claim(db, worker_id, 2, is_rehearsal=False)
        place = await limits.reserve(db, "api", model, worker_id=worker_id, input_tokens=1, output_tokens=1)
        assert await limits.take_turn(db, place) == 0
        await limits.settle(db, place, {}, {"requests": limits.Told(50, 25), "output": limits.Told(40_000, 1_000)})
        async with app.run_test(size=(160, 45)) as pilot:
            screen = await opened(pilot, app)
            await until(pilot, lambda: screen.limits.display and "2 calls" in str(screen.limits.content))
            said = str(screen.limits.content)
            assert "requests ━" in said and "of 50" in said and "of 40" in said and f" {os.getpid()} " in said


@pytest.mark.parametrize("size", [(160, 45), (80, 24)])
async def test_what_the_provider_can_stands_there_with_what_follows_and_is_asked_again(
    app: TraintuiApp, db: Database, size: tuple[int, int]
) -> None:
    await add_vocabulary(db)
    await planned(db, 3)
    model = await scalar(db, "SELECT model FROM batches")
    note = partial(capabilities.note, db, "models.example.org", model, basis="probe", seen="seen", attempt=None)
    for capability, supported in (("structured_output", True), ("count_tokens", False), ("batches", False)):
        await note(cast("capabilities.Capability", capability), supported=supported)
    await work.take_up_batches(db, is_rehearsal=False)
    place = await limits.reserve(db, "models.example.org", model, worker_id=None, input_tokens=1, output_tokens=1)
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "structured output" in str(screen.limits.content))
        said = str(screen.limits.content)
        assert "structured output ✓ · count_tokens ✗ · caching ? · batches ✗" in said
        assert "estimates count characters, nothing at half price" in said
        await screen.run_action("ask")
        await until(pilot, lambda: "count_tokens ?" in str(screen.limits.content))
    assert await capabilities.of_address(db, "models.example.org") == ()
    await limits.settle(db, place, {}, {})


async def test_another_batch_is_chosen_with_the_cursor(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await generated(db, 1)
    await planned(db, 7)
    async with app.run_test(size=(160, 45)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "0 of 7" in band(app))
        await pilot.press("j")
        await until(pilot, lambda: "1 of 1" in band(app))
        assert screen.batches.cursor == 1


async def test_enter_reads_what_was_written_in_review(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    (one,) = await generated(db, 1)
    async with app.run_test(size=(160, 45)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: screen.written.rows)
        await pilot.press("enter")
        await until(pilot, lambda: screen.written.has_focus)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and app.screen.queue.current == one)


async def test_a_mistake_is_answered_at_its_field_and_nothing_is_made(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await add_document(db)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        dialog = await form(pilot, app)
        dialog.query_one("#count-text", Input).value = "many"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.query_one("#count", FormField).has_class("-mistaken"))
        assert "valid integer" in str(dialog.query_one("#count", FormField).answer.content)
        assert dialog.query_one("#count-text", Input).has_focus
        dialog.query_one("#count-text", Input).value = "3"
        await until(pilot, lambda: not dialog.query_one("#count", FormField).has_class("-mistaken"))
        assert await scalar(db, "SELECT count(*) FROM batches") == 0


async def test_a_budget_needs_a_model_whose_price_is_known(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await add_document(db)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        dialog = await form(pilot, app)
        dialog.model.listed.value = OTHER
        dialog.model.field.value = "local-model"
        dialog.query_one("#budget", Input).value = "$5"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.query_one("#budget_usd", FormField).has_class("-mistaken"))
        assert "not known" in str(dialog.query_one("#budget_usd", FormField).answer.content)


async def test_the_form_says_what_it_draws_on(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await add_document(db)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        dialog = await form(pilot, app)
        sources = dialog.query_one("#sources", Button)
        await until(pilot, lambda: str(sources.label) == "all 2 chunks of 1 document, ~20 tokens  ▸")
        await until(pilot, lambda: "2 personas" in str(dialog.query_one("#drawn", Static).content))
        await until(pilot, lambda: str(dialog.query_one("#values", Button).label) == "tier 3 : 5 : 2, others alike  ▸")


async def test_without_a_key_the_form_says_what_to_do_and_keeps_what_was_filled_in(
    app: TraintuiApp, db: Database, worker_starts: list[int]
) -> None:
    await add_vocabulary(db)
    await add_document(db)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        dialog = await form(pilot, app)
        dialog.query_one("#name-text", Input).value = "Fees"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "No API key" in str(dialog.answer.content))
        await until(pilot, lambda: "ANTHROPIC_API_KEY" in str(dialog.answer.content))
        assert dialog.given["name"] == "Fees"
        assert worker_starts == [] and await scalar(db, "SELECT count(*) FROM batches") == 0


async def test_half_price_is_refused_at_its_field_where_the_provider_is_known_to_have_no_batches(
    db: Database, tmp_path: Path, worker_starts: list[int]
) -> None:
    await add_vocabulary(db)
    await add_document(db)
    async with RehearsalServer(port=0, like=like("ollama")) as server:
        settings = Settings(home=tmp_path, api_base_url=server.url)
        endpoint = (await provider_of(settings)).endpoint
        await capabilities.note(
            db, endpoint, "", "batches", supported=False, basis="probe", seen="HTTP 404", attempt=None
        )
        app = TraintuiApp(settings, workspace=db)
        async with app.run_test(size=(120, 40)) as pilot:
            await opened(pilot, app)
            dialog = await form(pilot, app)
            dialog.modes.value = "batches"
            await pilot.press("ctrl+s")
            field = dialog.query_one("#mode", FormField)
            await until(pilot, lambda: "no Message Batches API" in str(field.answer.content))
    assert worker_starts == [] and await scalar(db, "SELECT count(*) FROM batches") == 0


async def test_a_batch_is_planned_and_a_worker_started_for_it(
    db: Database, tmp_path: Path, worker_starts: list[int]
) -> None:
    await add_vocabulary(db)
    await add_document(db)
    async with rehearsal() as url:
        app = TraintuiApp(Settings(home=tmp_path, api_base_url=url), workspace=db)
        async with app.run_test(size=(120, 30)) as pilot:
            screen = await opened(pilot, app)
            dialog = await form(pilot, app)
            dialog.query_one("#count-text", Input).value = "6"
            dialog.query_one("#budget", Input).value = "2.50"
            await pilot.press("ctrl+s")
            await until(pilot, lambda: worker_starts)
            await until(pilot, lambda: "0 of 6" in band(app))
            await until(pilot, lambda: "of $2.50" in band(app) and screen.batches.has_focus)
    progress = await batches.progress(db, screen.watched.chosen_id or 0)
    assert (progress.total, progress.is_rehearsal, progress.state) == (6, True, "queued")


async def test_a_reviewer_watches_but_does_not_plan(reviewer_db: Database, db: Database, tmp_path: Path) -> None:
    await add_vocabulary(db)
    await planned(db, 2)
    app = TraintuiApp(Settings(home=tmp_path), workspace=reviewer_db)
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "0 of 2" in band(app))
        await pilot.press("n", "p", "c")
        await pilot.pause()
        assert isinstance(app.screen, GenerateScreen)
        assert "queued" in band(app)


async def test_the_words_have_the_room_of_a_small_terminal_and_b_shows_the_batches(
    app: TraintuiApp, db: Database
) -> None:
    await add_vocabulary(db)
    await planned(db, 2)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        (item,) = await work.claim(db, worker_id, 1, is_rehearsal=False)
        await work.write_stream(db, item, '{"exchanges": [{"user": "Hello')
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(pilot, app)
            await until(pilot, lambda: screen.pane.display and not screen.batches.is_on_screen)
            await pilot.press("b")
            await until(pilot, lambda: not screen.pane.display and screen.batches.is_on_screen)


async def test_the_form_says_what_a_strategy_makes_of_the_count(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await add_document(db)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        dialog = await form(pilot, app)
        outlook, count = dialog.query_one("#outlook", Static), dialog.query_one("#count-text", Input)
        dialog.strategies.value = "product"
        count.value = "40"
        await until(pilot, lambda: "Product makes 96 combinations" in str(outlook.content))
        count.value = ""
        # The tiers are weighed 3, 5 and 2, so the rarest combination needs more than one of each.
        await until(pilot, lambda: str(outlook.content) == "160: all 70 pairs · 96 combinations")
        dialog.strategies.value = "pairwise"
        dialog.query_one("#values", Button).focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ValuesDialog))
        await pilot.press("left", "a", "ctrl+s")
        await until(pilot, lambda: app.screen is dialog)
        await until(
            pilot,
            lambda: (
                str(outlook.content).endswith(": all 70 pairs · 96 combinations") and "160" not in str(outlook.content)
            ),
        )
        assert dialog.given["strategy"] == "pairwise" and dialog.given["count"] is None


async def test_a_count_that_its_strategy_cannot_hold_is_answered_at_its_field(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await add_document(db)
    async with rehearsal() as url:
        app.crew.settings = Settings(home=app.crew.settings.home, api_base_url=url)
        async with app.run_test(size=(80, 24)) as pilot:
            await opened(pilot, app)
            dialog = await form(pilot, app)
            dialog.strategies.value = "product"
            await pilot.press("ctrl+s")
            await until(pilot, lambda: dialog.query_one("#count", FormField).has_class("-mistaken"))
            assert "Leave count out, give 96 or more" in str(dialog.query_one("#count", FormField).answer.content)
            assert await scalar(db, "SELECT count(*) FROM batches") == 0


async def test_the_preview_shows_prompts_and_cost_and_begins_the_batch(
    db: Database, tmp_path: Path, worker_starts: list[int]
) -> None:
    await add_vocabulary(db)
    await add_document(db)
    async with rehearsal() as url:
        app = TraintuiApp(Settings(home=tmp_path, api_base_url=url), workspace=db)
        async with app.run_test(size=(80, 24)) as pilot:
            await opened(pilot, app)
            dialog = await form(pilot, app)
            dialog.query_one("#count-text", Input).value = "3"
            await pilot.press("f2")
            await until(pilot, lambda: isinstance(app.screen, BatchPreview) and app.screen.prompt.plain)
            screen = app.screen
            assert isinstance(screen, BatchPreview)
            await until(
                pilot,
                lambda: "3 conversations" in str(screen.figures.content) and "Cost" in str(screen.figures.content),
            )
            await until(
                pilot, lambda: str(screen.which.content).startswith("1 of 3") and "SYSTEM PROMPT" in screen.prompt.plain
            )
            first = screen.prompt.plain
            await pilot.press("]")
            await until(pilot, lambda: str(screen.which.content).startswith("2 of 3"))
            assert screen.prompt.plain != first
            await pilot.press("[", "[")
            await until(pilot, lambda: str(screen.which.content).startswith("3 of 3"))
            assert await scalar(db, "SELECT count(*) FROM batches") == 0
            await pilot.press("ctrl+s")
            await until(pilot, lambda: worker_starts)
            await until(pilot, lambda: "0 of 3" in band(app))


async def test_a_preview_of_what_cannot_be_planned_says_why_and_goes_back(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await form(pilot, app)
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, BatchPreview))
        screen = app.screen
        assert isinstance(screen, BatchPreview)
        await until(pilot, lambda: "finds no text in any document" in str(screen.figures.content))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BatchForm))


async def test_a_new_batch_is_offered_the_active_templates_only(
    app: TraintuiApp, db: Database, worker_starts: list[int]
) -> None:
    await add_vocabulary(db)
    await add_document(db)
    retired, _ = [await templates.store(db, name, system="S", user_prompt="U") for name in ("calls", "letters")]
    await templates.set_active(db, [retired.id], False)
    async with app.run_test(size=(120, 45)) as pilot:
        await opened(pilot, app)
        dialog = await form(pilot, app)
        assert [value for _, value in dialog.templates._options] == ["letters", "conversation"]
        assert dialog.templates.value == "conversation"
        dialog.templates.value = "letters"
        assert dialog.given["template"] == "letters"
