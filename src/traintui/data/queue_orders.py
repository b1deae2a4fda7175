"""The orders of a review queue: which conversation that waits comes first.

A queue may have any order of the table, or one of those that stand here, where the lowest id comes first of those that
are alike. These are answered by the copy in memory, a million of them in some thirty milliseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyroaring import BitMap

from traintui.data import coverage, second_review
from traintui.data.bits import BitSliced, apart, as_sliced, constant, digits_of, plus, shuffled
from traintui.data.coverage import Coverage
from traintui.data.engine import Database
from traintui.data.fields import Field
from traintui.data.filters import Filter
from traintui.data.listing import NEWEST, Group, GroupedListing, Listing, MirrorListing, numbered, order_of
from traintui.data.live import Live, matching
from traintui.data.mirror import Mirror

LOWEST, OLDEST, UNCERTAIN, CELL, RANDOM = "score", "created", "uncertain", "cell", "random"
"""How each is written down; the first two are orders of the table."""

WIDTH = 11
"""Bits of a score in hundredths, 0 to 1,000, and of a distance between two."""
BAND = (400, 700)
"""The doubtful scores in hundredths: below 4 is bad, from 7 on good, everywhere that a score is shown."""
MIDDLE = sum(BAND) // 2
MOST = (1 << WIDTH + 1) - 1
ROWS, COLUMNS = "persona", "emotion"
"""The two dimensions of a cell, as the map of coverage opens with them."""


@dataclass(frozen=True, slots=True)
class QueueOrder:
    """An order of a queue, as somebody chooses it."""

    text: str
    title: str
    about: str


ORDERS = (
    QueueOrder(LOWEST, "Lowest score first", "the worst ones while one is fresh"),
    QueueOrder(OLDEST, "Oldest first", "what has waited longest"),
    QueueOrder(UNCERTAIN, "Most uncertain first", "a doubtful score, or far from the judge's"),
    QueueOrder(CELL, "By coverage cell", "personas and emotions with few approved"),
    QueueOrder(RANDOM, "Random", "mixed, and the same until the app closes"),
)
"""What everybody can choose."""


def title_of(text: str, fields: Mapping[str, Field]) -> str:
    """What an order is called; one of the table by its field, with the way that it goes."""
    named = next((order.title for order in ORDERS if order.text == text), None)
    if named is not None:
        return named
    order = order_of(text, fields)
    if order.field is None:
        return "Newest first"
    return f"{order.field.label} {'▼' if order.descending else '▲'}"


class QueueListing(GroupedListing):
    """Those that match in an order of a queue, of one version of the copy in memory."""

    def __init__(self, matches: BitMap, groups: Sequence[Group]) -> None:
        super().__init__(matches)
        self._groups = groups

    @property
    def groups(self) -> Sequence[Group]:
        """Who stands together, in order."""
        return self._groups


class QueueOrders:
    """The orders of one reviewer in one session, whose `seed` makes the random one."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random: BitSliced | None = None
        self._cells: tuple[tuple[str, str], ...] = ()
        self._kept = BitMap()
        """What waits, but for others: a second review is blind, or is disputed."""

    async def prepare(self, db: Database, live: Live, order: str, *, disputes: bool = False) -> None:
        """Reads what an order needs beside the copy: what waits for others (with `disputes`, but for what they disagree
        on), the cells as they are covered now, or a shuffle."""
        async with db.read() as connection:
            self._kept = await matching(connection, second_review.kept_from_me(disputes=disputes))
        if order == CELL and live.mirror is not None:
            self._cells = emptiest(await coverage.read(db, ROWS, COLUMNS, mirror=live.mirror))
        elif order == RANDOM and live.mirror is not None:
            up_to = max(live.mirror.every, default=0)
            if self._random is None or up_to not in self._random.present:
                self._random = await asyncio.to_thread(shuffled, up_to, self._seed)

    def keep_back(self, id: int) -> None:
        """One was decided here, and waits for others from now on."""
        self._kept.add(id)

    def matches(self, live: Live, wanted: Filter) -> BitMap | None:
        """Those that match and wait for this reviewer; None while the copy or an answer of the server is missing."""
        listing = live.listing(wanted, NEWEST)
        return None if listing is None else listing.matches - self._kept

    def listing(self, live: Live, wanted: Filter, order: str) -> Listing | None:
        """The same in an order that is prepared."""
        matches = self.matches(live, wanted)
        if matches is None or live.mirror is None:
            return None
        if order not in {UNCERTAIN, CELL, RANDOM}:
            return MirrorListing(live.mirror, matches, order_of(order, live.fields))
        if order == UNCERTAIN:
            return QueueListing(matches, by_doubt(live.mirror, matches))
        if order == CELL:
            return QueueListing(matches, by_cell(live.mirror, matches, self._cells))
        by = self._random
        return QueueListing(matches, [Group(matches)] if by is None else numbered(matches, by, descending=False))


def by_doubt(mirror: Mirror, matches: BitMap) -> list[Group]:
    """The most uncertain first: how far score and judge are apart, and how near the score is to the middle of the
    doubtful band, in points together. Where one of the two is missing the other stands for both; who has neither comes
    last."""
    score, judge = mirror.figures["score"], mirror.figures["judge"]
    known = matches & (score.present | judge.present)
    scored, judged = known & score.present, known & judge.present
    scores, opinions = digits_of(score, scored, WIDTH), digits_of(judge, judged, WIDTH)
    only_judged, only_scored = judged - scored, scored - judged
    scores, opinions = (
        [mine | (theirs & only_judged) for mine, theirs in zip(scores, opinions, strict=True)],
        [theirs | (mine & only_scored) for mine, theirs in zip(scores, opinions, strict=True)],
    )
    middle = constant(known, MIDDLE, WIDTH)
    near = apart(middle, apart(scores, middle))
    doubt = plus(apart(scores, opinions), near)
    # What is certain comes last, so that among equals the lowest id comes first.
    certain = apart(constant(known, MOST, WIDTH + 1), doubt)
    return [Group(known, as_sliced(known, certain)), Group(matches - known)]


def by_cell(mirror: Mirror, matches: BitMap, cells: Sequence[tuple[str, str]]) -> list[Group]:
    """Cell by cell in the order that is given; who is in none of them comes last."""
    rows, columns = mirror.keys[ROWS], mirror.keys[COLUMNS]
    rest, groups = matches, []
    for row, column in cells:
        if not rest:
            break
        if ids := rest & rows.get(row, BitMap()) & columns.get(column, BitMap()):
            groups.append(Group(ids))
            rest = rest - ids
    return [*groups, Group(rest)]


def emptiest(covered: Coverage) -> tuple[tuple[str, str], ...]:
    """The cells in the order of how much an approval is missed there: by the share of their target that is approved,
    those without a target behind them by how many are approved."""

    def filled(key: tuple[str, str]) -> tuple[bool, float, tuple[str, str]]:
        cell = covered.cells[key]
        if not cell.target:
            return True, cell.approved, key
        return False, cell.approved / cell.target, key

    return tuple(sorted(covered.cells, key=filled))
