"""Seals that stand in the database alone prove less, and whoever relies on them is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from screens.waiting import until
from support import approved, imported
from traintui.app import TraintuiApp
from traintui.audit import sealing
from traintui.audit.sealing import seal_and_anchor
from traintui.audit.verifying import verify
from traintui.data import seals
from traintui.data.engine import Database
from traintui.settings import Settings
from traintui.widgets.unsent import UnsentLine


async def test_a_look_that_has_no_anchor_to_compare_with_says_so(db: Database, tmp_path: Path) -> None:
    await approved(db, *await imported(db, 1))
    assert await seals.seal(db, everything=True) is not None
    alone = verify(db)
    assert alone.holds and any("No anchor was found" in note for note in alone.notes)
    home = replace(db, home=tmp_path)
    await seal_and_anchor(home, everything=True)
    anchored = verify(home)
    assert anchored.anchors == 1 and not any("No anchor" in note for note in anchored.notes)


async def test_anchors_that_cannot_be_written_are_told_under_the_header_until_they_can(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "AWAY_SECONDS", 0.05)
    await approved(db, *await imported(db, 1))
    home = tmp_path / "home"
    home.write_text("no folder")
    app = TraintuiApp(Settings(home=tmp_path), workspace=replace(db, home=home))
    async with app.run_test(size=(120, 40)) as pilot:
        line = app.screen.query_one(UnsentLine)
        await until(pilot, lambda: line.display and f"Seals: no anchor: the anchors in {home}" in str(line.content))
        home.unlink()
        home.mkdir()
        await until(pilot, lambda: not line.display)
