"""The table of coverage targets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import DIMENSIONS, INT, NOW, Base

_ORDER = "ARRAY[" + ", ".join(f"'{dimension}'" for dimension in DIMENSIONS) + "]"


class CoverageTarget(Base):
    """How many conversations a cell of two dimensions should have, or each cell of a value, or of the whole pair. Of
    those that speak of a cell the newest counts. It changes only through `set_coverage_target`."""

    __tablename__ = "coverage_targets"
    __table_args__ = (
        CheckConstraint("target BETWEEN 0 AND 1000000", name="target"),
        CheckConstraint(
            f"(array_position({_ORDER}, first_dimension) < array_position({_ORDER}, second_dimension)) IS TRUE",
            name="pair",
        ),
        ForeignKeyConstraint(["first_dimension", "first_value"], ["vocabulary.dimension", "vocabulary.value"]),
        ForeignKeyConstraint(["second_dimension", "second_value"], ["vocabulary.dimension", "vocabulary.value"]),
        Index("ix_coverage_targets_first_dimension_second_dimension", "first_dimension", "second_dimension"),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    first_dimension: Mapped[str]
    first_value: Mapped[str | None]
    second_dimension: Mapped[str]
    second_value: Mapped[str | None]
    target: Mapped[int] = mapped_column(INT)
    set_by: Mapped[str] = mapped_column(server_default=text("session_user"))
    set_at: Mapped[datetime] = mapped_column(server_default=NOW)
