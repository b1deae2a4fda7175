"""What ran while somebody was away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class BatchNews:
    """A batch that finished, was paused or was interrupted, and why."""

    id: int
    name: str
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What ran since a moment. `failures` is how many conversations failed, by the error of their last call, most often
    first; `cost_usd` is what was paid, in USD, without rehearsals and without `unpriced_calls`, of no known price."""

    since: datetime
    generated: int
    failures: tuple[tuple[str, int], ...]
    cost_usd: Decimal
    unpriced_calls: int
    is_rehearsal: bool
    """Whether all of it was a rehearsal."""
    batches: tuple[BatchNews, ...]

    @property
    def failed(self) -> int:
        """How many conversations failed."""
        return sum(number for _, number in self.failures)
