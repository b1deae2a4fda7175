"""The tables about money: prices with effective dates, and what was spent."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import INT, Base

RATE = Numeric(12, 6)
RATES = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")


def _within(names: tuple[str, ...]) -> str:
    return " AND ".join(f"{name} BETWEEN 0 AND 100000" for name in names)


class ModelPrice(Base):
    """What a model costs from a day (UTC) on, in USD per million tokens. A price in effect is never changed."""

    __tablename__ = "model_prices"
    __table_args__ = (
        CheckConstraint(r"model ~ '^\S+$' AND char_length(model) <= 200", name="model"),
        CheckConstraint(_within(RATES), name="rates"),
        CheckConstraint(
            f"num_nulls(long_prompt_over, {', '.join(f'long_{name}' for name in RATES)}) IN (0, 6)"
            f" AND long_prompt_over > 0 AND {_within(tuple(f'long_{name}' for name in RATES))}",
            name="long_prompt",
        ),
        CheckConstraint("batch_factor BETWEEN 0 AND 1", name="batch_factor"),
    )
    model: Mapped[str] = mapped_column(primary_key=True)
    effective_from: Mapped[date] = mapped_column(primary_key=True)
    input: Mapped[Decimal] = mapped_column(RATE)
    output: Mapped[Decimal] = mapped_column(RATE)
    cache_read: Mapped[Decimal] = mapped_column(RATE)
    cache_write_5m: Mapped[Decimal] = mapped_column(RATE)
    cache_write_1h: Mapped[Decimal] = mapped_column(RATE)
    long_prompt_over: Mapped[int | None] = mapped_column(INT)
    long_input: Mapped[Decimal | None] = mapped_column(RATE)
    long_output: Mapped[Decimal | None] = mapped_column(RATE)
    long_cache_read: Mapped[Decimal | None] = mapped_column(RATE)
    long_cache_write_5m: Mapped[Decimal | None] = mapped_column(RATE)
    long_cache_write_1h: Mapped[Decimal | None] = mapped_column(RATE)
    batch_factor: Mapped[Decimal] = mapped_column(Numeric(5, 4), server_default=text("0.5"))
    set_by: Mapped[str] = mapped_column(server_default=text("session_user"))
    set_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class Spending(Base):
    """What a batch has spent in a month through one worker and model, and what its calls under way may cost at most; 0
    stands for no batch or no worker. Kept by a trigger on the log. `unpriced_calls` are replies of no known cost."""

    __tablename__ = "spending"
    __table_args__ = (Index("ix_spending_run_id", "run_id"),)
    month: Mapped[date] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    worker_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    model: Mapped[str] = mapped_column(primary_key=True)
    is_rehearsal: Mapped[bool] = mapped_column(primary_key=True)
    spent_usd: Mapped[Decimal] = mapped_column(Numeric(), server_default=text("0"))
    under_way_usd: Mapped[Decimal] = mapped_column(Numeric(), server_default=text("0"))
    calls: Mapped[int] = mapped_column(server_default=text("0"))
    unpriced_calls: Mapped[int] = mapped_column(server_default=text("0"))
