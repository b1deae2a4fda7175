"""Conversations: all of them, or those that a filter names, with a preview of the one under the cursor."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from pyroaring import BitMap
from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.timer import Timer

from traintui import clock, commands, text
from traintui.data.records import Conversation, ConversationRow
from traintui.screens.conversation_rows import ConversationRows
from traintui.screens.reasons import ReasonsDialog, Rejection
from traintui.screens.scope import Scope
from traintui.screens.shell import OpenConversation
from traintui.screens.undoing import Undoing, how_far
from traintui.table_layout import TableLayout
from traintui.widgets import marks
from traintui.widgets.facet_panel import FacetPanel
from traintui.widgets.facts import facts
from traintui.widgets.filter_line import FilterLine
from traintui.widgets.windowed_table import WindowedTable

if TYPE_CHECKING:
    from traintui.data.filters import Term
    from traintui.data.reviews import Action
    from traintui.data.views import SavedView
    from traintui.screens.bulk import BulkDialog

REST = 0.08
"""Seconds that the cursor rests on a row before its preview is read."""

HELD = 0.25
"""Seconds between two presses under which the key is taken for held down."""
DECIDED: dict[str, str] = {"approve": "approved", "reject": "rejected"}


class ConversationsScreen(ConversationRows):
    """What can be done with the rows: filter and sort them, look at one, decide it, select many."""

    PLACES = ("conversations", "table", "listing", "filter", "facets")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("conversations")
    CSS_PATH = "conversations.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._deciding: set[str] = set()
        self._recorded: set[str] = set()
        self._undoing = Undoing()
        self._pressed = -HELD
        self._pushed = -HELD
        self._rest: Timer | None = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The key of the filter rests while one types it."""
        if action == "filter" and self.filter_line.field.has_focus:
            return False
        return super().check_action(action, parameters)

    # The filter

    def action_filter(self) -> None:
        """Goes to the filter."""
        self.filter_line.field.focus()

    def action_clear(self) -> None:
        """Ends a search, then the selection, then the filter."""
        if self._looked is not None:
            self.stop_finding()
            self._looked = None
            self._say_counts()
        elif self.table.selected:
            self.table.clear_selection()
        elif self._text:
            self.apply("", top=True)

    @on(FilterLine.Changed)
    def _filter_typed(self, event: FilterLine.Changed) -> None:
        self.apply(event.text, top=True, typing=True)

    @on(FilterLine.Applied)
    def _filter_applied(self, event: FilterLine.Applied) -> None:
        if self.apply(event.text, top=event.text.strip() != self._text):
            self.table.focus()

    @on(FilterLine.Left)
    def _filter_left(self, event: FilterLine.Left) -> None:
        if event.text.strip() != self._text:
            self.apply(event.text, top=True)
        self.table.focus()

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

    @on(WindowedTable.JumpRequested)
    def _jump_requested(self) -> None:
        from traintui.screens.jump import JumpDialog

        self.app.push_screen(JumpDialog(self.table.total, self.table.cursor), self._jumped)

    def _jumped(self, rank: int | None) -> None:
        if rank is not None:
            self.table.jump(rank)

    def action_views(self) -> None:
        """Opens the saved views."""
        from traintui.screens.views import ViewsDialog

        self.app.push_screen(
            ViewsDialog(self._text, self.order.text, list(self._layout.columns)), self._view_chosen
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
        return Content("\n\n").join([title, facts(conversation, self.app.labels, with_turns=True)])

    def action_preview(self) -> None:
        """Shows or hides the preview."""
        self.toggle_class("-preview-toggled")
        self.row_changed()

    @on(WindowedTable.Opened)
    def _opened(self, event: WindowedTable.Opened[ConversationRow]) -> None:
        if event.row.turn_count:
            self.post_message(OpenConversation(event.row.conversation_id))
        else:
            self._say(marks.status(event.row.status), (": it has no turns yet", "$muted"))

    # Deciding

    def _changed(self, ids: BitMap) -> None:
        before, cursor = self.table.current_id, self.table.cursor
        super()._changed(ids)
        self._deciding -= self._recorded
        self._recorded.clear()
        after = self.table.current_id
        if before is not None and after != before and cursor == self.table.cursor:
            self._pushed = clock.ticks()  # another row came under the cursor: a press just now was meant for this one

    def action_decide(self, action: Action, reason: str | None = None) -> None:
        """Decides what is selected after asking, or the row under the cursor. A held key decides once: the rows that
        follow were not read."""
        if self.table.selected:
            self._decide_many(action, reason)
            return
        now = clock.ticks()
        held, pushed = now - self._pressed < HELD, now - self._pushed < HELD
        self._pressed = now
        row = self.table.current
        if row is not None and not held and not pushed:
            self.table.stay()
            self._decide(row, action, reason)

    def action_reject(self) -> None:
        """Asks for the reason, then rejects what is selected, or the row."""
        if selected := self.table.selected:
            named = text.plural(len(selected), "conversation")

            def chosen_for_all(rejection: Rejection | None) -> None:
                if rejection is not None:
                    self._decide_many("reject", rejection.reason)

            self.app.push_screen(ReasonsDialog(named, self.app.reasons), chosen_for_all)
            return
        row = self.table.current
        if row is None:
            return
        self.table.stay()

        def chosen(rejection: Rejection | None) -> None:
            if rejection is not None:
                self._decide(row, "reject", rejection.reason)

        self.app.push_screen(ReasonsDialog(row.conversation_id, self.app.reasons), chosen)

    def _decide(self, row: ConversationRow, action: Action, reason: str | None) -> None:
        one = row.conversation_id
        if one in self._deciding:
            return  # one's own decision is under way, or the row is still drawn as it was before it
        if row.status == DECIDED[action]:
            self._say(marks.status(row.status), (" already", "$muted"))
            return
        self._deciding.add(one)
        self.write(partial(self._record, row, action, reason), name="decide")

    async def _record(self, row: ConversationRow, action: Action, reason: str | None) -> None:
        from traintui.data import reviews

        try:
            await reviews.decide(self.db, reviews.Seen.of(row), action, key=reviews.new_key(), reason=reason)
            self._recorded.add(row.conversation_id)
        except BaseException:
            self._deciding.discard(row.conversation_id)
            raise
        finally:
            self.app.look_now()
        self._undoing.forget()
        self._say(marks.status(DECIDED[action]), f"  {row.conversation_id}", ("   u takes it back", "$faint"))

    # Many at once

    def _decide_many(self, action: Action, reason: str | None = None) -> None:
        from traintui.screens import bulk_actions

        if self.app.live is not None and (seen := self.app.live.snapshot) is not None:
            scope = self._selected()
            self._ask(bulk_actions.decision(
                self.db, scope.ids, action, seen=seen, scope=scope.filter_text or None, reason=reason
            ))  # fmt: skip

    def action_trash(self) -> None:
        """Moves what is selected, or the row, to the trash; out of it where the trash is shown."""
        from traintui.screens import bulk_actions

        current = self.table.current_id
        scope = self._selected() if self.table.selected else None
        ids = scope.ids if scope else [] if current is None else [current]
        if ids:
            filter_text = scope.filter_text if scope else ""
            self._ask(bulk_actions.trashing(self.db, ids, not self._shows_trash, scope=filter_text or None))

    @property
    def _shows_trash(self) -> bool:
        from traintui.data.filter_terms import Marked

        parts = [part for term in self._written if not term.negated for part in term.parts]
        return any(isinstance(part, Marked) and "deleted" in part.marks for part in parts)

    @property
    def _written(self) -> tuple[Term, ...]:
        return self._wanted.written if self._wanted else ()

    def _ask(self, dialog: BulkDialog) -> None:
        self.app.push_screen(dialog, self._done_to_many)

    def _done_to_many(self, begun: bool | None) -> None:
        if begun:
            self._undoing.forget()
            self.table.clear_selection()
            self.app.look_now()

    def action_undo(self) -> None:
        """Takes back one's own last action."""
        self.write(self._undo, name="undo")

    async def _undo(self) -> None:
        undone, answer = await self._undoing.take_back(self.db, lambda done, total: self._say(how_far(done, total)))
        self._say(answer)
        if undone is not None:
            self.app.look_now()

    def action_flag(self) -> None:
        """Flags what is selected, or the row; what is flagged is unflagged."""
        if self.table.selected:
            from traintui.screens import bulk_actions

            scope = self._selected()
            current = self.table.current
            flagged = not (current.flagged if current and current.id in self.table.selected else False)
            self._ask(bulk_actions.flagging(self.db, scope.ids, flagged, scope=scope.filter_text or None))
            return
        if (row := self.table.current) is not None:
            self.table.stay()
            self.write(partial(self._flag, row), name="flag")

    async def _flag(self, row: ConversationRow) -> None:
        from traintui.data import reviews

        await reviews.set_flag(self.db, row.conversation_id, not row.flagged, key=reviews.new_key())
        self.app.look_now()

    def action_metadata(self) -> None:
        """Opens the metadata of what is selected, or of the row."""
        from traintui.screens.metadata import MetadataDialog

        if self.table.selected:
            self.app.push_screen(MetadataDialog(self._selected()), self._metadata_changed)
        elif (row := self.table.current) is not None:
            self.table.stay()
            self.read(partial(self._metadata, row.conversation_id), name="metadata")

    def _selected(self) -> Scope:
        """What is selected, as a dialog calls it."""
        selected, listing = self.table.selected, self._listing
        whole = listing is not None and listing.complete and selected == listing.matches
        named = f" that match {self._text}" if self._text else ""
        label = f"{text.plural(len(selected), 'conversation')}{named if whole else ' selected'}"
        return Scope(list(selected), label, filter_text=self._text if whole else "")

    async def _metadata(self, conversation_id: str) -> None:
        from traintui.data import conversations
        from traintui.screens.metadata import MetadataDialog

        one = await conversations.read(self.db, conversation_id)
        self.app.push_screen(
            MetadataDialog(Scope((one.row.id,), conversation_id, one=one)), self._metadata_changed
        )  # fmt: skip

    def _metadata_changed(self, _: object) -> None:
        self.app.refresh_words()
        self.app.look_now()

    def action_refresh_rows(self) -> None:
        """Reads the rows and the vocabulary again."""
        self.app.refresh_words()
        if self._wanted is not None and self.app.live is not None:
            self.app.live.ask_again(self._wanted)
        self.app.look_now()
        self.find()
