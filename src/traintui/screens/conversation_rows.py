"""The rows of Conversations: found as one types, counted, sorted, and kept up to date with what others do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from pyroaring import BitMap
from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.events import ScreenResume
from textual.timer import Timer
from textual.widgets import Static

from traintui import text
from traintui.data.records import ConversationRow
from traintui.history import History, history_path
from traintui.screens.conversation_figures import TYPING, ConversationFigures
from traintui.screens.holders import LOOK, Holders
from traintui.table_layout import TableLayout, layout_path, read_layout, write_layout
from traintui.widgets.conversation_columns import USUAL, chosen, columns_of
from traintui.widgets.facet_panel import FacetPanel
from traintui.widgets.facts import FactsPanel
from traintui.widgets.filter_line import FilterLine
from traintui.widgets.notice import Notice
from traintui.widgets.windowed_table import WindowedTable

if TYPE_CHECKING:
    from traintui.data.fields import Field
    from traintui.data.first_rows import Finding
    from traintui.data.listing import Listing, Order
    from traintui.data.snippets import Snippet

AGES = 15.0
"""Seconds after which the ages are written anew."""
SEARCH_AGAIN = 3.0
"""Seconds after which a search looks again at what could not be searched before."""

EXAMPLE = 'status:generated score<7 -tone:formal "roth ira"'


class ConversationRows(ConversationFigures):
    """The rows that a filter names, in an order."""

    AUTO_FOCUS = "WindowedTable"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-medium"), (120, "-wide"), (150, "-huge")]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.holders = Holders()
        self._order: Order | None = None
        self._searching: Timer | None = None
        self._layout_path = layout_path()
        self._layout = read_layout(self._layout_path)
        self._snippets: dict[int, Snippet] = {}
        self._words: list[str] = []
        """The words whose places the rows show: one text of the filter, or none."""
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
        self.set_interval(LOOK, self._look_who)
        self.watch(self.app, "labels", lambda _: self._learn(), init=False)
        self.watch(self.app, "live", lambda _: self._live_opened(), init=False)
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
        self.apply(self.filter_text, top=True)

    def _live_opened(self) -> None:
        self._learn()
        self.find(top=True)

    def on_progress(self, step: str) -> None:
        """Says how the opening goes."""
        self.notice.say("loading", step)

    @on(ScreenResume)
    def _resumed(self) -> None:
        if self.ready:
            self._count()  # what changed meanwhile was taken over, and not counted
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
        if not typing:
            self.filter_line.applied(filter_text)
        self.filter_text = self.app.filter_text = filter_text.strip()
        self._wanted = wanted
        if self._asked != wanted.text:
            self._forget_server()
        self._seek()
        self.find(top=top, typing=typing)
        return True

    def _seek(self) -> None:
        """Where other words are looked for, the rows that are here are read anew, with how the words stand in them."""
        from traintui.data.filter_beside import Text

        written = self._wanted.written if self._wanted else ()
        words = [part.words for term in written if not term.negated for part in term.parts if isinstance(part, Text)]
        if words[:1] != self._words:
            self._words = words[:1]
            self._snippets.clear()
            self.table.forget_all()

    def find(self, *, top: bool = False, typing: bool = False) -> None:
        """Finds the rows of the filter: from memory at once, else with the server, first rows first."""
        if self._wanted is None or self.app.live is None:
            return
        listing = self.app.live.listing(self._wanted, self.order)
        if listing is None:
            self._understood()  # not with the rows, which may take a while
            self._looked = 0.0
            self.read(partial(self._find, top, TYPING if typing else 0.0), name="find")
            if self.app.live.mirror is None:
                self._count()  # the first rows of a rare value may take longer than the server takes to count
                self._say_counts()
            return
        self.stop_finding()
        self._show(listing, top=top)

    def stop_finding(self) -> None:
        """Ends a search that is under way."""
        self._looked = None
        self._stop("find")

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

    def _until_then(self) -> str:
        from traintui.data.first_rows import is_served

        field = self.order.field
        return "" if field is None or is_served(self.order) else f", newest first until then, not by {field.label}"

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
        made = columns_of(self._fields, lambda: self.app.labels, self._opening, self.holders.name_of)
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
        from traintui.data.snippets import snippets

        keys = [name.removeprefix(META) for name in self._fields if name.startswith(META)]
        rows = await conversations.rows(self.db, ids, keys)
        for words in self._words:
            found = await snippets(self.db, ids, words)
            if [words] == self._words:
                self._snippets |= found
        return rows

    # Showing

    def _is_answered(self) -> bool:
        """Whether the copy can count all of the filter; its rows may be known before that."""
        live, wanted = self.app.live, self._wanted
        return live is not None and live.mirror is not None and wanted is not None and not live.missing(wanted)

    def _show(self, listing: Listing, *, top: bool = False) -> None:
        self._listing = listing
        if self._is_answered():
            self._forget_server()
        self.table.show(listing, top=top)
        nothing = listing.total == 0 and (listing.complete or self._looked is None)
        self._show_notice(nothing)
        if nothing:
            self._say_empty()
        self.call_later(self._count_meanwhile)

    # What others do

    def _changed(self, ids: BitMap) -> None:
        """Conversations changed: their rows are read anew, and stand where they belong now."""
        if not self.ready:
            return
        if self._fields is not self._shown_fields:
            self._keep_order()
            self._show_columns()
            self._learn()
        self.table.forget(ids)
        if self._wanted is not None:
            self.find()
        current = self.table.current_id
        if current is not None and current in ids:
            self.row_changed()

    def _keep_order(self) -> None:
        """Sorts by what the fields are now: the key that rows were sorted by may have lost its column."""
        from traintui.data.listing import order_of

        before = self.order
        self._order = order_of(before.text, self._fields)
        if before.field is not None and self._order.field is None:
            self.app.say(f"{before.field.label} cannot be sorted by any more: the newest come first.", bad=False)

    def row_changed(self) -> None:
        """The row under the cursor changed."""

    def _look_who(self) -> None:
        if self.ready and self.is_current and self.app.outage is None and not self.reading_now("holders"):
            self.read(self._read_who, name="holders")

    async def _read_who(self) -> None:
        if await self.holders.look(self.db):
            self.table.redraw()

    def _age(self) -> None:
        if self.is_current:
            self.table.redraw()

    def work_failed(self, name: str, error: BaseException) -> None:
        """Reading that fails is answered where the rows would be, or below them."""
        answer = self.app.answer(error)
        if name == "find":
            self._looked = None
        if name == "find" and self._listing is None:
            self.notice.fail(answer, "r reads again.")
        elif name in {"find", "rows", "preview", "holders"}:
            self._say(("! ", "$error"), text.shown(f"{answer.title}. {answer.message}", single_line=True, limit=120))
        else:
            self.app.tell(answer)
