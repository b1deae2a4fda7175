"""Plans, their batches and the queue; what stands around a batch that runs: its workers, its figures, who watches it,
and who was here when."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Numeric, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import INT, NOW, Base, one_of

ZERO = text("0")


class Plan(Base):
    """What to generate, as it was written down."""

    __tablename__ = "plans"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    definition: Mapped[dict[str, Any]]
    created_by: Mapped[str] = mapped_column(server_default=text("session_user"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


BATCH_MODES = ("calls", "batches")
"""Call by call, or through the provider's Message Batches API. A trigger takes it from the plan."""
WORK_KINDS = ("generate", "judge", "regenerate")
"""What is asked of a model: to write a conversation, an opinion of one, or turns of one anew."""
BATCH_STATES = ("queued", "running", "paused", "interrupted", "finished", "cancelled")
ITEM_STATES = ("queued", "running", "done", "failed", "cancelled")


class Batch(Base):
    """One run of a plan. Its id is the `run_id` of the generation log."""

    __tablename__ = "batches"
    __table_args__ = (
        one_of("state", BATCH_STATES, "state"),
        one_of("mode", BATCH_MODES, "mode"),
        CheckConstraint("priority BETWEEN -1000 AND 1000", name="priority"),
        one_of("kind", WORK_KINDS, "kind"),
        CheckConstraint("(judge_model IS NULL) = (judge_template_id IS NULL)", name="judge_has_rubric"),
        CheckConstraint("kind <> 'judge' OR judge_model IS NOT NULL", name="judge_is_named"),
        Index(None, "state"),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id", ondelete="RESTRICT"))
    template_id: Mapped[int] = mapped_column(ForeignKey("templates.id", ondelete="RESTRICT"))
    name: Mapped[str]
    model: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="queued")
    state_reason: Mapped[str | None]
    total: Mapped[int] = mapped_column(INT)
    is_rehearsal: Mapped[bool] = mapped_column(server_default=text("false"))
    budget_usd: Mapped[Decimal | None] = mapped_column(Numeric(14, 6))
    requested_by: Mapped[str] = mapped_column(server_default=text("session_user"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    mode: Mapped[str] = mapped_column(server_default=text("'calls'"))
    priority: Mapped[int] = mapped_column(INT, server_default=text("0"))
    kind: Mapped[str] = mapped_column(server_default=text("'generate'"))
    judge_model: Mapped[str | None]
    judge_template_id: Mapped[int | None] = mapped_column(ForeignKey("templates.id", ondelete="RESTRICT"))
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)
    paused_by: Mapped[str | None]


class Worker(Base):
    """A process that generates. It is alive while its lease runs and, on a direct connection, holds its lock."""

    __tablename__ = "workers"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    login: Mapped[str] = mapped_column(server_default=text("session_user"))
    host: Mapped[str]
    pid: Mapped[int] = mapped_column(INT)
    holds_lock: Mapped[bool] = mapped_column(server_default=text("false"))
    lease_until: Mapped[datetime]
    started_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ended_at: Mapped[datetime | None]
    endpoint: Mapped[str | None]


class GenerationItem(Base):
    """A place in the queue: one planned conversation of a batch, one that its judge is to read, or one that is written
    anew in part. `fence` counts claims; a write that names an older one changes nothing, so a worker that was only slow
    cannot overwrite its successor."""

    __tablename__ = "generation_items"
    __table_args__ = (
        UniqueConstraint("conversation_id", "batch_id", "kind"),
        Index(
            "uq_generation_items_generated_once",
            "conversation_id",
            unique=True,
            postgresql_where=text("kind = 'generate'"),
        ),
        Index(
            "uq_generation_items_regenerated_at_once",
            "conversation_id",
            unique=True,
            postgresql_where=text("kind = 'regenerate' AND state IN ('queued', 'running')"),
        ),
        one_of("state", ITEM_STATES, "state"),
        one_of("kind", WORK_KINDS, "kind"),
        Index("ix_generation_items_batch_id_state", "batch_id", "state"),
        Index(
            "ix_generation_items_queue", "batch_id", "kind", "id", postgresql_where=text("state = 'queued'")
        ),  # what to claim next of a running batch
        Index("ix_generation_items_worker_id", "worker_id", postgresql_where=text("state = 'running'")),
        Index(
            "ix_generation_items_finished_at", "finished_at", postgresql_where=text("finished_at IS NOT NULL")
        ),  # the rate of the last minute; what was finished since somebody was here
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id", ondelete="RESTRICT"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(server_default="queued")
    exchanges: Mapped[int] = mapped_column(INT)
    variation: Mapped[int]
    attempts: Mapped[int] = mapped_column(INT, server_default=text("0"))
    not_before: Mapped[datetime] = mapped_column(server_default=NOW)
    fence: Mapped[int] = mapped_column(server_default=text("0"))
    worker_id: Mapped[int | None] = mapped_column(ForeignKey("workers.id", ondelete="RESTRICT"))
    last_error: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    kind: Mapped[str] = mapped_column(server_default=text("'generate'"))


class GenerationStream(Base):
    """What a model has written so far of a conversation that somebody may watch. Unlogged: worth nothing later."""

    __tablename__ = "generation_streams"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
    item_id: Mapped[int] = mapped_column(
        ForeignKey("generation_items.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    content: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)
    fence: Mapped[int] = mapped_column(server_default=text("0"))


class BatchFigures(Base):
    """What became of the items and calls of a batch, of each kind, as sums that triggers keep: a row for each
    connection that changed something, so that none waits for another. The figure of a batch is the sum of its rows."""

    __tablename__ = "batch_figures"
    batch_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    backend: Mapped[int] = mapped_column(INT, primary_key=True, server_default=text("pg_backend_pid()"))
    queued: Mapped[int] = mapped_column(server_default=ZERO)
    running: Mapped[int] = mapped_column(server_default=ZERO)
    done: Mapped[int] = mapped_column(server_default=ZERO)
    failed: Mapped[int] = mapped_column(server_default=ZERO)
    calls: Mapped[int] = mapped_column(server_default=ZERO)
    failed_calls: Mapped[int] = mapped_column(server_default=ZERO)
    estimated_calls: Mapped[int] = mapped_column(server_default=ZERO)
    input_tokens: Mapped[int] = mapped_column(server_default=ZERO)
    output_tokens: Mapped[int] = mapped_column(server_default=ZERO)


class GenerationWatch(Base):
    """Whose screen shows a batch, and which of its calls it is shown. Unlogged: worth nothing later."""

    __tablename__ = "generation_watches"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
    watcher: Mapped[UUID] = mapped_column(Uuid(), primary_key=True)
    batch_id: Mapped[int]
    watched_until: Mapped[datetime]
    item_id: Mapped[int | None]
    fence: Mapped[int | None]


class Presence(Base):
    """When a person last had the app open."""

    __tablename__ = "presence"
    login: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]
