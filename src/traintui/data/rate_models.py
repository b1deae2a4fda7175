"""The tables of what a provider allows a minute, and of the calls that are under way or wait for their turn."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Double, ForeignKeyConstraint, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import Base, one_of

NUMBER: Double[float] = Double()
UNLOGGED = {"prefixes": ["UNLOGGED"]}


class RateLimit(Base):
    """A model at an address: until when it is held back, and how many calls at once it takes if it names no limits."""

    __tablename__ = "rate_limits"
    __table_args__ = (CheckConstraint("in_flight_limit >= 1", name="in_flight_limit"), UNLOGGED)
    endpoint: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    held_until: Mapped[datetime | None]
    in_flight_limit: Mapped[float | None] = mapped_column(NUMBER)
    best_latency_ms: Mapped[float | None] = mapped_column(NUMBER)
    updated_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class RateBucket(Base):
    """What is left of a minute's requests, input or output tokens; below zero where more was used than thought."""

    __tablename__ = "rate_buckets"
    __table_args__ = (
        one_of("kind", ("requests", "input", "output"), "kind"),
        CheckConstraint("per_minute > 0", name="per_minute"),
        ForeignKeyConstraint(["endpoint", "model"], ["rate_limits.endpoint", "rate_limits.model"], ondelete="CASCADE"),
        UNLOGGED,
    )
    endpoint: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    per_minute: Mapped[float] = mapped_column(NUMBER)
    level: Mapped[float] = mapped_column(NUMBER)
    seen_at: Mapped[datetime]


class RateRatio(Base):
    """How much of an estimate the calls of a model really use."""

    __tablename__ = "rate_ratios"
    __table_args__ = (
        one_of("kind", ("input", "output"), "kind"),
        CheckConstraint("ratio BETWEEN 0.01 AND 100", name="ratio"),
        UNLOGGED,
    )
    endpoint: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    ratio: Mapped[float] = mapped_column(NUMBER)


class RateReservation(Base):
    """A call that is under way, or waits for its turn: its tokens by estimate, and as they were taken when it left."""

    __tablename__ = "rate_reservations"
    __table_args__ = (Index(None, "endpoint", "model"), Index(None, "worker_id"), UNLOGGED)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    endpoint: Mapped[str]
    model: Mapped[str]
    worker_id: Mapped[int | None]
    estimated_input: Mapped[float] = mapped_column(NUMBER)
    estimated_output: Mapped[float] = mapped_column(NUMBER)
    input: Mapped[float] = mapped_column(NUMBER, server_default=text("0"))
    output: Mapped[float] = mapped_column(NUMBER, server_default=text("0"))
    sent_at: Mapped[datetime | None]
    left_then: Mapped[dict[str, float]] = mapped_column(JSONB(), server_default=text("'{}'::jsonb"))
