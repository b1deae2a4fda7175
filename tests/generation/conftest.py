"""What no test of generation waits for."""

from __future__ import annotations

import pytest

from traintui.generation import persisting


@pytest.fixture(autouse=True)
def _quick_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What must not be lost is tried again at once, and as long as otherwise."""
    monkeypatch.setattr(persisting, "PAUSES", (0.1,) * 300)
