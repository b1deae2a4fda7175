"""The table of what was done to many conversations as one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import INT, Base, one_of

BULK_ACTIONS = ("approve", "reject", "reopen", "flag", "unflag", "delete", "restore", "import")
ZERO = text("0")


class BulkAction(Base):
    """An action on many: how many rows of the log it has, and how far it is taken back. Its rows have its `bulk_id`."""

    __tablename__ = "bulk_actions"
    __table_args__ = (
        CheckConstraint("char_length(bulk_id) BETWEEN 1 AND 100", name="bulk_id"),
        one_of("action", BULK_ACTIONS, "action"),
        Index(None, "user_id", "newest_log", postgresql_where=text("undone_to < newest_log")),
    )
    bulk_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(server_default=text("session_user"))
    action: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    done: Mapped[int] = mapped_column(INT, server_default=ZERO)
    undone: Mapped[int] = mapped_column(INT, server_default=ZERO)
    kept: Mapped[int] = mapped_column(INT, server_default=ZERO)
    newest_log: Mapped[int | None]
    undone_to: Mapped[int] = mapped_column(server_default=ZERO)
