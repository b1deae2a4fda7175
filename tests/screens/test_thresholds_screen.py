"""Administrators change what the score asks for and score anew; everybody else reads it."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input, Static

from screens.waiting import until
from support import Conninfo, fetch, imported, logged_in, scalar
from traintui.app import TraintuiApp
from traintui.data.engine import Database
from traintui.quality import thresholds
from traintui.quality.signatures import signature
from traintui.quality.signing import sign_some
from traintui.quality.threshold_words import PARTS, part_of, sentence_of
from traintui.quality.thresholds import Thresholds
from traintui.screens.bulk import BulkDialog
from traintui.screens.threshold_form import ThresholdForm
from traintui.screens.thresholds import ThresholdsDialog
from traintui.settings import Settings


async def opened(pilot: Pilot[None], app: TraintuiApp) -> ThresholdsDialog:
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("S")
    await until(pilot, lambda: isinstance(app.screen, ThresholdsDialog) and app.screen.table.rows)
    assert isinstance(app.screen, ThresholdsDialog)
    return app.screen


async def at(pilot: Pilot[None], dialog: ThresholdsDialog, name: str) -> None:
    dialog.table.cursor = [row.name for row in dialog.table.rows].index(name)
    await until(pilot, lambda: name in str(dialog.about.content))


async def form(pilot: Pilot[None], app: TraintuiApp, *typed: str) -> ThresholdForm:
    await pilot.press("e")
    await until(pilot, lambda: isinstance(app.screen, ThresholdForm) and app.screen.query(Input))
    assert isinstance(app.screen, ThresholdForm)
    for each, value in zip(app.screen.query(Input), typed, strict=True):
        each.value = value
    await pilot.press("ctrl+s")
    return app.screen


def offered(dialog: ThresholdsDialog) -> str:
    return str(dialog.query_one("#offered", Static).content)


def test_every_threshold_has_its_part_and_a_sentence_of_its_own() -> None:
    named = [name for part in PARTS for name in (part.weight, *part.thresholds)]
    assert sorted(named) == sorted(Thresholds.model_fields)
    assert len({sentence_of(name) for name in named}) == len(named)
    assert all(name in (part_of(name).weight, *part_of(name).thresholds) for name in named)


async def test_a_threshold_is_changed_and_what_is_stored_is_scored_anew_after_saying_how_many(
    app: TraintuiApp, db: Database
) -> None:
    await imported(db, 3)
    while await sign_some(db, signature):
        pass
    before = await scalar(db, "SELECT sum(quality_score) FROM conversations")
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        assert offered(dialog) == "" and "1.25" in dialog.table.rows[0].points
        await at(pilot, dialog, "usual_turns")
        await form(pilot, app, "6", "8")
        await until(pilot, lambda: "usual_turns is 6..8" in str(dialog.said.content))
        await until(pilot, lambda: "3 conversations may have a score by other thresholds" in offered(dialog))
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, BulkDialog) and app.screen.state == "asking")
        assert isinstance(app.screen, BulkDialog)
        assert "Score anew: 3 conversations" in str(app.screen.panel.border_title)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, BulkDialog) and app.screen.state == "over")
        assert "3 scored anew, 3 of them have another score" in str(app.screen.answer.content)
        await pilot.press("space")
        await until(pilot, lambda: app.screen is dialog and offered(dialog) == "")
    assert await scalar(db, "SELECT sum(quality_score) FROM conversations") < before
    log = await fetch(db, "SELECT key, changed_by FROM workspace_setting_changes ORDER BY id")
    assert [row.key for row in log][-3:] == ["score.usual_turns", "rescoring", "rescoring"]
    assert {row.changed_by for row in log[-3:]} == {"ada"}


async def test_what_a_threshold_may_not_be_is_answered_at_its_field_and_d_takes_the_default_back(
    app: TraintuiApp, db: Database
) -> None:
    await thresholds.change(db, "closeness_good", 0.4)
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        await at(pilot, dialog, "closeness_good")
        assert dialog.table.current is not None and dialog.table.current.default == "0.5"
        asked = await form(pilot, app, "40")
        await until(pilot, lambda: asked.field.has_class("-mistaken"))
        said = str(asked.field.answer.content)
        assert "less than or equal to 1" in said and "a share of 1, from 0 to 1" in said
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is dialog)
        await pilot.press("d")
        await until(pilot, lambda: "closeness_good is 0.5" in str(dialog.said.content))
    assert (await thresholds.read(db)).closeness_good == 0.5


async def test_everybody_else_reads_and_changes_nothing(db: Database, conninfo: Conninfo, tmp_path: Path) -> None:
    async with logged_in(conninfo("arthur")) as author:
        app = TraintuiApp(Settings(home=tmp_path), workspace=author)
        async with app.run_test(size=(120, 30)) as pilot:
            dialog = await opened(pilot, app)
            assert "Read only" in str(dialog.said.content)
            await pilot.press("e", "d", "r", "enter")
            await pilot.pause()
            assert app.screen is dialog
