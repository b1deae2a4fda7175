"""The copy in memory, loaded once and then fed with what changed; so is what the server said to filters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from pyroaring import BitMap
from sqlalchemy import BigInteger, Integer, cast, func, literal, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui import clock
from traintui.data.bits import ids_of
from traintui.data.conditions import Condition
from traintui.data.engine import Database
from traintui.data.feed import STALE, FeedLost, Mark, changed_since
from traintui.data.fields import FIELDS, Fields
from traintui.data.filter_terms import Asked, Beside, probe
from traintui.data.filters import Filter
from traintui.data.listing import Listing, MirrorListing, Order
from traintui.data.mirror import Answers, Facets, Mirror, Part, unanswered
from traintui.data.mirror_reading import Progress, load, read_part, stretches_of
from traintui.data.models import Conversation as C

KEPT_ANSWERS = 12
"""Answers of the server that are kept, newest first: enough to go back and forth between filters."""
ANSWERED_ANEW = 5_000
"""Changed rows up to which kept answers are brought up to date; beyond, they are asked anew."""


class Live:
    """The copy of one workspace. Everything but `load` and `refresh` answers at once, from memory.

    Nothing is there before `load` has ended (`mirror` is None): then SQL answers.
    """

    def __init__(self, db: Database, fields: Fields = FIELDS) -> None:
        self.db = db
        self.fields = fields
        self.mirror: Mirror | None = None
        self._mark: Mark | None = None
        self._looked = 0.0
        self._answers: OrderedDict[Asked, BitMap] = OrderedDict()
        self._unsearched: dict[Asked, int] = {}
        self._noting: list[BitMap] = []

    async def load(self, progress: Progress = lambda _done, _all: None, fields: Fields | None = None) -> None:
        """Reads everything, with other `fields` where they are given. Two to eight seconds for a million conversations,
        during which the old copy answers."""
        looked = clock.ticks()
        fields = fields or self.fields
        mirror, mark = await load(self.db, fields, progress)
        self.mirror, self.fields, self._mark, self._looked = mirror, fields, mark, looked
        self._answers.clear()

    async def refresh(self) -> BitMap:
        """Takes over what changed since the last time. Returns the internal ids of what changed, perhaps all there are.

        Raises `TraintuiError` when the database is not reached; the copy stays as it was.
        """
        if self.mirror is None or self._mark is None or clock.ticks() - self._looked > STALE:
            return await self._anew()
        looked = clock.ticks()
        try:
            async with self.db.read() as connection:
                mark, changed = await changed_since(connection, self._mark)
                parts = [await read_part(connection, ids, self.fields) for ids in stretches_of(changed)]
                answered = await self._answer_anew(connection, changed)
        except FeedLost:
            return await self._anew()
        self._take(parts, answered, BitMap(changed))
        self._mark, self._looked = mark, looked
        return BitMap(changed)

    async def _anew(self) -> BitMap:
        before = self.mirror.every if self.mirror else BitMap()
        await self.load()
        return before | (self.mirror.every if self.mirror else BitMap())

    def _take(self, parts: Iterable[Part], answered: Mapping[Asked, BitMap], changed: BitMap) -> None:
        if self.mirror is None:
            return
        for noted in self._noting:
            noted |= changed
        for part in parts:
            self.mirror.take(part)
        for asked in list(self._answers):
            if changed and asked not in answered:
                del self._answers[asked]
            elif changed:
                self._answers[asked] = (self._answers[asked] - changed) | answered[asked]

    async def _answer_anew(self, connection: AsyncConnection, changed: Sequence[int]) -> dict[Asked, BitMap]:
        if not changed or len(changed) > ANSWERED_ANEW:
            return {}
        return {asked: await among(connection, probe(asked), changed) for asked in list(self._answers)}

    # Asking -------------------------------------------------------------------------------------------------------

    @property
    def snapshot(self) -> str | None:
        """The moment that the copy shows, as PostgreSQL writes a snapshot: what a bulk action on it has seen."""
        return self._mark.snapshot if self._mark else None

    @contextmanager
    def noting(self) -> Iterator[BitMap]:
        """The ids of what changes inside of the block, for an answer that may be of a moment before."""
        changed = BitMap()
        self._noting.append(changed)
        try:
            yield changed
        finally:
            self._noting = [noted for noted in self._noting if noted is not changed]

    async def keep(
        self, answers: Mapping[Beside, BitMap], changed: BitMap, unsearched: Mapping[Beside, int] | None = None
    ) -> None:
        """Keeps what the server said; what `changed` since it was asked is asked again. `unsearched` says how many
        conversations an answer could not look at yet."""
        answers = dict(answers)
        while changed and answers:
            again = changed.copy()
            changed.clear()
            async with self.db.read() as connection:
                for asked, ids in answers.items():
                    answers[asked] = (ids - again) | await among(connection, probe(asked), again)
        for asked, ids in answers.items():
            self._answers[asked] = ids
            self._answers.move_to_end(asked)
            self._unsearched[asked] = (unsearched or {}).get(asked, 0)
        while len(self._answers) > max(KEPT_ANSWERS, len(answers)):
            self._answers.popitem(last=False)

    def unsearched(self, wanted: Filter) -> int:
        """How many conversations could not be searched yet when the server answered."""
        waiting = max((self._unsearched.get(asked, 0) for asked in unanswered(wanted)), default=0)
        return min(waiting, len(self.mirror.every)) if self.mirror else waiting  # above 100,000 it is an estimate

    def ask_again(self, wanted: Filter) -> None:
        """Forgets what the server said to a filter: more can be searched by now, or somebody wants to be sure."""
        for asked in unanswered(wanted):
            self._answers.pop(asked, None)

    def missing(self, wanted: Filter) -> list[Beside]:
        """What a filter asks for that only the server can answer, and has not answered yet."""
        return [asked for asked in unanswered(wanted) if asked not in self._answers]

    def listing(self, wanted: Filter, order: Order) -> Listing | None:
        """Those that match, in order; None while the copy is not there, or the server has not answered all of it."""
        if self.mirror is None or self.missing(wanted):
            return None
        return MirrorListing(self.mirror, self.mirror.matching(wanted.terms, self._answers), order)

    def facets(self, wanted: Filter) -> Facets | None:
        """How many match per value of each facet, each ignoring its own choice; None as for `listing`."""
        if self.mirror is None or self.missing(wanted):
            return None
        return self.mirror.facets(wanted, self._answers)

    def status_counts(self) -> dict[str, int] | None:
        """How many conversations have each status, those in the trash left out; None while the copy is not there."""
        return None if self.mirror is None else self.mirror.status_counts()

    def matching_among(self, wanted: Filter, answers: Answers) -> BitMap:
        """Those that match by answers that are still on their way."""
        return BitMap() if self.mirror is None else self.mirror.matching(wanted.terms, {**self._answers, **answers})

    def local_matches(self, wanted: Filter) -> BitMap:
        """Those that match all that needs no new answer: the candidates for the rest."""
        if self.mirror is None:
            return BitMap()
        missing = set(self.missing(wanted))
        known = [term for term in wanted.terms if not missing.intersection(term.parts)]
        return self.mirror.matching(known, self._answers)


# The server's answers as bitmaps --------------------------------------------------------------------------------------


async def matching(connection: AsyncConnection, condition: Condition) -> BitMap:
    """The internal ids of all rows that a condition holds for."""
    rows = select(C.id).where(condition).subquery()
    packed = select(func.string_agg(func.int4send(cast(rows.c.id, Integer)), literal_column("''::bytea")))
    return ids_of(await connection.scalar(packed) or b"")


async def among(connection: AsyncConnection, condition: Condition, ids: Iterable[int]) -> BitMap:
    """Which of these rows a condition holds for: so many looks at the primary key, and no other row is read."""
    return await matching(connection, (C.id == func.any(literal(list(ids), ARRAY(BigInteger())))) & condition)
