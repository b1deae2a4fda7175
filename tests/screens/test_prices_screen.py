"""Prices are read by everybody and set by administrators; a model in use without one is the first that is seen."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from screens.waiting import until, written
from support import add_vocabulary, generated
from traintui.app import TraintuiApp
from traintui.data import prices, spending
from traintui.data.engine import Database
from traintui.data.price_records import Price, Rates
from traintui.screens import prices as prices_screen
from traintui.screens.price_form import BudgetForm, PriceForm
from traintui.screens.prices import PricesDialog, rows_of
from traintui.settings import Settings
from traintui.widgets.form_field import FormField

RATES = Rates.usual(Decimal(1), Decimal(2), Decimal("0.1"))


async def opened(pilot: Pilot[None], app: TraintuiApp) -> PricesDialog:
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("$")
    await until(pilot, lambda: isinstance(app.screen, PricesDialog) and app.screen.table.rows)
    assert isinstance(app.screen, PricesDialog)
    return app.screen


async def form(pilot: Pilot[None], app: TraintuiApp) -> PriceForm:
    await pilot.press("n")
    await until(pilot, lambda: isinstance(app.screen, PriceForm) and app.screen.is_mounted)
    assert isinstance(app.screen, PriceForm)
    return app.screen


def fill(form: PriceForm, **given: str) -> None:
    for name, value in given.items():
        form.query_one(f"#{name.replace('_', '-')}", Input).value = value


async def mistake(pilot: Pilot[None], form: PriceForm, field: str) -> str:
    await pilot.press("ctrl+s")
    await until(pilot, lambda: form.query_one(f"#{field}", FormField).has_class("-mistaken"))
    return str(form.query_one(f"#{field}", FormField).answer.content)


async def test_every_model_has_its_price_and_the_month_stands_above(app: TraintuiApp, db: Database) -> None:
    async with app.run_test(size=(160, 45)) as pilot:
        dialog = await opened(pilot, app)
        assert {row.state for row in dialog.table.rows} == {"in effect"} and len(dialog.table.rows) == 7
        assert "no budget" in str(dialog.spent.content)
        assert "set by traintui" in str(dialog.about.content)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not dialog)


async def test_a_price_is_set_and_the_old_one_stays_below_it(app: TraintuiApp, db: Database) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        await until(pilot, lambda: dialog.table.current is not None)
        model = dialog.table.rows[0].model
        dialogue = await form(pilot, app)
        fill(dialogue, input="3", output="15.5", read="0.3", over="200000", long_input="6", long_output="30",
             long_read="0.6")  # fmt: skip
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is dialog and len(dialog.table.rows) == 8)
        now, before = (row for row in dialog.table.rows if row.model == model)
        assert (now.state, before.state) == ("in effect", "before")
        (price,) = [price for price in await prices.in_effect(db) if price.model == model]
        assert price.rates == Rates(Decimal(3), Decimal("15.5"), Decimal("0.3"), Decimal("3.75"), Decimal(6))
        assert (price.long_prompt_over, price.batch_factor) == (200_000, Decimal("0.5"))
        assert price.long_prompt == Rates(Decimal(6), Decimal(30), Decimal("0.6"), Decimal("7.5"), Decimal(12))


@pytest.mark.parametrize(
    ("field", "given", "said"),
    [
        ("price", {"input": "cheap"}, "“cheap” is no number"),
        ("price", {"output": ""}, "is missing"),
        ("price", {"input": "-1"}, "below 0"),
        ("cache", {"read": "1e9"}, "too much"),
        ("price", {"input": "0.0000001"}, "six decimals"),
        ("day", {"day_text": "1 December"}, "2026-12-01"),
        ("day", {"day_text": "2026-01-01"}, "in effect since"),
        ("model", {"model_text": "two words"}, "without blanks"),
        ("model", {"model_text": "claude-opus-5-6"}, "Did you mean claude-opus-5"),
        ("long", {"over": "many"}, "how many tokens"),
        ("pays", {"over": "1000"}, "is missing"),
        ("batch", {"factor": "2"}, "too much"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field(
    app: TraintuiApp, db: Database, field: str, given: dict[str, str], said: str
) -> None:
    before = await prices.listed(db)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        dialogue = await form(pilot, app)
        fill(dialogue, model_text="claude-opus-5", input="5", output="25", read="0.5")
        fill(dialogue, **given)
        assert said in await mistake(pilot, dialogue, field)
    assert await prices.listed(db) == before


async def test_a_model_that_nothing_names_is_set_when_that_is_meant(app: TraintuiApp, db: Database) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        dialogue = await form(pilot, app)
        fill(dialogue, model_text="brand-new", input="5", output="25", read="0.5")
        assert "ctrl+s again" in await mistake(pilot, dialogue, "model")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is dialog)
        assert "brand-new" in {price.model for price in await prices.in_effect(db)}


async def test_a_model_in_use_without_a_price_comes_first_with_what_to_do(db: Database) -> None:
    await add_vocabulary(db)
    await generated(db, 2)
    used = await prices.used_models(db)
    later = Price(used[0].model, prices.today() + timedelta(days=3), RATES)
    await prices.set_price(db, later)
    listed = tuple(
        entry for entry in await prices.listed(db) if entry.price == later or entry.price.model != later.model
    )
    rows = rows_of(listed, used, prices.today())
    assert (rows[0].model, rows[0].state) == (later.model, "no price")
    assert [row.state for row in rows if row.model == later.model] == ["no price", "later"]


async def test_the_budget_is_set_warned_of_and_taken_away(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    await generated(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, BudgetForm) and app.screen.is_mounted)
        app.screen.query_one(Input).value = "-3"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen.query_one(FormField).has_class("-mistaken"))
        app.screen.query_one(Input).value = "$0.024"
        await pilot.press("enter")
        await until(pilot, lambda: "of $0.02, 83 %" in str(dialog.spent.content))
        assert "pauses" in str(dialog.spent.content)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, BudgetForm) and app.screen.is_mounted)
        app.screen.query_one(Input).value = ""
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "no budget" in str(dialog.spent.content))
        await written(app)
    assert (await spending.month(db)).budget_usd is None


async def test_who_is_no_administrator_only_reads(reviewer_db: Database, tmp_path: Path) -> None:
    app = TraintuiApp(Settings(home=tmp_path), workspace=reviewer_db)
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        assert "Read only" in str(dialog.said.content)
        await pilot.press("n", "b", "enter")
        assert app.screen is dialog


async def test_what_was_spent_follows_while_somebody_looks(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prices_screen, "AGAIN", 0.05)
    await add_vocabulary(db)
    async with app.run_test(size=(160, 45)) as pilot:
        dialog = await opened(pilot, app)
        assert "$0.01" not in str(dialog.spent.content)
        await generated(db)
        await until(pilot, lambda: "$0.01" in str(dialog.spent.content))
