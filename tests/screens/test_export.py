"""The dialog says what will be written, writes it, and answers what goes wrong."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from screens.waiting import until
from support import approved, imported, scalar, seen
from traintui.app import TraintuiApp
from traintui.data import reviews
from traintui.data.engine import Database
from traintui.errors import TraintuiError
from traintui.export import forecasting, training_targets, write
from traintui.export.forecasting import ExportCheck
from traintui.export.request import ExportRequest
from traintui.export.training_targets import TrainingTarget, targets_of
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.export import ExportDialog


def plain(widget: Static) -> str:
    return str(widget.content)


async def opened(pilot: Pilot[None], app: TraintuiApp) -> ExportDialog:
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("ctrl+e")
    await until(pilot, lambda: isinstance(app.screen, ExportDialog))
    dialog = app.screen
    assert isinstance(dialog, ExportDialog)
    await until(pilot, lambda: "conversation" in str(dialog.will.content))
    return dialog


async def test_what_is_approved_is_written(app: TraintuiApp, db: Database, tmp_path: Path) -> None:
    ids = await imported(db, 3)
    await approved(db, *ids[:2])
    target = tmp_path / "out.jsonl"
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        assert "2 conversations" in str(dialog.will.content)
        dialog.file.value = str(target)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "SHA-256" in str(dialog.answer.content))
        assert "2 conversations" in str(dialog.answer.content)
    assert len([json.loads(line) for line in target.read_text().splitlines()]) == 2


async def test_what_a_look_meets_that_was_given_up_for_the_writing_is_not_said(
    app: TraintuiApp, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    ends: list[str] = []

    async def cut_off(*_: object, **__: object) -> None:
        begun.append("a look")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            ends.append("given up")
            raise TraintuiError("Lost", "the connection was closed.", "Try again.") from error

    await approved(db, *await imported(db, 2))
    monkeypatch.setattr(forecasting, "check", cut_off)
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        dialog.file.value = str(tmp_path / "out.jsonl")
        dialog.cut.value = "stop"
        await until(pilot, lambda: len(begun) == 2 and ends)  # the first look ends for the second
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "SHA-256" in str(dialog.answer.content))
        assert len(ends) == 2 and "2 conversations" in str(dialog.will.content)


async def test_a_file_that_is_there_is_overwritten_only_when_asked_again(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    await approved(db, *await imported(db, 1))
    target = tmp_path / "out.jsonl"
    target.write_text("mine")
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        dialog.file.value = str(target)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "is there already" in str(dialog.answer.content))
        assert target.read_text() == "mine"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "SHA-256" in str(dialog.answer.content))
    assert target.read_text() != "mine"


async def test_a_place_that_cannot_be_is_answered(app: TraintuiApp, db: Database, tmp_path: Path) -> None:
    await approved(db, *await imported(db, 1))
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        dialog.file.value = str(tmp_path)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "is a directory" in str(dialog.answer.content))
        await pilot.press("escape")
        assert not isinstance(app.screen, ExportDialog)


async def test_the_scope_is_the_filter_of_the_table(app: TraintuiApp, db: Database) -> None:
    await approved(db, *await imported(db, 2))
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.workspace is not None)
        app.filter_text = "score>9"
        dialog = await opened(pilot, app)
        await until(pilot, lambda: str(dialog.will.content).startswith("0 conversations"))
        await until(pilot, lambda: str(dialog.query_one("#scope", Static).content) == "approved, and score>9")


async def test_a_filter_of_a_moment_is_an_export_of_then(app: TraintuiApp, db: Database, tmp_path: Path) -> None:
    (one,) = await imported(db)
    await approved(db, one)
    then = await scalar(db, "SELECT clock_timestamp()")
    await reviews.decide(db, await seen(db, one), "reject", key=reviews.new_key())
    words = f"is:approved@{then.isoformat()}"
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: app.workspace is not None)
        app.filter_text = words
        dialog = await opened(pilot, app)
        await until(pilot, lambda: str(dialog.will.content).startswith("1 conversation"))
        await until(pilot, lambda: str(dialog.query_one("#scope", Static).content) == words)
        await until(pilot, lambda: "texts, status and decisions are those of then" in str(dialog.preflight.content))
        dialog.file.value = str(tmp_path / "then.jsonl")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "SHA-256" in str(dialog.answer.content))
    assert len((tmp_path / "then.jsonl").read_text().splitlines()) == 1


async def test_the_first_rows_and_what_the_target_does_with_all_of_them_are_said_before(
    app: TraintuiApp, db: Database
) -> None:
    await approved(db, *await imported(db, 2))
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        await until(pilot, lambda: "all 2 pass" in str(dialog.preflight.content))
        refuses = "refused as a file; one by one: all 2 pass"
        assert refuses in str(dialog.preflight.content), "ten rows at least"
        await until(
            pilot,
            lambda: '{"messages":[{"role":"user"' in dialog.rows.plain and len(dialog.rows.plain.splitlines()) == 2,
        )
        dialog.formats.value = "sharegpt"
        await until(pilot, lambda: '{"conversations":[{"from":"human"' in dialog.rows.plain)
        assert dialog.file.value.startswith("traintui-export-sharegpt-")
        await until(pilot, lambda: str(dialog.preflight.content).startswith("all 2 pass"))
        panel = dialog.query_one(".dialog")
        assert str(panel.border_subtitle) == f"into {Path.cwd()}"
        dialog.file.value = "/elsewhere/x.jsonl"
        await until(pilot, lambda: str(panel.border_subtitle) == "into /elsewhere")
        dialog.share.value = "most"
        await until(pilot, lambda: "is no share" in str(dialog.answer.content))
        dialog.share.value = "10%"
        await until(pilot, lambda: str(dialog.answer.content) == "")


async def test_it_says_what_becomes_of_what_is_cut_and_warns_of_labels_of_one_kind(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    await approved(db, *await imported(db, 2))
    await training_targets.change(db, targets_of([TrainingTarget("trl", 10)]))
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        dialog.formats.value = "trl"
        await until(pilot, lambda: "all 2 are written; TRL cuts all of them to 10" in str(dialog.preflight.content))
        dialog.cut.value = "leave-out"
        await until(pilot, lambda: "2 of them are left out" in str(dialog.preflight.content))
        dialog.formats.value = "trl-kto"
        await until(pilot, lambda: "All answers are approved ones" in str(dialog.preflight.content))
        dialog.file.value = str(tmp_path / "out.jsonl")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "SHA-256" in str(dialog.answer.content))
        assert "All answers are approved ones" in str(dialog.answer.content)


async def test_a_split_says_how_many_are_on_each_side(app: TraintuiApp, db: Database, tmp_path: Path) -> None:
    await approved(db, *await imported(db, 12))
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        dialog.file.value, dialog.share.value = str(tmp_path / "out.jsonl"), "0.5"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: str(dialog.answer.content).startswith("\N{BLACK CIRCLE}"))
        train, evaluated = (len((tmp_path / name).read_text().splitlines()) for name in ("out.jsonl", "out.eval.jsonl"))
        assert f"12 conversations, {train} train and {evaluated} eval, " in str(dialog.answer.content)
        assert train + evaluated == 12


async def test_another_name_alone_is_no_reason_to_look_at_everything_anew(
    app: TraintuiApp, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    check = forecasting.check

    async def noting(db: Database, request: ExportRequest, **given: Any) -> ExportCheck:
        looked.append(request.path.name)
        return await check(db, request, **given)

    monkeypatch.setattr(forecasting, "check", noting)
    await approved(db, *await imported(db, 2))
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        await until(pilot, lambda: "all 2 pass" in str(dialog.preflight.content))
        dialog.file.value = str(tmp_path / "one.jsonl")
        await pilot.pause()
        dialog.file.value = str(tmp_path / "two.json")  # a file of another kind has other rows, and other remarks
        await until(pilot, lambda: len(looked) == 2 and "all 2 pass" in str(dialog.preflight.content))
        assert looked[1:] == ["two.json"]
        dialog.file.value = str(tmp_path / "three.txt")
        await until(pilot, lambda: "not known" in str(dialog.will.content))
        dialog.file.value = str(tmp_path / "four.json")
        await until(pilot, lambda: len(looked) == 3 and "all 2 pass" in str(dialog.preflight.content))


async def test_how_many_are_on_each_side_and_whose_sides_hold_is_said_before(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    await approved(db, *await imported(db, 12))
    path = tmp_path / "out.jsonl"
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        assert not dialog.split.region
        dialog.file.value, dialog.share.value = str(path), "0.5"
        await until(
            pilot, lambda: " train and " in str(dialog.split.content) and "about" not in str(dialog.split.content)
        )
        await until(pilot, lambda: dialog.split.region and dialog.sides.region)
        foretold = str(dialog.split.content).splitlines()[0]
        await pilot.press("ctrl+s")
        await until(pilot, lambda: str(dialog.answer.content).startswith("\N{BLACK CIRCLE}"))
        assert foretold in plain(dialog.answer)
        await pilot.press("ctrl+s")
        await until(
            pilot, lambda: "the sides of out.manifest.json, the file that is replaced, hold" in plain(dialog.split)
        )
        await until(pilot, lambda: "is there already" in plain(dialog.answer))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "12 conversations keep their sides: those of out.mani" in plain(dialog.answer))
        dialog.file.value = str(tmp_path / "other.jsonl")
        await until(pilot, lambda: " train and " in plain(dialog.split) and "hold" not in plain(dialog.split))
        dialog.sides.value = str(tmp_path / "out.manifest.json")
        await until(pilot, lambda: "the sides of out.manifest.json hold" in plain(dialog.split))
        dialog.sides.value = str(tmp_path / "none.json")
        await until(pilot, lambda: "has no sides to keep" in str(dialog.answer.content))


async def test_what_is_selected_in_the_table_is_the_scope(app: TraintuiApp, db: Database, tmp_path: Path) -> None:
    await approved(db, *await imported(db, 3))
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.workspace is not None)
        table = app.screen
        assert isinstance(table, ConversationsScreen)
        await until(pilot, lambda: table.table.total == 3 and table.table.current is not None)
        table.table.focus()
        await pilot.press("space")
        await until(pilot, lambda: table.selected_ids)
        dialog = await opened(pilot, app)
        await until(
            pilot, lambda: str(dialog.query_one("#scope", Static).content) == "1 selected, those that are approved"
        )
        await until(pilot, lambda: str(dialog.will.content) == "1 conversation")
        dialog.file.value = str(tmp_path / "out.jsonl")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "SHA-256" in str(dialog.answer.content))
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 1


async def test_what_is_not_approved_is_said(app: TraintuiApp, db: Database) -> None:
    await imported(db, 2)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.workspace is not None)
        app.filter_text = "status:generated"
        dialog = await opened(pilot, app)
        await until(pilot, lambda: "2 of them not approved" in str(dialog.will.content))
        assert str(dialog.query_one("#scope", Static).content) == "status:generated"
        assert dialog.file.value.startswith("traintui-export-openai-generated-")


async def test_it_says_stopped_only_after_the_writing_has_ended(
    app: TraintuiApp, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, cleaned = asyncio.Event(), asyncio.Event()

    async def slow(*_: object, **__: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await cleaned.wait()

    monkeypatch.setattr(write, "run_export", slow)
    await approved(db, *await imported(db, 1))
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        dialog.file.value = str(tmp_path / "out.jsonl")
        await pilot.press("ctrl+s")
        await until(pilot, begun.is_set)
        await pilot.press("escape", "escape")
        assert "Stopping" in str(dialog.answer.content)
        cleaned.set()
        await until(pilot, lambda: "Stopped" in str(dialog.answer.content))
