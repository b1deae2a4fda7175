"""The table of saved views."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Identity, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import NOW, Base, one_of

VIEWED = ("conversations", "generations", "reviews", "exports")
"""What there are views of."""


class SavedViewRow(Base):
    """A filter with an order and columns, under a name. It changes only through `save_view` and `delete_view`."""

    __tablename__ = "saved_views"
    __table_args__ = (
        UniqueConstraint("owner", "log", "name"),
        one_of("log", VIEWED, "log"),
        CheckConstraint(r"char_length(name) BETWEEN 1 AND 80 AND name ~ '\S'", name="name"),
        CheckConstraint("char_length(filter) <= 4000", name="filter"),
        CheckConstraint("char_length(sort) <= 200", name="sort"),
        CheckConstraint("jsonb_typeof(columns) = 'array' AND octet_length(columns::text) <= 16384", name="columns"),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    owner: Mapped[str] = mapped_column(server_default=text("session_user"))
    shared: Mapped[bool] = mapped_column(server_default=text("false"))
    filter: Mapped[str]
    sort: Mapped[str]
    columns: Mapped[list[Any]] = mapped_column(JSONB(), server_default=text("'[]'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)
    log: Mapped[str] = mapped_column(server_default=text("'conversations'"))
