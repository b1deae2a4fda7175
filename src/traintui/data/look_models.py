"""The table of looks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import INT, Base


class ConversationLook(Base):
    """The newest revision of a conversation that a person has had before their eyes."""

    __tablename__ = "conversation_looks"
    __table_args__ = (CheckConstraint("revision >= 1", name="revision"),)
    conversation_id: Mapped[int] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    login: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(INT)
    looked_at: Mapped[datetime]
