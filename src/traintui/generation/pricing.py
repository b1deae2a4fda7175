"""What a call costs: the list prices we know, and the arithmetic over a reply's usage.

The list is the seed of an editable, effective-dated table. A model that is not on it has an unknown cost, which is
`None` and never 0: a budget that counted unknown as free would never be reached.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

CacheLifetime = Literal["5m", "1h"]

CACHE_WRITE_FACTOR: dict[CacheLifetime, Decimal] = {"5m": Decimal("1.25"), "1h": Decimal(2)}
"""A cache write as a multiple of the input price (platform.claude.com, Pricing, prompt caching)."""

BATCH_FACTOR = Decimal("0.5")
"""The Message Batches API charges half of every token price (platform.claude.com, Pricing, batch processing)."""

MICRODOLLAR = Decimal("0.000001")
_MILLION = Decimal(1_000_000)
_DATED = re.compile(r"-(?:\d{8}|latest)")
"""What may follow a model's name without making it another model: `claude-haiku-4-5-20251001`."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply as the provider counts them. `input_tokens` leaves out what the cache read or wrote."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the whole prompt, however they were billed."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per million tokens."""

    input: Decimal
    output: Decimal
    cache_read: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """The list price of one model from a day on. Prompts longer than `long_prompt_over` tokens pay `long_prompt`."""

    model: str
    effective_from: date
    rates: Rates
    long_prompt: Rates | None = None
    long_prompt_over: int | None = None

    def rates_for(self, usage: Usage) -> Rates:
        """The rates of a call with this usage; every token of a long prompt's call pays the long rates."""
        if self.long_prompt is None or self.long_prompt_over is None:
            return self.rates
        return self.long_prompt if usage.prompt_tokens > self.long_prompt_over else self.rates


def _rates(input_price: str, output_price: str, cache_read: str) -> Rates:
    return Rates(Decimal(input_price), Decimal(output_price), Decimal(cache_read))


LISTED = date(2026, 10, 7)
"""The newest change on the provider's price page when this list was written: Sonnet 5.5 cache reads, Haiku 5.5."""

PRICES: tuple[Price, ...] = (
    Price("claude-opus-5-5", LISTED, _rates("4", "20", "0.20")),
    Price("claude-opus-5", LISTED, _rates("5", "25", "0.50")),
    Price("claude-sonnet-5-5", LISTED, _rates("2", "10", "0.10")),
    Price("claude-sonnet-5", LISTED, _rates("2", "10", "0.20")),
    Price("claude-fable-5-1", LISTED, _rates("10", "50", "0.25")),
    Price("claude-haiku-4-5", LISTED, _rates("1", "5", "0.10")),
    Price(
        "claude-haiku-5-5",
        LISTED,
        _rates("0.10", "0.50", "0.01"),
        long_prompt=_rates("0.50", "2.50", "0.05"),
        long_prompt_over=100_000,
    ),
)
"""platform.claude.com, Pricing, as of November 2026."""


def price_of(model: str, *, on: date | None = None, prices: Sequence[Price] = PRICES) -> Price | None:
    """The price of a model id on a day (default: the newest one), or `None` when the model is not on the list.

    The longest listed name that the id begins with wins, and only a date or `-latest` may follow it: an id such as
    `claude-opus-5-9` is a model that we do not know, not Opus 5.
    """
    known = [
        price
        for price in prices
        if (price.model == model or (model.startswith(price.model) and _DATED.fullmatch(model[len(price.model) :])))
        and (on is None or price.effective_from <= on)
    ]
    return max(known, key=lambda price: (len(price.model), price.effective_from), default=None)


def cost_usd(
    model: str,
    usage: Usage,
    *,
    cache_lifetime: CacheLifetime = "5m",
    batch: bool = False,
    on: date | None = None,
    prices: Sequence[Price] = PRICES,
) -> Decimal | None:
    """What a call cost in USD, rounded to 6 decimals as PostgreSQL's `numeric` rounds; `None` when unknown.

    `cache_lifetime` is that of the prefix the call wrote; `batch` is true for items of the Message Batches API.
    """
    price = price_of(model, on=on, prices=prices)
    if price is None:
        return None
    rates = price.rates_for(usage)
    total = (
        usage.input_tokens * rates.input
        + usage.output_tokens * rates.output
        + usage.cache_read_tokens * rates.cache_read
        + usage.cache_write_tokens * rates.input * CACHE_WRITE_FACTOR[cache_lifetime]
    ) / _MILLION
    if batch:
        total *= BATCH_FACTOR
    return total.quantize(MICRODOLLAR, ROUND_HALF_UP)
