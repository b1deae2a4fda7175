"""Conversations: all of them, or those that a filter names, with a preview of the one under the cursor."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from pyroaring import BitMap
from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.timer import Timer

from traintui import commands
from traintui.data.filter_editing import spelled
from traintui.data.records import Conversation, ConversationRow
from traintui.queue_choice import QueueChoice
from traintui.screens.conversation_actions import ConversationActions
from traintui.screens.review_reservation import holder_said
from traintui.screens.shell import OpenConversation, ShowLog
from traintui.table_layout import TableLayout
from traintui.widgets import marks
from traintui.widgets.facet_panel import FacetPanel
from traintui.widgets.facts import facts
from traintui.widgets.windowed_table import WindowedTable

if TYPE_CHECKING:
    from traintui.data.views import SavedView

REST = 0.08
"""Seconds that the cursor rests on a row before its preview is read."""


class ConversationsScreen(ConversationActions):
    """The keys that find one's way: filter and sort the rows, choose columns, look at one, select many."""

    PLACES = ("conversations", "table", "listing", "filter", "facets")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("conversations")
    CSS_PATH = "conversations.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._rest: Timer | None = None

    # The filter

    def visit(self, filter_text: str) -> None:
        """Shows what a filter names, asked for elsewhere."""
        self.filter_text = filter_text
        if self.ready:
            self.apply(filter_text, top=True)
            self.table.focus()

    def action_clear(self) -> None:
        """Ends a search, then the selection, then the filter."""
        if self._looked is not None:
            self.stop_finding()
            self._say_counts()
        elif self.table.selected:
            self.table.clear_selection()
        elif self.filter_text:
            self.apply("", top=True)

    @on(FacetPanel.Toggled)
    def _facet_toggled(self, event: FacetPanel.Toggled) -> None:
        from traintui.data.filter_editing import toggled

        self.apply(toggled(self.filter_line.field.value, event.field, event.value), top=True)

    @on(FacetPanel.Left)
    def _facets_left(self) -> None:
        self.table.focus()

    def action_facets(self) -> None:
        """Goes to the facets; where they are hidden shows them, and hides them again."""
        if self.facets.display and not self.facets.has_focus:
            self.facets.focus()
            return
        if self.has_class("-preview-toggled") and not self.has_class("-huge"):
            # There is room for one of them: the last key wins.
            self.remove_class("-preview-toggled")
            self.set_class(not self.has_class("-wide"), "-facets-toggled")
        else:
            self.toggle_class("-facets-toggled")
        if self.facets.display:
            self._count()
            self.facets.focus()
        else:
            self.table.focus()
        self._say_counts()

    # The table

    def action_sort(self) -> None:
        """Asks what to sort by."""
        from traintui.screens.sorting import SortDialog

        if self.app.live is not None:
            self.app.push_screen(SortDialog(self.app.live.fields, self.order), self._sorted)

    def _sorted(self, wanted: str | None) -> None:
        from traintui.data.listing import order_of

        if wanted is not None and self.app.live is not None:
            self.sort_by(order_of(wanted, self.app.live.fields))

    @on(WindowedTable.SortRequested)
    def _heading_clicked(self, event: WindowedTable.SortRequested) -> None:
        field = self.order.field
        again = field is not None and field.name == event.column_name
        self._sorted(event.column_name if again and self.order.descending else f"-{event.column_name}")

    def action_columns(self) -> None:
        """Asks which columns to show."""
        from traintui.screens.columns import ColumnsDialog

        if self.app.live is not None:
            self.app.push_screen(ColumnsDialog(self.app.live.fields, self._layout), self._columns_chosen)

    def _columns_chosen(self, layout: TableLayout | None) -> None:
        if layout is not None:
            self.keep_layout(layout)

    def action_views(self) -> None:
        """Opens the saved views."""
        from traintui.screens.views import ViewsDialog

        self.app.push_screen(
            ViewsDialog(self.filter_text, self.order.text, list(self._layout.columns)), self._view_chosen
        )  # fmt: skip

    def _view_chosen(self, view: SavedView | None) -> None:
        if view is None:
            return
        if view.columns:
            self.keep_layout(TableLayout(tuple(map(str, view.columns)), self._layout.widths, view.sort))
        self._sorted(view.sort)
        self.apply(view.filter_text, top=True)

    def action_select_all(self) -> None:
        """Selects all that match, or none when all are."""
        if self._listing is None:
            return
        if not self._listing.complete:
            self._say(("! ", "$warning"), "Not all are found yet; try again in a moment.")
            return
        matches = self._listing.matches
        self.table.select(BitMap() if self.table.selected == matches else matches)

    @on(WindowedTable.SelectionChanged)
    def _selection_changed(self) -> None:
        self._say_counts()

    # The preview

    @on(WindowedTable.Moved)
    def _moved(self, event: WindowedTable.Moved[ConversationRow]) -> None:
        if self._rest is not None:
            self._rest.stop()
        if event.row is not None and self.preview.display:
            self._rest = self.set_timer(REST, partial(self._preview, event.row.conversation_id))

    def row_changed(self) -> None:
        """The preview shows what changed."""
        if self.preview.display and self.table.current is not None:
            self._preview(self.table.current.conversation_id)

    def _preview(self, conversation_id: str) -> None:
        self.read(partial(self._read_preview, conversation_id), name="preview")

    async def _read_preview(self, conversation_id: str) -> None:
        from traintui.data import conversations

        conversation = await conversations.read(self.db, conversation_id)
        current = self.table.current
        if current is not None and current.conversation_id == conversation_id:
            self.preview.show(self._previewed(conversation))

    def _previewed(self, conversation: Conversation) -> Content:
        row = conversation.row
        title = Content.assemble(marks.status(row.status), "  ", (row.conversation_id, "$muted"), "  ", marks.tags(row))
        if (holder := self.holders.of(row)) is not None:
            title += Content("\n") + holder_said(holder)
        return Content("\n\n").join([title, facts(conversation, self.app.labels, with_turns=True, with_judge=True)])

    def action_preview(self) -> None:
        """Shows or hides the preview."""
        self.toggle_class("-preview-toggled")
        self.row_changed()

    @on(WindowedTable.Opened)
    def _opened(self, event: WindowedTable.Opened[ConversationRow]) -> None:
        if event.row.turn_count:
            shown = QueueChoice(self.filter_text, self.order.text)
            queue = shown if shown.filter_text or shown.order else None  # all of it is no choice
            self.post_message(OpenConversation(event.row.conversation_id, queue))
        else:
            self._say(marks.status(event.row.status), (": it has no turns yet", "$muted"))

    def action_trail(self) -> None:
        """Opens all that was done to it, with its text then and today."""
        from traintui.screens.trail import TrailDialog

        row = self.table.current
        if row is not None:
            self.app.push_screen(TrailDialog(row.conversation_id))

    def action_in_audit(self, log: str) -> None:
        """Shows in Audit what a log has of the conversation under the cursor."""
        if self.table.current is not None:
            self.post_message(ShowLog(log, f"conversation:{spelled(self.table.current.conversation_id)}"))

    def action_refresh_rows(self) -> None:
        """Reads the rows and the vocabulary again."""
        self.app.refresh_words()
        if self._wanted is not None and self.app.live is not None:
            self.app.live.ask_again(self._wanted)
        self.app.look_now()
        self.find()
