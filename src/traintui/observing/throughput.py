"""What the server did over a day, in spans of time, out of samples of its counters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from traintui.data.sample_records import ServerAt


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time: transactions a second, the share of blocks that was in memory (None where none was asked for),
    the most connections, and bytes written to temporary files."""

    begins_at: datetime
    per_second: float
    hit_rate: float | None
    connections: int
    temp_bytes: int


def spans(samples: Sequence[ServerAt], since: datetime, until: datetime, number: int) -> tuple[Span, ...]:
    """So many spans of equal length from `since` to `until`. What was counted between two samples belongs to the span
    of the later one; a span without a sample has nothing."""
    length = (until - since) / number
    steps: list[list[tuple[ServerAt, ServerAt]]] = [[] for _ in range(number)]
    for one, other in pairwise(samples):
        place = int((other.at - since) / length)
        if 0 <= place < number:
            steps[place].append((one, other))
    return tuple(_span(since + length * place, found) for place, found in enumerate(steps))


def _span(begins_at: datetime, steps: Sequence[tuple[ServerAt, ServerAt]]) -> Span:
    seconds = sum((other.at - one.at).total_seconds() for one, other in steps)
    ended = sum(counted(one, other, "commits") + counted(one, other, "rollbacks") for one, other in steps)
    hit = sum(counted(one, other, "blocks_hit") for one, other in steps)
    read = sum(counted(one, other, "blocks_read") for one, other in steps)
    return Span(
        begins_at, ended / seconds if seconds else 0.0, hit / (hit + read) if hit + read else None,
        max((other.connections for _, other in steps), default=0),
        sum(counted(one, other, "temp_bytes") for one, other in steps),
    )  # fmt: skip


def counted(one: ServerAt, other: ServerAt, name: str) -> int:
    """What a counter counted between two samples; one that fell began anew."""
    return since_then(int(getattr(one, name)), int(getattr(other, name)))


def since_then(earlier: int, later: int) -> int:
    """By how much a counter grew between two looks; where it fell it began anew."""
    return later - earlier if later >= earlier else later
