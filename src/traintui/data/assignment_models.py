"""Who is to review what, and the record of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import INT, NOW, Base, one_of

ASSIGNMENT_ACTIONS = ("assign", "take_back")


class AssignmentRow(Base):
    """A conversation that somebody is to review. It changes only through `assign_many`."""

    __tablename__ = "assignments"
    __table_args__ = (Index(None, "reviewer_id", "conversation_id"),)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True)
    reviewer_id: Mapped[str]
    sharing_id: Mapped[str]
    assigned_by: Mapped[str] = mapped_column(server_default=text("session_user"))
    assigned_at: Mapped[datetime] = mapped_column(server_default=NOW)


class AssignmentLog(Base):
    """How many conversations were given to whom, or taken back from whom, by whom and of which filter. It only grows; a
    sharing of many has several rows."""

    __tablename__ = "assignment_logs"
    __table_args__ = (
        one_of("action", ASSIGNMENT_ACTIONS, "action"),
        CheckConstraint("conversation_count > 0", name="conversation_count"),
        CheckConstraint("char_length(sharing_id) BETWEEN 1 AND 100", name="sharing_id"),
        CheckConstraint("char_length(filter) <= 4000", name="filter"),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    sharing_id: Mapped[str]
    action: Mapped[str]
    reviewer_id: Mapped[str]
    conversation_count: Mapped[int] = mapped_column(INT)
    filter: Mapped[str | None]
    assigned_by: Mapped[str] = mapped_column(server_default=text("session_user"))
    assigned_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
