"""The tables of erasing: what was erased from calls and from what was put aside, and why, and what is still to be
taken out of the archive."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import SMALL, Base, Xid8


class Erasure(Base):
    """Parts of a call that were erased; of each its digest stays."""

    __tablename__ = "erasures"
    __table_args__ = (
        CheckConstraint("log = 'generation_logs'", name="log"),
        CheckConstraint("num_nonnulls(request_sha256, response_sha256, error_sha256) >= 1", name="parts"),
        CheckConstraint("btrim(reason) <> '' AND char_length(reason) <= 500", name="reason"),
        Index("ix_erasures_row_id", "row_id"),
        Index("ix_erasures_xid8", "xid8"),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    log: Mapped[str]
    row_id: Mapped[int]
    row_created_at: Mapped[datetime]
    request_sha256: Mapped[bytes | None]
    response_sha256: Mapped[bytes | None]
    error_sha256: Mapped[bytes | None]
    reason: Mapped[str]
    erased_by: Mapped[str]
    erased_at: Mapped[datetime]
    hash_version: Mapped[int] = mapped_column(SMALL, server_default=text("1"))
    row_hash: Mapped[bytes]
    xid8: Mapped[str] = mapped_column(Xid8())
    call_row_hash: Mapped[bytes | None]


class ArchiveErasure(Base):
    """What an erasure names, or all calls of a conversation that was purged, to be taken out of the archive."""

    __tablename__ = "archive_erasures"
    __table_args__ = (CheckConstraint("num_nonnulls(erasure_id, conversation_id) = 1", name="what"),)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    erasure_id: Mapped[int | None]
    conversation_id: Mapped[str | None]
    asked_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    failure: Mapped[str | None]


class AsideErasure(Base):
    """Rows that were erased from a table of what downgrades put aside."""

    __tablename__ = "aside_erasures"
    __table_args__ = (
        CheckConstraint("row_count > 0", name="row_count"),
        CheckConstraint("btrim(reason) <> '' AND char_length(reason) <= 500", name="reason"),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    place: Mapped[str]
    row_count: Mapped[int]
    rows_sha256: Mapped[bytes]
    reason: Mapped[str]
    erased_by: Mapped[str] = mapped_column(server_default=text("SESSION_USER"))
    erased_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
