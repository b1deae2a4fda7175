"""What a provider allows a minute, shared by all workers of a workspace: places in the line, and the line itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import text

from traintui.data.engine import Database
from traintui.data.storable import as_json

Kind = Literal["requests", "input", "output"]
KINDS: tuple[Kind, ...] = ("requests", "input", "output")


@dataclass(frozen=True, slots=True)
class Told:
    """What the headers of a response said of one limit: how much a minute allows, and how much of it is left."""

    limit: float
    remaining: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """A limit as it stands: `level` of `per_minute` is left now, less than nothing where more was used than thought."""

    endpoint: str
    model: str
    kind: Kind
    per_minute: float
    level: float


@dataclass(frozen=True, slots=True)
class Line:
    """A model at an address: calls under way and waiting, and until when it is held back, if it is.

    `most_at_once` is what a server that names no limits is asked at once.
    """

    endpoint: str
    model: str
    under_way: int
    waiting: int
    held_until: datetime | None
    most_at_once: int | None
    buckets: tuple[Bucket, ...]


async def reserve(
    db: Database, endpoint: str, model: str, *, worker_id: int | None, input_tokens: float, output_tokens: float
) -> int:
    """The id of a place at the end of the line, for a call of so many tokens by estimate; to be settled at any rate."""
    async with db.write() as connection:
        place = await connection.scalar(
            text("SELECT reserve_call(:endpoint, :model, :worker_id, :input, :output)"),
            {
                "endpoint": endpoint, "model": model, "worker_id": worker_id, "input": input_tokens,
                "output": output_tokens,
            },
        )  # fmt: skip
    return int(place or 0)


async def take_turn(db: Database, place: int, *, item_id: int | None = None, fence: int | None = None) -> float | None:
    """0 when the call may go now, else the seconds until its turn is likely; None when its item is not to be worked on
    any more."""
    async with db.write() as connection:
        wait = await connection.scalar(
            text("SELECT take_turn(:id, :item_id, :fence)"), {"id": place, "item_id": item_id, "fence": fence}
        )
    return None if wait is None else float(wait)


async def settle(
    db: Database,
    place: int,
    used: Mapping[Kind, float],
    told: Mapping[Kind, Told],
    *,
    latency_ms: float | None = None,
    is_overloaded: bool = False,
) -> None:
    """Ends a place. What was taken and not `used` is given back; what the provider `told` is taken over."""
    said = {kind: {"limit": each.limit, "remaining": each.remaining} for kind, each in told.items()}
    async with db.write() as connection:
        await connection.execute(
            text("SELECT settle_call(:id, CAST(:used AS jsonb), CAST(:told AS jsonb), :latency_ms, :is_overloaded)"),
            {
                "id": place, "used": as_json(dict(used)), "told": as_json(said), "latency_ms": latency_ms,
                "is_overloaded": is_overloaded,
            },
        )  # fmt: skip


async def hold(db: Database, endpoint: str, model: str, seconds: float) -> None:
    """No call of this model before so many seconds have passed, from any worker."""
    async with db.write() as connection:
        await connection.execute(
            text("SELECT hold_model(:endpoint, :model, :seconds)"),
            {"endpoint": endpoint, "model": model, "seconds": seconds},
        )


LINES = text("""
    SELECT endpoint, model, CASE WHEN held_until > clock_timestamp() THEN held_until END AS held_until,
           floor(in_flight_limit)::integer AS most_at_once,
           (SELECT count(*) FILTER (WHERE sent_at IS NOT NULL) FROM rate_reservations AS made
            WHERE made.endpoint = limits.endpoint AND made.model = limits.model) AS under_way,
           (SELECT count(*) FILTER (WHERE sent_at IS NULL) FROM rate_reservations AS made
            WHERE made.endpoint = limits.endpoint AND made.model = limits.model) AS waiting
    FROM rate_limits AS limits ORDER BY updated_at DESC
""")
BUCKETS = text("""
    SELECT endpoint, model, kind, per_minute,
           least(per_minute,
                 level + extract(epoch FROM clock_timestamp() - seen_at)::double precision * per_minute / 60)
    FROM rate_buckets ORDER BY array_position(ARRAY['requests', 'input', 'output'], kind)
""")


async def lines(db: Database) -> tuple[Line, ...]:
    """Every model that was asked lately, the last one first."""
    async with db.read() as connection:
        buckets = [Bucket(*row) for row in await connection.execute(BUCKETS)]
        return tuple(
            Line(
                row.endpoint, row.model, row.under_way, row.waiting, row.held_until, row.most_at_once,
                tuple(each for each in buckets if (each.endpoint, each.model) == (row.endpoint, row.model)),
            )
            for row in await connection.execute(LINES)
        )  # fmt: skip
