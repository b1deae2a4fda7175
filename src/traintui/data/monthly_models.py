"""The table of what each month came to."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import Base


class MonthlyFigures(Base):
    """What a month came to, made once when it was over."""

    __tablename__ = "monthly_figures"
    __table_args__ = (
        CheckConstraint("month = date_trunc('month', month::timestamp)::date", name="month"),
        CheckConstraint("jsonb_typeof(figures) = 'object' AND pg_column_size(figures) <= 4000000", name="figures"),
    )
    month: Mapped[date] = mapped_column(Date(), primary_key=True)
    figures: Mapped[dict[str, Any]]
    made_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    made_by: Mapped[str] = mapped_column(server_default=text("session_user"))
