"""The table of what was done to indexes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Double, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import Base

DOUBLE: Double[float] = Double()


class IndexAction(Base):
    """Something that was done to an index, or is being done; one at a time."""

    __tablename__ = "index_actions"
    __table_args__ = (
        CheckConstraint("kind IN ('rebuild', 'drop', 'create', 'clean')", name="kind"),
        CheckConstraint("state IN ('started', 'done', 'failed')", name="state"),
        CheckConstraint("(state = 'started') = (ended_at IS NULL)", name="ended"),
        Index("uq_index_actions_one_at_a_time", "state", unique=True, postgresql_where=text("state = 'started'")),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[str]
    index_name: Mapped[str]
    table_name: Mapped[str]
    definition: Mapped[str]
    statement: Mapped[str]
    by_itself: Mapped[bool]
    acted_by: Mapped[str]
    started_at: Mapped[datetime]
    held_until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    state: Mapped[str]
    bytes_before: Mapped[int | None]
    bytes_after: Mapped[int | None]
    density_before: Mapped[float | None] = mapped_column(DOUBLE)
    density_after: Mapped[float | None] = mapped_column(DOUBLE)
    seconds: Mapped[float | None] = mapped_column(DOUBLE)
    error: Mapped[str | None]
    undoes: Mapped[int | None]
    undone_by: Mapped[int | None]
