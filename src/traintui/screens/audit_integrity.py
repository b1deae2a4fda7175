"""Integrity in Audit: how far the logs are sealed, what stands outside of the database, and a look at all of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from traintui import clock, commands, text
from traintui.screens.shell import ShowLog
from traintui.screens.tabs import TabPane
from traintui.widgets.detail_view import DetailView
from traintui.widgets.facts import heading
from traintui.widgets.log_detail import NOTHING, fact

if TYPE_CHECKING:
    from traintui.audit.anchors import Anchor
    from traintui.audit.findings import Finding, Verdict
    from traintui.data.seals import Standing

SAID_EVERY = 0.2
"""Seconds between two words on how far a look is."""
MARK = "▸ "
"""Stands before the finding that a key opens."""
LAST = 5
"""Anchors that are shown."""


class IntegrityPane(TabPane):
    """The newest seal, the anchors of this home, and what the last look found."""

    NAME = "integrity"
    TITLE = "Integrity"
    PLACES = ("integrity",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("integrity")

    view = getters.query_one(DetailView)

    def __init__(self) -> None:
        super().__init__()
        self._standing: Standing | None = None
        self._anchors: Sequence[Anchor] = ()
        self._verdict: Verdict | None = None
        self._at = ""
        self._progress = ""
        self._failed = NOTHING
        self._stop = threading.Event()
        self._marked = 0
        """The place of the finding that `enter` opens, in the order in which they are shown."""

    def compose(self) -> ComposeResult:
        """All of it as lines."""
        yield DetailView()

    def enter(self) -> None:
        """The lines are there to be scrolled."""
        self.view.focus()

    def shown(self) -> None:
        """Reads how it stands."""
        self.read(self._read, name="standing")

    def look(self) -> None:
        """Seals are made every minute."""
        if not self.reading_now("standing"):
            self.shown()

    def look_again(self) -> None:
        """Reads how it stands."""
        self.shown()

    @property
    def leads_back(self) -> bool:
        """From a look that is under way."""
        return self.reading_now("verify")

    def back(self) -> None:
        """Stops a look."""
        self._stop.set()

    async def _read(self) -> None:
        from traintui.data import seals

        self._standing = await seals.standing(self.db)
        workspace = self._standing.workspace
        home = self.db.home
        if home is not None:
            from traintui.audit.anchors import last_anchors

            self._anchors = await asyncio.to_thread(last_anchors, home, workspace, LAST)
        self._draw()

    def action_verify(self) -> None:
        """Looks at the whole record; once more while that is under way does nothing."""
        if not self.reading_now("verify"):
            self._stop = threading.Event()
            self.read(self._verify, name="verify")

    async def _verify(self) -> None:
        from traintui.audit.verifying import verify

        done = [0, 0]

        def progress(looked: int, total: int) -> None:
            done[:] = [looked, total]

        stop, began = self._stop, clock.ticks()
        self._marked = 0
        self._failed, self._verdict, self._progress = NOTHING, None, "◌ begins; esc stops"
        self.screen.refresh_bindings()
        self._draw()
        looking = asyncio.ensure_future(asyncio.to_thread(verify, self.db, progress=progress, stop=stop))
        try:
            while not (await asyncio.wait({looking}, timeout=SAID_EVERY))[0]:
                looked, total = done
                rate = looked / max(clock.ticks() - began, 0.001)
                left = f", {text.duration((total - looked) / rate * 1_000)} left" if looked and total > looked else ""
                share = f"{looked / total:.0%} " if total else ""
                self._progress = f"◌ {share}looked at {looked:,} of some {total:,} rows{left}; esc stops"
                self._draw()
            if stop.is_set():
                self._failed = Content.styled("stopped before the end: nothing is proved", "$warning")
                await asyncio.gather(looking, return_exceptions=True)
            else:
                self._verdict = looking.result()
                self._at = f"{clock.now().astimezone():%Y-%m-%d %H:%M:%S}"
        finally:
            stop.set()
            self._progress = ""
        self.screen.refresh_bindings()
        self.remark("" if self._verdict is None else "holds" if self._verdict.holds else "! findings")
        self._draw()

    # The findings

    @property
    def _findings(self) -> Sequence[Finding]:
        return () if self._verdict is None else shown_order(self._verdict)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is done with findings has a key where there are some."""
        if action in {"open", "finding"} and not self._findings:
            return False
        return super().check_action(action, parameters)

    def action_finding(self, step: int) -> None:
        """Goes to the next finding, or the one before."""
        if findings := self._findings:
            self._marked = max(0, min(len(findings) - 1, self._marked + step))
            self._draw()
            marked = next((place for place, line in enumerate(self._lines()) if line.plain.startswith(MARK)), 0)
            self.view.bring(marked)

    def action_open(self) -> None:
        """Shows the row that the finding is about in its tab, or says that it is gone."""
        if findings := self._findings:
            self.read(partial(self._open, findings[self._marked]), name="open")

    async def _open(self, finding: Finding) -> None:
        from traintui.data import listed_rows

        if finding.log is None or finding.id is None:
            self.app.say(f"This finding is about no row: {finding.where}. {finding.remedy}")
            return
        found = await listed_rows.listed(self.db, finding.log, finding.id)
        if found is None:
            self.app.say(f"No tab lists {finding.where}. {finding.remedy}")
        elif found.is_there or finding.kind != "removed":  # else it stands in the archive
            self.post_message(ShowLog(found.log, found.filter_text))
        else:
            self.app.say(f"It is gone: {finding.where} is not there any more. {finding.remedy}")

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers where the result would be; what cannot be opened, beside it."""
        answer = self.app.answer(error)
        if name == "open":
            self.app.tell(answer)
            return
        said = f"{answer.title}: {answer.message} {answer.remedy}"
        self._failed = Content.assemble(("! ", "$error"), text.shown(said, single_line=True, limit=600))
        self._draw()

    # Drawing

    def _draw(self) -> None:
        self.view.show(self._lines(), key="integrity")

    def _lines(self) -> Iterator[Content]:
        """What a look found stands first, once there was one."""
        parts = [self._said_of_seals, self._said_of_anchors, self._said_of_the_record]
        if self._failed.plain or self._progress or self._verdict is not None:
            parts = [parts[-1], *parts[:-1]]
        for place, part in enumerate(parts):
            if place:
                yield NOTHING
            yield from part()

    def _said_of_anchors(self) -> Iterator[Content]:
        yield heading("Anchors", Content.styled("hashes of seals that stand outside of the database", "$muted"))
        if not self._anchors:
            yield Content.styled("None is here yet: each app and worker adds the newest seal that it sees.", "$muted")
        else:
            yield from fact("Here", "the last ones, the newest first")
            for anchor in self._anchors:
                yield Content.assemble(
                    (f"{anchor.at}  ", "$muted"), f"seal {anchor.number:,}  ", (anchor.hash.hex(), "$faint")
                )
        yield Content.styled("The manifests of exports are anchors too: a look finds those that still stand.", "$muted")

    def _said_of_the_record(self) -> Iterator[Content]:
        yield heading("The whole record", Content.styled(self._at and f"looked at {self._at}", "$muted"))
        if self._failed.plain:
            yield self._failed
        if self._progress:
            yield Content.styled(self._progress, "$accent")
        elif self._verdict is not None:
            yield from verdict_lines(self._verdict, self._marked)
        elif not self._failed.plain:
            yield Content.styled(
                "v compares every row with the seals, and the seals with anchors and manifests: a minute for a million"
                " rows.", "$muted"
            )  # fmt: skip

    def _said_of_seals(self) -> Iterator[Content]:
        standing = self._standing
        yield heading("Seals")
        if standing is None:
            yield Content.styled("◌ reading", "$muted")
            return
        if standing.newest is None:
            yield Content.styled("None yet: the first one is made within a minute of the first row.", "$muted")
        else:
            newest = standing.newest
            yield from fact("Newest", f"{newest.number:,}, of {newest.made_at.astimezone():%Y-%m-%d %H:%M:%S %Z}")
            yield from fact("Hash", newest.hash.hex())
        yield from fact("Rows", f"{standing.sealed:,} under seals, {standing.waiting:,} wait for the next one")


def shown_order(verdict: Verdict) -> Sequence[Finding]:
    """The findings as they are shown: the first row of the record that is not as it was, then the others."""
    first = verdict.first
    return ([first] if first else []) + [each for each in verdict.findings if each is not first]


def verdict_lines(verdict: Verdict, marked: int = 0) -> Iterator[Content]:
    """What a look found: that all holds, or the findings, each with what it means and what to do. The one that is
    `marked` is the one that a key opens."""
    if verdict.holds:
        yield Content.assemble(("● it holds", "bold $success"), (f"   {verdict.looked}", "$muted"))
    else:
        number = text.plural(verdict.number, "finding")
        yield Content.assemble((f"! it does not hold: {number}", "bold $error"), (f"   {verdict.looked}", "$muted"))
    yield from fact("Agree", verdict.agree)
    for place, finding in enumerate(shown_order(verdict)):
        yield NOTHING
        named = text.shown(f"{finding.kind}: {finding.where}", single_line=True, limit=400, style="bold $error")
        opens = ("   enter opens it" if finding.log is not None else "", "$muted")
        yield Content.assemble((MARK, "$accent"), named, opens) if place == marked else named
        yield text.shown(f"{finding.what}. {finding.means}", limit=2_000)
        yield text.shown(finding.remedy, limit=2_000, style="$muted")
    for note in verdict.notes:
        yield NOTHING
        yield text.shown(note, limit=2_000, style="$muted")
