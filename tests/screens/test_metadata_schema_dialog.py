"""The dialog looks at all that is there before it registers a schema, says what does not fit, and lists versions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.pilot import Pilot

from screens.waiting import until
from support import Conninfo, imported, logged_in
from traintui.app import TraintuiApp
from traintui.data import metadata_schema
from traintui.data.engine import Database
from traintui.screens.metadata_schema import SHOWN, MetadataSchemaDialog
from traintui.settings import Settings

SCHEMA = {"type": "object", "properties": {"source": {"enum": ["web", "book"]}}}


@pytest.fixture
def wanted(tmp_path: Path) -> str:
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(SCHEMA))
    return str(path)


async def opened(pilot: Pilot[None], app: TraintuiApp) -> MetadataSchemaDialog:
    await until(pilot, lambda: app.workspace is not None)
    await app.run_action("metadata_keys")
    await pilot.press("s")
    await until(pilot, lambda: isinstance(app.screen, MetadataSchemaDialog))
    dialog = app.screen
    assert isinstance(dialog, MetadataSchemaDialog)
    await until(pilot, lambda: "Reading" not in str(dialog.none.content))
    return dialog


def said(dialog: MetadataSchemaDialog) -> str:
    return str(dialog.answer.content)


async def named(pilot: Pilot[None], dialog: MetadataSchemaDialog, path: str) -> None:
    await pilot.press("n")
    await until(pilot, lambda: dialog.file.has_focus)
    dialog.file.value = path
    await pilot.pause()
    await pilot.press("ctrl+s")


async def test_a_schema_is_registered_and_shown_and_taken_away(app: TraintuiApp, db: Database, wanted: str) -> None:
    await imported(db, metadata={"source": "web"})
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        assert "No schema yet" in str(dialog.none.content)
        await named(pilot, dialog, wanted)
        await until(pilot, lambda: "Version 1 is in force. Looked at 1 conversation: all fit." in said(dialog))
        await until(pilot, lambda: dialog.table.rows and '"enum"' in str(dialog.written.content))
        assert [(row.version, row.by) for row in dialog.table.rows] == [(1, "ada")]
        await pilot.press("d")
        assert "d again takes the schema away" in said(dialog)
        await pilot.press("d")
        await until(pilot, lambda: len(dialog.table.rows) == 2)
        assert "free again" in said(dialog) and not await metadata_schema.rules(db)
        await pilot.press("escape", "escape")


async def test_what_does_not_fit_is_listed_and_registering_takes_a_second_press(
    app: TraintuiApp, db: Database, wanted: str
) -> None:
    odd, *_ = await imported(db, SHOWN + 1, metadata={"source": "[b]webb[/b]"})
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        await named(pilot, dialog, wanted)
        await until(pilot, lambda: "Nothing was registered" in said(dialog))
        assert f'{odd}  meta.source: "[b]webb[/b]" is not one of web, book' in said(dialog)
        assert "and 1 more: traintui metadata schema FILE --check" in said(dialog)
        assert said(dialog).index("Nothing was registered") < said(dialog).index(odd)  # what follows may find no room
        assert not await metadata_schema.rules(db)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Version 1 is in force" in said(dialog))
        await until(pilot, lambda: dialog.table.rows and dialog.table.has_focus)
        await pilot.press("c")
        await until(pilot, lambda: f"{SHOWN + 1} do not fit" in said(dialog) and "in force" not in said(dialog))
        assert "and 1 more: traintui metadata schema --check" in said(dialog)


async def test_another_file_is_asked_about_anew(app: TraintuiApp, db: Database, wanted: str, tmp_path: Path) -> None:
    await imported(db, metadata={"source": "webb"})
    (tmp_path / "other.json").write_text('{"required": ["page"]}')
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        await named(pilot, dialog, wanted)
        await until(pilot, lambda: "Nothing was registered" in said(dialog))
        dialog.file.value = str(tmp_path / "other.json")
        await pilot.pause()
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "meta.page is missing" in said(dialog))
        assert not await metadata_schema.rules(db)


async def test_a_file_that_is_no_schema_is_answered_at_its_field(app: TraintuiApp, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"type": 3}')
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        await named(pilot, dialog, str(tmp_path / "bad.json"))
        await until(pilot, lambda: "3 is not valid" in str(dialog.field.answer.content))
        assert dialog.file.value.endswith("bad.json")


async def test_esc_ends_a_look_between_two_portions(
    app: TraintuiApp, db: Database, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata_schema, "LOOKED_AT_ONCE", 1)
    await imported(db, 3, metadata={"source": "web"})
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        progressed = dialog._progressed

        def stopped(done: int, total: int) -> None:
            progressed(done, total)
            dialog.action_back()

        monkeypatch.setattr(dialog, "_progressed", stopped)
        await named(pilot, dialog, wanted)
        await until(pilot, lambda: "Stopped. Looked at 1 conversation: all fit." in said(dialog))
        assert not await metadata_schema.rules(db)


async def test_a_reviewer_may_look_and_change_nothing(conninfo: Conninfo, tmp_path: Path, db: Database) -> None:
    await imported(db, metadata={"source": "webb"})
    await metadata_schema.register(db, SCHEMA, seen=0)
    async with logged_in(conninfo("rita")) as hers:
        app = TraintuiApp(Settings(home=tmp_path), workspace=hers)
        async with app.run_test(size=(120, 40)) as pilot:
            dialog = await opened(pilot, app)
            await until(pilot, lambda: dialog.table.rows)
            assert [dialog.check_action(action, ()) for action in ("new", "remove", "check")] == [None, None, True]
            await pilot.press("c")
            await until(pilot, lambda: "1 does not fit" in said(dialog))
