"""Coverage shows which combinations need more, in colour and without, and one key does something about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input, Static

from screens.waiting import Waiting, until, written
from support import (
    Conninfo,
    Wanted,
    add_document,
    add_vocabulary,
    approved,
    fetch,
    generated,
    logged_in,
    planned,
    scalar,
)
from traintui.app import TraintuiApp
from traintui.data import coverage, vocabulary
from traintui.data.engine import Database
from traintui.data.records import VocabularyValue
from traintui.generation.draft import draft
from traintui.screens.batch_form import BatchForm
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.coverage import CoverageDialog
from traintui.screens.coverage_pair import PairDialog
from traintui.screens.coverage_target import TargetDialog
from traintui.screens.generate import GenerateScreen
from traintui.settings import Settings
from traintui.widgets.emptiest import BY
from traintui.widgets.heat_map import HEAD, level


@pytest.fixture
async def filled(db: Database) -> Database:
    """Three conversations of an anxious planner who worries, one of them approved; one planned for a calm parent."""
    await add_vocabulary(db)
    ids = await generated(db, 3)
    await approved(db, ids[0])
    await planned(db, wanted=[Wanted(persona="busy_parent", emotion="calm")])
    return db


async def opened(pilot: Pilot[None], app: TraintuiApp) -> CoverageDialog:
    await until(pilot, lambda: app.workspace is not None and app.labels)
    await pilot.press("C")
    await until(pilot, lambda: isinstance(app.screen, CoverageDialog) and app.screen.coverage is not None)
    dialog = app.screen
    assert isinstance(dialog, CoverageDialog)
    await until(pilot, lambda: "EMPTIEST" in said(dialog.emptiest) and len(lines(dialog)) > HEAD)
    return dialog


def said(widget: Static) -> str:
    return str(widget.content)


def lines(dialog: CoverageDialog) -> Sequence[str]:
    """The map as it is drawn, without colours."""
    return [dialog.map.render_line(y).text for y in range(dialog.map.size.height)]


async def set_target(pilot: Pilot[None], dialog: CoverageDialog, number: str, choice: int) -> None:
    await pilot.press("t")
    await until(pilot, lambda: isinstance(pilot.app.screen, TargetDialog))
    form = pilot.app.screen
    assert isinstance(form, TargetDialog)
    form.query_one("#target-text", Input).value = number
    form.scope.value = ("cell", "row", "column", "all")[choice]
    await pilot.press("ctrl+s")
    await until(pilot, lambda: pilot.app.screen is dialog)


async def test_numbers_and_signs_say_it_without_colours(app: TraintuiApp, filled: Database) -> None:
    await coverage.set_target(filled, "persona", "emotion", 3)
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        head, first, second = lines(dialog)[HEAD - 1 : HEAD + 2]
        assert "Worried" in head and "Calm" in head
        assert first.split() == ["▌Anxious", "planner", "[█", "3", "]", "0"]
        assert second.split() == ["Busy", "parent", "0", "▒", "1"]
        await until(pilot, lambda: "8 missing in 3 cells" in said(dialog.sums))
        await until(
            pilot,
            lambda: (
                said(dialog.about).startswith(f"Anxious planner {BY} Worried") and "2 to review" in said(dialog.about)
            ),
        )


async def test_the_number_of_a_cell_is_another_one_with_m(app: TraintuiApp, filled: Database) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        found = []
        for _ in range(7):
            found.append(tuple(lines(dialog)[HEAD].split()[2:]))
            await pilot.press("m")
        assert [numbers[1] for numbers in found] == ["3", "0", "2", "1", "0", "0", "0"]
        assert tuple(lines(dialog)[HEAD].split()[2:]) == found[0]


async def test_a_target_is_set_for_a_cell_a_row_a_column_or_all(app: TraintuiApp, filled: Database) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)

        def targets() -> list[int | None]:
            assert dialog.coverage is not None
            return [cell.target for cell in dialog.coverage.cells.values()]

        await set_target(pilot, dialog, "2", 3)
        await until(pilot, lambda: targets() == [2, 2, 2, 2])
        await set_target(pilot, dialog, "5", 1)
        await until(pilot, lambda: targets() == [5, 5, 2, 2])
        await pilot.press("j", "l")
        await set_target(pilot, dialog, "1", 0)
        await until(pilot, lambda: targets() == [5, 5, 2, 1])
        await set_target(pilot, dialog, "1,000", 2)
        await until(pilot, lambda: targets() == [5, 1000, 2, 1000])
        await set_target(pilot, dialog, "", 3)
        await until(pilot, lambda: targets() == [None] * 4)
        await until(pilot, lambda: "target taken out" in said(dialog.said))


async def test_what_is_no_number_is_answered_and_stores_nothing(app: TraintuiApp, filled: Database) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await pilot.press("t", "-", "3", "enter")
        form = app.screen
        assert isinstance(form, TargetDialog)
        await until(pilot, lambda: "whole number from 0" in said(form.query_one("#target .answer", Static)))
        await pilot.press("escape")
        await written(app)
    assert await scalar(filled, "SELECT count(*) FROM coverage_targets") == 0


async def test_enter_shows_the_conversations_of_the_cell(app: TraintuiApp, filled: Database) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.workspace is not None and app.labels)
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.screen, GenerateScreen))
        await opened(pilot, app)
        await pilot.press("j", "l", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConversationsScreen))
        screen = app.screen
        assert isinstance(screen, ConversationsScreen)
        await until(pilot, lambda: screen.filter_line.field.value == "persona:busy_parent emotion:calm")
        await until(pilot, lambda: screen.table.total == 1 and screen.table.has_focus)


async def test_g_plans_what_is_missing(app: TraintuiApp, filled: Database) -> None:
    await add_document(filled)
    await coverage.set_target(filled, "persona", "emotion", 2)
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        assert dialog.coverage is not None and sum(dialog.coverage.missing.values()) == 5
        await pilot.press("g")
        await until(pilot, lambda: isinstance(app.screen, BatchForm))
        form = app.screen
        assert isinstance(form, BatchForm)
        await until(pilot, lambda: "chunks" in str(form.query_one("#sources", Button).label))
        plan = form._plan()
        assert (plan.strategy, plan.count) == ("gaps", 5)
        made = await draft(filled, plan)
        assert Counter((each.persona, each.emotion) for each in made.items) == dialog.coverage.missing
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, GenerateScreen))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, BatchForm))
        later = app.screen
        assert isinstance(later, BatchForm)
        await until(pilot, lambda: later.query("#name-text"))
        assert set(later.given["dimensions"]) == {"tier"}, "the next batch is about all values again"


async def test_what_two_other_dimensions_miss_is_planned_in_its_cells(app: TraintuiApp, filled: Database) -> None:
    await add_document(filled)
    await coverage.set_target(filled, "persona", "emotion", 2)
    await coverage.set_target(filled, "persona", "tone", 6, row="busy_parent", column="warm")
    await coverage.set_target(filled, "persona", "tone", 5, row="anxious_planner", column="formal")
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        dialog._look_at("persona", "tone")
        await until(pilot, lambda: dialog.coverage is not None and dialog.coverage.columns == "tone")
        assert dialog.coverage is not None
        lacking = dialog.coverage.missing
        await pilot.press("g")
        await until(pilot, lambda: isinstance(app.screen, BatchForm))
        form = app.screen
        assert isinstance(form, BatchForm)
        await until(
            pilot, lambda: len(form.pairs._options) == 2 and "combinations" in said(form.query_one("#outlook", Static))
        )
        plan = form._plan()
        assert (plan.strategy, plan.count, plan.gaps) == ("gaps", sum(lacking.values()), ("persona", "tone"))
        made = await draft(filled, plan)
        assert Counter((each.persona, each.tone) for each in made.items) == lacking


async def test_without_the_rehearsal_what_it_wrote_counts_in_the_batch_neither(
    app: TraintuiApp, filled: Database
) -> None:
    await add_document(filled)
    await generated(filled, wanted=[Wanted(persona="busy_parent", emotion="calm")] * 2, is_rehearsal=True)
    await coverage.set_target(filled, "persona", "emotion", 4, row="busy_parent", column="calm")
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        dialog.action_rehearsal()
        await until(pilot, lambda: dialog.coverage is not None and not dialog.coverage.rehearsal)
        await pilot.press("g")
        await until(pilot, lambda: isinstance(app.screen, BatchForm))
        form = app.screen
        assert isinstance(form, BatchForm)
        await until(pilot, lambda: "combinations" in said(form.query_one("#outlook", Static)))
        assert form.given["count"] == 3


async def test_tiers_that_are_missing_stand_in_their_fields(app: TraintuiApp, filled: Database) -> None:
    await add_document(filled)
    await coverage.set_target(filled, "persona", "tier", 1, column="edge_case")
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        dialog._look_at("persona", "tier")
        await until(pilot, lambda: dialog.coverage is not None and dialog.coverage.columns == "tier")
        await pilot.press("g")
        await until(pilot, lambda: isinstance(app.screen, BatchForm))
        form = app.screen
        assert isinstance(form, BatchForm)
        await until(pilot, lambda: form.query("#name-text"))
        plan = form._plan()
        assert "tier" not in plan.dimensions and plan.count == 2
        assert {each.tier for each in (await draft(filled, plan)).items} == {"edge_case"}


async def test_where_nothing_is_missing_g_says_so(app: TraintuiApp, filled: Database) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        await pilot.press("g")
        await until(pilot, lambda: "No cell has a target: t sets one" in said(dialog.said))
        await coverage.set_target(filled, "persona", "emotion", 1, row="anxious_planner", column="worried")
        await pilot.press("g")
        await until(pilot, lambda: "Nothing is missing" in said(dialog.said))


async def test_the_five_emptiest_say_what_to_do_and_a_digit_goes_there(app: TraintuiApp, filled: Database) -> None:
    await coverage.set_target(filled, "persona", "emotion", 4)
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        await until(pilot, lambda: len(said(dialog.emptiest).splitlines()) == 5)  # the heading and four cells
        shown = said(dialog.emptiest).splitlines()
        assert "0 of 4" in shown[1] and "g plans all 12 missing" in shown[1]
        await pilot.press("3")
        await until(pilot, lambda: dialog.current is not None and dialog.current.column == "calm")
        assert dialog.current is not None and dialog.current.row == "busy_parent"


async def test_what_has_its_target_is_none_of_the_emptiest(app: TraintuiApp, filled: Database) -> None:
    await coverage.set_target(filled, "persona", "emotion", 1, row="anxious_planner", column="worried")
    await coverage.set_target(filled, "persona", "emotion", 2, row="busy_parent", column="calm")
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        await until(pilot, lambda: len(said(dialog.emptiest).splitlines()) == 2)  # its width is known
        shown = said(dialog.emptiest).splitlines()
        assert "1 of 2" in shown[1] and "g plans the 1 missing" in shown[1]
        await coverage.set_target(filled, "persona", "emotion", 1, row="busy_parent", column="calm")
        await pilot.press("r")
        await until(pilot, lambda: "every cell has its target" in said(dialog.emptiest))


async def test_other_dimensions_are_chosen_and_turned(app: TraintuiApp, filled: Database) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, PairDialog))
        await pilot.press("j", "j", "j", "j", "enter")
        await until(pilot, lambda: dialog.coverage is not None and dialog.coverage.rows == "tier")
        assert dialog.coverage is not None and dialog.coverage.columns == "persona" and len(dialog.coverage.cells) == 6
        await pilot.press("x")
        await until(pilot, lambda: dialog.coverage is not None and dialog.coverage.rows == "persona")
        await pilot.press("escape", "C")
        await until(pilot, lambda: isinstance(app.screen, CoverageDialog) and app.screen is not dialog)
        again = app.screen
        assert isinstance(again, CoverageDialog)
        await until(pilot, lambda: again.coverage is not None and again.coverage.columns == "tier")


async def test_what_others_do_shows_by_itself(app: TraintuiApp, filled: Database) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        await until(pilot, lambda: app.live is not None and app.live.mirror is not None)
        await generated(filled, wanted=[Wanted(persona="busy_parent", emotion="worried")])
        await until(pilot, lambda: lines(dialog)[HEAD + 1].split()[3] == "1")


async def test_the_server_counts_while_the_copy_is_not_there(filled: Database, tmp_path: Path) -> None:
    app = Waiting(Settings(home=tmp_path), workspace=filled)
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        assert app.live is None or app.live.mirror is None
        assert dialog.coverage is not None and dialog.coverage.cells["anxious_planner", "worried"].approved == 1


async def test_forty_topics_scroll_both_ways_under_headings_that_stay(app: TraintuiApp, filled: Database) -> None:
    await vocabulary.add(
        filled,
        [
            VocabularyValue(
                dimension, f"{dimension}_{place:02}", f"{dimension.capitalize()} {place:02}", position=place
            )
            for dimension in ("topic", "persona")
            for place in range(2, 42)
        ],
    )
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        dialog._look_at("topic", "persona")
        await until(pilot, lambda: dialog.coverage is not None and len(dialog.coverage.cells) == 42 * 42)
        await pilot.press("end", *["pagedown"] * 12)
        assert dialog.map.cursor == (41, 41)
        await until(pilot, lambda: any("Topic 41" in line for line in lines(dialog)))
        head = " ".join(lines(dialog)[:HEAD])
        assert "◂" in head and "41" in head and "▸" not in head
        await pilot.press("home", *["pageup"] * 12)
        await until(pilot, lambda: "Overdraft fees" in lines(dialog)[HEAD] and "▸" in " ".join(lines(dialog)[:HEAD]))


async def test_who_may_not_plan_still_sees_all_of_it(conninfo: Conninfo, filled: Database, tmp_path: Path) -> None:
    async with logged_in(conninfo("rita")) as reviewer:
        app = TraintuiApp(Settings(home=tmp_path), workspace=reviewer)
        async with app.run_test(size=(120, 30)) as pilot:
            dialog = await opened(pilot, app)
            assert dialog.check_action("fill", ()) is None and dialog.check_action("target", ()) is None
            await pilot.press("t", "g")
            assert app.screen is dialog
    assert await fetch(filled, "SELECT FROM coverage_targets") == []


async def test_an_empty_vocabulary_says_what_to_do(app: TraintuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.workspace is not None)
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, CoverageDialog) and app.screen.coverage is not None)
        dialog = app.screen
        assert isinstance(dialog, CoverageDialog)
        await until(pilot, lambda: dialog.notice.display and "No persona yet" in said(dialog.notice))


def test_a_target_is_reached_only_when_all_of_it_is_held() -> None:
    assert [level(share) for share in (None, 0, 0.01, 0.34, 0.67, 0.99, 1, 3)] == [None, 0, 1, 2, 3, 3, 4, 4]
