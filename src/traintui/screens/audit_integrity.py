"""Integrity in Audit: how far the logs are sealed, what stands outside of the database, and a look at all of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from traintui import clock, commands, text
from traintui.screens.tabs import TabPane
from traintui.widgets.detail_view import DetailView
from traintui.widgets.facts import heading
from traintui.widgets.log_detail import NOTHING, fact

if TYPE_CHECKING:
    from traintui.audit.anchors import Anchor
    from traintui.audit.findings import Verdict
    from traintui.data.seals import Standing

SAID_EVERY = 0.2
"""Seconds between two words on how far a look is."""
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
        self.remark("" if self._verdict is None else "holds" if self._verdict.holds else "! findings")
        self._draw()

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers where the result would be."""
        answer = self.app.answer(error)
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
            yield from verdict_lines(self._verdict)
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


def verdict_lines(verdict: Verdict) -> Iterator[Content]:
    """What a look found: that all holds, or the findings, each with what it means and what to do."""
    if verdict.holds:
        yield Content.assemble(("● it holds", "bold $success"), (f"   {verdict.looked}", "$muted"))
    else:
        number = text.plural(verdict.number, "finding")
        yield Content.assemble((f"! it does not hold: {number}", "bold $error"), (f"   {verdict.looked}", "$muted"))
    yield from fact("Agree", verdict.agree)
    first = verdict.first
    for finding in ([first] if first else []) + [each for each in verdict.findings if each is not first]:
        yield NOTHING
        yield text.shown(f"{finding.kind}: {finding.where}", single_line=True, limit=400, style="bold $error")
        yield text.shown(f"{finding.what}. {finding.means}", limit=2_000)
        yield text.shown(finding.remedy, limit=2_000, style="$muted")
    for note in verdict.notes:
        yield NOTHING
        yield text.shown(note, limit=2_000, style="$muted")
