"""The price table: what models cost from which day on. Only administrators change it, and each change is on record."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import distinct_on

from traintui import clock
from traintui.data.engine import Database
from traintui.data.money_models import RATES
from traintui.data.money_models import ModelPrice as P
from traintui.data.price_records import ListedPrice, ModelUse, Price, Rates
from traintui.data.storable import as_json, storable


def today() -> date:
    """The day whose prices count now: UTC, as providers bill."""
    return clock.now().date()


async def in_effect(db: Database, day: date | None = None) -> tuple[Price, ...]:
    """The price of each model on a day (default: today)."""
    effective = P.effective_from <= (day or today())
    statement = select(P).ext(distinct_on(P.model)).where(effective).order_by(P.model, P.effective_from.desc())
    async with db.read() as connection:
        return tuple(_price(row) for row in await connection.execute(statement))


async def listed(db: Database) -> tuple[ListedPrice, ...]:
    """Every price there is, by model, newest first."""
    statement = select(P).order_by(P.model, P.effective_from.desc())
    async with db.read() as connection:
        return tuple(ListedPrice(_price(row), row.set_by, row.set_at) for row in await connection.execute(statement))


USED = text("""
    SELECT model, sum(calls)::bigint AS calls, sum(unpriced)::bigint AS unpriced
    FROM (SELECT model, calls, unpriced_calls FROM spending
          UNION ALL SELECT model, 0, 0 FROM batches
          UNION ALL SELECT definition->>'model', 0, 0 FROM plans) AS named(model, calls, unpriced)
    WHERE model IS NOT NULL GROUP BY model ORDER BY calls DESC, model
""")


async def used_models(db: Database) -> tuple[ModelUse, ...]:
    """The models that plans, batches and calls name, most calls first."""
    async with db.read() as connection:
        return tuple(ModelUse(*row) for row in await connection.execute(USED))


async def set_price(db: Database, price: Price) -> None:
    """Sets what a model costs from a day on. What was logged keeps its cost.

    Raises `Refused` where one may not, a figure is none that can be, or the day is past and a price was in effect.
    """
    given: dict[str, Any] = {
        "model": storable(price.model), "effective_from": price.effective_from.isoformat(),
        "batch_factor": str(price.batch_factor), "long_prompt_over": price.long_prompt_over,
    }  # fmt: skip
    for name in RATES:
        given[name] = str(getattr(price.rates, name))
        given[f"long_{name}"] = None if price.long_prompt is None else str(getattr(price.long_prompt, name))
    async with db.write() as connection:
        await connection.execute(text("SELECT set_model_price(CAST(:price AS jsonb))"), {"price": as_json(given)})


def _price(row: Any) -> Price:
    long_prompt = None if row.long_prompt_over is None else Rates(*(getattr(row, f"long_{name}") for name in RATES))
    return Price(
        row.model, row.effective_from, Rates(*(getattr(row, name) for name in RATES)), long_prompt,
        row.long_prompt_over, row.batch_factor,
    )  # fmt: skip
