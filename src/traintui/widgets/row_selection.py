"""Which rows are selected: by id, so that a selection survives another order or another filter."""

from __future__ import annotations

from pyroaring import BitMap

from traintui.widgets.row_store import Listing


class RowSelection:
    """Ids, and the row from which a range is being drawn."""

    def __init__(self) -> None:
        self.ids = BitMap()
        self._anchor: int | None = None
        self._before = BitMap()

    def toggle(self, id: int) -> None:
        """Selects a row, or no longer."""
        self.settle()
        if id in self.ids:
            self.ids.remove(id)
        else:
            self.ids.add(id)

    def replace(self, ids: BitMap) -> None:
        """Selects these and no others."""
        self.settle()
        self.ids = ids.copy()

    def extend(self, listing: Listing, start: int, end: int) -> None:
        """Selects what lies between two ranks, both included, in the order that is shown.

        The range begins where it began before, unless `settle` ended it: it grows and shrinks at one end only.
        """
        rank = None if self._anchor is None else listing.rank(self._anchor)
        if rank is None:
            rank, self._before = start, self.ids.copy()
            self._anchor = next(iter(listing.ids(start, 1)), None)
        low, high = min(rank, end), max(rank, end)
        self.ids = self._before | BitMap(listing.ids(low, high - low + 1))

    def settle(self) -> None:
        """The next range begins anew."""
        self._anchor = None
