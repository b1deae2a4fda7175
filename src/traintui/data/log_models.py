"""The tables that only grow: the text of each revision, and the three logs with what left the house."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Identity, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import EMPTY_OBJECT, INT, NOW, SMALL, STATUSES, Base, Xid8, one_of

REVISION_ORIGINS = ("generated", "imported", "edited", "regenerated")


class ConversationRevision(Base):
    """The text of a conversation at one revision. No foreign key: old text outlives the row."""

    __tablename__ = "conversation_revisions"
    __table_args__ = (
        one_of("origin", REVISION_ORIGINS, "origin"),
        Index(None, "content_sha256"),
        # What says the same as if all of it were trained on, where it is not.
        Index(
            "ix_conversation_revisions_said",
            text("content_digest(system_prompt, trained_turns(turns))"),
            postgresql_where=text("turns @> '[{\"train\": false}]'"),
        ),
    )
    conversation_id: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(INT, primary_key=True)
    system_prompt: Mapped[str | None]
    turns: Mapped[list[dict[str, Any]]]
    content_sha256: Mapped[bytes]
    author: Mapped[str]
    origin: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


ATTEMPT_KINDS = ("generate", "judge", "count", "probe", "batch_submit", "batch_poll", "batch_item")
ATTEMPT_STATES = ("sending", "ok", "error", "unknown")


class GenerationLog(Base):
    """One HTTP call to a model. Written before it is sent, completed once; partitioned by week."""

    __tablename__ = "generation_logs"
    __table_args__ = (
        one_of("kind", ATTEMPT_KINDS, "kind"),
        one_of("state", ATTEMPT_STATES, "state"),
        CheckConstraint("cost_usd >= 0", name="cost_usd"),
        CheckConstraint("(state = 'sending') = (row_hash IS NULL)", name="hashed_when_finished"),
        Index("ix_generation_logs_conversation_id", "conversation_id"),
        Index("ix_generation_logs_run_id", "run_id"),
        Index(
            "ix_generation_logs_template_id",
            "template_id",
            "conversation_id",
            postgresql_include=["id", "cost_usd", "output_tokens"],
        ),
        Index(
            "ix_generation_logs_late_reply_to",
            "late_reply_to",
            postgresql_where=text("late_reply_to IS NOT NULL"),
        ),
        # Walked by time, and what totals are made of.
        Index(
            "ix_generation_logs_listed",
            "created_at",
            "id",
            postgresql_include=["state", "cost_usd", "input_tokens", "output_tokens"],
        ),
        Index("ix_generation_logs_model", "model", "created_at", "id"),
        Index("ix_generation_logs_requested_by", "requested_by", "created_at", "id"),
        Index("ix_generation_logs_state", "state", "created_at", "id", postgresql_where=text("state <> 'ok'")),
        Index("ix_generation_logs_kind", "kind", "created_at", "id", postgresql_where=text("kind <> 'generate'")),
        Index(
            "ix_generation_logs_error_type",
            "error_type",
            "created_at",
            "id",
            postgresql_where=text("error_type IS NOT NULL"),
        ),
        Index(
            "ix_generation_logs_http_status",
            "http_status",
            "created_at",
            "id",
            postgresql_where=text("http_status <> 200"),
        ),
        Index(
            "ix_generation_logs_template_version",
            "template_version",
            "created_at",
            "id",
            postgresql_where=text("template_version > 1"),
        ),
        Index("ix_generation_logs_rehearsal", "created_at", "id", postgresql_where=text("is_rehearsal")),
        Index("ix_generation_logs_estimated", "created_at", "id", postgresql_where=text("cost_is_estimate")),
        # What calls are sorted by, with the order among those that cost, took or used the same.
        Index("ix_generation_logs_by_cost", "cost_usd", "created_at", "id"),
        Index("ix_generation_logs_by_duration", "duration_ms", "created_at", "id"),
        Index("ix_generation_logs_by_tokens", text("(input_tokens + output_tokens)"), "created_at", "id"),
        Index("ix_generation_logs_request_id", "request_id", postgresql_where=text("request_id IS NOT NULL")),
        Index(
            "ix_generation_logs_said",
            text("call_words(error_type, error_message)"),
            postgresql_using="gin",
            postgresql_where=text("error_message IS NOT NULL"),
        ),
        Index("ix_generation_logs_xid8", "xid8", postgresql_where=text("row_hash IS NOT NULL")),
        Index("ix_generation_logs_sending", "worker_id", postgresql_where=text("state = 'sending'")),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )
    id: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=True, server_default=text("nextval('generation_logs_id_seq'::regclass)")
    )
    created_at: Mapped[datetime] = mapped_column(primary_key=True, server_default=text("clock_timestamp()"))
    conversation_id: Mapped[str | None]
    run_id: Mapped[int | None]
    item_id: Mapped[int | None]
    fence: Mapped[int | None]
    attempt: Mapped[int] = mapped_column(INT, server_default=text("1"))
    template_id: Mapped[int | None]
    template_version: Mapped[int | None] = mapped_column(INT)
    worker_id: Mapped[int | None]
    kind: Mapped[str]
    state: Mapped[str]
    requested_by: Mapped[str]
    sent_by: Mapped[str]
    endpoint: Mapped[str]
    is_rehearsal: Mapped[bool]
    model: Mapped[str]
    request_payload: Mapped[dict[str, Any] | None]
    response_payload: Mapped[dict[str, Any] | None]
    parameters: Mapped[dict[str, Any]]
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(14, 6))
    cost_is_estimate: Mapped[bool] = mapped_column(server_default=text("false"))
    input_tokens: Mapped[int | None] = mapped_column(INT)
    output_tokens: Mapped[int | None] = mapped_column(INT)
    cache_read_tokens: Mapped[int | None] = mapped_column(INT)
    cache_write_tokens: Mapped[int | None] = mapped_column(INT)
    duration_ms: Mapped[int | None] = mapped_column(INT)
    http_status: Mapped[int | None] = mapped_column(INT)
    request_id: Mapped[str | None]
    stop_reason: Mapped[str | None]
    error_type: Mapped[str | None]
    error_message: Mapped[str | None]
    late_reply_to: Mapped[int | None]
    redactions: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    request_sha256: Mapped[bytes]
    response_sha256: Mapped[bytes | None]
    finished_at: Mapped[datetime | None]
    hash_version: Mapped[int] = mapped_column(SMALL, server_default=text("1"))
    row_hash: Mapped[bytes | None]
    xid8: Mapped[str] = mapped_column(Xid8())


REVIEW_ACTIONS = (
    "approve",
    "reject",
    "edit",
    "reopen",
    "flag",
    "unflag",
    "metadata",
    "takeover",
    "delete",
    "restore",
    "purge",
    "undo",
    "import",
)

SINGLE = "(bulk_id IS NULL OR action = 'metadata' AND details ? 'before') AND action NOT IN ('import', 'undo')"
"""What an undo looks for in the log itself, also behind a million other rows; `bulk_actions` has the rest."""

PACED = "bulk_id IS NULL AND action IN ('approve', 'reject')"
"""Decisions that were taken one by one: what pace and progress are made of."""


class ReviewLog(Base):
    """Everything a person did to a conversation. It only grows."""

    __tablename__ = "review_logs"
    __table_args__ = (
        UniqueConstraint("decision_key"),
        UniqueConstraint("undoes"),
        one_of("action", REVIEW_ACTIONS, "action"),
        one_of("status_before", STATUSES, "status_before"),
        one_of("status_after", STATUSES, "status_after"),
        CheckConstraint("(action = 'undo') = (undoes IS NOT NULL)", name="undo_names_what"),
        CheckConstraint("char_length(reviewer_notes) <= 500", name="reviewer_notes"),
        CheckConstraint("char_length(reason) <= 500", name="reason"),
        CheckConstraint("duration_ms >= 0", name="duration_ms"),
        Index("ix_review_logs_conversation_id_id", "conversation_id", "id"),
        Index("ix_review_logs_reviewer_id_id", "reviewer_id", "id"),
        Index("ix_review_logs_timestamp_id", "timestamp", "id"),
        # Sorted by who did it, the newest of each first.
        Index("ix_review_logs_reviewer", "reviewer_id", text('"timestamp" DESC'), text("id DESC")),
        Index("ix_review_logs_action", "action", "timestamp", "id"),
        Index("ix_review_logs_reason", "reason", "timestamp", "id", postgresql_where=text("reason IS NOT NULL")),
        Index("ix_review_logs_revision", "revision", "timestamp", "id", postgresql_where=text("revision > 1")),
        Index(
            "ix_review_logs_turn_number",
            "turn_number",
            "timestamp",
            "id",
            postgresql_where=text("turn_number IS NOT NULL"),
        ),
        Index("ix_review_logs_duration_ms", "duration_ms", postgresql_where=text("duration_ms IS NOT NULL")),
        Index(
            "ix_review_logs_said",
            text("review_words(reviewer_notes, reason)"),
            postgresql_using="gin",
            postgresql_where=text("reviewer_notes IS NOT NULL OR reason IS NOT NULL"),
        ),
        Index("ix_review_logs_xid8", "xid8"),
        Index("ix_review_logs_bulk_id_id", "bulk_id", "id", postgresql_where=text("bulk_id IS NOT NULL")),
        Index("ix_review_logs_single", "reviewer_id", "id", postgresql_where=text(SINGLE)),
        Index(
            "ix_review_logs_paced",
            "reviewer_id",
            "timestamp",
            postgresql_include=["id", "action", "duration_ms"],
            postgresql_where=text(PACED),
        ),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    conversation_id: Mapped[str]
    action: Mapped[str]
    reviewer_id: Mapped[str]
    reviewer_notes: Mapped[str | None]
    timestamp: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    revision: Mapped[int] = mapped_column(INT)
    reason: Mapped[str | None]
    turn_number: Mapped[int | None] = mapped_column(INT)
    undoes: Mapped[int | None]
    decision_key: Mapped[str | None]
    duration_ms: Mapped[int | None] = mapped_column(INT)
    reviewer_role: Mapped[str]
    status_before: Mapped[str | None]
    status_after: Mapped[str | None]
    decision_before: Mapped[int | None]
    bulk_id: Mapped[str | None]
    content_sha256: Mapped[bytes | None]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    hash_version: Mapped[int] = mapped_column(SMALL, server_default=text("1"))
    row_hash: Mapped[bytes]
    xid8: Mapped[str] = mapped_column(Xid8())


EXPORT_STATES = ("started", "succeeded", "failed", "cancelled")


class ExportLog(Base):
    """Two rows an export: `started` before the first byte, then how it ended."""

    __tablename__ = "export_logs"
    __table_args__ = (
        UniqueConstraint("export_id", "state"),
        one_of("state", EXPORT_STATES, "state"),
        CheckConstraint("conversation_count >= 0", name="conversation_count"),
        Index("ix_export_logs_exported_at", "exported_at"),
        Index("ix_export_logs_started", "id", postgresql_where=text("state = 'started'")),
        Index("ix_export_logs_started_at", "exported_at", "id", postgresql_where=text("state = 'started'")),
        Index("ix_export_logs_file_sha256", "file_sha256", postgresql_where=text("file_sha256 IS NOT NULL")),
        Index("ix_export_logs_xid8", "xid8"),
        # At most one end per export.
        Index("uq_export_logs_ended", "export_id", unique=True, postgresql_where=text("state <> 'started'")),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    export_id: Mapped[str]
    user_id: Mapped[str]
    conversation_count: Mapped[int] = mapped_column(INT)
    filter_state: Mapped[dict[str, Any]]
    format: Mapped[str]
    exported_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=EMPTY_OBJECT)
    state: Mapped[str]
    file_sha256: Mapped[bytes | None]
    error_message: Mapped[str | None]
    hash_version: Mapped[int] = mapped_column(SMALL, server_default=text("1"))
    row_hash: Mapped[bytes]
    xid8: Mapped[str] = mapped_column(Xid8())


class ExportUnderWay(Base):
    """How far an export is that has not ended, until its lease ends: after that nobody writes it."""

    __tablename__ = "exports_under_way"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)
    export_id: Mapped[str] = mapped_column(primary_key=True)
    done: Mapped[int] = mapped_column(INT)
    total: Mapped[int] = mapped_column(INT)
    lease_until: Mapped[datetime]


class ExportRow(Base):
    """Which conversation, at which revision, left the house in which export. No foreign key: it outlives the row."""

    __tablename__ = "export_rows"
    __table_args__ = (Index("ix_export_rows_conversation_id", "conversation_id"),)
    export_id: Mapped[str] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(INT)
