"""The tables as SQLAlchemy sees them. What the database itself guarantees (triggers, functions, grants, partitions)
stands in the migrations; `alembic check` and a test hold the two together.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from traintui.data.records import COLOURS, TurnRole
from traintui.data.records import DIMENSIONS as DIMENSIONS

TIERS = ("template", "scenario", "edge_case")
STATUSES = ("planned", "generating", "generated", "approved", "rejected", "failed")
ROLES = ("user", "assistant")


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id, which orders rows by the transaction that wrote them."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        str: Text(),
        int: BigInteger(),
        datetime: TIMESTAMP(timezone=True),
        dict[str, Any]: JSONB(),
        list[dict[str, Any]]: JSONB(),
        bytes: LargeBinary(),
    }


NOW = text("now()")
EMPTY_OBJECT = text("'{}'::jsonb")
SMALL = SmallInteger()
INT = Integer()


def one_of(column: str, values: tuple[str, ...], name: str) -> CheckConstraint:
    """A named CHECK that `column` holds one of `values`."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)


class VocabularyEntry(Base):
    """One value of a dimension. A value never changes and never goes: exports and seals hold it. Its label may change;
    one that was merged says into which."""

    __tablename__ = "vocabulary"
    __table_args__ = (
        one_of("dimension", DIMENSIONS, "dimension"),
        CheckConstraint("value ~ '^[a-z0-9][a-z0-9_]{0,62}$' AND value <> 'none'", name="value"),
        CheckConstraint(f"colour ~ '^(#[0-9a-fA-F]{{6}}|{'|'.join(COLOURS)})$'", name="colour"),
        CheckConstraint(r"label ~ '\S' AND char_length(label) <= 80", name="label"),
        CheckConstraint("char_length(description) <= 500", name="description"),
        CheckConstraint(
            "merged_into IS NULL OR (NOT active AND merged_into <> value AND dimension <> 'tier')", name="merged_into"
        ),
        ForeignKeyConstraint(["dimension", "merged_into"], ["vocabulary.dimension", "vocabulary.value"]),
    )
    dimension: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    colour: Mapped[str | None]
    keywords: Mapped[list[str]] = mapped_column(JSONB(), server_default=text("'[]'::jsonb"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    position: Mapped[int] = mapped_column(INT, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    merged_into: Mapped[str | None]


class WorkspaceSetting(Base):
    """A rule that everybody shares: reasons, thresholds, budgets, retention."""

    __tablename__ = "workspace_settings"
    __table_args__ = (
        CheckConstraint(
            "key <> 'monthly_budget_usd' OR CASE jsonb_typeof(value) WHEN 'null' THEN true"
            " WHEN 'number' THEN value::numeric > 0 AND value::numeric <= 100000000 ELSE false END",
            name="monthly_budget_usd",
        ),
        CheckConstraint(
            "key <> 'second_review' OR CASE jsonb_typeof(value) WHEN 'null' THEN true WHEN 'object' THEN"
            " CASE WHEN jsonb_typeof(value->'decisions') = 'number' AND jsonb_typeof(value->'share') = 'number'"
            " THEN (value->>'decisions')::numeric IN (2, 3, 4, 5) AND (value->>'share')::numeric > 0"
            " AND (value->>'share')::numeric <= 1 ELSE false END ELSE false END",
            name="second_review",
        ),
        CheckConstraint(
            "key NOT IN ('retention_generations_days', 'retention_exports_days') OR CASE jsonb_typeof(value)"
            " WHEN 'null' THEN true WHEN 'number' THEN value::numeric >= 7 AND value::numeric <= 36500"
            " AND value::numeric = trunc(value::numeric) ELSE false END",
            name="retention",
        ),
        CheckConstraint(
            "key <> 'retire_automatically' OR jsonb_typeof(value) IN ('boolean', 'null')", name="retire_automatically"
        ),
        CheckConstraint(
            "key <> 'slow_query_ms' OR CASE jsonb_typeof(value) WHEN 'number' THEN value::numeric >= 10"
            " AND value::numeric <= 600000 AND value::numeric = trunc(value::numeric) ELSE false END",
            name="slow_query_ms",
        ),
        CheckConstraint(
            "key <> 'rebuild_automatically' OR jsonb_typeof(value) IN ('boolean', 'null')",
            name="rebuild_automatically",
        ),
        CheckConstraint(
            "key <> 'rebuild_policy' OR CASE jsonb_typeof(value) WHEN 'null' THEN true WHEN 'object' THEN"
            " CASE WHEN jsonb_typeof(value->'density') = 'number' AND jsonb_typeof(value->'megabytes') = 'number'"
            " THEN (value->>'density')::numeric >= 0.1 AND (value->>'density')::numeric <= 0.65"
            " AND (value->>'megabytes')::numeric >= 1 AND (value->>'megabytes')::numeric <= 1000000"
            " AND CASE WHEN jsonb_typeof(value->'quiet_from') = 'number'"
            " AND jsonb_typeof(value->'quiet_until') = 'number'"
            " THEN (value->>'quiet_from')::numeric >= 0 AND (value->>'quiet_from')::numeric <= 23"
            " AND (value->>'quiet_until')::numeric >= 0 AND (value->>'quiet_until')::numeric <= 23"
            " AND (value->>'quiet_from')::numeric = trunc((value->>'quiet_from')::numeric)"
            " AND (value->>'quiet_until')::numeric = trunc((value->>'quiet_until')::numeric)"
            " ELSE coalesce(jsonb_typeof(value->'quiet_from'), 'null') = 'null'"
            " AND coalesce(jsonb_typeof(value->'quiet_until'), 'null') = 'null' END"
            " ELSE false END ELSE false END",
            name="rebuild_policy",
        ),
        CheckConstraint(
            "key <> 'alert_hook' OR CASE jsonb_typeof(value) WHEN 'null' THEN true WHEN 'string'"
            " THEN length(value #>> '{}') >= 1 AND length(value #>> '{}') <= 2000 ELSE false END",
            name="alert_hook",
        ),
        CheckConstraint(
            "key <> 'metadata_schema' OR CASE WHEN jsonb_typeof(value) = 'object' AND"
            " jsonb_typeof(value->'version') = 'number' THEN (value->>'version')::numeric >= 1"
            " AND (value->>'version')::numeric = trunc((value->>'version')::numeric)"
            " AND coalesce(jsonb_typeof(value->'schema') IN ('object', 'null'), false)"
            " AND octet_length(value::text) <= 65536 ELSE false END",
            name="metadata_schema",
        ),
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB())
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_by: Mapped[str] = mapped_column(server_default=text("session_user"))


class WorkspaceSettingChange(Base):
    """Who changed which shared rule, from what to what; written by a trigger."""

    __tablename__ = "workspace_setting_changes"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    key: Mapped[str]
    old_value: Mapped[Any | None] = mapped_column(JSONB())
    new_value: Mapped[Any | None] = mapped_column(JSONB())
    changed_by: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Document(Base):
    """A source document; importing a changed one counts up its revision."""

    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("name"),)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    title: Mapped[str]
    source_path: Mapped[str]
    media_type: Mapped[str]
    content: Mapped[str]
    content_sha256: Mapped[bytes]
    revision: Mapped[int] = mapped_column(INT, server_default=text("1"))
    imported_by: Mapped[str] = mapped_column(server_default=text("session_user"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Chunk(Base):
    """A piece of a document that one conversation can be about. A chunk that a newer revision lacks is retired."""

    __tablename__ = "chunks"
    __table_args__ = (
        UniqueConstraint("document_id", "content_sha256"),
        Index("ix_chunks_document_id_ordinal", "document_id", "ordinal"),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="RESTRICT"))
    document_revision: Mapped[int] = mapped_column(INT)
    ordinal: Mapped[int] = mapped_column(INT)
    heading: Mapped[str]
    content: Mapped[str]
    content_sha256: Mapped[bytes]
    token_estimate: Mapped[int] = mapped_column(INT)
    retired_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


TEMPLATE_KINDS = ("conversation", "rubric", "regeneration")
"""What writes a conversation, what judges one, and what writes turns of one anew."""


class Template(Base):
    """A version of a prompt template. A version is never edited: batches and logs name it."""

    __tablename__ = "templates"
    __table_args__ = (
        UniqueConstraint("kind", "name", "version"),
        one_of("kind", TEMPLATE_KINDS, "kind"),
        CheckConstraint(r"name ~ '^\S(.*\S)?$' AND char_length(name) <= 80", name="name"),
        CheckConstraint(r"user_prompt ~ '\S'", name="user_prompt"),
        CheckConstraint("octet_length(system) + octet_length(user_prompt) <= 262144", name="size"),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    version: Mapped[int] = mapped_column(INT)
    system: Mapped[str]
    user_prompt: Mapped[str]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_by: Mapped[str] = mapped_column(server_default=text("session_user"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    built_in: Mapped[bool] = mapped_column(server_default=text("false"))
    kind: Mapped[str] = mapped_column(server_default=text("'conversation'"))


class Conversation(Base):
    """One training example with its dimensions, status and score."""

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("conversation_id", postgresql_include=["id"]),  # the logs' ids to ours without the table
        one_of("status", STATUSES, "status"),
        one_of("tier", TIERS, "tier"),
        CheckConstraint("id BETWEEN 1 AND 2147483647", name="id"),  # bitmaps hold 32-bit numbers
        CheckConstraint("quality_score BETWEEN 0 AND 10", name="quality_score"),
        CheckConstraint("judge_score BETWEEN 0 AND 10", name="judge_score"),
        CheckConstraint("turn_count >= 0", name="turn_count"),
        CheckConstraint("revision >= 1", name="revision"),
        CheckConstraint("jsonb_typeof(metadata) = 'object' AND octet_length(metadata::text) <= 65536", name="metadata"),
        CheckConstraint(
            "is_seed OR num_nulls(persona, emotion, topic, intent, tone, tier) = 0", name="dimensions_unless_seed"
        ),
        CheckConstraint(
            "status NOT IN ('approved', 'rejected') OR decision_id IS NOT NULL", name="decided_by_decision"
        ),
        # Each index costs every decision; the comment names what it serves.
        Index("ix_conversations_status_quality_score_id", "status", "quality_score", "id"),  # review queue, by score
        Index("ix_conversations_status_id", "status", "id"),  # table filtered by status; export in order of id
        Index("ix_conversations_quality_score_id", "quality_score", "id"),  # table sorted by score
        Index("ix_conversations_persona_emotion_id", "persona", "emotion", "id"),  # persona alone; coverage cells
        Index("ix_conversations_emotion_id", "emotion", "id"),
        Index("ix_conversations_tier_status_id", "tier", "status", "id"),
        Index("ix_conversations_created_at_id", "created_at", "id"),  # newest first; date ranges
        Index("ix_conversations_chunk_id", "chunk_id"),  # serves the foreign key; conversations of one chunk
        Index("ix_conversations_document_id", "document_id"),  # serves the foreign key
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(server_default=text("new_conversation_id()"))
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id", ondelete="RESTRICT"))
    chunk_id: Mapped[int | None] = mapped_column(ForeignKey("chunks.id", ondelete="RESTRICT"))
    persona: Mapped[str | None]
    emotion: Mapped[str | None]
    topic: Mapped[str | None]
    intent: Mapped[str | None]
    tone: Mapped[str | None]
    tier: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="planned")
    quality_score: Mapped[Decimal | None] = mapped_column(Numeric(4, 2))
    turn_count: Mapped[int] = mapped_column(INT, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)
    system_prompt: Mapped[str | None]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=EMPTY_OBJECT)
    revision: Mapped[int] = mapped_column(INT, server_default=text("1"))
    decision_id: Mapped[int | None]
    model: Mapped[str | None]
    is_seed: Mapped[bool] = mapped_column(server_default=text("false"))
    is_rehearsal: Mapped[bool] = mapped_column(server_default=text("false"))
    flagged: Mapped[bool] = mapped_column(server_default=text("false"))
    deleted_at: Mapped[datetime | None]
    score_parts: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'::jsonb"))
    reviewed_at: Mapped[datetime | None]
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(14, 6))
    judge_score: Mapped[Decimal | None] = mapped_column(Numeric(4, 2))


conversation_changes = Table(
    "conversation_changes",
    Base.metadata,
    Column("xid8", Xid8(), server_default=text("pg_current_xact_id()"), nullable=False),
    Column("conversation_id", BigInteger(), nullable=False),
    Column("changed_at", TIMESTAMP(timezone=True), server_default=NOW, nullable=False),
    Index("ix_conversation_changes_xid8", "xid8"),  # what a snapshot did not see yet
    Index("ix_conversation_changes_changed_at", "changed_at", postgresql_using="brin"),  # pruning
)
"""Which conversation was changed by which transaction; kept for a day. A row is never looked up, so it has no key."""


class ConversationTurn(Base):
    """One message. Its parity is its role, so turns alternate by construction, user first."""

    __tablename__ = "conversation_turns"
    __table_args__ = (
        UniqueConstraint("conversation_id", "turn_number"),
        one_of("role", ROLES, "role"),
        CheckConstraint("turn_number >= 1", name="turn_number"),
        CheckConstraint("(turn_number % 2 = 1) = (role = 'user')", name="alternation"),
        CheckConstraint("content ~ '\\S'", name="content"),
        Index(  # whether an export needs weights
            "ix_conversation_turns_untrained",
            "conversation_id",
            postgresql_where=text("NOT train AND role = 'assistant'"),
        ),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    turn_number: Mapped[int] = mapped_column(INT)
    role: Mapped[TurnRole] = mapped_column(Text())
    content: Mapped[str]
    train: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
