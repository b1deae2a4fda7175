"""Prices have a day from which on they count; what was in effect stays, and each change is on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from support import Conninfo, add_vocabulary, fetch, generated, logged_in
from traintui.data import prices
from traintui.data.engine import Database
from traintui.data.price_records import Price, Rates
from traintui.data.refusals import Refused
from traintui.generation.pricing import PRICES, price_of

RATES = Rates.usual(Decimal("1.5"), Decimal(6), Decimal("0.15"))
NEW = Price("local-model", date(2026, 11, 1), RATES)


def today(**values: Any) -> Price:
    """A new price from today on: a day may begin while tests run."""
    return replace(NEW, effective_from=prices.today(), **values)


async def test_a_new_workspace_has_the_list_that_the_arithmetic_is_tested_with(db: Database) -> None:
    assert set(await prices.in_effect(db)) == set(PRICES)
    assert {entry.set_by for entry in await prices.listed(db)} == {"traintui"}


async def test_a_price_counts_from_its_day_on(db: Database) -> None:
    before = price_of("claude-opus-5", prices=await prices.in_effect(db))
    tomorrow = prices.today() + timedelta(days=1)
    long = Rates.usual(Decimal(3), Decimal(12), Decimal("0.3"))
    later = Price("claude-opus-5", tomorrow, RATES, long, 200_000, Decimal("0.4"))
    await prices.set_price(db, later)
    assert price_of("claude-opus-5", prices=await prices.in_effect(db)) == before
    assert price_of("claude-opus-5", prices=await prices.in_effect(db, tomorrow)) == later


async def test_what_is_in_effect_stays_and_what_begins_today_or_later_may_be_set_again(db: Database) -> None:
    for day in (date(2026, 10, 7), date(2026, 1, 1), prices.today() - timedelta(days=1)):
        with pytest.raises(Refused, match="has been in effect since 2026-10-07") as refused:
            await prices.set_price(db, replace(NEW, model="claude-opus-5", effective_from=day))
        assert refused.value.code == "TT003"
    await prices.set_price(db, today(model="claude-opus-5"))
    corrected = today(model="claude-opus-5", rates=replace(RATES, output=Decimal(7)))
    await prices.set_price(db, corrected)
    assert price_of("claude-opus-5", prices=await prices.in_effect(db)) == corrected
    changes = await fetch(
        db, "SELECT old_value->>'output', new_value->>'output', changed_by FROM workspace_setting_changes"
            " WHERE key = 'model_prices.claude-opus-5' ORDER BY id",
    )  # fmt: skip
    assert [tuple(change) for change in changes] == [
        ("25.000000", "6.000000", "ada"), ("6.000000", "7.000000", "ada"),
    ]  # fmt: skip


async def test_the_first_price_of_a_model_may_begin_in_the_past(db: Database) -> None:
    await prices.set_price(db, replace(NEW, effective_from=prices.today() - timedelta(days=30)))
    with pytest.raises(Refused, match="in effect"):
        await prices.set_price(db, replace(NEW, effective_from=prices.today() - timedelta(days=60)))


@pytest.mark.parametrize(
    "wrong",
    [
        replace(NEW, rates=replace(RATES, input=Decimal(-1))),
        replace(NEW, rates=replace(RATES, output=Decimal("NaN"))),
        replace(NEW, rates=replace(RATES, cache_write_1h=Decimal(100_001))),
        replace(NEW, model=""),
        replace(NEW, model="two words"),
        replace(NEW, batch_factor=Decimal("1.1")),
        replace(NEW, long_prompt_over=1000),
        replace(NEW, long_prompt=RATES, long_prompt_over=0),
    ],
)
async def test_a_price_that_cannot_be_is_refused_with_what_would_be_right(db: Database, wrong: Price) -> None:
    with pytest.raises(Refused, match=r"Not possible now") as refused:
        await prices.set_price(db, wrong)
    assert refused.value.remedy and set(await prices.in_effect(db)) == set(PRICES)


async def test_only_an_administrator_sets_prices(conninfo: Conninfo) -> None:
    for login in ("arthur", "rita", "audrey"):
        async with logged_in(conninfo(login)) as person:
            with pytest.raises(Refused, match="No right"):
                await prices.set_price(person, NEW)
            assert await prices.in_effect(person)


async def test_the_models_of_plans_batches_and_calls_are_in_use(db: Database) -> None:
    await add_vocabulary(db)
    await generated(db, 2)
    (used,) = await prices.used_models(db)
    assert (used.calls, used.unpriced_calls) == (2, 0)


async def test_a_new_price_leaves_the_cost_of_what_was_logged(db: Database) -> None:
    await add_vocabulary(db)
    await generated(db, 1)
    (model,) = (use.model for use in await prices.used_models(db))
    before = await fetch(db, "SELECT cost_usd FROM generation_logs")
    await prices.set_price(db, today(model=model))
    assert await fetch(db, "SELECT cost_usd FROM generation_logs") == before
