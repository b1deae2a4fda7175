"""Conversations: all of them, or those that a filter names, with a preview of the one under the cursor."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.timer import Timer

from traintui import clock, commands
from traintui.data.records import Conversation, ConversationRow
from traintui.screens.conversation_rows import ConversationRows
from traintui.screens.reasons import ReasonsDialog, Rejection
from traintui.screens.shell import OpenConversation
from traintui.screens.undoing import Undoing, how_far
from traintui.widgets import marks
from traintui.widgets.facts import facts
from traintui.widgets.filter_line import FilterLine
from traintui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from traintui.data.conversations import ConversationPage
    from traintui.data.reviews import Action

REST = 0.08
"""Seconds that the cursor rests on a row before its preview is read."""

HELD = 0.25
"""Seconds between two presses under which the key is taken for held down."""
DECIDED: dict[str, str] = {"approve": "approved", "reject": "rejected"}


class ConversationsScreen(ConversationRows):
    """What can be done with the rows: filter them, look at one, decide it."""

    PLACES = ("conversations", "table", "filter")
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

    def action_clear_filter(self) -> None:
        """Shows all rows again."""
        if self._filter:
            self._load("", top=True)

    @on(FilterLine.Applied)
    def _filter_applied(self, event: FilterLine.Applied) -> None:
        self._load(event.text, top=True)
        self.table.focus()

    @on(FilterLine.Left)
    def _filter_left(self) -> None:
        self.table.focus()

    # The preview

    @on(RowTable.Moved)
    def _moved(self, event: RowTable.Moved[ConversationRow]) -> None:
        if self._rest is not None:
            self._rest.stop()
        if event.row is not None and self.preview.display:
            self._rest = self.set_timer(REST, partial(self._preview, event.row.conversation_id))

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
        if self.preview.display and self.table.current is not None:
            self._preview(self.table.current.conversation_id)

    @on(RowTable.Opened)
    def _opened(self, event: RowTable.Opened[ConversationRow]) -> None:
        if event.row.turn_count:
            self.post_message(OpenConversation(event.row.conversation_id))
        else:
            self._say(marks.status(event.row.status), (": it has no turns yet", "$muted"))

    # Deciding

    def _show(self, filter_text: str, page: ConversationPage, counts: dict[str, int], top: bool) -> None:
        before = self.table.current
        super()._show(filter_text, page, counts, top)
        self._deciding -= self._recorded
        self._recorded.clear()
        after = self.table.current
        if before is None or after is None or after.conversation_id == before.conversation_id:
            return
        if not top and any(row.conversation_id == before.conversation_id for row in page.rows):
            self._pushed = clock.ticks()  # a new row came under the cursor: a press just now was meant for another

    def action_decide(self, action: Action, reason: str | None = None) -> None:
        """Decides the row under the cursor. A held key decides once: the rows that follow were not read."""
        now = clock.ticks()
        held, pushed = now - self._pressed < HELD, now - self._pushed < HELD
        self._pressed = now
        row = self.table.current
        if row is not None and not held and not pushed:
            self.table.stay()
            self._decide(row, action, reason)

    def action_reject(self) -> None:
        """Asks for the reason, then rejects the row."""
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
            self._load(self._filter)  # a read that began before the decision ends here: what is shown next has it
        self._undoing.forget()
        self._say(marks.status(DECIDED[action]), f"  {row.conversation_id}", ("   u takes it back", "$faint"))

    def action_undo(self) -> None:
        """Takes back one's own last action."""
        self.write(self._undo, name="undo")

    async def _undo(self) -> None:
        undone, answer = await self._undoing.take_back(self.db, lambda done, total: self._say(how_far(done, total)))
        self._say(answer)
        if undone is not None:
            self._load(self._filter)

    def action_flag(self) -> None:
        """Flags the row, or unflags it."""
        if (row := self.table.current) is not None:
            self.table.stay()
            self.write(partial(self._flag, row), name="flag")

    async def _flag(self, row: ConversationRow) -> None:
        from traintui.data import reviews

        await reviews.set_flag(self.db, row.conversation_id, not row.flagged, key=reviews.new_key())
        self._load(self._filter)

    def action_refresh_rows(self) -> None:
        """Reads the rows and the vocabulary again."""
        self.app.refresh_words()
        self._load(self._filter)
