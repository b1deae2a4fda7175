"""The strategies of a plan by name. Apart from the plan itself, so that a form names them at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Strategy = Literal["independent", "balanced", "product", "pairwise", "gaps", "listed"]
STRATEGIES: Mapping[Strategy, str] = {
    "independent": "each dimension by its weights",
    "balanced": "evenly over values and pairs of values",
    "product": "every combination",
    "pairwise": "every pair of values, in the fewest",
    "gaps": "what is under its target",
}
"""The strategies that a person may choose. `listed` is a plan whose conversations stand in a CSV file."""
COUNTING: frozenset[Strategy] = frozenset({"product", "pairwise", "gaps"})
"""Strategies that know by themselves how many conversations they need."""
