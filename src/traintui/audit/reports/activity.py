"""What each reviewer did in a period, and which decisions were quicker than anyone can read."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import tzinfo as TimeZone
from statistics import median
from typing import Any

from traintui.audit.reports.model import Answer, Cells, Kind, Plot, percent, utc
from traintui.audit.words import number_of
from traintui.data.report_activity import CHARACTERS_PER_TOKEN, Decided

SECONDS_PER_1000_TOKENS = 45.0
"""Nobody reads quicker: 1,000 words a minute, at three words to four tokens. Skilled readers take in 200 to 400, and
beyond some 600 they skim (Rayner and others, 2016, "So Much to Read, So Little Time", Psychological Science in the
Public Interest 17(1))."""
LEAST = 25
"""Tokens below which a text is taken in at a glance."""
REASONS = 3
"""Reasons that are named of a reviewer."""
LOOKED_AT = 100
"""Quick decisions that are named."""
KIND = Kind(
    "activity", "User activity", "No decision was quicker than anyone can read",
    ("reviewer", "decisions", "standing", "in_bulk", "approved", "approval_rate", "reasons", "seconds_per_1000_tokens",
     "agreement", "undone_later", "changed_later", "too_quick", "too_quick_decisions"),
    of_period=True, rows_are="reviewers",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Alike:
    """Of `number` decisions that others took too without a look at each other, `same` were the same."""

    number: int = 0
    same: int = 0


@dataclass(slots=True)
class Reviewer:
    """What one reviewer did."""

    decisions: int = 0
    approved: int = 0
    in_bulk: int = 0
    undone: int = 0
    changed: int = 0
    quick: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    paces: Any = field(default_factory=lambda: array("f"))
    """Seconds per 1,000 tokens of each decision that says how long it took."""

    @property
    def standing(self) -> int:
        """Decisions that nobody took back, and nothing changed later."""
        return self.decisions - self.undone - self.changed

    @property
    def pace(self) -> float | None:
        """Their median; None where no decision says."""
        return median(self.paces) if self.paces else None


@dataclass(slots=True)
class Activity:
    """What was done until now; days and hours are those of `zone` (None: the system's)."""

    zone: TimeZone | None = None
    reviewers: dict[str, Reviewer] = field(default_factory=lambda: defaultdict(Reviewer))
    days: Counter[date] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)
    quick: list[Decided] = field(default_factory=list)

    def add(self, rows: Iterable[Decided]) -> None:
        """Adds some decisions."""
        for row in rows:
            of = self.reviewers[row.reviewer_id]
            of.decisions += 1
            of.approved += row.action == "approve"
            of.undone += row.undone
            of.changed += row.overtaken and not row.undone
            of.in_bulk += row.in_bulk
            if row.reason:
                of.reasons[row.reason] += 1
            at = row.at.astimezone(self.zone)
            self.days[at.date()] += 1
            self.hours[at.hour] += 1
            if row.in_bulk or row.duration_ms is None or not row.whole:
                continue
            of.paces.append(row.duration_ms / 1_000 / (row.whole / CHARACTERS_PER_TOKEN) * 1_000)
            if is_too_quick(row):
                of.quick += 1
                self.quick.append(row)
                if len(self.quick) > 2 * LOOKED_AT:
                    self.quick = quickest(self.quick)

    def rows(self, alike: dict[str, Alike]) -> Iterator[Cells]:
        """A row for each reviewer, those who decided most first."""
        quick = quickest(self.quick)
        for name, of in sorted(self.reviewers.items(), key=lambda each: (-each[1].decisions, each[0])):
            with_others = alike.get(name, Alike())
            yield (
                name, str(of.decisions), str(of.standing), str(of.in_bulk), str(of.approved),
                percent(of.approved, of.decisions),
                "; ".join(f"{reason} {times}" for reason, times in of.reasons.most_common(REASONS)),
                "" if of.pace is None else f"{of.pace:.0f}",
                f"{with_others.same} of {with_others.number}" if with_others.number else "", str(of.undone),
                str(of.changed), str(of.quick),
                named_quick([row for row in quick if row.reviewer_id == name], of.quick),
            )  # fmt: skip

    def answer(self, *, hidden: str = "") -> Answer:
        """What it comes to."""
        number = sum(of.decisions for of in self.reviewers.values())
        approved = sum(of.approved for of in self.reviewers.values())
        quick = sum(of.quick for of in self.reviewers.values())
        timed = sum(len(of.paces) for of in self.reviewers.values())
        standing = sum(of.standing for of in self.reviewers.values())
        says = f"{number_of(number, 'decision')} of {number_of(len(self.reviewers), 'reviewer')}"
        says += f", {standing:,} of them stand" if standing < number else ""
        says += f", {quick:,} quicker than anyone can read" if quick else ", none quicker than anyone can read"
        facts = (
            ("decisions", f"{number:,}"),
            ("that stand", f"{standing:,}"),
            ("reviewers", f"{len(self.reviewers):,}"),
            ("approved", percent(approved, number)),
            ("in bulk", f"{sum(of.in_bulk for of in self.reviewers.values()):,}"),
            ("undone later", f"{sum(of.undone for of in self.reviewers.values()):,}"),
            ("changed later", f"{sum(of.changed for of in self.reviewers.values()):,}"),
            ("that say how long they took", f"{timed:,}"),
            ("quicker than anyone can read", f"{quick:,}"),
        )
        notes = [
            f"Quicker than {SECONDS_PER_1000_TOKENS:.0f} s per 1,000 tokens is marked for a look, and proves nothing by"
            " itself: an approval is held against the whole text, a rejection against what comes up to the turn that it"
            " names; what the reviewer had dealt with before, and bulk decisions, are not.",
            *((hidden,) if hidden else ()),
            *(looked_at(row) for row in quickest(self.quick)),
        ]
        return Answer(not quick, says, facts, tuple(notes), self.plots())

    def plots(self) -> tuple[Plot, ...]:
        """Decisions by day, every day from the first to the last, and by hour of the day."""
        hours = Plot("Decisions by hour", tuple(f"{hour:02d}" for hour in range(24)),
                     tuple(self.hours[hour] for hour in range(24)))  # fmt: skip
        if not self.days:
            return (hours,)
        first, last = min(self.days), max(self.days)
        days = [first + timedelta(days=place) for place in range((last - first).days + 1)]
        return (Plot("Decisions by day", tuple(map(str, days)), tuple(self.days[day] for day in days)), hours)


