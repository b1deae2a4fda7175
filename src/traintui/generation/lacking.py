"""What a plan of the gaps has to fill: two dimensions, and what each of their combinations lacks to its target."""

from __future__ import annotations

from typing import cast

from traintui.data import coverage
from traintui.data.engine import Database
from traintui.errors import TraintuiError
from traintui.generation.plan import Dimension
from traintui.generation.strategies import Gaps

Pair = tuple[Dimension, Dimension]


async def gaps_of(db: Database, pair: Pair | None, *, rehearsal: bool = True) -> Gaps:
    """What is missing in two dimensions; None means the two that have targets. What the rehearsal wrote counts only
    with `rehearsal`.

    Raises `TraintuiError` where no dimensions have targets, and where several pairs have and none is named.
    """
    if pair is None:
        pair = _only(await pairs(db))
    found = await coverage.read(db, *pair, rehearsal=rehearsal)
    return Gaps(pair, found.missing, any(cell.target is not None for cell in found.cells.values()))


async def pairs(db: Database) -> tuple[Pair, ...]:
    """The pairs of dimensions that have targets."""
    return cast("tuple[Pair, ...]", await coverage.pairs_with_targets(db))


def _only(found: tuple[Pair, ...]) -> Pair:
    if not found:
        raise TraintuiError(
            "No target is set",
            "`strategy`: gaps fills what is under its target, and no target is set.",
            "Set targets in Coverage (C, then t), or take another strategy.",
        )
    if len(found) > 1:
        raise TraintuiError(
            "Plan not usable",
            f"`gaps`: there are targets for {' and for '.join(' x '.join(pair) for pair in found)}.",
            f"Say which to fill, as in gaps = [{', '.join(repr(each) for each in found[0])}].",
        )
    return found[0]
