"""What the Generate screen knows of the batches, read as sparingly as it changes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import uuid4

from traintui import clock
from traintui.data.price_records import Price
from traintui.data.records import BatchProgress, ConversationRow, StreamView
from traintui.generation.pricing import PRICES, price_of, saved_by_cache
from traintui.widgets.batch_band import OVER, Money

if TYPE_CHECKING:
    from traintui.data.call_sums import CallSums
    from traintui.data.engine import Database
    from traintui.data.limits import Line
    from traintui.data.work import WorkerView

RUNNING = frozenset({"running", "queued"})
LISTED = 20
"""Batches in the list."""
SAY_AGAIN = 3.0
"""Seconds after which a screen says again what it shows, so that workers go on writing it down."""
RESTS = 20
"""So many times as long as adding up the calls of a batch took are they left alone while it runs."""
WRITTEN = 8
"""Conversations in the list of what was written last."""


@dataclass(frozen=True, slots=True)
class Look:
    """The batches as they were at one moment, newest first, and more about the one that is chosen."""

    batches: tuple[BatchProgress, ...] = ()
    chosen: BatchProgress | None = None
    budget_usd: Decimal | None = None
    slots: int = 4
    failures: tuple[tuple[str, int], ...] = ()
    written: tuple[ConversationRow, ...] = ()
    streams: tuple[StreamView, ...] = ()
    prices: tuple[Price, ...] = PRICES
    money: Money = field(default_factory=Money)
    workers: tuple[WorkerView, ...] = ()
    line: Line | None = None
    """The line at the provider in which the calls of the chosen batch's model wait."""
    can: tuple[tuple[str, bool | None], ...] = ()
    """What the provider of the chosen batch can with its model, None for what nobody knows; nothing before a call."""
    follows: tuple[str, ...] = ()
    """What follows from what it cannot."""

    @property
    def priced(self) -> bool:
        """Whether the model of the chosen batch has a price."""
        return self.chosen is None or price_of(self.chosen.model, prices=self.prices) is not None


