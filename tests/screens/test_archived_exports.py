"""Exports that the archive has are listed behind the others, with what they held, and can be written again."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from aging import aged_exports
from screens.waiting import until
from support import Conninfo, approved, imported
from traintui.app import TraintuiApp
from traintui.audit.retiring import retire_due
from traintui.data import retention
from traintui.data.engine import Database
from traintui.export.request import ExportRequest
from traintui.export.write import run_export
from traintui.screens.audit import AuditScreen
from traintui.screens.audit_exports import ExportsPane
from traintui.screens.export import ExportDialog


async def opened(pilot: Pilot[None], app: TraintuiApp) -> ExportsPane:
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("4")
    await until(pilot, lambda: isinstance(app.screen, AuditScreen) and app.screen.is_mounted)
    screen = app.screen
    assert isinstance(screen, AuditScreen)
    screen.visit("exports", "")
    pane = screen.pane
    assert isinstance(pane, ExportsPane)
    return pane


@pytest.fixture
async def ids(db: Database, conninfo: Conninfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Twelve conversations, all of them in an archived export, the last one in one of now too."""
    monkeypatch.setenv("TRAINTUI_CONFIG", str(tmp_path / "config.toml"))
    ids = sorted(await imported(db, 12))
    await approved(db, *ids)
    await run_export(db, ExportRequest(tmp_path / "old.jsonl"))
    aged_exports(conninfo)
    assert len((await retire_due(db, await retention.due(db))).retired) == 1
    await run_export(db, ExportRequest(tmp_path / "new.jsonl", filter_text=f"id:{ids[-1]}"))
    return ids


async def test_a_key_lists_archived_exports_with_what_they_held(app: TraintuiApp, ids: list[str]) -> None:
    async with app.run_test(size=(160, 45)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: pane.table.total == 1 and pane.archive_line.display)
        assert "A shows archived exports of these dates too (week of 2024-01-08)" in str(pane.archive_line.content)
        await pilot.press("A")
        await until(pilot, lambda: "incl. 1 archived export" in str(pane.archive_line.content))
        assert pane.table.total == 2
        await until(pilot, lambda: "13 deliveries   2 succeeded   0 did not" in str(pane.counted.content))
        await pilot.press("G")
        await until(pilot, lambda: f"{ids[0]}  revision 1" in pane.detail.plain)
        assert "the archive: it is kept in the log no longer" in pane.detail.plain
        assert ids[11] not in pane.detail.plain and "and 2 more" in pane.detail.plain


async def test_the_conversation_that_one_asks_for_comes_first(app: TraintuiApp, ids: list[str]) -> None:
    app.settings.archived_rows = "show"
    async with app.run_test(size=(160, 45)) as pilot:
        pane = await opened(pilot, app)
        pane.visit(f"conversation:{ids[11]}")
        await until(pilot, lambda: pane.table.total == 2)
        await pilot.press("G")
        await until(pilot, lambda: f"{ids[11]}  revision 1" in pane.detail.plain and "2024-01-08" in pane.detail.plain)
        pane.visit(f"conversation:{ids[3]}")
        await until(pilot, lambda: pane.table.total == 1)


async def test_an_archived_export_is_written_again(app: TraintuiApp, ids: list[str], tmp_path: Path) -> None:
    app.settings.archived_rows = "show"
    async with app.run_test(size=(160, 45)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: pane.table.total == 2)
        await pilot.press("G")
        await until(pilot, lambda: pane.table.current is not None and pane.table.current.conversation_count == 12)
        await pilot.press("E")
        await until(pilot, lambda: isinstance(app.screen, ExportDialog))
