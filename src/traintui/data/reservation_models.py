"""The table of what somebody has open."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import Base


class ReservationRow(Base):
    """A conversation that a window of a person has open, or is about to, until its lease ends."""

    __tablename__ = "reservations"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)
    conversation_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reviewer_id: Mapped[str] = mapped_column(server_default=text("session_user"))
    window_id: Mapped[UUID]
    lease_until: Mapped[datetime]