class BatchWatch:
    """Looks at the batches. A batch that is over is not read again; what hangs on a count is read when that changes."""

    def __init__(self) -> None:
        self.last = Look()
        self.chosen_id: int | None = None
        self._definition: tuple[int, Decimal | None, int] | None = None
        self._written_for: tuple[int, int] | None = None
        self._failed_for: tuple[int, int] | None = None
        self._money_for: tuple[int, int, int, int] | None = None
        self._money_rests = 0.0
        self._sums: CallSums | None = None
        self._watcher = uuid4()
        self._said: tuple[int, float] | None = None

    @property
    def running(self) -> bool:
        """Whether the chosen batch runs, so that looking often is worth it."""
        return self.last.chosen is not None and self.last.chosen.state in RUNNING

    async def look(self, db: Database, *, whole: bool) -> Look:
        """The batches now; without `whole` only the chosen one is read."""
        from traintui.data import batches

        known = {batch.id: batch for batch in self.last.batches}
        newest = await batches.newest_id(db) if whole else None
        if newest is not None and newest not in known:
            known = {batch.id: batch for batch in await batches.recent(db, limit=LISTED)}
        else:
            for batch in self.last.batches:
                if (whole and batch.state not in OVER) or batch.id == self.chosen_id:
                    known[batch.id] = await batches.progress(db, batch.id)
        listed = tuple(known[key] for key in sorted(known, reverse=True)[:LISTED])
        if listed and self.chosen_id not in {batch.id for batch in listed}:
            self.chosen_id = next((batch.id for batch in listed if batch.state == "running"), listed[0].id)
        chosen = known.get(self.chosen_id or 0)
        look = Look(listed) if chosen is None else await self._more(db, replace(self.last, batches=listed), chosen)
        another = chosen is not None and (self._money_for is None or self._money_for[0] != chosen.id)
        if whole or another:
            look = await self._look_at_provider(db, await self._look_at_money(db, look))
        self.last = look
        return self.last

    async def words(self, db: Database) -> Look:
        """The last look with what is being written by now, and nothing else read again."""
        from traintui.data import batches

        chosen = self.last.chosen
        if chosen is not None and chosen.running:
            streams = await batches.streams(db, chosen.id)
            # A look that was begun meanwhile may have found another one.
            if self.last.chosen is not None and self.last.chosen.id == chosen.id:
                self.last = replace(self.last, streams=streams)
        return self.last

    async def _more(self, db: Database, look: Look, chosen: BatchProgress) -> Look:
        """The look with what belongs to the chosen batch."""
        from traintui.data import batches, conversations, limits, work

        if self._definition is None or self._definition[0] != chosen.id:
            definition = (await batches.setup(db, chosen.id)).definition
            budget = definition.get("budget_usd")
            slots = definition.get("slots")
            self._definition = (
                chosen.id, None if budget is None else Decimal(str(budget)), slots if isinstance(slots, int) else 4
            )  # fmt: skip
        failures, written = look.failures, look.written
        if self._failed_for != (chosen.id, chosen.to_retry):
            failures = await batches.failures(db, chosen.id) if chosen.to_retry else ()
            self._failed_for = (chosen.id, chosen.to_retry)
        if self._written_for != (chosen.id, chosen.done):
            wanted = f"run:{chosen.id} status:generated,approved,rejected"
            written = (await conversations.first_rows(db, wanted, limit=WRITTEN)).rows if chosen.done else ()
            self._written_for = (chosen.id, chosen.done)
        if chosen.state in RUNNING:
            await self._keep_watching(db, chosen.id)
        streams = await batches.streams(db, chosen.id) if chosen.running else ()
        workers = await work.workers(db) if chosen.state in RUNNING else ()
        lines = await limits.lines(db) if chosen.state in RUNNING else ()
        _, budget_usd, slots = self._definition
        return replace(
            look, chosen=chosen, budget_usd=budget_usd, slots=slots, failures=failures, written=written,
            streams=streams, workers=workers, line=next((each for each in lines if each.model == chosen.model), None),
        )  # fmt: skip

    async def _look_at_provider(self, db: Database, look: Look) -> Look:
        """The look with what is known of the provider that the chosen batch goes to. Nothing is asked of it."""
        from traintui.generation.capabilities import follows, known, said

        chosen = look.chosen
        if chosen is None:
            return look
        address = await self._address(db, look)
        if address is None:
            return replace(look, can=(), follows=())
        there = await known(db, address, chosen.model)
        return replace(look, can=tuple(said(there)), follows=tuple(follows(there)))

    async def _address(self, db: Database, look: Look) -> str | None:
        from traintui.data.capabilities import address_of_batch

        if look.line is not None or look.chosen is None:
            return look.line.endpoint if look.line is not None else None
        return await address_of_batch(db, look.chosen.id)

    async def forget_provider(self, db: Database) -> str | None:
        """Forgets what is known of the provider of the chosen batch, so that it is asked again; its address, None
        where nothing was ever asked of one. Raises `Refused` for who may not generate."""
        from traintui.data import capabilities

        address = await self._address(db, self.last)
        if address is not None:
            await capabilities.forget(db, address)
        return address

    async def _keep_watching(self, db: Database, batch_id: int) -> None:
        """Says whose words are wanted here: the next call of this batch is streamed, and one after the other."""
        from traintui.data import watches

        if self._said is None or self._said[0] != batch_id or clock.ticks() - self._said[1] >= SAY_AGAIN:
            await watches.watch(db, self._watcher, batch_id)
            self._said = (batch_id, clock.ticks())

    async def leave(self, db: Database) -> None:
        """Nobody looks here any more."""
        from traintui.data import watches

        if self._said is not None:
            self._said = None
            await watches.end(db, self._watcher)

    async def _look_at_money(self, db: Database, look: Look) -> Look:
        """The look with the prices, the month, and of the chosen batch what the cache saved and what was refused."""
        from traintui.data import prices, spending

        known = await prices.in_effect(db)
        month = await spending.month(db)
        money, chosen = replace(look.money, month=month), look.chosen
        if chosen is not None and (sums := await self._sums_of(db, chosen, known)) is not None:
            money = Money(month, saved_by_cache(sums.cached, known) if sums.cached else None, sums.refusals)
        return replace(look, prices=known, money=money)

    async def _sums_of(self, db: Database, chosen: BatchProgress, known: tuple[Price, ...]) -> CallSums | None:
        """What came of the calls of a batch; None where nothing has changed. While it runs, what takes longer to read
        is read less often."""
        from traintui.data.call_sums import call_sums

        at = (chosen.id, chosen.calls, chosen.failed_calls, chosen.input_tokens)
        is_another = self._money_for is None or self._money_for[0] != chosen.id
        rests = not is_another and chosen.state in RUNNING and clock.ticks() < self._money_rests
        if self._money_for == at or rests:
            return None
        limits = [price.long_prompt_over for price in known if price.long_prompt_over is not None]
        begun = clock.ticks()
        self._sums = await call_sums(db, chosen.id, chosen.created_at, limits, before=self._sums)
        self._money_for = at
        self._money_rests = clock.ticks() + RESTS * (clock.ticks() - begun)
        return self._sums
