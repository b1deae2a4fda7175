"""The tables of metadata keys that became columns."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.metadata_models import VALUE_TYPES
from traintui.data.models import NOW, Base, one_of

STATES = ("filling", "indexing", "promoted", "demoting", "demoted")
STANDS = text("state <> 'demoted'")


class WorkspaceVersion(Base):
    """Alembic's table of the workspace's own migrations."""

    __tablename__ = "workspace_version"
    version_num: Mapped[str] = mapped_column(primary_key=True)


class PromotionEntry(Base):
    """A key that became a column, how far that is, and how it went back."""

    __tablename__ = "promotions"
    __table_args__ = (
        CheckConstraint("revision ~ '^w[0-9]{4}$'", name="revision"),
        CheckConstraint("is_metadata_key(key)", name="key"),
        CheckConstraint("column_name ~ '^key_[a-z0-9_]{1,50}$'", name="column_name"),
        one_of("value_type", VALUE_TYPES, "value_type"),
        CheckConstraint("listed IS NULL OR value_type = 'text'", name="vocabulary"),
        one_of("state", STATES, "state"),
        Index("uq_promotions_key", "key", unique=True, postgresql_where=STANDS),
        Index("uq_promotions_column_name", "column_name", unique=True, postgresql_where=STANDS),
    )
    revision: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str]
    column_name: Mapped[str]
    value_type: Mapped[str]
    listed: Mapped[list[str] | None] = mapped_column(JSONB())
    leaves_unfitting: Mapped[bool]
    was_registered: Mapped[bool]
    state: Mapped[str] = mapped_column(server_default="filling")
    done_up_to: Mapped[int] = mapped_column(server_default=text("0"))
    filled: Mapped[int] = mapped_column(server_default=text("0"))
    unfitting: Mapped[int | None]
    promoted_by: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ended_at: Mapped[datetime | None]
    demoted_in: Mapped[str | None]
    demoted_by: Mapped[str | None]
    demoted_at: Mapped[datetime | None]


class PromotedValue(Base):
    """A value that a promoted key with a vocabulary may have."""

    __tablename__ = "promoted_values"
    __table_args__ = (CheckConstraint("char_length(value) BETWEEN 1 AND 100", name="value"),)
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    added_by: Mapped[str] = mapped_column(server_default=text("session_user"))
    added_at: Mapped[datetime] = mapped_column(server_default=NOW)
