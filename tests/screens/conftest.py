"""The app over a test database."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from screens.waiting import PATIENCE, press
from traintui.app import TraintuiApp
from traintui.data.engine import Database
from traintui.screens import background, keys_in_turn, shell
from traintui.settings import Settings

Pilot.press = press  # type: ignore[method-assign,assignment]  # see there


@pytest.fixture(autouse=True)
def _a_slow_test_sees_what_a_quick_one_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    """From five seconds on the app samples, records and mends its database, which then is not as it was planted (tests
    of that begin it at once); after ten a note is gone; and after two a key no longer waits for what the one before it
    leads to."""
    monkeypatch.setattr(background, "WATCHED_AFTER", 3_600.0)
    monkeypatch.setattr(shell, "NOTED", 3_600.0)
    monkeypatch.setattr(keys_in_turn, "FOLLOW", PATIENCE / 2)
    monkeypatch.setattr(keys_in_turn, "LONGEST", PATIENCE / 2)


@pytest.fixture
def app(db: Database, tmp_path: Path) -> TraintuiApp:
    """The app as the administrator."""
    return TraintuiApp(Settings(home=tmp_path), workspace=db)
