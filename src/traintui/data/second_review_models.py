"""The table of what gets several independent decisions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import INT, Base, one_of

STATES = ("open", "disputed", "settled", "ended")


class SecondReviewRow(Base):
    """A revision that gets several decisions: how many, and whether they are there, and agree."""

    __tablename__ = "second_reviews"
    __table_args__ = (one_of("state", STATES, "state"), Index(None, "state", "opened_at"))
    conversation_id: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(INT, primary_key=True)
    decisions: Mapped[int] = mapped_column(INT)
    state: Mapped[str] = mapped_column(server_default=text("'open'"))
    opened_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    settled_at: Mapped[datetime | None]
