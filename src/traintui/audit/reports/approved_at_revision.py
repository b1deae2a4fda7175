"""Whether everything that was exported was approved at its revision by someone with the right to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from traintui.audit.reports.model import Answer, Cells, Kind, utc
from traintui.audit.words import number_of
from traintui.data.report_approvals import Left, Part

KIND = Kind(
    "approved-at-revision", "Approved at its revision",
    "Everything exported was approved at its revision by someone with the right to",
    ("export", "exported_at", "exported_by", "conversation", "revision", "what", "decided_at_revision", "decided_by",
     "role"),
)  # fmt: skip


@dataclass(slots=True)
class Approvals:
    """What was found until now."""

    exports: int = 0
    held: int = 0
    wrong: int = 0
    carried: int = 0
    archived: int = 0
    """Exports that were read out of the archive."""
    missing: str = ""
    """What the archive lacks of what was moved there; nothing where it is whole."""
    short: list[str] = field(default_factory=list)
    """Exports of which not as many conversations are noted as they say."""
    with_wrong: set[str] = field(default_factory=set)
    what: dict[str, int] = field(default_factory=dict)

    def add(self, export: Left, found: Part) -> Iterator[Cells]:
        """Adds a part of an export; the rows of what was not approved."""
        self.held += found.number
        self.carried += found.carried
        for conversation, revision, what, at_revision, reviewer, role in found.wrong:
            self.wrong += 1
            self.with_wrong.add(export.export_id)
            self.what[what] = self.what.get(what, 0) + 1
            yield (
                export.export_id, utc(export.at), export.user_id, conversation, str(revision), what,
                "" if at_revision is None else str(at_revision), reviewer or "", role or "",
            )  # fmt: skip

    def end(self, export: Left, noted: int) -> None:
        """Says that all of an export was looked at, and how many conversations are noted as in it."""
        self.exports += 1
        if noted != export.count:
            self.short.append(f"{export.export_id} says {export.count:,} conversations, {noted:,} are noted as in it.")

    def answer(self) -> Answer:
        """What it comes to."""
        passed = not self.wrong and not self.short and not self.missing
        held = f"{number_of(self.held, 'conversation')} in {number_of(self.exports, 'export')}"
        says = f"all {held} were approved as they left"
        if not self.exports and not self.short:
            says = "nothing was exported"
        elif self.wrong:
            says = f"{self.wrong:,} of {held} were not approved as they left"
        elif self.short:
            says = f"{number_of(len(self.short), 'export')} noted incompletely"
        if self.missing and not self.wrong:
            says = "the archive of exports is not whole, so nobody can say"
        facts = (
            ("exports that succeeded", f"{self.exports:,}"),
            ("of those in the archive", f"{self.archived:,}"),
            ("conversations in them, each time counted", f"{self.held:,}"),
            ("not approved at their revision", f"{self.wrong:,}"),
            ("exports with any such", f"{len(self.with_wrong):,}"),
            *((f"because {what}", f"{number:,}") for what, number in sorted(self.what.items())),
            ("approved by decisions that an import brought", f"{self.carried:,}"),
        )
        notes = ["It is asked what each export saw, or as of when it was made, not what was decided since."]
        if self.missing:
            notes.append(f"{self.missing} What else is wrong: traintui audit verify. Take it from a backup.")
        return Answer(passed, says, facts, (*notes, *self.short))
