"""What a call costs: the arithmetic over a reply's usage and the prices that it is given.

Prices are rows of the workspace's table; the list here is what the table begins with. A model without a price has an
unknown cost, which is `None` and never 0: a budget that counted unknown as free would never be reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from traintui.data.price_records import CachedTokens, Price, Rates

__all__ = [
    "MICRODOLLAR", "PRICES", "CacheLifetime", "Price", "Rates", "Usage", "cost_usd", "price_of", "saved_by_cache",
    "tokens_cost",
]  # fmt: skip

CacheLifetime = Literal["5m", "1h"]

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


def _rates(input_price: str, output_price: str, cache_read: str) -> Rates:
    return Rates.usual(Decimal(input_price), Decimal(output_price), Decimal(cache_read))


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
"""platform.claude.com, Pricing, as of November 2026: what the price table of a new workspace holds."""


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
    return None if price is None else tokens_cost(price, usage, cache_lifetime=cache_lifetime, batch=batch)


def tokens_cost(price: Price, usage: Usage, *, cache_lifetime: CacheLifetime = "5m", batch: bool = False) -> Decimal:
    """What tokens cost in USD at a price, as `cost_usd` says."""
    rates = price.rates_at(usage.prompt_tokens)
    total = (
        usage.input_tokens * rates.input
        + usage.output_tokens * rates.output
        + usage.cache_read_tokens * rates.cache_read
        + usage.cache_write_tokens * (rates.cache_write_5m if cache_lifetime == "5m" else rates.cache_write_1h)
    ) / _MILLION
    if batch:
        total *= price.batch_factor
    return total.quantize(MICRODOLLAR, ROUND_HALF_UP)


def saved_by_cache(cached: Iterable[CachedTokens], prices: Sequence[Price]) -> Decimal | None:
    """USD that the cache saved: what its reads would have cost as input, less what they cost, less what its writes (for
    five minutes) cost more than input. Below 0 where it cost more than it saved; `None` where a price is not known."""
    saved = Decimal(0)
    for tokens in cached:
        price = price_of(tokens.model, on=tokens.day, prices=prices) or price_of(tokens.model, prices=prices)
        if price is None:
            return None
        rates = price.rates_at(tokens.prompt_tokens)
        saved += tokens.read * (rates.input - rates.cache_read) - tokens.written * (rates.cache_write_5m - rates.input)
    return (saved / _MILLION).quantize(MICRODOLLAR, ROUND_HALF_UP)
