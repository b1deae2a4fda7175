"""Whether every export is logged with the user who made it, compared with the manifests that can be found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from traintui.audit.reports.manifests import Found
from traintui.audit.reports.model import Answer, Cells, Kind, utc
from traintui.audit.words import number_of
from traintui.data.report_exports import Logged

KIND = Kind(
    "exports-attributed", "Exports attributed", "All exports logged with user attribution",
    ("export", "when", "user", "manifest", "what"),
)  # fmt: skip


@dataclass(slots=True)
class Attribution:
    """The exports of the log, and what is compared with them."""

    workspace: str
    logged: Sequence[Logged]
    manifests: int = 0
    elsewhere: int = 0
    """Manifests of other workspaces."""
    wrong: int = 0
    unreadable: list[str] = field(default_factory=list)
    _met: set[str] = field(default_factory=set)
    _by_id: dict[str, Logged] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_id = {each.export_id: each for each in self.logged}

    def log(self) -> Iterator[Cells]:
        """The rows of exports whose own rows of the log name nobody, or not one person."""
        for each in self.logged:
            what = ""
            if each.begun_by is None:
                what = "it ended, and nothing says that it began"
            elif not each.begun_by.strip() or (each.ended_by is not None and not each.ended_by.strip()):
                what = "no user is named"
            elif each.ended_by is not None and each.ended_by != each.begun_by:
                what = f"{each.begun_by} began it and {each.ended_by} ended it"
            if what:
                self.wrong += 1
                yield (each.export_id, utc(each.at), each.user, "", what)

    def compare(self, found: Found) -> Iterator[Cells]:
        """The row of a manifest that the log does not bear out."""
        if found.problem:
            self.unreadable.append(f"{found.path}: {found.problem}.")
            return
        if found.workspace is not None and found.workspace != self.workspace:
            self.elsewhere += 1
            return
        self.manifests += 1
        logged = self._by_id.get(found.export_id)
        what = "the log knows no such export" if logged is None else differs(found, logged)
        if logged is not None:
            self._met.add(found.export_id)
        if what:
            self.wrong += 1
            yield (found.export_id, found.exported_at, found.exported_by, str(found.path), what)

    def answer(self) -> Answer:
        """What it comes to."""
        left = [each for each in self.logged if each.state == "succeeded"]
        users = {each.user for each in self.logged if each.user}
        unmet = sum(each.export_id not in self._met for each in left)
        says = f"{number_of(len(self.logged), 'export')} of {number_of(len(users), 'user')} in the log"
        says += f", {number_of(self.manifests, 'manifest')} compared"
        says += f": {number_of(self.wrong, 'exception')}" if self.wrong else ", all agree"
        if not self.logged and not self.manifests:
            says = "nothing was exported"
        facts = (
            ("exports in the log", f"{len(self.logged):,}"),
            ("that succeeded", f"{len(left):,}"),
            ("users who exported", ", ".join(sorted(users)) or "none"),
            ("manifests found", f"{self.manifests:,}"),
            ("manifests of other workspaces, left out", f"{self.elsewhere:,}"),
            ("exports whose manifest was not found", f"{unmet:,}"),
            ("exceptions", f"{self.wrong:,}"),
        )
        notes = ["Manifests were looked for where this machine wrote exports, and in the folders that were named."]
        if unmet:
            notes.append("A manifest that moved with its file is not found: name its folder to compare it.")
        return Answer(not self.wrong, says, facts, (*notes, *self.unreadable))


def differs(found: Found, logged: Logged) -> str:
    """How a manifest differs from its row of the log; empty where it does not."""
    if logged.state != "succeeded":
        return f"the log says that it {logged.state or 'never ended'}"
    if found.exported_by != logged.user:
        return f"it names {found.exported_by or 'nobody'}, and the log {logged.user}"
    if found.count is not None and found.count != logged.count:
        return f"it says {found.count:,} conversations, and the log {logged.count or 0:,}"
    # The log has the manifest itself among the files, which no manifest can.
    # Of an older export it has the first file of data alone.
    known = [(name, sha256) for name, sha256 in found.files if logged.files or name == logged.file]
    if strange := sorted(name for name, sha256 in known if sha256 not in logged.digests):
        return f"it has another SHA-256 of {strange[0]} than the log"
    return ""
