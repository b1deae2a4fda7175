"""Templates are read, written, compared, put out of use and tried with one call, by keys alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from screens.waiting import until
from support import add_document, add_vocabulary, fetch, generated, newest_calls, planned, started, stored
from traintui.app import TraintuiApp
from traintui.data import templates, work
from traintui.data.engine import Database
from traintui.generation.children import Crew
from traintui.generation.client import ModelClient
from traintui.generation.prompt import builtin_template
from traintui.generation.provider import Provider
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.trial import Trial, TrialReply
from traintui.generation.trial_call import tried
from traintui.screens import templates as templates_screen
from traintui.screens.generate import GenerateScreen
from traintui.screens.template_name import TemplateName
from traintui.screens.templates import TemplatesDialog
from traintui.settings import Settings

WIDE, SMALL = (160, 45), (80, 24)


@pytest.fixture
async def furnished(db: Database) -> AsyncIterator[Database]:
    """A vocabulary and two passages."""
    await add_vocabulary(db)
    await add_document(db, pieces=("An overdraft costs 12 a month.", "Savings cost nothing."))
    yield db


async def opened(pilot: Pilot[None], app: TraintuiApp) -> TemplatesDialog:
    await until(pilot, lambda: app.workspace is not None and app.labels)
    await pilot.press("3")
    await until(pilot, lambda: isinstance(app.screen, GenerateScreen) and app.screen.ready)
    await pilot.press("t")
    await until(pilot, lambda: isinstance(app.screen, TemplatesDialog) and app.screen.table.has_focus)
    dialog = app.screen
    assert isinstance(dialog, TemplatesDialog)
    await until(pilot, lambda: dialog.shelf.usage is not None and checked(dialog))
    return dialog


def checked(dialog: TemplatesDialog) -> str:
    return str(dialog.editor.mistakes.content)


def difference(dialog: TemplatesDialog) -> str:
    return dialog.history.difference.plain


def said(dialog: TemplatesDialog) -> str:
    return str(dialog.said.content)


async def write(pilot: Pilot[None], dialog: TemplatesDialog, user: str, system: str = "You write.") -> None:
    """Puts text in place of what stands there."""
    await pilot.press("e")
    assert isinstance(dialog.focused, TextArea)
    dialog.editor.system.text, dialog.editor.user.text = system, user
    await until(pilot, lambda: dialog.editor.drafts)


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_the_built_in_template_is_there_with_its_names_and_a_preview_of_real_data(
    app: TraintuiApp, furnished: Database, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        dialog = await opened(pilot, app)
        assert [row.name for row in dialog.table.rows] == ["conversation", "judge", "regenerate"]
        assert dialog.editor.user_text.startswith("{% macro facet") and "Every name is known" in checked(dialog)
        assert "persona.label" in dialog.editor.names.plain and "Fee schedule" in dialog.editor.names.plain
        await pilot.press("right")
        await until(pilot, lambda: "An overdraft costs 12 a month." in dialog.preview.plain)
        await until(pilot, lambda: dialog.preview.region.height >= 8)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "Savings cost nothing." in dialog.preview.plain)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not dialog)


async def test_usage_stands_beside_each_template(app: TraintuiApp, furnished: Database) -> None:
    await generated(furnished, 3)
    async with app.run_test(size=WIDE) as pilot:
        dialog = await opened(pilot, app)
        row = next(row for row in dialog.table.rows if row.name == "conversation")
        assert row.usage is not None and (row.usage.conversations, row.usage.mean_score) == (3, Decimal("7.5"))


async def test_cost_follows_while_somebody_looks(
    app: TraintuiApp, furnished: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates_screen, "LOOK", 0.05)
    await planned(furnished)
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        assert not any(row.usage and row.usage.cost_usd for row in dialog.table.rows)
        async with work.registered(furnished) as worker_id:
            await work.take_up_batches(furnished, is_rehearsal=False)
            (item,) = await work.claim(furnished, worker_id, 1, is_rehearsal=False)
            assert await stored(furnished, item, await started(furnished, item, worker_id))
        await until(pilot, lambda: any(row.usage and row.usage.cost_usd for row in dialog.table.rows))


async def test_a_misspelt_name_is_told_with_its_line_and_is_not_saved(app: TraintuiApp, furnished: Database) -> None:
    async with app.run_test(size=SMALL) as pilot:
        dialog = await opened(pilot, app)
        await write(pilot, dialog, "About {{ topic.label }}\nfor {{ persona.lable }}")
        await until(pilot, lambda: "line 2" in checked(dialog))
        assert "'lable' is none of value, label, description, did you mean 'label'?" in checked(dialog)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Not saved" in said(dialog))
        await until(pilot, lambda: dialog.editor.user.has_focus and dialog.editor.user.cursor_location == (1, 0))
        assert len(await templates.versions(furnished)) == 1
        await until(pilot, lambda: "line 2" in dialog.preview.plain)


async def test_what_was_said_of_a_mistake_goes_when_it_is_mended(app: TraintuiApp, furnished: Database) -> None:
    async with app.run_test(size=WIDE) as pilot:
        dialog = await opened(pilot, app)
        await write(pilot, dialog, "About {{ topik }}.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Not saved" in said(dialog))
        dialog.editor.user.text = "About {{ topic }}."
        await until(pilot, lambda: "Every name is known" in checked(dialog) and "Not saved" not in said(dialog))


async def test_saving_makes_a_new_version_which_is_compared_with_the_one_before(
    app: TraintuiApp, furnished: Database
) -> None:
    async with app.run_test(size=WIDE) as pilot:
        dialog = await opened(pilot, app)
        await write(pilot, dialog, "About {{ topic.label }}.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Saved as version 2" in said(dialog))
        newest, builtin = await templates.versions(furnished, "conversation")
        assert (newest.version, newest.user_prompt, newest.system) == (2, "About {{ topic.label }}.", "You write.")
        assert builtin.user_prompt == builtin_template().user
        await pilot.press("escape", "right", "right")
        await until(
            pilot,
            lambda: "version 1" in difference(dialog) and "version 2" in difference(dialog),
        )
        assert "+ About {{ topic.label }}." in difference(dialog)
        await pilot.press("space", "down")
        await until(pilot, lambda: "- About {{ topic.label }}." in difference(dialog))


async def test_what_is_being_written_is_compared_before_it_is_saved_and_not_lost(
    app: TraintuiApp, furnished: Database
) -> None:
    await templates.store(furnished, "other", system="S", user_prompt="U")
    async with app.run_test(size=WIDE) as pilot:
        dialog = await opened(pilot, app)
        await write(pilot, dialog, "A draft.")
        await pilot.press("escape", "right", "right")
        await until(
            pilot,
            lambda: "not saved" in difference(dialog) and "+ A draft." in difference(dialog),
        )
        await pilot.press("right", "right", "down")
        await until(pilot, lambda: dialog.editor.user_text == "U")
        await pilot.press("up")
        await until(pilot, lambda: dialog.editor.user_text == "A draft.")
        await pilot.press("escape")
        await until(pilot, lambda: "Not saved: conversation" in said(dialog))
        assert app.screen is dialog
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not dialog)


async def test_a_template_goes_out_of_use_and_comes_back(app: TraintuiApp, furnished: Database) -> None:
    async with app.run_test(size=SMALL) as pilot:
        dialog = await opened(pilot, app)
        await pilot.press("t")
        await until(pilot, lambda: "no new batch takes it" in said(dialog))
        assert not (await templates.versions(furnished))[0].active and dialog.table.rows[0].active is None
        await pilot.press("t")
        await until(pilot, lambda: "new batches take version 1" in said(dialog))
        assert (await templates.versions(furnished))[0].active


async def test_one_version_goes_out_of_use_and_batches_take_the_one_before(
    app: TraintuiApp, furnished: Database
) -> None:
    async with app.run_test(size=WIDE) as pilot:
        dialog = await opened(pilot, app)
        await templates.store(furnished, "conversation", system="S", user_prompt="U")
        await pilot.press("r")
        await until(pilot, lambda: len(dialog.shelf.of("conversation")) == 2)
        await pilot.press("right", "right")
        await until(pilot, lambda: dialog.history.table.has_focus)
        await pilot.press("t")
        await until(pilot, lambda: "new batches take version 1" in said(dialog))
        assert [version.active for version in await templates.versions(furnished)] == [False, True]


async def test_a_copy_gets_a_name_of_its_own(app: TraintuiApp, furnished: Database) -> None:
    async with app.run_test(size=SMALL) as pilot:
        dialog = await opened(pilot, app)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, TemplateName))
        form = app.screen
        assert isinstance(form, TemplateName)
        form.query_one(Input).value = "conversation"
        await pilot.press("enter")
        await until(pilot, lambda: "of that name already" in str(form.field.answer.content))
        form.query_one(Input).value = "phone calls"
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is dialog and dialog._shown == "phone calls")
        (made,) = await templates.versions(furnished, "phone calls")
        assert (made.version, made.user_prompt) == (1, builtin_template().user)


async def test_a_copy_begins_like_the_version_that_batches_take(app: TraintuiApp, furnished: Database) -> None:
    for user in ("First {{ topic }}.", "Second {{ topic }}."):
        stored = await templates.store(furnished, "fees", system="You write.", user_prompt=user)
    await templates.set_active(furnished, [stored.id], False)
    async with app.run_test(size=WIDE) as pilot:
        dialog = await opened(pilot, app)
        dialog.table.cursor = list(dialog.shelf.versions).index("fees")
        await until(pilot, lambda: dialog.editor.user_text == "Second {{ topic }}.")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, TemplateName))
        app.screen.query_one(Input).value = "copy"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Created" in said(dialog))
    assert (await templates.versions(furnished, "copy"))[0].user_prompt == "First {{ topic }}."


async def test_one_call_is_made_when_asked_twice_and_shows_turns_score_and_cost(
    app: TraintuiApp, furnished: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with RehearsalServer(port=0, pace=Pace(0)) as server:

        async def here(_: Crew, asked: Trial) -> TrialReply:
            """The call itself, in this process; that it has one of its own is another test's promise."""
            provider = Provider(server.url, "rehearsal", "rehearsal", is_rehearsal=True)
            async with ModelClient(api_key="rehearsal", base_url=server.url) as client:
                return await tried(furnished, client, provider, asked)

        monkeypatch.setattr(Crew, "try_template", here)
        async with app.run_test(size=WIDE) as pilot:
            dialog = await opened(pilot, app)
            await pilot.press("c")
            await until(pilot, lambda: "at most" in str(dialog.trial.pane.notice.content))
            assert await newest_calls(furnished) == ()
            await pilot.press("c")
            await until(pilot, lambda: dialog.trial.transcript.turns)
            (call,) = await newest_calls(furnished)
            heading = str(dialog.trial.pane.heading.content)
            assert call.kind == "probe" and f"call {call.id}" in heading and "$" in heading
            assert "grounding" in str(dialog.trial.parts.content)
            assert await fetch(furnished, "SELECT FROM conversations") == []


