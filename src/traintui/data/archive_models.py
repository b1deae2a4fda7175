"""The tables of the archive: frames of rows that fell due, what was removed, and what it came to."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import INT, SMALL, Base, Xid8, one_of

ARCHIVED = ("generation_logs", "export_logs", "export_rows")
"""What is archived: two logs, and which conversations were in an export."""
RETIRED = ("generation_logs", "export_logs")
"""The logs of which weeks are removed."""


class ArchiveFrame(Base):
    """Some 200 rows as lines of text under Zstandard."""

    __tablename__ = "archive_frames"
    __table_args__ = (
        one_of("log", ARCHIVED, "log"),
        CheckConstraint("place >= 1", name="place"),
        CheckConstraint("row_count >= 1", name="row_count"),
        CheckConstraint("payload_count >= 0", name="payload_count"),
        Index("ix_archive_frames_conversation_ids", "conversation_ids", postgresql_using="gin"),
    )
    log: Mapped[str] = mapped_column(primary_key=True)
    week: Mapped[date] = mapped_column(Date(), primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(INT, primary_key=True, autoincrement=False)
    row_count: Mapped[int] = mapped_column(INT)
    payload_count: Mapped[int] = mapped_column(INT)
    first_xid8: Mapped[str] = mapped_column(Xid8())
    first_id: Mapped[int]
    last_xid8: Mapped[str] = mapped_column(Xid8())
    last_id: Mapped[int]
    first_at: Mapped[datetime | None]
    last_at: Mapped[datetime | None]
    conversation_ids: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    raw_bytes: Mapped[int] = mapped_column(INT)
    content: Mapped[bytes]
    sha256: Mapped[bytes]
    erased_sha256: Mapped[bytes | None]


class Retirement(Base):
    """What was removed of a log: a week, by whom, and what is left of it."""

    __tablename__ = "retirements"
    __table_args__ = (
        UniqueConstraint("log", "week"),
        one_of("log", RETIRED, "log"),
        Index("ix_retirements_xid8", "xid8"),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    log: Mapped[str]
    week: Mapped[date] = mapped_column(Date())
    retired_at: Mapped[datetime]
    retired_by: Mapped[str]
    keep_days: Mapped[int] = mapped_column(INT)
    row_count: Mapped[int]
    noted_count: Mapped[int]
    row_bytes: Mapped[int]
    root: Mapped[bytes]
    frame_count: Mapped[int] = mapped_column(INT)
    archive_bytes: Mapped[int]
    archive_sha256: Mapped[bytes]
    hash_version: Mapped[int] = mapped_column(SMALL, server_default=text("1"))
    row_hash: Mapped[bytes]
    xid8: Mapped[str] = mapped_column(Xid8())
    noted_sha256: Mapped[bytes | None]
    sums_sha256: Mapped[bytes | None]


retired_calls = Table(
    "retired_calls",
    Base.metadata,
    Column("week", Date(), nullable=False),
    Column("conversation_id", Text()),
    Column("run_id", BigInteger()),
    Column("template_id", BigInteger()),
    Column("calls", Integer(), nullable=False),
    Column("cost_usd", Numeric(14, 6)),
    Column("unpriced_calls", Integer(), nullable=False),
    Index("ix_retired_calls_conversation_id", "conversation_id"),
    Index("ix_retired_calls_run_id", "run_id", "conversation_id"),
    Index("ix_retired_calls_template_id", "template_id", "conversation_id"),
)
"""What removed calls came to, for each conversation, batch and template. Rows are never looked up: there is no key."""


retired_sums = Table(
    "retired_sums",
    Base.metadata,
    Column("run_id", BigInteger(), nullable=False),
    Column("week", Date(), nullable=False),
    Column("model", Text(), nullable=False),
    Column("day", Date(), nullable=False),
    Column("prompt_tokens", BigInteger(), nullable=False),
    Column("category", Text()),
    Column("read", BigInteger(), nullable=False),
    Column("written", BigInteger(), nullable=False),
    Column("calls", Integer(), nullable=False),
    Index("ix_retired_sums_run_id", "run_id"),
)
"""What removed calls of a batch read from the cache, wrote to it, and were refused for; as `retired_calls`."""
