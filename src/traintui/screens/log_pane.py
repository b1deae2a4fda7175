"""A log as it is listed in Audit: the filter, the rows that match, all of one, and what they add up to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from traintui import clock, text
from traintui.data.listing import NEWEST
from traintui.history import History
from traintui.screens.log_leading import LeadingPane
from traintui.widgets.columns import Column
from traintui.widgets.detail_view import DetailView
from traintui.widgets.filter_field import Offer
from traintui.widgets.filter_line import FilterLine
from traintui.widgets.log_table import LogTable
from traintui.widgets.notice import Notice
from traintui.widgets.windowed_table import WindowedTable

if TYPE_CHECKING:
    from traintui.data.filters import Filter
    from traintui.data.listing import Order
    from traintui.data.log_listing import Found, LogListing
    from traintui.data.log_news import Look

RowT = TypeVar("RowT")

TYPING = 0.05
"""Seconds that a filter waits for the next letter."""
REST = 0.08
"""Seconds that the cursor rests on a row before all of it is read."""
AGAIN = 20.0
"""Times as long as it took is waited before news are looked for again."""


class LogPane(LeadingPane[RowT], Generic[RowT]):
    """The rows of one log. A subclass says what a row looks like, how it is read, and what is known of it."""

    EXAMPLE: ClassVar[str]
    """A filter, as an example."""
    EMPTY: ClassVar[tuple[str, str, str]]
    """What stands where the log has no rows."""

    detail = getters.query_one(DetailView)
    notice = getters.query_one(Notice)
    counted = getters.query_one(".counted", Static)

    def __init__(self) -> None:
        super().__init__()
        self._looked: float | None = None
        """The share of the log that a search has looked at; None while none is under way."""
        self._listed: Filter | None = None
        """The filter whose rows are here."""
        self._look: Look | None = None
        """The look that news are told from."""
        self._rests_until = 0.0
        self._rest: Timer | None = None

    def compose(self) -> ComposeResult:
        """Filter, rows and detail, and how many there are."""
        yield FilterLine(self.EXAMPLE, History())
        yield from self.compose_figures()
        with Horizontal(classes="parts"):
            with Container(classes="rows"):
                yield LogTable[RowT](self.columns(), self._fetch)
                yield Notice("loading", "Opening the workspace")
            yield from self.compose_detail()
        yield Static(classes="counted")

    def compose_detail(self) -> ComposeResult:
        """All of one row."""
        yield DetailView()

    def compose_figures(self) -> ComposeResult:
        """What is to be looked at above the rows."""
        yield from ()

    # What a subclass says

    def columns(self) -> Sequence[Column[RowT]]:
        """The columns of the table."""
        raise NotImplementedError

    async def read_rows(self, ids: Sequence[int]) -> Mapping[int, RowT]:
        """Rows by their ids."""
        raise NotImplementedError

    def show_row(self, row: RowT) -> Callable[[], None] | None:
        """Shows what is known of a row; what reads more of it, once the cursor rests there."""
        raise NotImplementedError

    def is_open(self, row: RowT) -> bool:
        """Whether a row may still change."""
        return False

    # State

    @property
    def table(self) -> LogTable[RowT]:
        """The rows."""
        return self.query_one(LogTable)

    @property
    def is_shown(self) -> bool:
        """Whether somebody sees it."""
        return self.display and self.app.screen is self.screen

    def shown(self) -> None:
        """Reads what it has not read, or what is new."""
        if self.wanted is None:
            self.notice.say("loading", "Reading")
            self.read(self._learn, name="learn")
            self.apply(self.filter_text, top=True)
        else:
            self.look()

    def left(self) -> None:
        """What nobody sees is not read on."""
        if self._rest is not None:
            self._rest.stop()

    def enter(self) -> None:
        """Back to the rows."""
        self.set_class(False, "-detail")
        self.table.focus()
        self.screen.refresh_bindings()

    async def _learn(self) -> None:
        from traintui.data import log_values

        log = self.source
        fields = await log_values.with_values(self.db, log)
        self.filter_line.learn(Offer(fields, language=log.language))

    def on_key(self) -> None:
        """What was said of a file that is written stands until the next key."""
        self.saved_was_read()

    # The filter

    def visit(self, filter_text: str) -> None:
        """Shows what a filter names, asked for elsewhere."""
        self.filter_text = filter_text
        if self.app.workspace is not None:
            self.apply(filter_text, top=True)
        self.enter()

    def apply(self, filter_text: str, *, top: bool = False, typing: bool = False) -> bool:
        """Shows what a filter names. Whether it can be read; else the rows stay, and the mistake is answered."""
        from traintui.data.filters import FilterError

        try:
            wanted = self.source.read(filter_text)
        except FilterError as error:
            self.filter_line.fail(error.message, error.remedy, error.start, error.end, typing=typing)
            return False
        if typing:
            self.filter_line.understood()
        else:
            self.filter_line.applied(filter_text)
        self.filter_text = filter_text.strip()
        self.wanted = wanted
        self.find(top=top, pause=TYPING if typing else 0.0)
        return True

    @property
    def leads_back(self) -> bool:
        """From a detail that has the room, a file that is written, a search, or a filter."""
        return self.has_class("-detail") or self.is_saving or self._looked is not None or bool(self.filter_text)

    def back(self) -> None:
        """Leaves the detail, ends a search, or takes the filter away."""
        if self.is_saving:
            self.stop_saving()
        elif self.has_class("-detail"):
            self.enter()
        elif self._looked is not None:
            self.stop_reading("find")
            self._looked = None
            self.say_counts()
        elif self.filter_text:
            self.apply("", top=True)
        else:
            self.enter()

    # Finding

    def find(self, *, top: bool = False, pause: float = 0.0) -> None:
        """Finds the rows of the filter, in their order; those that are here stay until then."""
        self._looked = 0.0
        self.stop_reading("news")  # it would put news of this filter into rows of the one before
        self.read(partial(self._read_listing, top, pause), name="find")

    async def _read_listing(self, top: bool, pause: float) -> None:
        from traintui.data import log_news
        from traintui.data.log_listing import aside

        wanted, order = self.wanted, self.order
        if wanted is None:
            return
        await asyncio.sleep(pause)
        began, here = clock.ticks(), None if top or self._listed is not wanted else self.listing
        # Before the rows are read: what ends meanwhile is news.
        self._look = await aside(log_news.look_at(self.db, self.source, wanted, order))
        async with aclosing(self.found(wanted, order)) as steps:
            async for found in steps:
                if self.wanted is not wanted:
                    return
                self._looked = None if found.listing.complete else found.looked or 0.0
                if here is not None and not found.listing.complete and found.listing.total < here.total:
                    continue  # read anew: who is far down in what is here stays there until all of it is
                if found.order != self.shown_order:
                    self.mark_order(found.order)
                self._listed = wanted
                self._show(found.listing, top=top and found.listing.total > 0)
                top = top and not found.listing.total
        self._looked = None
        if self.shown_order != NEWEST:  # news would sort all of them again
            self._rests_until = clock.ticks() + AGAIN * (clock.ticks() - began)
        self.say_counts()
        self.screen.refresh_bindings()
        self.all_found(wanted)

    def found(self, wanted: Filter, order: Order) -> AsyncGenerator[Found]:
        """What matches, in an order, as it is found."""
        from traintui.data.log_sorting import find_in_order

        return find_in_order(self.db, self.source, wanted, order)

    def all_found(self, wanted: Filter) -> None:
        """All rows of the filter are known, or as far as somebody wanted."""

    def look(self) -> None:
        """Looks for what is new, less often where that takes long."""
        busy = self.reading_now("find") or self.reading_now("news")
        if self.wanted is not None and not busy and clock.ticks() >= self._rests_until:
            self.read(self._read_news, name="news")

    def look_again(self) -> None:
        """Reads everything anew."""
        self.table.forget_all()
        self.read(self._learn, name="learn")
        if self.wanted is None:
            self.shown()
        else:
            self.find()

    async def _read_news(self) -> None:
        from traintui.data import log_news

        wanted, listing, look = self.wanted, self.listing, self._look
        self.table.forget(self._open_ids())
        if wanted is None or listing is None or look is None:
            self.find()
            return
        began = clock.ticks()
        news = await log_news.news(self.db, self.source, wanted, listing, look, self.shown_order)
        self._rests_until = clock.ticks() + AGAIN * (clock.ticks() - began)
        if self.wanted is not wanted or self.listing is not listing:
            return
        self._look = news.look
        if news.listing is None:
            self.find()
            return
        if news.listing is not listing:
            self._show(news.listing)
        if news.changed:
            self.all_found(wanted)

    def _open_ids(self) -> list[int]:
        """The rows in view that may have changed."""
        return [id for id, row in self.table.rows_in_view() if self.is_open(row)]

    async def _fetch(self, ids: Sequence[int]) -> Mapping[int, RowT]:
        return await self.read_rows(ids)

    # Showing

    def _show(self, listing: LogListing, *, top: bool = False) -> None:
        self.listing = listing
        self.table.show(listing, top=top)
        self.screen.refresh_bindings()
        nothing = not listing.total
        self.notice.display = nothing
        if nothing and not listing.complete:
            self.notice.say("loading", "Looking through the log")
        elif nothing and self.filter_text:
            self._say_nothing_matches("")
            self.read(partial(self._look_for_slips, self.wanted), name="slips")
        elif nothing:
            self.notice.say("empty", *self.EMPTY)
        if nothing:
            self.detail.show((), key=None)
        self.say_counts()

    def _say_nothing_matches(self, slip: str) -> None:
        ways = "/ changes the filter\nesc shows all again"
        said = f"{self.filter_text}\n{slip}" if slip else self.filter_text
        self.notice.say("empty", "Nothing matches this filter", said, ways)

    async def _look_for_slips(self, wanted: Filter | None) -> None:
        """Says which name a filter that matches nothing may have meant."""
        from traintui.data import log_values

        slips = [] if wanted is None else await log_values.unknown(self.db, self.source, wanted)
        if slips and wanted is self.wanted and self.listing is not None and not self.listing.total:
            self._say_nothing_matches(" ".join(slips))

    def say_counts(self) -> None:
        """How many match, here and beside the name of the tab."""
        listing = self.listing
        if listing is None:
            return
        number = text.count(listing.total)
        said = number if listing.complete else f"more than {number}" if listing.total else "…"
        self.remark(said)
        parts = [
            Content.assemble(
                (said, "bold"), (" match" if self.filter_text else f" {self.noun(listing.total)}", "$muted")
            )
        ]
        if self._looked:
            parts.append(Content.styled(f"{self._looked:.0%} looked through, esc stops", "$muted"))
        elif self._looked is not None and self.shown_order != NEWEST and not listing.complete:
            parts.append(Content.styled("◌ sorting all of them, esc stops", "$muted"))
        parts += [Content.styled(said, "$warning") for said in self.order_said()]
        if self.saved:
            parts.append(Content.styled(self.saved, "$accent"))
        self.counted.update(Content("   ").join([*parts, *self.sums()]), layout=False)

    def sums(self) -> Sequence[Content]:
        """What else is said of all that match."""
        return ()

    def work_failed(self, name: str, error: BaseException) -> None:
        """Reading that fails is answered where the rows would be; beside rows that are there, below them."""
        answer = self.app.answer(error)
        if name == "find":
            self._looked = None
        if name in {"find", "news"} and (self.listing is None or not self.listing.total):
            self.notice.display = True
            self.notice.fail(answer, "r reads again.")
        elif name in {"find", "news", "rows", "learn", "sums"}:
            said = text.shown(f"{answer.title}. {answer.message}", single_line=True, limit=120)
            self.counted.update(Content.assemble(("! ", "$error"), said, ("  r reads again", "$muted")), layout=False)
        else:
            self.app.tell(answer)

    # The row

    @on(WindowedTable.Moved)
    def _moved(self, event: WindowedTable.Moved[RowT]) -> None:
        self.screen.refresh_bindings()
        if self._rest is not None:
            self._rest.stop()
        if event.row is None:
            return
        later = self.show_row(event.row)
        if later is not None:
            self._rest = self.set_timer(REST, later)

    @on(WindowedTable.Opened)
    def _opened(self) -> None:
        self.set_class(True, "-detail")
        self.detail.focus()
        self.screen.refresh_bindings()
