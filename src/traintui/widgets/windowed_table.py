"""A table of any number of rows: it knows their order by ids, and reads only those that are visible.

A listing says which rows there are; `fetch` reads them. One fetch is under way at a time, always for what is visible
now: a held key or a dragged scrollbar never queues reads of what has gone by.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from pyroaring import BitMap
from textual.binding import BindingType
from textual.content import Content
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.worker import Worker, WorkerState

from traintui import commands
from traintui.widgets.line_table import GAP, Column, LineTable, RowT

KEPT_ROWS = 3_000
"""Rows that are kept once they were read: some twenty screens."""
PATIENCE = 0.15
"""Seconds that the old rows stay while the first of the new ones are read; then places are held for them."""
LEAST_OPEN = 14
"""Cells that a column without a width has at least; below, the table scrolls sideways."""
STEP = 12
"""Cells of a step sideways."""
PLACE_HELD = "·"


class Listing(Protocol):
    """Which rows there are, in order. All of it answers at once."""

    @property
    def total(self) -> int:
        """How many are known to be there."""

    @property
    def complete(self) -> bool:
        """Whether these are all."""

    def ids(self, start: int, count: int) -> Sequence[int]:
        """The ids at ranks `start` to `start + count - 1`, as far as there are any."""

    def rank(self, id: int) -> int | None:
        """Where one is, from 0; None when it is not there."""


class Nothing:
    """The listing before the first one."""

    total = 0
    complete = False

    def ids(self, start: int, count: int) -> Sequence[int]:
        """None."""
        return ()

    def rank(self, id: int) -> int | None:
        """None."""
        return None


class WindowedTable(LineTable[RowT], inherit_bindings=True):
    """Rows read as they come into view. The cursor and the selection are by id: they survive sorting, filtering and
    changes by others. `fetch` reads rows by id; one that is gone is missing in its answer."""

    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("rows")
    EDGE = 2

    @dataclass
    class SelectionChanged(Message):
        """Other rows are selected."""

        table: WindowedTable[object]
        number: int

    @dataclass
    class SortRequested(Message):
        """A heading was clicked."""

        name: str

    @dataclass
    class FetchFailed(Message):
        """Rows could not be read; the next move tries again."""

        error: BaseException

    def __init__(
        self,
        columns: Sequence[Column[RowT]],
        fetch: Callable[[Sequence[int]], Awaitable[Mapping[int, RowT]]],
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(columns, id=id)
        self._fetch = fetch
        self.listing: Listing = Nothing()
        self.selected = BitMap()
        self._anchor: int | None = None
        self._rows: OrderedDict[int, RowT] = OrderedDict()
        self._stale: set[int] = set()
        self._gone: set[int] = set()
        self._strips: dict[int, Strip] = {}
        self._visible: tuple[int, Sequence[int]] = (0, ())
        self._held: list[Strip] | None = None
        self._giving_up: Timer | None = None
        self._reading: Worker[None] | None = None
        self._direction = 1
        self._sorted: tuple[str, bool] = ("", False)

    # Rows

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self.listing.total

    @property
    def rows(self) -> tuple[RowT, ...]:
        """The rows that are visible and here, in order."""
        return tuple(self._rows[one] for one in self._visible[1] if one in self._rows)

    def id_at(self, index: int) -> int | None:
        """The id at a place."""
        first, ids = self._visible
        if 0 <= index - first < len(ids):
            return ids[index - first]
        found = self.listing.ids(index, 1) if 0 <= index < self.listing.total else ()
        return found[0] if found else None

    def row_at(self, index: int) -> RowT | None:
        """The row at a place; None when there is none, or it is not here yet."""
        one = self.id_at(index)
        return None if one is None else self._rows.get(one)

    @property
    def current_id(self) -> int | None:
        """The id under the cursor."""
        return self.id_at(self.cursor)

    def show(self, listing: Listing, *, top: bool = False) -> None:
        """Shows another listing. `top` puts the cursor on top, where it is until somebody moves it; from then on it
        follows its row and stays on its line, or keeps its place where that is gone."""
        before, line = self.current_id, self.cursor - self._top
        drawn = self._drawn() if self._held is None else self._held
        self._stays = self._stays and not top
        self.listing = listing
        self._gone.clear()
        place = min(self.cursor, max(0, listing.total - 1)) if self._stays else 0
        if self._stays and before is not None and (rank := listing.rank(before)) is not None:
            place = rank
        self.set_reactive(WindowedTable.cursor, place)
        first = (place - line if 0 <= line < self.page else self._top) if self._stays else 0
        first = max(0, min(first, listing.total - self.page), place - self.page + 1)
        self._look(min(first, place))
        if drawn and self._missing(self._visible[1]):
            self._hold(drawn)
        else:
            self._let_go()
            self._settle()
        self._ensure()
        if self.current_id != before:
            self.post_message(self.Moved(self, self.current))

    def _settle(self) -> None:
        """Brings the view to where the listing is looked at."""
        top = self._visible[0]
        self.virtual_size = Size(self.line_width, self.count + 1)
        self.scroll_to(y=top, animate=False, force=True)
        self.refresh()

    def forget(self, ids: Iterable[int]) -> None:
        """These rows changed: they are read anew, and drawn as they were until then."""
        self._stale.update(one for one in ids if one in self._rows)
        self._gone.difference_update(ids)
        self._ensure()

    def set_columns(self, columns: Sequence[Column[RowT]]) -> None:
        """Shows other columns."""
        self._columns = tuple(columns)
        self.virtual_size = Size(self.line_width, self.count + 1)
        self.redraw()

    def set_sort(self, name: str, *, descending: bool) -> None:
        """Says in the heading what the rows are sorted by."""
        self._sorted = (name, descending)
        self.refresh()

    # Reading

    @property
    def _top(self) -> int:
        """The first row that is looked at: where the view is, or where it will be once the rows are here."""
        return self._visible[0] if self._held is not None else self.scroll_offset.y

    def _look(self, top: int | None = None) -> None:
        """Which ids are visible now."""
        top = self._top if top is None else top
        self._visible = (top, self.listing.ids(top, self.page))

    def _missing(self, ids: Iterable[int]) -> list[int]:
        return [one for one in ids if (one not in self._rows or one in self._stale) and one not in self._gone]

    def _wanted(self) -> list[int]:
        """What to read next: what is visible and not here, else the page that comes next."""
        self._look()
        if missing := self._missing(self._visible[1]):
            return missing
        top = self._visible[0]
        ahead = top + self.page if self._direction > 0 else max(0, top - self.page)
        return self._missing(self.listing.ids(ahead, min(self.page, self.listing.total))) if self.page else []

    def _ensure(self) -> None:
        if self._reading is None and self.is_attached and self._wanted():
            self._reading = self.run_worker(self._read, name="rows", group="read:table", exit_on_error=False)

    async def _read(self) -> None:
        while wanted := self._wanted():
            self._stale.difference_update(wanted)
            try:
                rows = await self._fetch(wanted)
            except BaseException:
                self._stale.update(one for one in wanted if one in self._rows)
                raise
            self._take(wanted, rows)

    def _take(self, wanted: Sequence[int], rows: Mapping[int, RowT]) -> None:
        fresh = set(wanted)
        for one in wanted:
            self._strips.pop(one, None)
            if one in rows:
                self._rows[one] = rows[one]
                self._rows.move_to_end(one)
            else:
                self._rows.pop(one, None)
                self._gone.add(one)
        while len(self._rows) > KEPT_ROWS:
            self._strips.pop(self._rows.popitem(last=False)[0], None)
        self._look()
        ids = self._visible[1]
        if self._held is not None:
            if not self._missing(ids):
                self._let_go()
        elif not fresh.isdisjoint(ids):
            self.refresh()
        if self.current_id in rows:
            self.post_message(self.Moved(self, self.current))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A fetch has ended; one that failed is told, and the next move reads again."""
        event.stop()
        if event.worker is not self._reading or not event.worker.is_finished:
            return
        self._reading = None
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self._let_go()
            self.post_message(self.FetchFailed(event.worker.error))
        else:
            self._ensure()

    # Drawing

    def _drawn(self) -> list[Strip]:
        """The lines of the view as they are."""
        height = self.scrollable_content_region.height
        return [self.render_line(y) for y in range(1, height)] if height > 1 and self.listing.total else []

    def _hold(self, drawn: list[Strip]) -> None:
        self._held = drawn
        if self._giving_up is None:
            self._giving_up = self.set_timer(PATIENCE, self._let_go)

    def _let_go(self) -> None:
        if self._giving_up is not None:
            self._giving_up.stop()
            self._giving_up = None
        if self._held is not None:
            top, self._held = self._top, None
            self._look(top)
            self._settle()

    @property
    def line_width(self) -> int:
        """Cells of a whole row."""
        view = self.view_width
        fitting = (column for column in self._columns if view >= column.from_width)
        return max(view, self.EDGE + sum((column.width or LEAST_OPEN) + GAP for column in fitting))

    def render_line(self, y: int) -> Strip:
        """A line of the view: the heading, a row, a place that is held for one, or nothing."""
        x, width = self.scroll_offset.x, self.size.width
        if y == 0:
            return self._heading().crop_extend(x, x + width, self.rich_style)
        if self._held is not None:
            return self._held[y - 1] if y <= len(self._held) else Strip.blank(width, self.rich_style)
        index = self.scroll_offset.y + y - 1
        if index >= self.count:
            return Strip.blank(width, self.rich_style)
        if self._visible[0] != self.scroll_offset.y:
            self._look()
        return self._row_line(index).crop_extend(x, x + width, self.rich_style)

    def _row_line(self, index: int) -> Strip:
        one = self.id_at(index)
        on_cursor, is_selected = index == self.cursor, one is not None and one in self.selected
        row = None if one is None else self._rows.get(one)
        plain = not on_cursor and not is_selected
        if plain and one is not None and one in self._strips:
            return self._strips[one]
        classes = self.classes_of(on_cursor=on_cursor) or (["table--selected"] if is_selected else [])
        edge = self.edge_of(on_cursor=on_cursor) + Content.styled("✓" if is_selected else " ", "bold $accent")
        if row is None:
            return self._held_place(edge, classes)
        strip = self._line(row, edge, classes)
        if plain and one is not None:
            self._strips[one] = strip
        return strip

    def _held_place(self, edge: Content, classes: Sequence[str]) -> Strip:
        style = self.get_visual_style(*classes) if classes else self.visual_style
        line = edge + Content("")
        for column, cells in self._shown():
            dots = PLACE_HELD * min(cells, 3)
            line += Content.styled(dots.rjust(cells) if column.right else dots.ljust(cells), "$faint")
            line += Content(" " * GAP)
        return Strip(line.truncate(self.line_width, pad=True).render_segments(style), self.line_width)

    def title_of(self, column: Column[RowT]) -> Content:
        """The heading of a column, with an arrow where the rows are sorted by it."""
        name, descending = self._sorted
        if not column.name or column.name != name:
            return Content(column.title)
        return Content.assemble(f"{column.title} ", ("▼" if descending else "▲", "$accent"))

    def forget_strips(self) -> None:
        """Nothing that was drawn before is used again."""
        self._strips.clear()
        self._let_go()

    def on_resize(self, event: Resize) -> None:
        """More or fewer rows are visible."""
        super().on_resize(event)
        self._ensure()

    # Moving

    def watch_cursor(self, old: int, new: int) -> None:
        """Moves the mark, and reads what comes into view."""
        self._direction = 1 if new >= old else -1
        self._let_go()  # whoever moves wants to see where
        super().watch_cursor(old, new)
        self._ensure()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Reads what comes into view."""
        super().watch_scroll_y(old_value, new_value)
        if self._held is None:
            self._look()
            self._ensure()

    def action_sideways(self, steps: int) -> None:
        """Scrolls to columns that there is no room for."""
        self.scroll_to(x=self.scroll_offset.x + steps * STEP, animate=False, force=True)

    def jump(self, rank: int) -> None:
        """Puts the cursor on a place, in the middle of the view."""
        rank = max(0, min(rank, self.count - 1))
        self.scroll_to(y=max(0, rank - self.page // 2), animate=False, force=True)
        self.cursor = rank

    # Selecting

    def action_select(self) -> None:
        """Selects the row under the cursor, or not any more, and goes to the next one."""
        if (one := self.current_id) is not None:
            self._toggle(one)
            self._anchor = one
            self.cursor += 1

    def _toggle(self, one: int) -> None:
        if one in self.selected:
            self.selected.discard(one)
        else:
            self.selected.add(one)
        self._selection_changed()

    def action_extend(self, rows: int) -> None:
        """Moves the cursor and selects everything from where the selecting began, in the order on the screen."""
        if self._anchor is None or self.listing.rank(self._anchor) is None:
            self._anchor = self.current_id
        self.cursor += rows
        self._select_to_anchor()

    def _select_to_anchor(self) -> None:
        anchor = None if self._anchor is None else self.listing.rank(self._anchor)
        if anchor is not None:
            first, last = sorted((anchor, self.cursor))
            self.selected.update(self.listing.ids(first, last - first + 1))
            self._selection_changed()

    def select(self, ids: BitMap) -> None:
        """Selects these rows and no others."""
        self.selected = ids.copy()
        self._anchor = None
        self._selection_changed()

    def _selection_changed(self) -> None:
        self.refresh()
        self.post_message(self.SelectionChanged(self, len(self.selected)))  # type: ignore[arg-type]

    def on_click(self, event: Click) -> None:
        """A click on a heading sorts; with ctrl it selects a row, with shift all rows up to it."""
        if event.y == 0:
            if (column := self._column_at(event.x + self.scroll_offset.x)) and column.name:
                self.post_message(self.SortRequested(column.name))
            return
        if event.shift and self._anchor is None:
            self._anchor = self.current_id
        super().on_click(event)
        if (one := self.current_id) is None:
            return
        if event.ctrl:
            self._toggle(one)
            self._anchor = one
        elif event.shift:
            self._select_to_anchor()

    def _column_at(self, x: int) -> Column[RowT] | None:
        at = self.EDGE
        for column, cells in self._shown():
            if at <= x < at + cells + GAP:
                return column
            at += cells + GAP
        return None
