"""A plan is filled in with what there is: documents, chunks, values, weights; what is wrong is said beside it."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input, Static

from screens.waiting import until
from support import add_document, add_vocabulary, scalar
from traintui.app import TraintuiApp
from traintui.data import batches, documents, templates, vocabulary
from traintui.data.engine import Database
from traintui.demo.run import rehearsal
from traintui.generation.children import Crew
from traintui.generation.plan import parse_plan
from traintui.generation.start import start_batch
from traintui.screens.batch_form import BatchForm
from traintui.screens.batch_sources import SourcesDialog
from traintui.screens.batch_values import ValuesDialog
from traintui.screens.generate import GenerateScreen
from traintui.settings import Settings
from traintui.widgets.form_field import FormField
from traintui.widgets.model_choice import NONE, OTHER

PLAN: dict[str, Any] = {
    "name": "Before", "count": 2, "seed": 4, "exchanges": [1, 3], "documents": ["fees.md"],
    "dimensions": {"persona": {"busy_parent": 2.0}},
}  # fmt: skip


async def opened(pilot: Pilot[None], app: TraintuiApp) -> BatchForm:
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("3")
    await until(pilot, lambda: isinstance(app.screen, GenerateScreen) and app.screen.ready)
    await pilot.press("n")
    await until(pilot, lambda: isinstance(app.screen, BatchForm) and app.screen.query("#start"))
    assert isinstance(app.screen, BatchForm)
    dialog = app.screen
    await until(pilot, lambda: "reading" not in label(dialog, "sources"))
    return dialog


def label(dialog: BatchForm, name: str) -> str:
    return str(dialog.query_one(f"#{name}", Button).label).removesuffix("  ▸")


def answer(dialog: BatchForm, name: str) -> str:
    found = dialog.query_one(f"#{name}", FormField)
    return str(found.answer.content).removeprefix("! ") if found.has_class("-mistaken") else ""


@pytest.fixture
async def stocked(db: Database) -> Database:
    """A workspace with two documents and the vocabulary."""
    await add_vocabulary(db)
    await add_document(db)
    await add_document(db, "terms.md", ("Cards are free.", "Loans are not.", "Letters cost 1."))
    return db


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ensure_worker(_: Crew, *, slots: int = 4) -> None: ...

    monkeypatch.setattr(Crew, "ensure_worker", ensure_worker)


async def test_documents_and_chunks_are_chosen_with_their_counts(app: TraintuiApp, stocked: Database) -> None:
    ids = {chunk.content: chunk.id for chunk in await documents.chunks(stocked)}
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        assert label(dialog, "sources") == "all 5 chunks of 2 documents, ~50 tokens"
        assert dialog.given["documents"] == dialog.given["chunks"] == []
        dialog.query_one("#sources", Button).focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SourcesDialog) and app.screen.table.rows)
        choosing = app.screen
        assert isinstance(choosing, SourcesDialog)
        assert [(row.document, row.of) for row in choosing.table.rows] == [("fees.md", 2), ("terms.md", 3)]
        await pilot.press("asterisk", "ctrl+s")
        await until(pilot, lambda: "choose at least one" in str(choosing.chosen.content))
        assert isinstance(app.screen, SourcesDialog)
        await pilot.press("space", "right", "j", "space")
        await until(pilot, lambda: "3 of 5 chunks, of 2 documents" in str(choosing.chosen.content))
        await pilot.press("ctrl+s")
        said = "3 of 5 chunks, of 2 documents, ~30 tokens"
        await until(pilot, lambda: app.screen is dialog and label(dialog, "sources") == said)
        assert dialog.given["documents"] == ["fees.md"]
        assert dialog.given["chunks"] == [ids["Cards are free."]]
        assert parse_plan(dialog.given).chunks == (ids["Cards are free."],)


async def test_values_are_weighed_left_out_and_taken_alike_again(app: TraintuiApp, stocked: Database) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        dialog.query_one("#values", Button).focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ValuesDialog) and app.screen.table.rows)
        weighing = app.screen
        assert isinstance(weighing, ValuesDialog)
        assert [row.dimension for row in weighing.table.rows if row.first] == [
            "persona", "emotion", "topic", "intent", "tone", "tier",
        ]  # fmt: skip
        await pilot.press("space")  # without the first persona
        await pilot.press("right", "plus", "plus")  # the first emotion three times as often
        await pilot.press("left", "left", "a")  # tiers alike
        await until(pilot, lambda: "Persona 1 of 2, emotion 3 : 1, others alike" in str(weighing.chosen.content))
        await pilot.press("right", "0", "j", "0", "ctrl+s")
        await until(pilot, lambda: "persona: nothing is chosen" in str(weighing.chosen.content))
        assert isinstance(app.screen, ValuesDialog)
        await pilot.press("7", "ctrl+s")
        said = "persona 1 of 2, emotion 3 : 1, others alike"
        await until(pilot, lambda: app.screen is dialog and label(dialog, "values") == said)
        assert dialog.given["dimensions"] == {
            "persona": {"busy_parent": 7.0}, "emotion": {"worried": 3.0, "calm": 1.0},
        }  # fmt: skip


async def test_f3_unfolds_mode_priority_fallback_and_judge_which_reach_the_plan(
    stocked: Database, app: TraintuiApp, no_worker: None
) -> None:
    async with rehearsal() as url:
        app.crew.settings = Settings(home=app.crew.settings.home, api_base_url=url)
        async with app.run_test(size=(80, 24)) as pilot:
            dialog = await opened(pilot, app)
            assert not dialog.query_one("#mode", FormField).display and dialog.query_one("#folded", Static).display
            await pilot.press("f3")
            await until(pilot, lambda: dialog.modes.has_focus and dialog.query_one("#mode", FormField).display)
            dialog.modes.value = "batches"
            dialog.query_one("#priority-text", Input).value = "5"
            dialog.fallback.listed.value = "claude-haiku-5-5"
            dialog.judge.listed.value = "claude-opus-5-5"
            await pilot.press("ctrl+s")
            await until(pilot, lambda: isinstance(app.screen, GenerateScreen))
    definition = await scalar(stocked, "SELECT definition FROM plans")
    assert (definition["mode"], definition["priority"], definition["fallback_model"]) == (
        "batches", 5, "claude-haiku-5-5",
    )  # fmt: skip
    assert await scalar(stocked, "SELECT mode || ' ' || priority || ' ' || judge_model FROM batches") == (
        "batches 5 claude-opus-5-5"
    )


async def test_the_next_form_begins_with_what_the_last_plan_had(app: TraintuiApp, stocked: Database) -> None:
    await start_batch(
        stocked,
        parse_plan({**PLAN, "mode": "batches", "fallback_model": "my-model", "judge_model": "claude-opus-5-5"}),
        is_rehearsal=True,
    )
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        assert label(dialog, "sources") == "2 of 5 chunks, of 1 document, ~20 tokens"
        given = dialog.given
        assert given["documents"] == ["fees.md"] and given["dimensions"] == PLAN["dimensions"] and given["seed"] == 5
        assert (given["mode"], given["fallback_model"]) == ("batches", "my-model")
        assert given["judge_model"] == "claude-opus-5-5"
        assert dialog.query_one("#mode", FormField).display, "what is not as usual is shown"
        dialog.fallback.listed.value = NONE
        assert dialog.given["fallback_model"] is None


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"#count-text": "0"}, "count", "greater than or equal to 1"),
        ({"#count-text": "10000000"}, "count", "less than or equal to 100000"),
        ({"#budget": "-5"}, "budget_usd", "greater than 0"),
        ({"#budget": "much"}, "budget_usd", "valid decimal"),
        ({"#priority-text": "5000"}, "priority", "less than or equal to 1000"),
        ({"#least": "5", "#most": "2"}, "exchanges", "least and the most"),
        ({"#seed-text": "soon"}, "seed", "valid integer"),
        ({"#name-text": ""}, "name", "at least 1 character"),
    ],
)
async def test_what_is_typed_wrong_is_answered_beside_its_field(
    app: TraintuiApp, stocked: Database, typed: dict[str, str], field: str, said: str
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        for selector, value in typed.items():
            dialog.query_one(selector, Input).value = value
        await pilot.press("ctrl+s")
        await until(pilot, lambda: said in answer(dialog, field))
        assert dialog.query_one(f"#{field}", FormField).display
    assert await scalar(stocked, "SELECT count(*) FROM batches") == 0


async def test_a_model_without_a_price_says_so_and_names_the_nearest(app: TraintuiApp, stocked: Database) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        unpriced = dialog.model.query_one(".unpriced", Static)
        assert not unpriced.display
        dialog.model.listed.value = OTHER
        dialog.model.field.value = "claude-sonet-5-5"
        await until(pilot, lambda: unpriced.display and "Price unknown" in str(unpriced.content))
        assert "Did you mean claude-sonnet-5-5?" in str(unpriced.content)
        dialog.model.field.value = ""
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "at least 1 character" in answer(dialog, "model"))


async def test_a_value_or_a_document_that_is_gone_is_answered_at_its_field(
    app: TraintuiApp, stocked: Database, no_worker: None
) -> None:
    gone = {**PLAN, "documents": [], "chunks": [987_654]}
    template = await templates.store(stocked, "conversation", system="S", user_prompt="U", built_in=True)
    await batches.create(
        stocked, [], name="Before", definition=gone, template_id=template.id, model="m", is_rehearsal=True
    )
    await vocabulary.change(stocked, "persona", "busy_parent", active=False)
    async with rehearsal() as url:
        app.crew.settings = Settings(home=app.crew.settings.home, api_base_url=url)
        async with app.run_test(size=(80, 24)) as pilot:
            dialog = await opened(pilot, app)
            await until(pilot, lambda: "no chunk 987654" in answer(dialog, "documents"))
            dialog.query_one("#sources", Button).focus()
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, SourcesDialog) and app.screen.table.rows)
            await pilot.press("ctrl+s")
            await until(pilot, lambda: app.screen is dialog and answer(dialog, "documents") == "")
            await pilot.press("ctrl+s")
            await until(pilot, lambda: "'busy_parent' is not an active persona" in answer(dialog, "dimensions"))
            assert await scalar(stocked, "SELECT count(*) FROM batches") == 1


async def test_a_template_that_does_not_resolve_is_answered_at_its_field(
    app: TraintuiApp, stocked: Database, no_worker: None
) -> None:
    await templates.store(stocked, "letters", system="You write.", user_prompt="About {{ mood }}.")
    async with rehearsal() as url:
        app.crew.settings = Settings(home=app.crew.settings.home, api_base_url=url)
        async with app.run_test(size=(80, 24)) as pilot:
            dialog = await opened(pilot, app)
            dialog.templates.value = "letters"
            await pilot.press("ctrl+s")
            await until(pilot, lambda: "mood" in answer(dialog, "template") and "line 1" in answer(dialog, "template"))
            assert await scalar(stocked, "SELECT count(*) FROM batches") == 0


async def test_a_budget_is_kept_with_a_fallback_whose_price_is_known_only(app: TraintuiApp, stocked: Database) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        dialog.query_one("#budget", Input).value = "5"
        dialog.fallback.listed.value = OTHER
        dialog.fallback.field.value = "local-model"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "local-model is not known" in answer(dialog, "fallback_model"))
        assert dialog.query_one("#fallback_model", FormField).display


async def test_the_outlook_stands_on_one_line_of_a_small_terminal(app: TraintuiApp, stocked: Database) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        outlook = dialog.query_one("#outlook", Static)
        await until(pilot, lambda: "combinations" in str(outlook.content))
        outlook.update("100,000: all 12,593 pairs · 12,248,384 combinations")
        await pilot.pause()
        assert outlook.size.height == 1


async def test_a_mistake_gives_way_to_the_next_one_and_a_budget_is_told_while_it_is_typed(
    app: TraintuiApp, stocked: Database
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        count, budget = (dialog.query_one(f"#{name}", Input) for name in ("count-text", "budget"))
        count.value = "0"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "greater than or equal to 1" in answer(dialog, "count"))
        assert str(dialog.query_one("#count", FormField).answer.content).startswith("! ")
        count.value = "10000000"
        await until(pilot, lambda: "less than or equal to 100000" in answer(dialog, "count"))
        count.value = "10"
        await until(pilot, lambda: not answer(dialog, "count"))
        budget.value = "-5"
        await until(pilot, lambda: "greater than 0" in answer(dialog, "budget_usd"))
        budget.value = "5"
        await until(pilot, lambda: not answer(dialog, "budget_usd"))


async def test_what_is_drawn_on_is_what_was_chosen(app: TraintuiApp, stocked: Database) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        drawn = dialog.query_one("#drawn", Static)
        assert "2 personas" in str(drawn.content)
        dialog._values_chosen({"persona": {"busy_parent": 1.0}})
        await until(pilot, lambda: "1 persona," in str(drawn.content))
