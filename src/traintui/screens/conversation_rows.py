"""The rows of Conversations: found as one types, counted, sorted, and kept up to date with what others do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from pyroaring import BitMap
from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.events import ScreenResume
from textual.timer import Timer
from textual.widgets import Static

from traintui import text
from traintui.data.records import ConversationRow
from traintui.errors import TraintuiError
from traintui.history import History, history_path
from traintui.screens.base import BaseScreen
from traintui.table_layout import TableLayout, layout_path, read_layout, write_layout
from traintui.widgets import marks
from traintui.widgets.conversation_columns import USUAL, chosen, columns_of
from traintui.widgets.facet_panel import FacetPanel
from traintui.widgets.facts import FactsPanel
from traintui.widgets.filter_field import Offer
from traintui.widgets.filter_line import FilterLine
from traintui.widgets.notice import Notice
from traintui.widgets.windowed_table import WindowedTable

if TYPE_CHECKING:
    from traintui.data.fields import Field
    from traintui.data.filters import Filter
    from traintui.data.finding import Finding
    from traintui.data.listing import Listing, Order
    from traintui.data.snippets import Snippet

AGES = 15.0
"""Seconds after which the ages are written anew."""
TYPING = 0.05
"""Seconds that a filter which asks the server waits for the next letter."""
FIGURES = 8
"""Cells by which the place of the figures below the rows grows."""
SEARCH_AGAIN = 3.0
"""Seconds after which a search looks again at what could not be searched before."""

EXAMPLE = 'status:generated score<7 -tone:formal "roth ira"'


class ConversationRows(BaseScreen):
    """The rows that a filter names, in an order."""

    AUTO_FOCUS = "WindowedTable"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-medium"), (120, "-wide"), (150, "-huge")]  # noqa: RUF012

    filter_line = getters.query_one(FilterLine)
    facets = getters.query_one(FacetPanel)
    table: getters.query_one[WindowedTable[ConversationRow]] = getters.query_one("#rows", WindowedTable)
    notice = getters.query_one(Notice)
    preview = getters.query_one(FactsPanel)
    counted = getters.query_one("#counted", Static)
    said = getters.query_one("#said", Static)

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self._wanted: Filter | None = None
        self._order: Order | None = None
        self._listing: Listing | None = None
        self._looked: float | None = None
        self._searching: Timer | None = None
        self._counted_width = 0
        self._layout_path = layout_path()
        self._layout = read_layout(self._layout_path)
        self._snippets: dict[int, Snippet] = {}
        self._shown_fields: Mapping[str, Field] = {}

    def compose_body(self) -> ComposeResult:
        """Filter, facets, rows and preview, and how many there are."""
        yield FilterLine(EXAMPLE, History(history_path()))
        with Horizontal(id="columns"):
            yield FacetPanel()
            with Container(id="list"):
                yield WindowedTable[ConversationRow]((), self._fetch, id="rows")
                yield Notice("loading", "Opening the workspace")
            yield FactsPanel()
        with Horizontal(id="counts"):
            yield Static(id="counted")
            yield Static(id="said")

    def on_mount(self) -> None:
        """Nothing is there before the workspace is."""
        self._show_notice(True)
        self.set_interval(AGES, self._age)
        self.watch(self.app, "labels", lambda _: self._learn(), init=False)
        self.watch(self.app, "live", lambda _: self.find(top=True), init=False)
        self.watch(self.app, "outage", self._outage_changed, init=False)
        self.watch(self.app, "loaded", lambda _: self._say_counts(), init=False)
        self.app.changed.subscribe(self, self._changed, immediate=True)

    def on_workspace_ready(self) -> None:
        """Reads the first rows."""
        from traintui.data.listing import order_of

        self.notice.say("loading", "Reading")
        self._order = order_of(self._layout.sort, self._fields)
        self._show_columns()
        self._learn()
        self.apply(self._text, top=True)

    def on_progress(self, step: str) -> None:
        """Says how the opening goes."""
        self.notice.say("loading", step)

    @on(ScreenResume)
    def _resumed(self) -> None:
        if self.ready:
            self.app.look_now()

    # The filter

    def apply(self, filter_text: str, *, top: bool = False, typing: bool = False) -> bool:
        """Shows what a filter names. Whether it can be read; else the rows stay, and the mistake is answered."""
        from traintui.data.filters import FilterError

        try:
            wanted = self.app.read_filter(filter_text)
        except FilterError as error:
            self.filter_line.fail(error.message, error.remedy, error.start, error.end, typing=typing)
            return False
        if typing:
            self.filter_line.understood()
        else:
            self.filter_line.applied(filter_text)
        self._text = self.app.filter_text = filter_text.strip()
        self._wanted = wanted
        self._snippets.clear()
        self.find(top=top, typing=typing)
        return True

    def find(self, *, top: bool = False, typing: bool = False) -> None:
        """Finds the rows of the filter: from memory at once, else with the server, first rows first."""
        if self._wanted is None or self.app.live is None:
            return
        listing = self.app.live.listing(self._wanted, self.order)
        if listing is None:
            self._looked = 0.0
            self.read(partial(self._find, top, TYPING if typing else 0.0), name="find")
            return
        self.stop_finding()
        self._show(listing, top=top)

    def stop_finding(self) -> None:
        """Ends a search that is under way."""
        self._looked = None
        for worker in self.app.workers:
            if worker.node is self and worker.group == "read:find" and not worker.is_finished:
                worker.cancel()

    async def _find(self, top: bool, pause: float) -> None:
        import asyncio

        from traintui.data.finding import find

        wanted, live = self._wanted, self.app.live
        if wanted is None or live is None:
            return
        await asyncio.sleep(pause)
        finding: Finding | None = None
        async for finding in find(live, wanted, self.order):
            self._looked = finding.looked if finding.more else None
            self._show(finding.listing, top=top and finding.listing.total > 0)
            top = top and not finding.listing.total
        if finding is None or not finding.more:
            self._looked = None
        if live.unsearched(wanted):
            self._searching = self._searching or self.set_timer(SEARCH_AGAIN, self._search_again)

    def _search_again(self) -> None:
        self._searching = None
        if self._wanted is not None and self.app.live is not None:
            self.app.live.ask_again(self._wanted)
            self.find()

    @property
    def order(self) -> Order:
        """What the rows are sorted by."""
        from traintui.data.listing import NEWEST

        return self._order or NEWEST

    def sort_by(self, order: Order) -> None:
        """Sorts the rows, and keeps the order for the next time."""
        self._order = order
        self.table.set_sort(order.field.name if order.field else None, descending=order.descending)
        self.keep_layout(TableLayout(self._layout.columns, self._layout.widths, order.text))
        self.find()

    # Columns

    @property
    def _fields(self) -> Mapping[str, Field]:
        from traintui.data.fields import FIELDS

        return self.app.live.fields if self.app.live else FIELDS

    def keep_layout(self, layout: TableLayout) -> None:
        """Keeps other columns, widths or another order, for this person."""
        if layout != self._layout:
            self._layout = layout
            write_layout(self._layout_path, layout)
            self._show_columns()

    def _show_columns(self) -> None:
        self._shown_fields = self._fields
        made = columns_of(self._fields, lambda: self.app.labels, self._opening)
        self.table.set_columns(chosen(made, self._layout.columns or USUAL, self._layout.widths))
        order = self.order
        self.table.set_sort(order.field.name if order.field else None, descending=order.descending)

    def _opening(self, row: ConversationRow) -> Content:
        """How it begins; where words are looked for, how they stand in it."""
        if (found := self._snippets.get(row.id)) is None:
            return text.shown(row.opening, single_line=True, limit=160)
        parts = [
            text.shown(said, single_line=False, limit=160, style="bold $accent" if is_match else "")
            for said, is_match in found.parts
        ]
        return Content.assemble((f"{found.turn_number} ", "$faint"), *parts)

    async def _fetch(self, ids: Sequence[int]) -> Mapping[int, ConversationRow]:
        from traintui.data import conversations
        from traintui.data.fields import META
        from traintui.data.filter_terms import Text
        from traintui.data.snippets import snippets

        keys = [name.removeprefix(META) for name in self._fields if name.startswith(META)]
        rows = await conversations.rows(self.db, ids, keys)
        words = [
            part.words
            for term in (self._wanted.written if self._wanted else ())
            if not term.negated
            for part in term.parts
            if isinstance(part, Text)
        ]
        if words:
            self._snippets |= await snippets(self.db, ids, words[0])
        return rows

    # Showing

    def _show(self, listing: Listing, *, top: bool = False) -> None:
        self._listing = listing
        self.table.show(listing, top=top)
        nothing = listing.total == 0 and (listing.complete or self._looked is None)
        self._show_notice(nothing)
        if nothing:
            self._say_empty()
        self._say_counts()
        self.call_later(self._count)

    def _show_notice(self, nothing: bool) -> None:
        """Shows either the rows or why there are none. Not by a class: that would style the whole screen anew."""
        if self.notice.display != nothing:
            self.table.display, self.notice.display = not nothing, nothing

    def _count(self) -> None:
        """The facets, counted while the rows are read, and drawn together with them."""
        from traintui.data.filter_editing import chosen as chosen_values

        live, wanted = self.app.live, self._wanted
        if live is None or wanted is None or not self.is_current:
            return
        facets = live.facets(wanted)
        if self.facets.display:
            named = {field.name: chosen_values(self._text, field.name) for field in live.fields.keys_of_few}
            self.facets.show(facets, named, facets is not None)
        if self.filter_line.field.has_focus or facets is not None:
            self.filter_line.learn(Offer(live.fields, facets or {}, self.app.labels, self.app.metadata_keys))

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
        elif self._text:
            self.notice.say(
                "empty", "Nothing matches this filter", self._text, "/ changes the filter\nesc shows all again"
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
        total = text.count(listing.total)
        if not listing.complete:
            parts.append(Content.assemble((total, "bold"), (" found so far", "$muted")))
        elif self._text and live.mirror is not None:
            every = f" match, of {len(live.mirror.every - live.mirror.marks['deleted']):,}"
            parts.append(Content.assemble((total, "bold"), (every, "$muted")))
        elif listing.total:
            parts.append(Content.assemble((total, "bold")))
        if self._looked:
            parts.append(Content.styled(f"{self._looked:.0%} looked through, esc stops", "$muted"))
        if live.mirror is None:
            parts.append(Content.styled(f"counting {self.app.loaded:.0%}", "$muted"))
        if self._wanted is not None and (unsearched := live.unsearched(self._wanted)):
            parts.append(Content.styled(f"{unsearched:,} not searchable yet", "$warning"))
        if number := len(self.table.selected):
            parts.append(Content.styled(f"✓ {number:,} selected", "bold $accent"))
        facets = None if self._wanted is None else live.facets(self._wanted)
        if facets is not None and not self.facets.display:
            parts.append(marks.status_counts({str(status): count for status, count in facets["status"].items()}))
        self._say_counted(Content("   ").join(parts))

    def _say_counted(self, said: Content) -> None:
        """Other figures of about the same length do not arrange the screen anew."""
        width = -(-said.cell_length // FIGURES) * FIGURES + 2
        if self._counted_width != width:
            self._counted_width = self.counted.styles.width = width
        self.counted.update(said, layout=False)

    # What others do

    def _changed(self, ids: BitMap) -> None:
        """Conversations changed: their rows are read anew, and stand where they belong now."""
        if not self.ready:
            return
        if self._fields is not self._shown_fields:
            self._show_columns()
            self._learn()
        self.table.forget(ids)
        if self._wanted is not None:
            self.find()
        current = self.table.current_id
        if current is not None and current in ids:
            self.row_changed()

    def row_changed(self) -> None:
        """The row under the cursor changed."""

    def _age(self) -> None:
        if self.is_current:
            self.table.redraw()

    def _outage_changed(self, outage: TraintuiError | None) -> None:
        if outage is not None:
            self._say(("! offline ", "bold $error"), text.shown(outage.message, single_line=True, limit=90))
            if self._listing is None:
                self.notice.fail(outage, "It is tried again by itself.")
        elif self.ready:
            self._say(("● ", "$success"), ("the workspace answers again", "$muted"))

    @on(WindowedTable.FetchFailed)
    def _fetch_failed(self, event: WindowedTable.FetchFailed) -> None:
        self.work_failed("rows", event.error)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Reading that fails is answered where the rows would be, or below them."""
        answer = self.app.answer(error)
        if name == "find":
            self._looked = None
        if name == "find" and self._listing is None:
            self.notice.fail(answer, "r reads again.")
        elif name in {"find", "rows", "preview"}:
            self._say(("! ", "$error"), text.shown(f"{answer.title}. {answer.message}", single_line=True, limit=120))
        else:
            self.app.tell(answer)

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        self.said.update(Content.assemble(*parts), layout=False)
