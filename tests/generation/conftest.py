"""What no test of generation waits for."""

from __future__ import annotations

import pytest

from traintui.generation import batching, persisting, worker


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What must not be lost is tried again at once, and as long as otherwise; a worker that is cut off goes soon."""
    monkeypatch.setattr(persisting, "PAUSES", (0.1,) * 300)
    monkeypatch.setattr(worker, "GRACE_SECONDS", 0.3)
    monkeypatch.setattr(batching, "GRACE_SECONDS", 0.3)
