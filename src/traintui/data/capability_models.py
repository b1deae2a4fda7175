"""The table of what providers can."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import Base, one_of

CAPABILITIES = ("structured_output", "count_tokens", "caching", "batches", "rate_limits")


class ProviderCapability(Base):
    """Something that an address can or cannot; with a model, where it depends on that. `seen` says what showed it."""

    __tablename__ = "provider_capabilities"
    __table_args__ = (
        one_of("capability", CAPABILITIES, "capability"),
        one_of("basis", ("probe", "call"), "basis"),
    )
    endpoint: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True, server_default=text("''"))
    capability: Mapped[str] = mapped_column(primary_key=True)
    supported: Mapped[bool]
    basis: Mapped[str]
    seen: Mapped[str]
    log_id: Mapped[int | None]
    logged_at: Mapped[datetime | None]
    found_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
