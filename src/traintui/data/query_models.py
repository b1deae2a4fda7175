"""The tables of the query log: how long statements take, which were slow, and by which plans."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Identity, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import INT, Base

OF_A_LABEL = "length(label) >= 1 AND length(label) <= 100"


BUCKETS = (
    'NOT jsonb_path_exists(histogram, \'$.keyvalue() ? (!(@.key like_regex "^([0-9]|[1-9][0-9]|1[0-9][0-9]|20[0-8])$"'
    ' && @.value.type() == "number" && @.value >= 1 && @.value <= 1000000000))\')'
)
READABLE = (
    "coalesce(jsonb_typeof(plan->0->'Plan'->'Node Type'), '') = 'string'"
    " AND coalesce(jsonb_typeof(plan->0->'Plan'->'Total Cost'), '') = 'number'"
    " AND coalesce(jsonb_typeof(plan->0->'Plan'->'Plan Rows'), '') = 'number'"
    ' AND NOT jsonb_path_exists(plan, \'$.**.Plans[*] ? (!(@."Node Type".type() == "string"'
    ' && @."Total Cost".type() == "number" && @."Plan Rows".type() == "number"))\')'
    " AND NOT jsonb_path_exists(plan, '$.**{200 to last}')"
)


class QueryTime(Base):
    """Statements under a label that ended in a span of time: a minute, later an hour."""

    __tablename__ = "query_times"
    __table_args__ = (
        CheckConstraint(BUCKETS, name="histogram"),
        CheckConstraint("span_seconds IN (60, 3600)", name="span_seconds"),
        CheckConstraint(OF_A_LABEL, name="label"),
        CheckConstraint(
            "calls >= 1 AND errors >= 0 AND errors <= calls AND slow >= 0 AND slow <= calls AND row_count >= 0"
            " AND total_us >= 0 AND most_us >= 0 AND most_us <= total_us AND jsonb_typeof(histogram) = 'object'",
            name="counts",
        ),
    )
    span_seconds: Mapped[int] = mapped_column(INT, primary_key=True, autoincrement=False)
    begins_at: Mapped[datetime] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)
    calls: Mapped[int]
    errors: Mapped[int]
    slow: Mapped[int]
    row_count: Mapped[int]
    total_us: Mapped[int]
    most_us: Mapped[int]
    histogram: Mapped[dict[str, Any]]


class QueryPlan(Base):
    """A plan that was seen of a statement."""

    __tablename__ = "query_plans"
    __table_args__ = (
        CheckConstraint(OF_A_LABEL, name="label"),
        CheckConstraint(
            "length(statement_hash) >= 1 AND length(statement_hash) <= 64 AND length(plan_hash) >= 1"
            " AND length(plan_hash) <= 64",
            name="hashes",
        ),
        CheckConstraint("length(statement) <= 20000 AND pg_column_size(plan) <= 1000000", name="size"),
        CheckConstraint(READABLE, name="plan"),
        Index(None, "last_seen_at"),
    )
    label: Mapped[str] = mapped_column(primary_key=True)
    statement_hash: Mapped[str] = mapped_column(primary_key=True)
    plan_hash: Mapped[str] = mapped_column(primary_key=True)
    statement: Mapped[str]
    plan: Mapped[list[dict[str, Any]]] = mapped_column(JSONB())
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class SlowQuery(Base):
    """A statement that took long. Its parameters are redacted."""

    __tablename__ = "slow_queries"
    __table_args__ = (
        CheckConstraint(OF_A_LABEL, name="label"),
        CheckConstraint("duration_us >= 0", name="duration_us"),
        CheckConstraint(
            "length(statement) <= 20000 AND length(statement_hash) <= 64 AND length(plan_hash) <= 64"
            " AND length(error) <= 1000 AND pg_column_size(parameters) <= 100000",
            name="size",
        ),
        Index(None, "at"),
        Index(None, "label", "at"),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime]
    label: Mapped[str]
    login: Mapped[str]
    duration_us: Mapped[int]
    row_count: Mapped[int | None]
    error: Mapped[str | None]
    statement: Mapped[str]
    statement_hash: Mapped[str]
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB())
    plan_hash: Mapped[str | None]
