"""Administrators choose what is trained; what cannot be is answered where it stands."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from screens.waiting import until
from support import approved, imported
from traintui.app import TraintuiApp
from traintui.data.engine import Database
from traintui.export import training_targets
from traintui.export.training_targets import CHOOSABLE, TrainingTarget, targets_of
from traintui.screens.export import ExportDialog
from traintui.screens.training_targets import TrainingTargetsDialog


async def opened(pilot: Pilot[None], app: TraintuiApp) -> TrainingTargetsDialog:
    await until(pilot, lambda: app.workspace is not None)
    app.action_training_targets()
    await until(pilot, lambda: isinstance(app.screen, TrainingTargetsDialog) and app.screen.table.rows)
    assert isinstance(app.screen, TrainingTargetsDialog)
    await until(pilot, lambda: not app.screen.reading_now("targets"))  # type: ignore[attr-defined]
    return app.screen


async def at(pilot: Pilot[None], dialog: TrainingTargetsDialog, name: str) -> None:
    dialog.table.focus()
    dialog.table.cursor = CHOOSABLE.index(name)
    await until(pilot, lambda: dialog.table.current is not None and dialog.table.current.name == name)


async def test_formats_are_ticked_in_their_order_and_the_first_is_what_exports_begin_with(
    app: TraintuiApp, db: Database
) -> None:
    await approved(db, *await imported(db, 2))
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        for name, keys in (("mistral", ["space"]), ("openai", ["space"]), ("trl", ["space"]), ("openai", ["space"])):
            await at(pilot, dialog, name)
            await pilot.press(*keys)
        await at(pilot, dialog, "trl")
        await pilot.press("f", "enter")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"4096", "enter")
        await until(pilot, lambda: dialog.table.has_focus)
        assert [(row.name, row.number, row.limit) for row in dialog.table.rows if row.number] == [
            ("trl", 1, "4096"), ("mistral", 2, "")
        ]  # fmt: skip
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not isinstance(app.screen, TrainingTargetsDialog))
        await pilot.press("ctrl+e")
        await until(pilot, lambda: isinstance(app.screen, ExportDialog) and app.screen.formats.value == "trl")
        export = app.screen
        assert isinstance(export, ExportDialog)
        await until(pilot, lambda: "tokens are estimated against 4,096" in str(export.preflight.content))
        assert "traintui-export-trl-" in export.file.value
    assert (await training_targets.read(db)).chosen == (TrainingTarget("trl", 4096), TrainingTarget("mistral"))


async def test_a_limit_that_cannot_be_is_answered_at_its_field(app: TraintuiApp, db: Database) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        await at(pilot, dialog, "axolotl")
        await pilot.press("enter", *"many", "ctrl+s")
        await until(pilot, lambda: dialog.limit.has_class("-mistaken"))
        assert '"many" is no limit of axolotl' in str(dialog.limit.answer.content)
        dialog.query_one("#tokens", Input).value = ""
        await until(pilot, lambda: not dialog.limit.has_class("-mistaken"))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not dialog)
    assert await training_targets.read(db) == training_targets.NOTHING


async def test_a_tokenizer_that_is_not_here_is_said_so_and_named_only_when_asked_twice(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    await training_targets.change(db, targets_of([TrainingTarget("trl")]))
    path = tmp_path / "llama" / "tokenizer.json"
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        await until(pilot, lambda: "estimated" in str(dialog.counts.content))
        dialog.query_one("#path", Input).value = str(path)
        await until(pilot, lambda: "is not on this machine" in str(dialog.counts.content))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.tokenizer.has_class("-mistaken"))
        assert "ctrl+s again names it all the same" in str(dialog.tokenizer.answer.content)
        assert (await training_targets.read(db)).tokenizer is None
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is not dialog)
    assert (await training_targets.read(db)).tokenizer == path
