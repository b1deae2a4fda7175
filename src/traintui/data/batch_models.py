"""What stands around a batch that runs: its figures, who watches it, and who was here when."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import INT, Base

ZERO = text("0")


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
