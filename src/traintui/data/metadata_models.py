"""The table of registered metadata keys."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import INT, NOW, Base, one_of

VALUE_TYPES = ("text", "integer", "number", "boolean", "date")


class MetadataKeyEntry(Base):
    """A metadata key whose values have a type that the database enforces."""

    __tablename__ = "metadata_keys"
    __table_args__ = (
        CheckConstraint("is_metadata_key(key)", name="key"),
        one_of("value_type", VALUE_TYPES, "value_type"),
        CheckConstraint("char_length(label) BETWEEN 1 AND 100", name="label"),
        CheckConstraint("char_length(about) <= 500", name="about"),
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    value_type: Mapped[str]
    label: Mapped[str]
    about: Mapped[str] = mapped_column(server_default="")
    position: Mapped[int] = mapped_column(INT, server_default=text("0"))
    created_by: Mapped[str] = mapped_column(server_default=text("session_user"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
