"""The tables of imports."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import EMPTY_OBJECT, INT, Base, one_of

IMPORT_STATES = ("loading", "approving", "done", "removing", "removed", "undone")
UNFINISHED = ("loading", "approving", "removing")
ZERO = text("0")


class Import(Base):
    """A file of conversations that is, or was, imported. Its rows of the log have its id as their `bulk_id`."""

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint("char_length(import_id) BETWEEN 1 AND 80", name="import_id"),
        CheckConstraint("octet_length(file_sha256) = 32", name="file_sha256"),
        one_of("state", IMPORT_STATES, "state"),
        CheckConstraint("passed BETWEEN 0 AND total AND imported + known + revised = passed", name="counts"),
        Index(
            "ix_imports_unfinished", "user_id", postgresql_where=text("state IN ('loading', 'approving', 'removing')")
        ),
    )
    import_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(server_default=text("session_user"))
    file_name: Mapped[str]
    file_path: Mapped[str]
    file_sha256: Mapped[bytes | None]
    format: Mapped[str]
    options: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    total: Mapped[int] = mapped_column(INT)
    bad: Mapped[int] = mapped_column(INT, server_default=ZERO)
    state: Mapped[str] = mapped_column(server_default=text("'loading'"))
    passed: Mapped[int] = mapped_column(INT, server_default=ZERO)
    imported: Mapped[int] = mapped_column(INT, server_default=ZERO)
    known: Mapped[int] = mapped_column(INT, server_default=ZERO)
    revised: Mapped[int] = mapped_column(INT, server_default=ZERO)
    started_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    ended_at: Mapped[datetime | None]
    lease_until: Mapped[datetime]


import_items = Table(
    "import_items",
    Base.metadata,
    Column("import_id", Text(), primary_key=True),
    Column("place", Integer(), primary_key=True, autoincrement=False),
    Column("line", BigInteger()),
    Column("system_prompt", Text()),
    Column("turns", JSONB(), nullable=False),
    Column("metadata", JSONB(), nullable=False),
    *(Column(name, Text()) for name in ("persona", "emotion", "topic", "intent", "tone", "tier")),
    Column("quality_score", Numeric(4, 2)),
    Column("score_parts", JSONB()),
    Column("conversation_id", Text()),
    Column("revision", Integer()),
    Column("status", Text()),
    Column("document_id", BigInteger()),
    Column("chunk_id", BigInteger()),
    Column("model", Text()),
    Column("is_seed", Boolean()),
    Column("is_rehearsal", Boolean()),
    Column("kept", JSONB()),
    Column("decisions", JSONB()),
    Column("earlier", JSONB()),
    Column("created_at", DateTime(timezone=True)),
    prefixes=["UNLOGGED"],
)
"""What COPY brings, for the transaction that loads it: none of these rows is ever committed."""