def is_too_quick(row: Decided) -> bool:
    """Whether nobody can have read what a decision is about in the time that it was on the screen."""
    if row.duration_ms is None or row.in_bulk or row.again or row.characters is None:
        return False
    tokens = row.characters / CHARACTERS_PER_TOKEN
    return tokens >= LEAST and row.duration_ms / 1_000 < tokens / 1_000 * SECONDS_PER_1000_TOKENS


def quickest(rows: Sequence[Decided]) -> list[Decided]:
    """Those that are furthest from a reading, in the order of the log."""
    by_pace = sorted(rows, key=lambda row: (row.duration_ms or 0) / (row.characters or 1))
    return sorted(by_pace[:LOOKED_AT], key=lambda row: row.id)


def named_quick(rows: Sequence[Decided], number: int) -> str:
    """Quick decisions of a reviewer in a cell: those of `number` that are kept, and how many more there are."""
    named = [
        f"row {row.id}: {row.action} {row.conversation_id} revision {row.revision},"
        f" {(row.duration_ms or 0) / 1_000:.1f} s"
        for row in rows
    ]
    return "; ".join([*named, *([f"and {number - len(rows):,} more"] if number > len(rows) else [])])


def looked_at(row: Decided) -> str:
    """A decision that is worth a look."""
    tokens = (row.characters or 0) // CHARACTERS_PER_TOKEN
    verb = "approved" if row.action == "approve" else "rejected"
    return (
        f"{utc(row.at)} {row.reviewer_id} {verb} {row.conversation_id} revision {row.revision} in"
        f" {(row.duration_ms or 0) / 1_000:.1f} s, {tokens:,} tokens (row {row.id} of the review log)."
    )


def agreement(pairs: Iterable[tuple[tuple[str, datetime, str], tuple[str, datetime, str]]], since: datetime,
              until: datetime) -> dict[str, Alike]:  # fmt: skip
    """How often each reviewer decided as another did who had not seen it, of the decisions in a period; of pairs of
    reviewer, moment and action."""
    number: Counter[str] = Counter()
    same: Counter[str] = Counter()
    for pair in pairs:
        for reviewer, at, _ in pair:
            if since <= at < until:
                number[reviewer] += 1
                same[reviewer] += pair[0][2] == pair[1][2]
    return {name: Alike(number[name], same[name]) for name in number}
