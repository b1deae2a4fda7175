"""The tables of samples: how the server, its tables and its indexes stood, again and again."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Double, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import INT, Base

DOUBLE: Double[float] = Double()


class Sampling(Base):
    """One row: which process samples, and until when it may."""

    __tablename__ = "sampling"
    __table_args__ = (CheckConstraint("only_row", name="only_row"),)
    only_row: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    holder: Mapped[str | None]
    held_until: Mapped[datetime | None]


class ServerSample(Base):
    """The server as it stood. Counters are those of the server: since it counts."""

    __tablename__ = "server_samples"
    at: Mapped[datetime] = mapped_column(primary_key=True)
    server_started_at: Mapped[datetime]
    connections: Mapped[int] = mapped_column(INT)
    max_connections: Mapped[int] = mapped_column(INT)
    active: Mapped[int] = mapped_column(INT)
    waiting: Mapped[int] = mapped_column(INT)
    longest_transaction_seconds: Mapped[float] = mapped_column(DOUBLE)
    commits: Mapped[int]
    rollbacks: Mapped[int]
    blocks_hit: Mapped[int]
    blocks_read: Mapped[int]
    rows_written: Mapped[int]
    temp_bytes: Mapped[int]
    deadlocks: Mapped[int]
    wal_bytes: Mapped[Decimal] = mapped_column(Numeric(30, 0))
    database_bytes: Mapped[int]
    disk_free_bytes: Mapped[int | None]
    disk_bytes: Mapped[int | None]


class TableSample(Base):
    """A table as it stood, with all of its partitions."""

    __tablename__ = "table_samples"
    at: Mapped[datetime] = mapped_column(primary_key=True)
    table_name: Mapped[str] = mapped_column(primary_key=True)
    live_rows: Mapped[int]
    dead_rows: Mapped[int]
    table_bytes: Mapped[int]
    toast_bytes: Mapped[int]
    index_bytes: Mapped[int]
    inserted: Mapped[int]
    updated: Mapped[int]
    hot_updated: Mapped[int]
    deleted: Mapped[int]
    whole_scans: Mapped[int]
    whole_scan_rows: Mapped[int]
    index_scans: Mapped[int]
    vacuumed_at: Mapped[datetime | None]
    analyzed_at: Mapped[datetime | None]


class IndexSample(Base):
    """An index as it stood, with all of its parts."""

    __tablename__ = "index_samples"
    __table_args__ = (
        CheckConstraint("density >= 0 AND density <= 1", name="density"),
        Index(None, "index_name", "at"),
    )
    at: Mapped[datetime] = mapped_column(primary_key=True)
    index_name: Mapped[str] = mapped_column(primary_key=True)
    table_name: Mapped[str]
    is_valid: Mapped[bool]
    index_bytes: Mapped[int]
    entries: Mapped[int]
    file_number: Mapped[int]
    scans: Mapped[int]
    scanned_at: Mapped[datetime | None]
    blocks_hit: Mapped[int]
    blocks_read: Mapped[int]
    density: Mapped[float | None] = mapped_column(DOUBLE)