async def test_a_call_that_is_not_made_is_answered_where_one_waits(app: TraintuiApp, furnished: Database) -> None:
    async with app.run_test(size=WIDE) as pilot:
        dialog = await opened(pilot, app)
        await write(pilot, dialog, "{{ mood }}")
        await until(pilot, lambda: "mood" in checked(dialog))
        await pilot.press("escape", "c")
        await until(pilot, lambda: "Something is wrong with the text" in str(dialog.trial.pane.notice.content))
        await pilot.press("c")
        assert await newest_calls(furnished) == ()


async def test_a_reviewer_reads_templates_and_changes_none(
    furnished: Database, reviewer_db: Database, tmp_path: Path
) -> None:
    await templates.store(furnished, "calls", system="S", user_prompt="U")
    app = TraintuiApp(Settings(home=tmp_path), workspace=reviewer_db)
    async with app.run_test(size=WIDE) as pilot:
        dialog = await opened(pilot, app)
        assert dialog.editor.user.read_only and dialog.editor.user_text == "U"
        await pilot.press("t", "n", "e", "c")
        assert app.screen is dialog and dialog.table.has_focus
    assert (await templates.versions(furnished))[0].active


async def test_text_that_a_terminal_would_obey_is_shown_as_signs(app: TraintuiApp, furnished: Database) -> None:
    await templates.store(furnished, "[red]x", system="\x1b[31m", user_prompt="[@click=app.quit]U")
    async with app.run_test(size=WIDE) as pilot:
        dialog = await opened(pilot, app)
        assert dialog.table.rows[0].name == "[red]x"
        assert "\x1b" not in dialog.editor.system_text and dialog.editor.user_text == "[@click=app.quit]U"
        assert not dialog.editor.drafts
        assert "\x1b" not in dialog.preview.plain
