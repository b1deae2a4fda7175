"""The chain of seals against what stands outside of the database: anchors of this home, manifests of exports, pages of
reports. All are read as they come, and nothing is held but some at a time."""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from traintui.audit.anchors import Anchor, Reported, Restoring, read_anchors, read_manifest, read_page
from traintui.audit.findings import RESTORE, Finding, Verdict
from traintui.audit.removed import Removed
from traintui.data.engine import Database
from traintui.data.exports import manifest_name
from traintui.data.whole_record import Record

AT_ONCE = 1_000
"""Anchors that are looked up together."""
MANIFESTS = """
    SELECT DISTINCT metadata->>'directory', metadata->>'file' FROM export_logs
    WHERE state = 'started' AND metadata->>'host' = %(host)s
"""


@dataclass(slots=True)
class _Home:
    """What the lines of a home say beside their anchors: restores of this database by the number of their line, pages
    of reports with their lines and the database that they are from, the newest anchor of another chain that this
    database had, and the highest seal that is part of the history still. A workspace that was restored elsewhere goes
    on there and here: `shared` is the highest seal that both have, by the database and from which line on."""

    restores: list[tuple[int, Restoring]] = field(default_factory=list)
    pages: dict[Path, tuple[int, str]] = field(default_factory=dict)
    strange: Anchor | None = None
    highest: int = 0
    shared: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    def is_ours(self, place: int, number: int, label: str | None, own: str) -> bool:
        """Whether a seal of this workspace is of this database's history, and not of what another one became that the
        same workspace was restored into, or that this one was restored from."""
        if label is None or label == own:
            return True
        parted = (kept for since, kept in self.shared.get(label, ()) if place > since)
        return number <= min((*parted, *(kept for _, kept in self.shared.get(own, ()))), default=number)


class Anchored:
    """Compares seals with anchors. `look` is called now and then, and raises where somebody stopped it."""

    def __init__(
        self, record: Record, db: Database, workspace: str, verdict: Verdict, look: Callable[[], None]
    ) -> None:
        self.record = record
        self.db = db
        self.workspace = workspace
        self.verdict = verdict
        self.look = look
        self._home = _Home()

    def begin(self) -> None:
        """Reads once what the home says; the anchors in it are compared later. A restore of this database that is on
        record takes back what came before it in the file and after it in the chain; one of another database that the
        home serves takes back nothing here."""
        for place, line in enumerate(self._lines()):
            if isinstance(line, Restoring):
                if line.workspace == self.workspace:
                    self._home.shared[line.label].append((place, line.number))
                if line.label != self.db.label:
                    continue
                kept = line.number if line.workspace == self.workspace else 0
                if self._home.highest > kept:
                    self.verdict.notes.append(
                        f"Seals up to {self._home.highest:,} were taken back to {kept:,} on {line.at}, by restoring"
                        f" {line.path}."
                    )
                self._home.highest = min(self._home.highest, kept)
                self._home.strange = None
                self._home.restores.append((place, line))
            elif isinstance(line, Reported):
                self._home.pages[line.path] = (place, line.label)
            elif line.workspace == self.workspace:
                if self._home.is_ours(place, line.number, line.label, self.db.label):
                    self._home.highest = max(self._home.highest, line.number)
            elif line.label == self.db.label:
                self._home.strange = line
        if (strange := self._home.strange) is not None:
            self.verdict.add(Finding(
                "anchor", strange.where,
                f"this database had another chain of seals, up to seal {strange.number:,} at least",
                "The record was begun anew: made again, taken below revision 0036, or its seals were replaced.",
                RESTORE, seal=strange.number,
            ))  # fmt: skip

    def compare(self, newest: int, removed: Removed) -> None:
        """Compares every anchor that is found with the seals, of which `newest` is the last. Exports that were removed
        under policy left manifests too."""
        later: Anchor | None = None
        anchors = chain(self._of_home(), self._of_manifests(removed), self._of_pages())
        while some := list(islice(anchors, AT_ONCE)):
            self.look()
            hashes = self.record.seal_hashes(sorted({each.number for each in some}))
            for each in some:
                if each.number not in hashes:
                    later = each if later is None or each.number > later.number else later
                elif each.hash != hashes[each.number]:
                    self._add(each, f"seal {each.number:,} of the database has another hash")
        if later is not None:
            self._add(later, f"it has seal {later.number:,}, and the newest of the database is {newest:,}")

    def _lines(self) -> Iterator[Anchor | Restoring | Reported]:
        if self.db.home is None:
            return
        try:
            yield from read_anchors(self.db.home)
        except OSError as error:
            why = f"The anchors in {self.db.home} cannot be read: {error.strerror or error}."
            if why not in self.verdict.notes:
                self.verdict.notes.append(why)

    def _of_home(self) -> Iterator[Anchor]:
        """Those of the home that no restore took back."""
        limits: list[tuple[int, float]] = []
        lowest = float("inf")
        for place, restore in reversed(self._home.restores):
            lowest = min(lowest, restore.number if restore.workspace == self.workspace else 0)
            limits.append((place, lowest))
        for place, line in enumerate(self._lines()):
            while limits and limits[-1][0] < place:
                limits.pop()
            if isinstance(line, Anchor) and line.workspace == self.workspace:
                if limits and line.number > limits[-1][1]:
                    continue
                if not self._home.is_ours(place, line.number, line.label, self.db.label):
                    continue
                self.verdict.anchors += 1
                yield line

    def _of_manifests(self, removed: Removed) -> Iterator[Anchor]:
        host = socket.gethostname()
        found = chain(self.record.figures(MANIFESTS, {"host": host}), removed.manifests(host))
        paths = (Path(directory) / manifest_name(file) for directory, file in found if directory and file)
        for anchor in self._left(read_manifest, dict.fromkeys(paths)):
            self.verdict.manifests += 1
            yield anchor

    def _of_pages(self) -> Iterator[Anchor]:
        for anchor in self._left(read_page, self._home.pages):
            place, label = self._home.pages[Path(anchor.where)]
            if not self._home.is_ours(place, anchor.number, label, self.db.label):
                continue
            self.verdict.reports += 1
            yield anchor

    def _left(self, reading: Callable[[Path], Anchor | None], paths: Iterable[Path]) -> Iterator[Anchor]:
        """The seals of this chain in files that left the database, but those of a history that was taken back."""
        for path in paths:
            try:
                read = reading(path)
            except OSError:  # moved, as files that left the house are
                continue
            if read is None or read.workspace != self.workspace:
                continue
            if not any(each.number < read.number and read.at <= each.at for _, each in self._home.restores):
                yield read

    def _add(self, anchor: Anchor, what: str) -> None:
        means = f"Sealed history was rewritten after {anchor.at}, or the workspace was taken back to before it."
        self.verdict.add(Finding("anchor", anchor.where, what, means, RESTORE, seal=anchor.number))
