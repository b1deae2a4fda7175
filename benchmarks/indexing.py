"""What follows a write by itself in the app, done at once so that nothing of it is measured with something else."""

from __future__ import annotations

import time

from traintui.data.engine import Database
from traintui.data.search_index import index_some


async def searchable(db: Database) -> float:
    """Makes everything searchable; seconds."""
    began = time.perf_counter()
    while await index_some(db, 500):
        pass
    return time.perf_counter() - began
