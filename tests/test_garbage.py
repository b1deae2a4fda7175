"""Memory that nobody uses any more goes back to the system."""

from __future__ import annotations

import sys

import psutil
import pytest

from traintui import garbage


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc returns memory when asked")
def test_memory_that_lies_free_between_what_stays_is_returned() -> None:
    garbage.tidy()
    process = psutil.Process()
    pieces = [bytes(60_000) for _ in range(2_000)]
    full = process.memory_info().rss
    stays = pieces[::20]
    del pieces
    garbage.tidy()
    assert process.memory_info().rss < full - 80_000_000
    assert len(stays) == 100
