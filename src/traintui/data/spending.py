"""What was spent in the month, against its budget."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import text

from traintui.data.engine import Database
from traintui.data.price_records import MonthSpending
from traintui.errors import TraintuiError

MOST = Decimal(100_000_000)

MONTH = text("""
    SELECT month_of(clock_timestamp()) AS month, coalesce(sum(spent_usd), 0) AS spent_usd,
           coalesce(sum(under_way_usd), 0) AS under_way_usd, coalesce(sum(unpriced_calls), 0)::bigint AS unpriced_calls,
           (SELECT CASE jsonb_typeof(value) WHEN 'number' THEN value::numeric END
            FROM workspace_settings WHERE key = 'monthly_budget_usd') AS budget_usd
    FROM spending WHERE month = month_of(clock_timestamp()) AND NOT is_rehearsal
""")
"""Served by the primary key of `spending`, which begins with the month."""


async def month(db: Database) -> MonthSpending:
    """What was paid in this month (UTC) by the clock of the database, and the budget for it."""
    async with db.read() as connection:
        return MonthSpending(*(await connection.execute(MONTH)).one())


async def set_monthly_budget(db: Database, amount: Decimal | None) -> None:
    """Sets how much may be spent in a month, in USD, None for as much as it takes; the change is on record.

    Raises `TraintuiError` for an amount that is none, and `Refused` where one may not.
    """
    if amount is not None and not (amount.is_finite() and 0 < amount <= MOST):
        raise TraintuiError(
            "No budget", "a month's budget is more than $0, and at most $100,000,000.", "Leave it empty for none."
        )
    value = "coalesce(to_jsonb(CAST(:amount AS numeric)), 'null')"
    change = text(f"UPDATE workspace_settings SET value = {value} WHERE key = 'monthly_budget_usd'")  # noqa: S608
    begin = text(f"INSERT INTO workspace_settings (key, value) VALUES ('monthly_budget_usd', {value})")  # noqa: S608
    async with db.write() as connection:
        # An INSERT that turns into an UPDATE would go on record as both.
        if (await connection.execute(change, {"amount": amount})).rowcount == 0:
            await connection.execute(begin, {"amount": amount})
