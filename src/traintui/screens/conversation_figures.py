"""What is said about the rows of Conversations: how many there are, of which values, and why there are none."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from textual import getters
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from traintui import text
from traintui.data.records import ConversationRow
from traintui.errors import TraintuiError
from traintui.screens.base import READING, SAID, BaseScreen
from traintui.screens.filtered import Filtered
from traintui.widgets import marks
from traintui.widgets.facet_panel import FacetPanel
from traintui.widgets.facts import FactsPanel
from traintui.widgets.filter_field import Offer
from traintui.widgets.notice import Notice
from traintui.widgets.windowed_table import WindowedTable

if TYPE_CHECKING:
    from traintui.data.filters import Filter, Term
    from traintui.data.listing import Listing
    from traintui.data.live import Live
    from traintui.data.mirror import Facets, Mirror

TYPING = 0.02
"""Seconds that a filter which asks the server waits for the next letter."""
OFFLINE, MOVED = "! offline ", "! nothing is written "
"""How the line below begins while the workspace does not answer, or has a schema that is not this Traintui's."""
FIGURES = 8
"""Cells by which the place of the figures below the rows grows."""


class ConversationFigures(Filtered, BaseScreen):
    """Counts, facets, the notice in place of rows, and the line below them."""

    facets = getters.query_one(FacetPanel)
    table: getters.query_one[WindowedTable[ConversationRow]] = getters.query_one("#rows", WindowedTable)
    notice = getters.query_one(Notice)
    preview = getters.query_one(FactsPanel)
    counted = getters.query_one("#counted", Static)
    said = getters.query_one("#said", Static)

    def __init__(self) -> None:
        super().__init__()
        self._wanted: Filter | None = None
        self._listing: Listing | None = None
        self._looked: float | None = None
        """The share that a search has looked at, 0 to 1; None while there is none."""
        self._asked: str | None = None
        """The filter that the server was asked to count."""
        self._total: int | None = None
        self._server_facets: Facets | None = None
        self._counted_width = 0
        self._unsay: Timer | None = None

    def _show_notice(self, nothing: bool) -> None:
        """Says above the rows why there are none. The table stays as it is below: it has its focus and its size when
        there are rows again. Not by a class: that would style the whole screen anew."""
        if self.notice.display != nothing:
            self.notice.display = nothing

    async def _count_meanwhile(self) -> None:
        """Counts while the rows are read: they are asked for first."""
        await asyncio.sleep(0)
        self._count()

    def _count(self) -> None:
        """Counts total and facets. They are drawn together with the rows."""
        live, wanted = self.app.live, self._wanted
        if live is None or wanted is None or not self.is_current:
            self._say_counts()
            return
        facets = live.facets(wanted)
        if facets is None:
            facets = self._facets_by_server(wanted)
        self.table.draw_beside(partial(self._show_figures, live, facets))

    def _show_figures(self, live: Live, facets: Facets | None) -> None:
        from traintui.data.filter_editing import chosen as chosen_values

        self._understood()
        self._say_counts()
        if self.facets.display:
            named = {field.name: chosen_values(self.filter_text, field.name) for field in live.fields.keys_of_few}
            self.facets.show(facets, named, facets is not None)
        if self.filter_line.field.has_focus or facets is not None:
            self.filter_line.learn(Offer(live.fields, facets or {}, self.app.labels, self.app.metadata_keys))

    def _understood(self) -> None:
        """A mistake that was answered while one typed is none any more. It goes together with the rows: that arranges
        the screen anew, once and not twice."""
        if self.filter_line.field.value.strip() == self.filter_text:
            self.filter_line.understood()

    # Until the copy in memory is there

    def _facets_by_server(self, wanted: Filter) -> Facets | None:
        """What the server has counted of a filter; it is asked once, and only while the copy is not there."""
        if self._asked != wanted.text and self.app.live is not None and self.app.live.mirror is None:
            self._asked = wanted.text
            self.read(partial(self._ask_server, wanted), name="counts")
        return self._server_facets

    async def _ask_server(self, wanted: Filter) -> None:
        """Reads total and facets, and shows each as it comes. The copy, once it is there, knows better."""
        from traintui.data import counting

        await asyncio.sleep(TYPING)
        async with self.db.read() as connection:
            self._total = await counting.total(connection, wanted)
            self._say_counts()
            if self.app.live is not None:
                self._server_facets = await counting.facets(connection, wanted, self.app.live.fields)
        self._count()

    def _forget_server(self) -> None:
        """What the server counted is of another filter now, or the copy has answered."""
        if self._asked is not None:
            self._asked = self._total = self._server_facets = None
            self._stop("counts")

    def _stop(self, name: str) -> None:
        """Ends a read that is under way."""
        for worker in self.app.workers:
            if worker.node is self and worker.group == f"{READING}:{name}" and not worker.is_finished:
                worker.cancel()

    def _learn(self) -> None:
        if self.app.live is not None:
            self.facets.learn([field for field in self.app.live.fields.values() if field.is_facet], self.app.labels)
        self.table.redraw()
        self._count()

    def _say_empty(self) -> None:
        live, wanted = self.app.live, self._wanted
        unsearched = live.unsearched(wanted) if live and wanted else 0
        if unsearched:
            self.notice.say(
                "loading", "Nothing found yet", f"{unsearched:,} conversations are not searchable yet.",
                "They are read in the background, and looked at again by themselves.",
            )  # fmt: skip
        elif self._shows_trash and len(self._written) == 1:
            self.notice.say("empty", "The trash is empty", "What is moved there stays until somebody purges it.",
                            "esc shows all again")  # fmt: skip
        elif self.filter_text:
            self.notice.say(
                "empty", "Nothing matches this filter", self.filter_text, "/ changes the filter\nesc shows all again"
            )
        else:
            self.notice.say(
                "empty", "No conversations yet", "This workspace is new.",
                "3 plans and generates some\ntraintui import FILE brings those that exist",
            )  # fmt: skip
        self.preview.show(Content(""))

    def _say_counts(self) -> None:
        live, listing = self.app.live, self._listing
        if live is None or listing is None:
            return
        parts = []
        total, every = text.count(listing.total), " conversations" if self.facets.display else ""
        if self._total is not None:
            parts.append(
                Content.assemble((text.count(self._total), "bold"), (" match" if self.filter_text else every, "$muted"))
            )
        elif not listing.complete:
            parts.append(Content.assemble((total, "bold"), (" found so far", "$muted")))
        elif self.filter_text and live.mirror is not None:
            parts.append(self._said_of_all(live.mirror))
        elif listing.total and self._looked is None:
            parts.append(Content.assemble((total, "bold"), (every, "$muted")))
        if self._looked:
            parts.append(Content.styled(f"{self._looked:.0%} looked through, esc stops", "$muted"))
        if live.mirror is None:
            parts.append(Content.styled(f"reading all of it: {self.app.loaded:.0%}{self._until_then()}", "$muted"))
        if self._wanted is not None and (unsearched := live.unsearched(self._wanted)):
            parts.append(Content.styled(f"{unsearched:,} not searchable yet", "$warning"))
        if number := len(self.table.selected):
            parts.append(Content.styled(f"✓ {number:,} selected", "bold $accent"))
        facets = None if self._wanted is None or self.facets.display else live.facets(self._wanted)
        if facets is None and not self.facets.display:
            facets = self._server_facets
        if facets is not None:
            parts.append(marks.status_counts({str(status): count for status, count in facets["status"].items()}))
        self._say_counted(Content("   ").join(parts))

    def _said_of_all(self, mirror: Mirror) -> Content:
        """How many match, of how many there are; of the trash only how many."""
        listing = self._listing
        found = listing.total if listing is not None else 0
        if self._shows_trash:
            return Content.assemble((text.count(found), "bold"), (" in the trash", "$muted"))
        every = f"{len(mirror.every - mirror.marks['deleted']):,}"
        if not found:
            return Content.assemble(("none", "bold"), (f" of {every} match", "$muted"))
        return Content.assemble((text.count(found), "bold"), (f" match, of {every}", "$muted"))

    @property
    def _shows_trash(self) -> bool:
        from traintui.data.filter_terms import Marked

        parts = [part for term in self._written if not term.negated for part in term.parts]
        return any(isinstance(part, Marked) and "deleted" in part.marks for part in parts)

    @property
    def _written(self) -> tuple[Term, ...]:
        return self._wanted.written if self._wanted else ()

    def _until_then(self) -> str:
        """What is said of an order that waits for the copy."""
        return ""

    def on_resize(self) -> None:
        """Where the facets have no room, the line below the rows has the counts of the statuses."""
        self.call_after_refresh(self._say_counts)

    def _say_counted(self, said: Content) -> None:
        """Other figures of about the same length do not arrange the screen anew."""
        width = -(-said.cell_length // FIGURES) * FIGURES + 2
        if self._counted_width != width:
            self._counted_width = self.counted.styles.width = width
        self.counted.update(said, layout=False)

    # The line below

    def _outage_changed(self, outage: TraintuiError | None) -> None:
        from traintui.data.schema_moves import SchemaMoved

        said = str(self.said.content)
        if outage is not None:
            head = MOVED if isinstance(outage, SchemaMoved) else OFFLINE
            self._say((head, "bold $error"), text.shown(outage.message, single_line=True, limit=90))
            if self._listing is None:
                self.notice.fail(outage, "It is tried again by itself.")
        elif self.ready and (not said or said.startswith((OFFLINE, MOVED))):  # else what was done stands there
            self._say(("● ", "$success"), ("the workspace answers again", "$muted"))

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        """Says below the rows what was done; after a while the counts have the line for themselves again."""
        if self._unsay is not None:
            self._unsay.stop()
        self._unsay = self.set_timer(SAID, self._be_quiet)
        self.counted.styles.max_width = "60%"
        self.said.update(Content.assemble(*parts), layout=False)

    def _be_quiet(self) -> None:
        self.said.update("", layout=False)
        self.counted.styles.max_width = "100%"
