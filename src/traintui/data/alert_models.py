"""The tables of alerts, and what they are judged by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import Base


class QueryWindow(Base):
    """The statements of a label in a quarter of an hour."""

    __tablename__ = "query_windows"
    __table_args__ = (CheckConstraint("calls >= 1 AND errors >= 0 AND errors <= calls AND p95_us >= 0", name="counts"),)
    begins_at: Mapped[datetime] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)
    calls: Mapped[int]
    errors: Mapped[int]
    p95_us: Mapped[int]


class VersionSeen(Base):
    """When a version of Traintui, of the schema or of PostgreSQL was met first and last, and when it came last."""

    __tablename__ = "versions_seen"
    __table_args__ = (
        CheckConstraint("what IN ('traintui', 'schema', 'postgresql')", name="what"),
        CheckConstraint("length(version) >= 1 AND length(version) <= 100", name="version"),
    )
    what: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    came_at: Mapped[datetime]


class Alert(Base):
    """Something that is, or was, wrong with the database."""

    __tablename__ = "alerts"
    __table_args__ = (
        CheckConstraint("severity IN ('urgent', 'warning')", name="severity"),
        CheckConstraint("state IN ('open', 'acknowledged', 'cleared')", name="state"),
        CheckConstraint(
            "(state = 'cleared') = (cleared_at IS NOT NULL) AND (acknowledged_at IS NULL) = (acknowledged_by IS NULL)"
            " AND (state <> 'acknowledged' OR acknowledged_at IS NOT NULL)",
            name="times",
        ),
        CheckConstraint(
            "length(kind) >= 1 AND length(kind) <= 60 AND length(subject) <= 200 AND length(says) >= 1"
            " AND length(says) <= 1000 AND jsonb_typeof(evidence) = 'object' AND jsonb_typeof(around) = 'array'"
            " AND pg_column_size(evidence) <= 20000 AND pg_column_size(around) <= 20000",
            name="size",
        ),
        Index("uq_alerts_one_open", "kind", "subject", unique=True, postgresql_where=text("cleared_at IS NULL")),
        Index(None, "opened_at"),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    severity: Mapped[str]
    state: Mapped[str]
    says: Mapped[str]
    evidence: Mapped[dict[str, Any]]
    around: Mapped[list[dict[str, Any]]]
    opened_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    cleared_at: Mapped[datetime | None]


class AlertEvent(Base):
    """What became of an alert."""

    __tablename__ = "alert_events"
    __table_args__ = (
        CheckConstraint("event IN ('opened', 'acknowledged', 'hook', 'cleared')", name="event"),
        CheckConstraint("about IS NULL OR about IN ('opened', 'cleared') AND event = 'hook'", name="about"),
        CheckConstraint("length(said) <= 1000", name="said"),
        Index(None, "alert_id"),
        Index(None, "at"),
        Index("uq_alert_events_hook", "alert_id", "about", unique=True, postgresql_where=text("event = 'hook'")),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    event: Mapped[str]
    login: Mapped[str]
    said: Mapped[str]
    about: Mapped[str | None]
    held_until: Mapped[datetime | None]
