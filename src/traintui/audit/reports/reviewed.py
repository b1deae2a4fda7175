"""Whether every conversation was reviewed by at least one user, as of a moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from traintui.audit.reports.model import Answer, Cells, Kind, percent
from traintui.audit.words import number_of
from traintui.data.report_reviewed import Stretch

KIND = Kind(
    "reviewed", "All reviewed", "All conversations reviewed by at least one user",
    ("conversation", "origin", "created_at", "decisions_taken_back"),
)  # fmt: skip


@dataclass(slots=True)
class Reviewed:
    """What was found until now."""

    number: int = 0
    reviewed: int = 0
    in_bulk: int = 0
    carried: int = 0
    edited_since: int = 0

    def add(self, found: Stretch) -> Iterator[Cells]:
        """Adds some conversations; the rows of those that nobody reviewed."""
        self.number += found.number
        self.reviewed += found.reviewed
        self.in_bulk += found.in_bulk
        self.carried += found.carried
        self.edited_since += found.edited_since
        for conversation, origin, created_at, undone in found.left:
            yield (conversation, origin, created_at, str(undone))

    def answer(self, purged_since: int = 0, *, hidden: str = "") -> Answer:
        """What it comes to."""
        left = self.number - self.reviewed
        share = percent(self.reviewed, self.number)
        says = f"{share} reviewed: {self.reviewed:,} of {number_of(self.number, 'conversation')}"
        if not self.number:
            says = "there was no conversation to review"
        elif left:
            says += f", {left:,} by nobody"
        facts = (
            ("conversations with a text, not in the trash", f"{self.number:,}"),
            ("with a decision that stood", f"{self.reviewed:,}"),
            ("reviewed", share),
            ("without one", f"{left:,}"),
            ("of those reviewed: only in bulk", f"{self.in_bulk:,}"),
            ("of those reviewed: only by decisions that an import brought", f"{self.carried:,}"),
            ("of those reviewed: edited after the newest decision", f"{self.edited_since:,}"),
        )
        notes = ["A decision is an approval or a rejection in the review log that nobody had taken back."]
        if hidden:
            notes.append(f"{hidden} They may be among those that nobody reviewed.")
        if purged_since:
            notes.append(f"{number_of(purged_since, 'conversation')} purged since: of them nothing is told here.")
        return Answer(left == 0, says, facts, tuple(notes))
