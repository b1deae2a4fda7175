"""What providers can, as it was found: a row for each address, model and capability."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select, text

from traintui.data.attempts import OpenAttempt
from traintui.data.capability_models import ProviderCapability as C
from traintui.data.engine import Database
from traintui.data.log_models import GenerationLog as L
from traintui.data.storable import storable

Capability = Literal["structured_output", "count_tokens", "caching", "batches", "rate_limits"]
Basis = Literal["probe", "call"]
"""Found by asking for it, or seen in a call that was made anyway."""
OF_MODEL: frozenset[Capability] = frozenset({"structured_output", "caching"})
"""What depends on the model; all else belongs to the address."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of one capability, when, and by which call. `seen` says what showed it, in a few words."""

    endpoint: str
    model: str
    capability: Capability
    supported: bool
    basis: Basis
    seen: str
    log_id: int | None
    found_at: datetime


COLUMNS = tuple(getattr(C, name) for name in Found.__slots__)


async def of_address(db: Database, endpoint: str) -> tuple[Found, ...]:
    """All that was found of an address and its models."""
    statement = select(*COLUMNS).where(C.endpoint == endpoint).order_by(C.model, C.capability)
    async with db.read() as connection:
        return tuple(Found(*row) for row in await connection.execute(statement))


async def everything(db: Database) -> tuple[Found, ...]:
    """All that was found of all addresses."""
    statement = select(*COLUMNS).order_by(C.endpoint, C.model, C.capability)
    async with db.read() as connection:
        return tuple(Found(*row) for row in await connection.execute(statement))


async def address_of_batch(db: Database, batch_id: int) -> str | None:
    """An address that calls of a batch went to; None before the first."""
    statement = select(L.endpoint).where(L.run_id == batch_id, L.endpoint.is_not(None)).limit(1)
    async with db.read() as connection:
        address: str | None = await connection.scalar(statement)
    return address


async def note(
    db: Database,
    endpoint: str,
    model: str,
    capability: Capability,
    *,
    supported: bool,
    basis: Basis,
    seen: str,
    attempt: OpenAttempt | None,
) -> None:
    """Takes over what a call has shown; the newest word counts. Raises `Refused` for who may not generate."""
    async with db.write() as connection:
        await connection.execute(
            text(
                "SELECT note_capability(:endpoint, :model, :capability, :supported, :basis, :seen, :log_id, :logged_at)"
            ),
            {
                "endpoint": endpoint, "model": model if capability in OF_MODEL else "", "capability": capability,
                "supported": supported, "basis": basis, "seen": storable(seen),
                "log_id": attempt.id if attempt else None, "logged_at": attempt.created_at if attempt else None,
            },
        )  # fmt: skip


async def forget(db: Database, endpoint: str) -> int:
    """Forgets what was found of an address, so that it is asked again before the next call; how much that was.

    Raises `Refused` for who may not generate.
    """
    async with db.write() as connection:
        return int(await connection.scalar(text("SELECT forget_capabilities(:endpoint)"), {"endpoint": endpoint}) or 0)
