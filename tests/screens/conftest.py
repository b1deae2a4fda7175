"""The app over a test database."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from screens.waiting import PATIENCE, press
from traintui.app import TraintuiApp
from traintui.data.engine import Database
from traintui.outbox import sending
from traintui.screens import (
    background,
    conversation_figures,
    keys_in_turn,
    read_ahead,
    review_aids,
    review_reading,
    shell,
    unsent,
)
from traintui.settings import Settings

Pilot.press = press  # type: ignore[method-assign,assignment]  # see there


@pytest.fixture(autouse=True)
def _a_slow_test_sees_what_a_quick_one_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    """From five seconds on the app samples, records and mends its database, which then is not as it was planted (tests
    of that begin it at once); after ten a note is gone, after twenty what is said below the rows and news under the
    header; after fifteen what was read ahead is read again, and an answer counts as lost; after three refusals at once
    are two answers; and after two a key no longer waits for what the one before it leads to."""
    for module, name in (
        (background, "WATCHED_AFTER"), (shell, "NOTED"), (review_reading, "SAID"), (conversation_figures, "SAID"),
        (unsent, "NEWS"), (read_ahead, "FRESH"), (review_aids, "FRESH"), (sending, "ANSWER_SECONDS"),
        (unsent, "AT_THE_MOST"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, 3_600.0)
    monkeypatch.setattr(keys_in_turn, "FOLLOW", PATIENCE / 2)
    monkeypatch.setattr(keys_in_turn, "LONGEST", PATIENCE / 2)


@pytest.fixture
def app(db: Database, tmp_path: Path) -> TraintuiApp:
    """The app as the administrator."""
    return TraintuiApp(Settings(home=tmp_path), workspace=db)
