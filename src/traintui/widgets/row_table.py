"""A table of rows held in memory: the cursor stays on its row when the rows change."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from traintui.widgets.columns import Column
from traintui.widgets.line_table import LineTable

__all__ = ["Column", "RowTable"]

RowT = TypeVar("RowT")
SomeRow = TypeVar("SomeRow")


class RowTable(LineTable[RowT], Generic[RowT]):
    """Rows of one kind, some hundreds. `key` names a row, so that it is found again in new rows."""

    @dataclass
    class Moved(LineTable.Moved[SomeRow]):
        """The cursor is on another row, or the row under it is another; None when there are no rows."""

    @dataclass
    class Opened(LineTable.Opened[SomeRow]):
        """Somebody asked for a row: `enter`, or a click on the row under the cursor."""

    def __init__(
        self,
        columns: Sequence[Column[RowT]],
        *,
        key: Callable[[RowT], object],
        opens: str = "Open",
        id: str | None = None,
    ) -> None:
        super().__init__(columns, id=id)
        self.opens = opens
        self._key = key
        self._rows: tuple[RowT, ...] = ()

    @property
    def rows(self) -> tuple[RowT, ...]:
        """The rows, in order."""
        return self._rows

    @property
    def total(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def row_at(self, rank: int) -> RowT | None:
        """The row of a rank."""
        return self._rows[rank]

    def name_at(self, rank: int) -> Hashable:
        """A line is kept under its rank until other rows are shown."""
        return rank

    def show(self, rows: Sequence[RowT], *, top: bool = False) -> None:
        """Shows other rows. `top` puts the cursor on top, where it is until somebody moves it; from then on it follows
        its row, or keeps its place where that is gone."""
        before = self.current
        self._stays = self._stays and not top
        top = not self._stays
        self._rows = tuple(rows)
        place = 0 if top else min(self.cursor, max(0, len(self._rows) - 1))
        if before is not None and not top:
            wanted = self._key(before)
            place = next((index for index, row in enumerate(self._rows) if self._key(row) == wanted), place)
        shift = place - self.cursor
        self._measure()
        if shift and not top:
            self._scroll_to_rank(self.scroll_offset.y + shift)
        self.set_reactive(RowTable.cursor, place)
        self._keep_in_view()
        self.redraw()
        if self.current != before:
            self.post_message(self.Moved(self, self.current))
