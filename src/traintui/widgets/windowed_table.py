"""A table of any length: it knows ids by rank, and reads only the rows that are in view."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.worker import Worker

from traintui import text
from traintui.widgets.columns import Column
from traintui.widgets.listing_table import ListingTable
from traintui.widgets.row_store import Fetch, Listing, RowStore

__all__ = ["Column", "Fetch", "Listing", "WindowedTable"]

RowT = TypeVar("RowT")
SomeRow = TypeVar("SomeRow")

HOLD = 0.15
"""Seconds for which the lines that are drawn stay until the rows that are to come are here."""
TOGETHER = 0.02
"""Seconds for which what stands beside the rows waits for them, so that both are painted at once."""
REST = 0.04
"""Seconds between what is in view and the page that is read ahead: the lines are drawn first."""
DRAWN_AT_ONCE = 4
"""Lines that are drawn ahead before somebody else has a turn."""
READING = "read:rows"
"""The group of the worker that reads rows."""


class WindowedTable(ListingTable[RowT], Generic[RowT]):
    """Rows of a `Listing`, read by `fetch` when they come into view. Cursor and selection go by id.

    One read is under way at a time, always for what is in view when it begins, then for a page ahead in the direction
    of travel. Until the rows of a view are here the lines drawn before stay, for `HOLD` seconds; then signs stand for
    those that are missing. What is not drawn yet is never `current`.
    """

    @dataclass
    class Moved(ListingTable.Moved[SomeRow]):
        """The cursor is on another row, or the row under it is another; None while there is none, or it is not here."""

    @dataclass
    class Opened(ListingTable.Opened[SomeRow]):
        """Somebody asked for a row: `enter`, or a second click on it."""

    @dataclass
    class FetchFailed(Message):
        """Rows could not be read. They are asked for again as soon as something moves."""

        table: WindowedTable[Any]
        error: Exception

        @property
        def control(self) -> WindowedTable[Any]:
            """The table."""
            return self.table

    def __init__(self, columns: Sequence[Column[RowT]], fetch: Fetch[RowT], *, id: str | None = None) -> None:
        super().__init__(columns, id=id)
        self._fetch = fetch
        self._store: RowStore[RowT] = RowStore()
        self._showing = self._reading = False
        self._needed = asyncio.Event()
        """Set when something in view is wanted: whoever rests before reading ahead goes on at once."""
        self._moves = 0
        """Counts what moved, so that a read that failed is tried again when something moved meanwhile."""
        self._travel = self._rows_shown = 1
        self._painted: dict[int, Strip] = {}
        self._painted_id: int | None = None
        self._held: dict[int, Strip] | None = None
        self._patience: Timer | None = None
        self._to_draw: Callable[[], None] | None = None
        self._late = False
        self._said: RowT | None = None

    # Rows

    @property
    def rows(self) -> tuple[RowT, ...]:
        """The rows in view that are here, in order."""
        found = (self._store.get(one) for one in self._in_view())
        return tuple(row for row in found if row is not None)

    def rows_in_view(self) -> tuple[tuple[int, RowT], ...]:
        """The rows in view that are here, with their ids."""
        return tuple((one, row) for one in self._in_view() if (row := self._store.get(one)) is not None)

    def row_at(self, rank: int) -> RowT | None:
        """The row of a rank; None while it is not here, or when it is gone."""
        return self._store.get(self.id_at(rank))

    def name_at(self, rank: int) -> Hashable:
        """A line is kept under the id of its row."""
        id = self.id_at(rank)
        return id if self._store.get(id) is not None else None

    @property
    def current(self) -> RowT | None:
        """The row under the cursor; None when there is none, or when another is still drawn there."""
        id = self.current_id
        return self._store.get(id) if self._held is None or id == self._painted_id else None

    def show(self, listing: Listing, *, top: bool = False) -> None:
        """Shows another listing. The cursor stays on its id and its line, or keeps its place where the id is gone.

        `top` puts the cursor on top, where it is until somebody moves it.
        """
        self._stays = self._stays and not top
        top = not self._stays
        first, place, followed = self.scroll_offset.y, self.cursor, self.current_id
        in_view = first <= place < first + self._page
        kept = followed if in_view else self.id_at(first)
        self._list(listing)
        self._store.look_again()
        ranks = [None if id is None or top else listing.rank(id) for id in (followed, kept)]
        to = 0 if top else ranks[0] if ranks[0] is not None else min(place, max(0, listing.total - 1))
        if in_view:
            first += to - place
        elif ranks[1] is not None:
            first = ranks[1]
        self._showing = True
        if self.virtual_size.height != listing.total + 1:
            self._measure()
        self._scroll_to_rank(0 if top else first)
        self.set_reactive(WindowedTable.cursor, to)
        if top or in_view:
            self._keep_in_view()
        self._showing = False
        self._moves += 1
        self._view_changed()

    def forget(self, ids: Iterable[int]) -> None:
        """These rows changed: they are read anew. What is drawn of them stays, and is `current`, until then."""
        drawn = {one for one in (*self._in_view(), self.current_id) if one is not None}
        self._store.forget(set(ids), drawn)
        self._moves += 1
        self._look()

    def forget_all(self) -> None:
        """Every row is read anew when it is needed."""
        self.forget(self._store.ids)

    # Reading

    def _in_view(self) -> list[int]:
        first = self.scroll_offset.y
        return self._between(first, first + self._page)

    def _between(self, start: int, end: int) -> list[int]:
        ids = (self.id_at(rank) for rank in range(max(0, start), min(end, self.total)))
        return [one for one in ids if one is not None]

    def _ahead(self) -> list[int]:
        """A page further in the direction of travel, the nearest first."""
        first, page = self.scroll_offset.y, self._page
        if self._travel > 0:
            return self._between(first + page, first + 2 * page)
        return self._between(first - page, first)[::-1]

    def _wanted(self) -> list[int]:
        current = self.current_id
        wanted = self._store.wanted([*self._in_view(), *([current] if current is not None else [])])
        if wanted:
            return list(dict.fromkeys(wanted))
        ahead = self._ahead()
        # Half a page in hand is enough: else each line that is scrolled would be a read of its own.
        return self._store.wanted(ahead) if self._store.wanted(ahead[: max(1, self._page // 2)]) else []

    def _look(self) -> None:
        if self._store.wanted(self._in_view()):
            self._needed.set()
        if not self._reading and self.size.height and self.is_attached and self._wanted():
            self._reading = True
            _: Worker[None] = self.run_worker(self._read, name="rows", group=READING, exit_on_error=False)

    async def _read(self) -> None:
        try:
            while wanted := self._wanted():
                if not self._store.wanted(self._in_view()):
                    self._needed.clear()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._needed.wait(), REST)
                    wanted = self._wanted() or wanted
                listing, moves = self._listing, self._moves
                self._store.ask(wanted)
                try:
                    found = await self._fetch(wanted)
                except Exception as error:
                    self._store.fail()
                    self.post_message(self.FetchFailed(self, error))
                    if moves == self._moves:
                        return
                    continue
                keep = set(wanted)
                if listing is not self._listing:
                    keep &= {*self._in_view(), *self._ahead(), *([] if (id := self.current_id) is None else [id])}
                self._arrived(self._store.take(found, keep))
                await self._draw_ahead()
        finally:
            self._reading = False

    async def _draw_ahead(self) -> None:
        """Draws what comes next while nobody waits for it, a few lines at a time so that keys come in between."""
        first, page = self.scroll_offset.y, self._page
        start = first + page if self._travel > 0 else first - page
        for rank in range(max(0, start), min(start + page, self.total)):
            if self.row_at(rank) is not None:
                self._body(rank)
            if rank % DRAWN_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _arrived(self, ids: set[int]) -> None:
        for id in ids:
            self._drop(id)
        if self._held is not None:
            self._view_changed()
            return
        lines = [rank for rank, id in enumerate(self._in_view(), self.scroll_offset.y) if id in ids]
        if len(lines) > self._page // 2:
            self.refresh()
        else:
            for rank in lines:
                self._draw_again(rank)
        self._late = self._late and not self._here()
        self._say_moved()

    # Drawing

    def _here(self) -> bool:
        """Whether all rows of the view can be drawn."""
        return all(self._store.settled(one) for one in self._in_view())

    def _view_changed(self) -> None:
        """Other rows are in view: draws them, or holds the lines that are drawn until the rows are here."""
        if self._here():
            self._release(late=False)
        elif self._held is None:
            if self._late or not self._painted:
                self._draw_all()
            else:
                self._held = dict(self._painted)
                self._patience = self.set_timer(HOLD, self._give_up)
        self._look()
        self._say_moved()

    def _give_up(self) -> None:
        self._release(late=True)
        self._say_moved()

    def _release(self, *, late: bool) -> None:
        if self._patience is not None:
            self._patience.stop()
        self._held = self._patience = None
        self._late = late
        self._draw_all()
        self._draw_beside()

    def draw_beside(self, draw: Callable[[], None]) -> None:
        """Calls `draw` when the rows of the view are drawn, or are late: what belongs to them is painted with them.

        Of several that wait only the last one is called.
        """
        self._to_draw = draw
        if self._held is None:
            self._draw_beside()
        else:
            self.set_timer(TOGETHER, self._draw_beside)

    def _draw_beside(self) -> None:
        draw, self._to_draw = self._to_draw, None
        if draw is not None:
            draw()

    def _fit_scrollbars(self) -> None:
        """Scrollbars follow together with the lines: by themselves they would be a painting of their own."""
        if not self._showing:
            super()._fit_scrollbars()

    def _draw_all(self) -> None:
        self._fit_scrollbars()
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = self.scroll_y
        self.refresh()

    def _draw_again(self, rank: int) -> None:
        if self._held is None:
            super()._draw_again(rank)

    def render_line(self, y: int) -> Strip:
        """A line of the view; while rows are awaited the line that was drawn there."""
        if self._held is not None and y in self._held:
            return self._held[y]
        strip = super().render_line(y)
        if y and self._held is None:
            self._painted[y] = strip
            rank = self.scroll_offset.y + y - 1
            if rank == self.cursor:
                self._painted_id = self.id_at(rank)
        return strip

    def _absent(self, rank: int) -> Content:
        return Content.styled(text.NOTHING if self._store.gone(self.id_at(rank)) else "·", "$faint")

    def _say_moved(self) -> None:
        current = self.current
        if current is not self._said:
            self._said = current
            self.post_message(self.Moved(self, current))

    def _cursor_moved(self) -> None:
        self._moves += 1
        self._look()
        self._say_moved()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Lines and scrollbar follow when the rows can be drawn: one painting instead of two."""
        if round(old_value) != round(new_value) and not self._showing:
            self._travel = 1 if new_value > old_value else -1
            self._moves += 1
            self._view_changed()

    def _resized(self) -> None:
        first = self.scroll_offset.y
        in_view = first <= self.cursor < first + self._rows_shown
        self._rows_shown = self._page
        self._painted.clear()
        self.redraw()
        self._measure()
        if in_view:
            self._keep_in_view()
        self._release(late=not self._here())
        self._look()

    def _draw_lines_again(self) -> None:
        """What was held has other columns or colours."""
        if self._held is not None:
            self._release(late=True)
        super()._draw_lines_again()

    def _row_clicked(self, rank: int, event: Click) -> None:
        if self._held is None:  # what is drawn there is another row
            super()._row_clicked(rank, event)
