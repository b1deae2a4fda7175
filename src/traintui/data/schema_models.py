"""The tables of what was done to the schema."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Double, Identity, func, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import Base

DOUBLE: Double[float] = Double()


class SchemaChange(Base):
    """A revision that was applied, or taken back; written in its transaction."""

    __tablename__ = "schema_history"
    __table_args__ = (CheckConstraint("direction IN ('up', 'down')", name="direction"),)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    revision: Mapped[str]
    direction: Mapped[str]
    applied_at: Mapped[datetime]
    applied_by: Mapped[str]
    seconds: Mapped[float] = mapped_column(DOUBLE)
    app_version: Mapped[str]


class SchemaBackfill(Base):
    """Rows that a revision fills in batches, and up to which key they are filled."""

    __tablename__ = "schema_backfills"
    name: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[str]
    table_name: Mapped[str]
    after_key: Mapped[int | None] = mapped_column(BigInteger)
    row_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    begun_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
