"""How far reviewers agree who decided without seeing each other: percent, and Cohen's kappa with its interval."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

from traintui.data.second_review import Independent

Z = 1.959963984540054
"""The normal quantile of an interval that holds in 95 of 100 cases."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of `number` pairs of judgements `same` are alike. `kappa` is what that is above chance, from -1 to 1, with the
    ends of its interval; None where both always said the same one thing, of which chance explains everything."""

    number: int
    same: int
    kappa: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """How far two reviewers agree on approving and rejecting."""

    first: str
    second: str
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class ReasonAgreement:
    """How far reviewers agree on a reason: of `either` pairs in which somebody gave it, in `both` both did."""

    reason: str
    either: int
    both: int
    agreement: Agreement


def agreement(pairs: Sequence[tuple[Hashable, Hashable]]) -> Agreement:
    """How far two agree. The interval, of 95 %, is that of Fleiss, Cohen and Everitt (1969), "Large sample standard
    errors of kappa and weighted kappa", Psychological Bulletin 72(5); it is good from some twenty pairs on."""
    number = len(pairs)
    if not number:
        return Agreement(0, 0)
    cells = {cell: times / number for cell, times in Counter(pairs).items()}
    rows: defaultdict[Hashable, float] = defaultdict(float)
    columns: defaultdict[Hashable, float] = defaultdict(float)
    for (first, second), share in cells.items():
        rows[first] += share
        columns[second] += share
    same = sum(first == second for first, second in pairs)
    observed = same / number
    chance = sum(share * columns.get(one, 0.0) for one, share in rows.items())
    if 1 - chance < 1e-12:
        return Agreement(number, same)
    kappa = (observed - chance) / (1 - chance)
    alike = sum(
        share * (1 - (rows[first] + columns[first]) * (1 - kappa)) ** 2
        for (first, second), share in cells.items() if first == second
    )  # fmt: skip
    apart = sum(
        share * (columns[first] + rows[second]) ** 2 for (first, second), share in cells.items() if first != second
    )
    variance = alike + (1 - kappa) ** 2 * apart - (kappa - chance * (1 - kappa)) ** 2
    error = sqrt(max(0.0, variance) / number) / (1 - chance)
    return Agreement(number, same, kappa, max(-1.0, kappa - Z * error), min(1.0, kappa + Z * error))


def pairs_of(decisions: Iterable[Independent]) -> dict[tuple[str, str], list[tuple[Independent, Independent]]]:
    """Decisions of two reviewers on one revision, by their names in order. Who settled a dispute is left out: only what
    others disagreed on came to them."""
    by_revision: defaultdict[tuple[str, int], dict[str, Independent]] = defaultdict(dict)
    for decision in decisions:
        if not decision.on_dispute:
            by_revision[decision.conversation_id, decision.revision][decision.reviewer_id] = decision
    pairs: defaultdict[tuple[str, str], list[tuple[Independent, Independent]]] = defaultdict(list)
    for decided in by_revision.values():
        for first, second in combinations(sorted(decided), 2):
            pairs[first, second].append((decided[first], decided[second]))
    return dict(pairs)


def by_reviewers(decisions: Iterable[Independent]) -> tuple[PairAgreement, ...]:
    """The agreement of each two reviewers, those with the most in common first."""
    found = (
        PairAgreement(first, second, agreement([(one.action, other.action) for one, other in common]))
        for (first, second), common in pairs_of(decisions).items()
    )
    return tuple(sorted(found, key=lambda pair: (-pair.agreement.number, pair.first, pair.second)))


def by_reasons(decisions: Iterable[Independent]) -> tuple[ReasonAgreement, ...]:
    """The agreement on each reason that somebody gave, whether it was given or not, the most frequent first."""
    common = [pair for each in pairs_of(decisions).values() for pair in each]
    reasons = {decision.reason for pair in common for decision in pair if decision.reason}
    found = []
    for reason in reasons:
        given = [(one.reason == reason, other.reason == reason) for one, other in common]
        either, both = sum(map(any, given)), sum(map(all, given))
        found.append(ReasonAgreement(reason, either, both, agreement(given)))
    return tuple(sorted(found, key=lambda each: (-each.either, each.reason)))
