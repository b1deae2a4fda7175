"""The table of judges' opinions."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Identity, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import INT, Base


class JudgementRow(Base):
    """An opinion of one revision of a conversation. It is only added to, by `store_judgement`."""

    __tablename__ = "judgements"
    __table_args__ = (
        CheckConstraint("mean BETWEEN 0 AND 10", name="mean"),
        CheckConstraint("spans_dropped >= 0", name="spans_dropped"),
        Index("ix_judgements_conversation_id_revision_id", "conversation_id", "revision", "id"),  # the one that counts
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    conversation_id: Mapped[str]
    revision: Mapped[int] = mapped_column(INT)
    model: Mapped[str]
    template_id: Mapped[int]
    template_version: Mapped[int] = mapped_column(INT)
    run_id: Mapped[int]
    scores: Mapped[dict[str, Any]]
    mean: Mapped[Decimal] = mapped_column(Numeric(4, 2))
    spans: Mapped[list[dict[str, Any]]]
    spans_dropped: Mapped[int] = mapped_column(INT)
    log_id: Mapped[int]
    logged_at: Mapped[datetime]
    requested_by: Mapped[str]
    is_rehearsal: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
