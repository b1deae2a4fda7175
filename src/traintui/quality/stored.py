"""The score as the database keeps it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from traintui.quality.structure import StructureScore

if TYPE_CHECKING:
    from traintui.data.signatures import Nearest

Scored = tuple[Decimal, list[dict[str, Any]]]
"""Total and parts."""


def stored_parts(score: StructureScore) -> list[dict[str, Any]]:
    """The named parts of a score as JSON, in the order in which they were measured."""
    return [
        {
            "name": part.name,
            "value": part.value,
            "low": part.low,
            "high": part.high,
            "unit": part.unit,
            "points": float(part.points),
            "max_points": float(part.max_points),
            "sentence": part.sentence,
        }
        for part in score.parts
    ]


def scored_among_others(score: StructureScore) -> Callable[[Nearest | None], Scored]:
    """What tells total and parts as soon as the conversation that is nearest is known."""

    def scored(nearest: Nearest | None) -> Scored:
        whole = score.with_closeness(nearest)
        return whole.total, stored_parts(whole)

    return scored
