"""The tables of the seals and of looks at them, and what keeps the order of the logs on another server."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, Identity, Index, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import INT, Base, Xid8, one_of

LOGS = ("review_logs", "export_logs", "generation_logs", "retirements", "erasures")
"""The logs whose rows are sealed, and what was removed and erased of them."""


class LogOrder(Base):
    """One row: what is added to the server's transaction numbers in the logs, and what begins the chain of seals."""

    __tablename__ = "log_order"
    __table_args__ = (
        CheckConstraint("only_row", name="only_row"),
        CheckConstraint("xid_offset >= 0", name="xid_offset"),
    )
    only_row: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    workspace_id: Mapped[uuid.UUID] = mapped_column(Uuid(), server_default=text("gen_random_uuid()"))
    xid_offset: Mapped[int] = mapped_column(server_default=text("0"))
    begins_at: Mapped[str] = mapped_column(Xid8(), server_default=text("'0'::xid8"))
    server_started_at: Mapped[datetime | None]
    written_by: Mapped[str | None] = mapped_column(Xid8())


class AuditSeal(Base):
    """A seal: the rows of the logs from the last horizon to its own, chained to the one before."""

    __tablename__ = "audit_seals"
    __table_args__ = (CheckConstraint("number >= 1", name="number"),)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    horizon: Mapped[str] = mapped_column(Xid8())
    made_at: Mapped[datetime]
    row_count: Mapped[int] = mapped_column(INT)
    previous_hash: Mapped[bytes]
    hash: Mapped[bytes]


class AuditSealPart(Base):
    """The rows of one log, of one week of the generation log, in a seal, and the root over their hashes."""

    __tablename__ = "audit_seal_parts"
    __table_args__ = (
        one_of("log", LOGS, "log"),
        CheckConstraint("row_count >= 1", name="row_count"),
        Index("ix_audit_seal_parts_log_week", "log", "week", "number", "place"),
        Index("ix_audit_seal_parts_last", "log", "week", "last_xid8", "last_id"),
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(INT, primary_key=True, autoincrement=False)
    log: Mapped[str]
    week: Mapped[date | None] = mapped_column(Date())
    first_xid8: Mapped[str] = mapped_column(Xid8())
    first_id: Mapped[int]
    last_xid8: Mapped[str] = mapped_column(Xid8())
    last_id: Mapped[int]
    row_count: Mapped[int] = mapped_column(INT)
    root: Mapped[bytes]
    keys_sha256: Mapped[bytes]


class RecordLook(Base):
    """A look at the whole record that came to its end, and what it found."""

    __tablename__ = "record_looks"
    __table_args__ = (
        CheckConstraint("(findings > 0) = (first_finding IS NOT NULL)", name="first_finding"),
        CheckConstraint("findings >= 0", name="findings"),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    looked_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    looked_by: Mapped[str] = mapped_column(server_default=text("SESSION_USER"))
    rows_looked_at: Mapped[int]
    newest_seal: Mapped[int | None]
    findings: Mapped[int]
    first_finding: Mapped[str | None]


class AuditSealLeaf(Base):
    """What the root of a part is made of: 16 bytes of xid8 and id for each row, and the 32 of its hash."""

    __tablename__ = "audit_seal_leaves"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(INT, primary_key=True, autoincrement=False)
    keys: Mapped[bytes]
    row_hashes: Mapped[bytes]
