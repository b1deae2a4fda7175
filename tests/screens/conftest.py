"""The app over a test database."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from screens.waiting import press
from traintui.app import TraintuiApp
from traintui.data.engine import Database
from traintui.settings import Settings

Pilot.press = press  # type: ignore[method-assign,assignment]  # see there


@pytest.fixture
def app(db: Database, tmp_path: Path) -> TraintuiApp:
    """The app as the administrator."""
    return TraintuiApp(Settings(home=tmp_path), workspace=db)
