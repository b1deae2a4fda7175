"""Rows of a filter that memory alone cannot answer, first rows first.

What stands beside a row (its turns, its metadata, the logs) the server answers as a set of ids. Until that is here the
first rows are found by trying candidates in the order of the table: each try reads the rows that it names and no
others, so that no filter ever reads a million rows before it shows one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from pyroaring import BitMap
from sqlalchemy import and_, true

from traintui.data.bits import CONTAINER
from traintui.data.conditions import Condition
from traintui.data.engine import Database
from traintui.data.filter_terms import Asked, Beside, LookedThrough, Searched, where
from traintui.data.filters import Filter
from traintui.data.first_rows import FIRST_ROWS, FIRST_TRY, LARGEST_TRY, Finding, first_by_sql
from traintui.data.listing import FoundListing, MirrorListing, Order
from traintui.data.live import Live, among, matching
from traintui.data.models import Conversation as C
from traintui.data.search import matching_ids

MOST_TRIED = 40_000
"""Candidates that are tried beside the question that answers all of it anyway: with the rows that are shown, a window
reads under 50,000."""
STRETCH = CONTAINER // 4
"""Ids of a statement that looks through everything, and may read the turns of each."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What the server said, and how many conversations it could not look at yet."""

    ids: dict[Beside, BitMap]
    unsearched: dict[Beside, int]


async def find(live: Live, wanted: Filter, order: Order) -> AsyncIterator[Finding]:
    """What is found, as it is found. The last one is complete, and `live` knows the answers from then on.

    Before the copy in memory is there, only the first rows are found, in an order that an index serves. Raises
    `TraintuiError` when the database is not reached.
    """
    if live.mirror is None:
        async for finding in first_by_sql(live.db, wanted, order):
            yield finding
        return
    missing = list(dict.fromkeys(live.missing(wanted)))
    slow = [asked for asked in missing if isinstance(asked, LookedThrough)]
    quick = [asked for asked in missing if not isinstance(asked, LookedThrough)]
    with live.noting() as changed:
        answering = asyncio.ensure_future(answers_of(live.db, quick))
        try:
            async for finding in first_by_trying(live, wanted, order, answering, slow=bool(slow)):
                yield finding
            answered = await answering
            await live.keep(answered.ids, changed, answered.unsearched)
        finally:
            answering.cancel()
    if slow:
        async for finding in by_looking_through(live, wanted, order, slow):
            yield finding
    if (listing := live.listing(wanted, order)) is not None:
        yield Finding(listing, more=False)


async def answers_of(db: Database, asked: Sequence[Beside]) -> Answered:
    """The server's answers to terms that an index serves, all of one moment."""
    answered = Answered({}, {})
    if asked:
        async with db.read() as connection:
            for each in asked:
                if isinstance(each, Searched):
                    matches = await matching_ids(connection, each.sought)
                    answered.ids[each], answered.unsearched[each] = matches.ids, matches.unsearched
                else:
                    answered.ids[each] = await matching(connection, where(each))
    return answered


async def first_by_trying(
    live: Live, wanted: Filter, order: Order, answering: asyncio.Future[Answered], *, slow: bool
) -> AsyncIterator[Finding]:
    """The first rows, by trying those that match all the rest, in order; ends as soon as the whole answer is here.

    Where there are few candidates, what was found is all that there is before the server has said so.
    """
    if live.mirror is None:
        return
    missing = set(live.missing(wanted))
    rest = and_(true(), *(term.probe for term in wanted.terms if missing.intersection(term.parts)))
    candidates = MirrorListing(live.mirror, live.local_matches(wanted), order)
    found: list[int] = []
    if not candidates.total:
        yield Finding(FoundListing(found, complete=True), more=True)
    for start, count in tries(candidates.total):
        if len(found) >= FIRST_ROWS or (answering.done() and not slow):
            return
        ids = candidates.ids(start, count)
        trying = asyncio.ensure_future(tried(live.db, rest, ids))
        try:
            await asyncio.wait([trying, *(() if slow else (answering,))], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            trying.cancel()
            raise
        if not trying.done():
            trying.add_done_callback(ended)  # it reads a few rows more, for nobody
            return
        matches = trying.result()
        found = found + [one for one in ids if one in matches]
        tried_all = start + count >= candidates.total
        if found or tried_all:
            yield Finding(FoundListing(found, complete=tried_all), more=True)


def ended(trying: asyncio.Future[BitMap]) -> None:
    """Takes note of the end of a try that nobody waits for; what failed there fails where somebody waits as well."""
    if not trying.cancelled():
        trying.exception()


def tries(total: int) -> Iterator[tuple[int, int]]:
    """Where each try begins and how many candidates it has."""
    start, count = 0, FIRST_TRY
    while start < min(total, MOST_TRIED):
        yield start, min(count, MOST_TRIED - start)
        start, count = start + count, min(LARGEST_TRY, count * 4)


async def tried(db: Database, condition: Condition, ids: Sequence[int]) -> BitMap:
    """Which of the candidates match."""
    async with db.read() as connection:
        return await among(connection, condition, ids)


async def by_looking_through(
    live: Live, wanted: Filter, order: Order, slow: Sequence[Beside]
) -> AsyncIterator[Finding]:
    """Looks at every row for terms that no index serves, the newest ones first, and shows what matches among those."""
    if live.mirror is None:
        return
    answers: dict[Asked, BitMap] = {asked: BitMap() for asked in slow}
    looked = BitMap()
    stretches = range(max(live.mirror.every, default=0) // STRETCH, -1, -1)
    with live.noting() as changed:
        for done, place in enumerate(stretches, 1):
            low, high = place * STRETCH, (place + 1) * STRETCH
            async with live.db.read() as connection:
                for asked in slow:
                    answers[asked] |= await matching(connection, and_(C.id >= low, C.id < high, where(asked)))
            looked.add_range(low, high)
            if done < len(stretches):
                matches = live.matching_among(wanted, answers) & looked
                listing = MirrorListing(live.mirror, matches, order, complete=False)
                yield Finding(listing, more=True, looked=done / len(stretches))
        await live.keep({asked: answers[asked] for asked in slow}, changed)
