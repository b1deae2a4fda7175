"""What a look at the whole record found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from traintui.audit.words import number_of
from traintui.data.sealed_columns import Log

Kind = Literal["changed", "removed", "inserted", "reordered", "seal", "anchor", "witness", "archive", "unknown"]
"""What happened to a row of a log, or what else does not hold: a seal, an anchor outside of the database, something in
the database that must agree with a log, the archive of what was removed. `unknown` is a row that this Traintui cannot
judge."""
NAMES = {
    "review_logs": "review log",
    "export_logs": "export log",
    "generation_logs": "generation log",
    "retirements": "list of what was removed",
    "erasures": "list of what was erased",
}
RESTORE = "If nobody restored an older state on purpose, take the newest backup whose anchors agree and compare."
COMPARE = "Compare the row with a backup (traintui db restore, in another home) before anybody works on."
KEPT = 1_000
"""Findings that are kept; beyond that they are counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold. `place` orders findings as the record is ordered. `sealed` says whether a seal
    proves it, or something beside the row."""

    kind: Kind
    where: str
    what: str
    means: str
    remedy: str
    log: Log | None = None
    id: int | None = None
    seal: int | None = None
    sealed: bool = True
    at: tuple[int, int] = (0, 0)

    def as_json(self) -> dict[str, Any]:
        """The finding as plain values."""
        names = ("kind", "log", "id", "seal", "sealed", "where", "what", "means", "remedy")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class Verdict:
    """What was looked at, and what does not hold: `findings` are the first of `number`, in the order of the record.
    `notes` are what an auditor should know, and no failure."""

    rows: int = 0
    sealed_rows: int = 0
    seals: int = 0
    newest: tuple[int, str] | None = None
    anchors: int = 0
    manifests: int = 0
    reports: int = 0
    payloads: int = 0
    erased_payloads: int = 0
    purged_payloads: int = 0
    hidden_rows: int = 0
    archived_rows: int = 0
    retired: list[dict[str, Any]] = field(default_factory=list)
    number: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return self.number == 0

    @property
    def first(self) -> Finding | None:
        """The first row that is not as it was sealed; without one, the first finding."""
        of_rows = [finding for finding in self.findings if finding.log is not None]
        return min(of_rows, key=lambda finding: finding.at) if of_rows else next(iter(self.findings), None)

    @property
    def looked(self) -> str:
        """What was looked at, in words."""
        return (
            f"{number_of(self.rows, 'row')}, {self.sealed_rows:,} of them under {number_of(self.seals, 'seal')},"
            f" in {self.seconds} s"
        )

    @property
    def agree(self) -> str:
        """What outside of the database agrees, in words."""
        return (
            f"{number_of(self.anchors, 'anchor')}, {number_of(self.manifests, 'manifest')} of exports"
            f" and {number_of(self.reports, 'report')}"
        )

    def add(self, finding: Finding) -> None:
        """Keeps a finding, or counts it."""
        self.number += 1
        if len(self.findings) < KEPT:
            self.findings.append(finding)

    def as_json(self) -> dict[str, Any]:
        """The verdict as plain values."""
        counted = (
            "rows", "sealed_rows", "seals", "anchors", "manifests", "reports", "payloads", "erased_payloads",
            "purged_payloads",
            "hidden_rows", "archived_rows", "retired", "seconds", "notes",
        )  # fmt: skip
        newest = None if self.newest is None else {"number": self.newest[0], "hash": self.newest[1]}
        first = self.first
        return {
            "holds": self.holds,
            **{name: getattr(self, name) for name in counted},
            "newest_seal": newest,
            "number": self.number,
            "first": None if first is None else first.as_json(),
            "findings": [finding.as_json() for finding in self.findings],
        }


def of_row(
    kind: Kind, log: Log, key: tuple[int, int], what: str, *, seal: int | None = None, sealed: bool = True
) -> Finding:
    """A finding about a row of a log; `key` is its transaction and id."""
    means = {
        "changed": "It does not say what it said when it was written.",
        "removed": "Somebody took it out of the log past its guards.",
        "inserted": "It was not there when its time was sealed: somebody wrote it afterwards.",
        "reordered": "It says what it said, but not where it stood: what came first reads otherwise.",
    }.get(kind, "This Traintui cannot tell whether it is as it was.")
    remedy = "Install the newer Traintui and verify again." if kind == "unknown" else COMPARE
    where = f"row {key[1]:,} of the {NAMES[log]}"
    return Finding(kind, where, what, means, remedy, log, key[1], seal, sealed, key)
