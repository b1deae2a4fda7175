"""The tables of what was submitted to a provider's Message Batches API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import EMPTY_OBJECT, INT, NOW, Base, one_of

SUBMISSION_STATES = ("submitting", "in_progress", "ended", "imported", "cancelled", "refused", "lost")


class BatchSubmission(Base):
    """Requests that went to the provider together. It changes only through the functions of its migration."""

    __tablename__ = "batch_submissions"
    __table_args__ = (
        UniqueConstraint("key"),
        UniqueConstraint("provider_id"),
        one_of("state", SUBMISSION_STATES, "state"),
        Index("ix_batch_submissions_batch_id", "batch_id"),  # serves the foreign key; whether something is out
        Index("ix_batch_submissions_look_at", "look_at", postgresql_where=text("closed_at IS NULL")),  # what is due
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id", ondelete="RESTRICT"))
    key: Mapped[str]
    endpoint: Mapped[str]
    provider_id: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="submitting")
    requests: Mapped[int] = mapped_column(INT)
    counts: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    worker_id: Mapped[int | None] = mapped_column(ForeignKey("workers.id", ondelete="RESTRICT"))
    fence: Mapped[int] = mapped_column(server_default=text("1"))
    look_at: Mapped[datetime] = mapped_column(server_default=NOW)
    looks: Mapped[int] = mapped_column(INT, server_default=text("0"))
    ruled_out: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default=text("'{}'::text[]"))
    error_message: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    expires_at: Mapped[datetime | None]
    cancelling_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    polled_at: Mapped[datetime | None]
    unwanted_at: Mapped[datetime | None]
    unwanted_by: Mapped[str | None]


class BatchSubmissionItem(Base):
    """A request of a submission: the item, the fence at which it was claimed, and its row in the ledger."""

    __tablename__ = "batch_submission_items"
    __table_args__ = (Index("ix_batch_submission_items_item_id", "item_id"),)  # how an item fared before
    submission_id: Mapped[int] = mapped_column(
        ForeignKey("batch_submissions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    item_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fence: Mapped[int]
    attempt_id: Mapped[int]
    attempt_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    failure: Mapped[str | None]
