"""What models cost and what was spent, as records: frozen and plain. Money in USD."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

WRITE_5M = Decimal("1.25")
WRITE_1H = Decimal(2)
"""A cache write as a multiple of the input price (platform.claude.com, Pricing, prompt caching)."""
BATCH_FACTOR = Decimal("0.5")
"""The Message Batches API charges half of every token price (platform.claude.com, Pricing, batch processing)."""
WARN_AT = Decimal("0.8")
"""The part of a budget from which on it is worth a warning."""


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per million tokens; cache writes for five minutes and for an hour."""

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal

    @classmethod
    def usual(cls, input_: Decimal, output: Decimal, cache_read: Decimal) -> Rates:
        """Rates whose cache writes cost the usual multiples of the input price."""
        return cls(input_, output, cache_read, input_ * WRITE_5M, input_ * WRITE_1H)


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs from a day (UTC) on. Prompts longer than `long_prompt_over` tokens pay `long_prompt`."""

    model: str
    effective_from: date
    rates: Rates
    long_prompt: Rates | None = None
    long_prompt_over: int | None = None
    batch_factor: Decimal = BATCH_FACTOR

    def rates_at(self, prompt_tokens: int) -> Rates:
        """The rates of a call with so long a prompt; every token of a long prompt's call pays the long rates."""
        if self.long_prompt is None or self.long_prompt_over is None:
            return self.rates
        return self.long_prompt if prompt_tokens > self.long_prompt_over else self.rates


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """A price of the table, and who set it when."""

    price: Price
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model that a batch or a call names: its calls, and how many replies have no known cost."""

    model: str
    calls: int
    unpriced_calls: int


@dataclass(frozen=True, slots=True)
class MonthSpending:
    """What was paid in a month (UTC) by now, what calls under way may add at most, and the budget, if there is one.
    Rehearsals are not paid. `unpriced_calls` are replies of no known cost."""

    month: date
    spent_usd: Decimal
    under_way_usd: Decimal
    unpriced_calls: int
    budget_usd: Decimal | None

    @property
    def share(self) -> Decimal | None:
        """How much of the budget is spent or under way, 1 for all of it; None without a budget."""
        return None if not self.budget_usd else (self.spent_usd + self.under_way_usd) / self.budget_usd

    @property
    def warns(self) -> bool:
        """Whether little of the budget is left."""
        return self.share is not None and self.share >= WARN_AT


@dataclass(frozen=True, slots=True)
class CachedTokens:
    """Tokens that calls of one model on one day (UTC) read from the cache and wrote to it, of prompts alike in price;
    `prompt_tokens` is the length of the longest of them."""

    model: str
    day: date
    prompt_tokens: int
    read: int
    written: int
