from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traintui.generation.pricing import PRICES, Price, Rates, Usage, cost_usd, price_of

tokens = st.integers(0, 2_000_000)
usages = st.builds(Usage, tokens, tokens, tokens, tokens)
models = st.sampled_from([price.model for price in PRICES])
CENT_OF_A_CENT = Decimal("0.000001")


@pytest.mark.parametrize(
    ("model", "listed"),
    [
        ("claude-sonnet-5-5", "claude-sonnet-5-5"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-opus-5-20260724", "claude-opus-5"),
        ("claude-opus-5-5-latest", "claude-opus-5-5"),
    ],
)
def test_a_dated_id_has_the_price_of_its_model(model: str, listed: str) -> None:
    price = price_of(model)
    assert price is not None
    assert price.model == listed


@pytest.mark.parametrize(
    "model", ["claude-opus-5-9", "claude-opus-5x", "claude", "qwen3:8b", "", "claude-sonnet-5-5-fast"]
)
def test_an_unknown_model_has_an_unknown_cost_and_never_none_at_all(model: str) -> None:
    assert price_of(model) is None
    assert cost_usd(model, Usage(0, 0)) is None
    assert cost_usd(model, Usage(1000, 1000)) is None


@pytest.mark.parametrize(
    ("model", "usage", "usd"),
    [
        ("claude-sonnet-5-5", Usage(1_000_000, 0), "2.000000"),
        ("claude-sonnet-5-5", Usage(0, 1_000_000), "10.000000"),
        ("claude-sonnet-5-5", Usage(0, 0, 1_000_000), "0.100000"),
        ("claude-sonnet-5-5", Usage(0, 0, 0, 1_000_000), "2.500000"),
        ("claude-sonnet-5-5", Usage(1200, 2500, 900, 0), "0.027490"),
        ("claude-opus-5-5", Usage(1000, 1000), "0.024000"),
        ("claude-haiku-5-5", Usage(100_000, 1000), "0.010500"),
        ("claude-haiku-5-5", Usage(100_001, 1000), "0.052501"),
        ("claude-haiku-5-5", Usage(1, 1000, 60_000, 40_000), "0.030501"),
        ("claude-fable-5-1", Usage(0, 0), "0.000000"),
    ],
)
def test_costs_are_those_of_the_price_list(model: str, usage: Usage, usd: str) -> None:
    assert str(cost_usd(model, usage)) == usd


def test_an_hour_in_the_cache_is_written_at_twice_the_input_price() -> None:
    usage = Usage(0, 0, 0, 1_000_000)
    assert cost_usd("claude-opus-5", usage, cache_lifetime="1h") == Decimal(10)
    assert cost_usd("claude-opus-5", usage, cache_lifetime="5m") == Decimal("6.25")


@given(model=models, usage=usages)
def test_a_batch_costs_half(model: str, usage: Usage) -> None:
    whole, half = cost_usd(model, usage), cost_usd(model, usage, batch=True)
    assert whole is not None
    assert half is not None
    assert abs(whole - 2 * half) <= CENT_OF_A_CENT


@given(model=models, usage=usages)
def test_a_cost_has_six_decimals_and_is_never_negative(model: str, usage: Usage) -> None:
    cost = cost_usd(model, usage)
    assert cost is not None
    assert cost.as_tuple().exponent == -6
    assert cost >= 0


@given(model=models, usage=usages, more=st.integers(1, 100_000))
def test_more_tokens_never_cost_less(model: str, usage: Usage, more: int) -> None:
    fewer = cost_usd(model, usage)
    for greater in (
        Usage(usage.input_tokens + more, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens),
        Usage(usage.input_tokens, usage.output_tokens + more, usage.cache_read_tokens, usage.cache_write_tokens),
        Usage(usage.input_tokens, usage.output_tokens, usage.cache_read_tokens + more, usage.cache_write_tokens),
        Usage(usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens + more),
    ):
        dearer = cost_usd(model, greater)
        assert fewer is not None
        assert dearer is not None
        assert dearer >= fewer


@given(model=models, usage=usages)
def test_reading_the_cache_is_cheaper_than_sending_the_prompt_anew(model: str, usage: Usage) -> None:
    anew = Usage(usage.prompt_tokens, usage.output_tokens)
    cached = Usage(0, usage.output_tokens, usage.prompt_tokens)
    assert cost_usd(model, cached) <= cost_usd(model, anew)  # type: ignore[operator]


def test_the_price_of_the_day_counts_when_a_table_has_several() -> None:
    rates = [Rates.usual(Decimal(n), Decimal(n), Decimal(n)) for n in (1, 2)]
    table = [Price("m", date(2026, 1, 1), rates[0]), Price("m", date(2026, 6, 1), rates[1])]
    usage = Usage(1_000_000, 0)
    assert cost_usd("m", usage, prices=table, on=date(2026, 5, 31)) == 1
    assert cost_usd("m", usage, prices=table, on=date(2026, 6, 1)) == 2
    assert cost_usd("m", usage, prices=table) == 2
    assert cost_usd("m", usage, prices=table, on=date(2025, 12, 31)) is None
