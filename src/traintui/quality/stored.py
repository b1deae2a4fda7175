"""The score as the database keeps it."""

from __future__ import annotations

from typing import Any

from traintui.quality.structure import StructureScore


def stored_parts(score: StructureScore) -> list[dict[str, Any]]:
    """The named parts of a score as JSON, in the order in which they were measured."""
    return [
        {
            "name": part.name,
            "points": float(part.points),
            "max_points": float(part.max_points),
            "sentence": part.sentence,
        }
        for part in score.parts
    ]
