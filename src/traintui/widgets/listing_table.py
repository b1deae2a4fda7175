"""A table over a listing of ids: which rows there are, which are selected, and how one goes far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from pyroaring import BitMap
from textual.binding import BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.scrollbar import ScrollDown, ScrollTo, ScrollUp

from traintui import commands
from traintui.widgets.columns import Column
from traintui.widgets.row_selection import RowSelection
from traintui.widgets.row_store import Listing, Nothing
from traintui.widgets.tick import TICKED
from traintui.widgets.wide_table import WideTable

RowT = TypeVar("RowT")


class ListingTable(WideTable[RowT], Generic[RowT]):
    """Ids by rank. The selection goes by id: it survives another order and another filter."""

    DEFAULT_CSS = """
    ListingTable {
        & > .table--selected { background: $accent 9%; }
    }
    """
    COMPONENT_CLASSES = {"table--selected"}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("listing")

    @dataclass
    class SelectionChanged(Message):
        """Other rows are selected; how many there are now."""

        table: ListingTable[Any]
        count: int

        @property
        def control(self) -> ListingTable[Any]:
            """The table."""
            return self.table

    @dataclass
    class JumpRequested(Message):
        """Somebody wants to go to a share of the rows, which is still to be asked for."""

        table: ListingTable[Any]

        @property
        def control(self) -> ListingTable[Any]:
            """The table."""
            return self.table

    def __init__(self, columns: Sequence[Column[RowT]], *, id: str | None = None) -> None:
        super().__init__(columns, id=id)
        self._selection = RowSelection()
        self._extending = False
        self._list(Nothing())

    def _list(self, listing: Listing) -> None:
        self._listing = listing
        self._first = 0
        self._ids: Sequence[int] = ()
        self._cursor_id: tuple[int, int | None] | None = None

    # Rows

    @property
    def listing(self) -> Listing:
        """Which rows are shown."""
        return self._listing

    @property
    def total(self) -> int:
        """How many rows are known to be in the listing."""
        return self._listing.total

    def id_at(self, rank: int) -> int | None:
        """The id of a rank; None beyond the end."""
        if not self._first <= rank < self._first + len(self._ids):
            if not 0 <= rank < self.total:
                return None
            self._first = max(0, rank - 2 * self._page)
            self._ids = self._listing.ids(self._first, 5 * self._page)
        index = rank - self._first
        return self._ids[index] if index < len(self._ids) else None

    @property
    def current_id(self) -> int | None:
        """The id under the cursor, whether or not its row is here."""
        rank = self.cursor
        if self._first <= rank < self._first + len(self._ids):
            return self._ids[rank - self._first]
        if self._cursor_id is None or self._cursor_id[0] != rank:  # out of view: the ids of the view stay
            self._cursor_id = (rank, next(iter(self._listing.ids(rank, 1)), None) if rank < self.total else None)
        return self._cursor_id[1]

    # Selecting

    @property
    def selected(self) -> BitMap:
        """The ids that are selected, also those that the listing does not show; a copy."""
        return self._selection.ids.copy()

    def select(self, ids: BitMap) -> None:
        """Selects these and no others."""
        self._selection.replace(ids)
        self._selected()

    def clear_selection(self) -> None:
        """Selects nothing."""
        self.select(BitMap())

    def _selected(self) -> None:
        self.refresh()
        self.post_message(self.SelectionChanged(self, len(self._selection.ids)))

    def _toggle(self) -> None:
        id = self.current_id
        if id is not None and self.current is not None:
            self._selection.toggle(id)
            self._selected()

    def action_select(self) -> None:
        """Selects the row under the cursor, or no longer, and goes on to the next."""
        if self.current is not None:
            self.stay()
            self._toggle()
            self.cursor += 1

    def action_extend(self, rows: int) -> None:
        """Moves the cursor and selects what it passes; back over them, they are selected no longer."""
        self._extend_to(self.cursor + rows)

    def _extend_to(self, rank: int) -> None:
        if not self.total:
            return
        start = self.cursor
        self.stay()
        self._extending = True
        self.cursor = rank
        self._extending = False
        self._selection.extend(self._listing, start, self.cursor)
        self._selected()

    def watch_cursor(self, old: int, new: int) -> None:
        """A move of its own ends the range that was being drawn."""
        if not self._extending:
            self._selection.settle()
        super().watch_cursor(old, new)

    def _marked(self, rank: int) -> bool:
        id = self.id_at(rank) if self._selection.ids else None
        return id is not None and id in self._selection.ids

    def _background(self, rank: int, on_cursor: bool) -> str:
        return super()._background(rank, on_cursor) or ("table--selected" if self._marked(rank) else "")

    def _edge(self, rank: int, on_cursor: bool) -> list[Content]:
        mark = Content.styled(TICKED, "bold $accent") if self._marked(rank) else Content(" ")
        return [*super()._edge(rank, on_cursor), mark, Content(" ")]

    def _row_clicked(self, rank: int, event: Click) -> None:
        """Puts the cursor there, and opens the row the second time; `ctrl` selects it, `shift` all up to it."""
        if event.shift:
            self._extend_to(rank)
        elif event.ctrl:
            self.stay()
            self.cursor = rank
            self._toggle()
        else:
            super()._row_clicked(rank, event)

    # Going far

    def jump(self, place: int | float) -> None:
        """Puts the cursor far away, in the middle of the view. A whole number is a rank, another a share of 0 to 1."""
        rank = self.validate_cursor(round(place * (self.total - 1)) if isinstance(place, float) else place)
        self.stay()
        if not self.scroll_offset.y <= rank < self.scroll_offset.y + self._page:
            self._scroll_to_rank(rank - self._page // 2)
        self.cursor = rank

    def action_jump(self) -> None:
        """Asks where to go."""
        self.post_message(self.JumpRequested(self))

    def on_scroll_to(self, message: ScrollTo) -> None:
        """The scrollbar was dragged. Its mark is never smaller than a cell, so that the end of a long listing would be
        out of reach if a cell meant the same share of the rows as in a short one."""
        if message.y is not None:
            message.prevent_default().stop()
            bar = self.vertical_scrollbar
            cells, rows = self.size.height, self.virtual_size.height
            mark = max(1.0, cells * cells / max(1, rows))
            share = (message.y - bar.grabbed_position) * cells / max(1, rows) / max(1.0, cells - mark)
            self.scroll_to(y=bar.grabbed_position + share * self.max_scroll_y, animate=False)

    def on_scroll_down(self, message: ScrollDown) -> None:
        """A click below the scrollbar's mark: a page, of which one line was seen before."""
        message.prevent_default().stop()
        self._scroll_to_rank(self.scroll_offset.y + self._page - 1)

    def on_scroll_up(self, message: ScrollUp) -> None:
        """A click above the scrollbar's mark."""
        message.prevent_default().stop()
        self._scroll_to_rank(self.scroll_offset.y - self._page + 1)
