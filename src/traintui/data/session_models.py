"""The table of sessions that somebody ended."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import INT, Base


class SessionEnding(Base):
    """Somebody cancelled a statement, or ended a session."""

    __tablename__ = "session_endings"
    __table_args__ = (
        CheckConstraint("kind IN ('cancel', 'end')", name="kind"),
        CheckConstraint("length(login) <= 63 AND length(application) <= 63 AND length(statement) <= 300", name="size"),
        Index(None, "at"),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    ended_by: Mapped[str] = mapped_column(server_default=text("session_user"))
    kind: Mapped[str]
    pid: Mapped[int] = mapped_column(INT)
    login: Mapped[str]
    application: Mapped[str]
    statement: Mapped[str]
