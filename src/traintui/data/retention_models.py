"""The table of the rounds of retention."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import Base


class RetentionRound(Base):
    """The one row on the daily round: whose it is until `lease_until`, when the next one is due, and what became of
    the last one."""

    __tablename__ = "retention_rounds"
    __table_args__ = (CheckConstraint("only_one", name="only_one"),)
    only_one: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    holder: Mapped[UUID | None]
    taken_by: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    removed: Mapped[int | None]
    failure: Mapped[str | None]
