"""In which order a pane of a log has its rows, and the views that filter and order are kept as."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual import on

from traintui.data.listing import NEWEST, Order
from traintui.screens.log_saving import SavingPane
from traintui.widgets.log_table import LogTable
from traintui.widgets.windowed_table import WindowedTable

if TYPE_CHECKING:
    from traintui.data.fields import Field
    from traintui.data.views import SavedView


class OrderingPane(SavingPane):
    """What the rows of a log are sorted by. A subclass finds them."""

    def __init__(self) -> None:
        super().__init__()
        self.order: Order = NEWEST
        """What somebody wants the rows to be sorted by."""
        self.shown_order: Order = NEWEST
        """What they are sorted by: the newest first where too many match for another order."""

    @property
    def table(self) -> LogTable[Any]:
        """The rows."""
        return self.query_one(LogTable)

    def find(self, *, top: bool = False) -> None:
        """Finds the rows of the filter, in their order."""
        raise NotImplementedError

    def sort_by(self, order: Order) -> None:
        """Sorts the rows; those are found anew."""
        self.order = order
        if self.wanted is not None:
            self.find(top=True)

    def mark_order(self, order: Order) -> None:
        """The heading says what the rows are sorted by."""
        self.shown_order = order
        self.table.set_sort(order.field.name if order.field else None, descending=order.descending)

    def action_sort(self) -> None:
        """Asks what to sort by."""
        from traintui.screens.sorting import SortDialog

        now = self.order if self.order.field is not None else Order(self.source.fields["created"])
        dialog = SortDialog(self.source.fields, now, newest=None, rests=self.why_not_sorted_by)
        self.app.push_screen(dialog, self._order_chosen)

    def why_not_sorted_by(self, field: Field) -> str:
        """Why rows cannot be sorted by a field now; empty where they can."""
        from traintui.data.log_sorting import MOST_SORTED, is_served

        listing = self.listing
        few = listing is not None and listing.complete and listing.total <= MOST_SORTED
        if few or is_served(self.source, Order(field)):
            return ""
        return f"filter to {MOST_SORTED:,} {self.ROWS} first"

    def _order_chosen(self, written: str | None) -> None:
        from traintui.data.log_sorting import order_written

        if written is not None:
            self.sort_by(order_written(written, self.source))

    @on(WindowedTable.SortRequested)
    def _heading_clicked(self, event: WindowedTable.SortRequested) -> None:
        name = event.column_name
        if why := self.why_not_sorted_by(self.source.fields[name]):
            self.app.say(f"Too many to sort by {self.source.fields[name].label}: {why}.")
            return
        again = self.order.field is not None and self.order.field.name == name
        self._order_chosen(name if again and self.order.descending else f"-{name}")

    # Views

    def action_views(self) -> None:
        """Opens the saved views of this log."""
        from traintui.screens.views import ViewsDialog

        dialog = ViewsDialog(self.filter_text, self.order.text, of=self.LOG, every=f"all {self.ROWS}")
        self.app.push_screen(dialog, self._view_chosen)

    def _view_chosen(self, view: SavedView | None) -> None:
        from traintui.data.log_sorting import order_written

        if view is not None:
            self.order = order_written(view.sort, self.source)
            self.apply(view.filter_text, top=True)

    def order_said(self) -> Sequence[str]:
        """What is said where the rows are in another order than was asked for."""
        if self.order.field is None or self.shown_order == self.order:
            return ()
        from traintui.data.log_sorting import MOST_SORTED

        return (f"newest first: too many to sort by {self.order.field.label}, filter to {MOST_SORTED:,}",)
