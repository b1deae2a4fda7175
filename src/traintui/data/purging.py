"""Purging: conversations in the trash are erased for good; what stays is on record, as digests.

Gone are the text, its revisions, judges' opinions, and what was sent and answered to write them. The rows of the logs
stay, and each conversation has one more that says who purged it and what its revisions hashed to: seals still verify.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from traintui.data.bulk import BulkResult, Progress, in_batches
from traintui.data.engine import Database

AT_ONCE = 200
"""Conversations in one transaction: each takes rows of many tables along."""


async def purge(
    db: Database,
    ids: Sequence[int],
    *,
    progress: Progress | None = None,
    stop: asyncio.Event | None = None,
    bulk_id: str | None = None,
) -> BulkResult:
    """Erases conversations by their internal ids; an administrator may, and nothing takes it back.

    Skipped are `kept` (not in the trash), `batch` (still to be written by a batch) and `gone`. With the `bulk_id` of a
    call whose answer was lost nothing is done twice. Raises `Refused` when one may not.
    """
    statement = "SELECT done, skipped FROM purge_many(:ids, :bulk_id)"
    return await in_batches(db, statement, {}, ids, progress, stop, bulk_id, size=AT_ONCE)
