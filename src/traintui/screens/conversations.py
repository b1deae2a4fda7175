"""Conversations: all of them, or those that a filter names, with a preview of the one under the cursor."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.events import ScreenResume
from textual.timer import Timer
from textual.widgets import Static

from traintui import commands, text
from traintui.data.records import Conversation, ConversationRow
from traintui.screens.base import BaseScreen
from traintui.screens.reasons import ReasonsDialog, Rejection
from traintui.screens.shell import OpenConversation
from traintui.widgets import marks
from traintui.widgets.facts import FactsPanel, facts
from traintui.widgets.filter_line import FilterLine
from traintui.widgets.notice import Notice
from traintui.widgets.row_table import Column, RowTable

if TYPE_CHECKING:
    from traintui.data.conversations import ConversationPage
    from traintui.data.reviews import Action

POLL = 1.0
"""Seconds between two looks at whether something changed."""
AGES = 15
"""Looks after which the ages are written anew."""
REST = 0.08
"""Seconds that the cursor rests on a row before its preview is read."""

DECIDED: dict[str, str] = {"approve": "approved", "reject": "rejected"}
EXAMPLE = 'status:generated score<7 -tone:formal "roth ira"'


class ConversationsScreen(BaseScreen):
    """The newest rows of a filter, kept up to date."""

    PLACES = ("conversations", "table", "filter")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("conversations")
    CSS_PATH = "conversations.tcss"
    AUTO_FOCUS = "RowTable"

    filter_line = getters.query_one(FilterLine)
    table: getters.query_one[RowTable[ConversationRow]] = getters.query_one("#rows", RowTable)
    notice = getters.query_one(Notice)
    preview = getters.query_one(FactsPanel)
    counted = getters.query_one("#counted", Static)
    said = getters.query_one("#said", Static)

    def __init__(self) -> None:
        super().__init__()
        self._filter = ""
        self._total: int | None = None
        self._counts: dict[str, int] = {}
        self._deciding: set[str] = set()
        self._looks = 0
        self._rest: Timer | None = None

    def compose_body(self) -> ComposeResult:
        """Filter, rows and preview, and how many there are."""
        yield FilterLine(EXAMPLE)
        with Horizontal(id="columns"):
            with Container(id="list"):
                yield RowTable[ConversationRow](self._columns(), key=lambda row: row.conversation_id, id="rows")
                yield Notice("loading", "Opening the workspace")
            yield FactsPanel()
        with Horizontal(id="counts"):
            yield Static(id="counted")
            yield Static(id="said")

    def _columns(self) -> list[Column[ConversationRow]]:
        def dimension(name: str) -> Column[ConversationRow]:
            width, least = {"persona": (18, 0), "emotion": (12, 96), "topic": (20, 124), "tier": (10, 136)}[name]
            return Column(
                name.capitalize(), width, lambda row: marks.label(self.app.labels, name, getattr(row, name)),
                from_width=least,
            )  # fmt: skip

        return [
            Column("Status", 12, lambda row: marks.status(row.status)),
            Column("Score", 10, lambda row: marks.score(row.quality_score)),
            *(dimension(name) for name in ("persona", "emotion", "topic", "tier")),
            Column("Turns", 5, lambda row: Content(str(row.turn_count)), right=True, from_width=84),
            Column("Age", 5, lambda row: Content.styled(text.ago(row.created_at)[-5:], "$muted"), right=True),
            Column("", 1, lambda row: Content.styled("⚑" if row.flagged else " ", "$warning")),
            Column("Opening", 0, self._opening),
        ]

    def _opening(self, row: ConversationRow) -> Content:
        mark = Content.styled("rehearsal ", "$generating") if row.is_rehearsal else Content("")
        return mark + text.shown(row.opening, single_line=True, limit=160)

    def on_mount(self) -> None:
        """Nothing is there before the workspace is."""
        self.set_class(True, "-nothing")
        self.set_interval(POLL, self._poll)
        self.watch(self.app, "labels", lambda _: self.table.redraw(), init=False)

    def on_workspace_ready(self) -> None:
        """Reads the first rows."""
        self.notice.say("loading", "Reading")
        self._load(self._filter, top=True)

    @on(ScreenResume)
    def _resumed(self) -> None:
        if self._total is not None:
            self._load(self._filter)

    def on_progress(self, step: str) -> None:
        """Says how the opening goes."""
        self.notice.say("loading", step)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The key of the filter rests while one types it."""
        if action == "filter" and self.filter_line.field.has_focus:
            return False
        return super().check_action(action, parameters)

    # Reading

    def _load(self, filter_text: str, *, top: bool = False) -> None:
        self.read(partial(self._read_rows, filter_text, top), name="rows")

    async def _read_rows(self, filter_text: str, top: bool) -> None:
        from traintui.data import conversations

        counts = await conversations.status_counts(self.db)
        page = await conversations.first_rows(self.db, filter_text)
        self._show(filter_text, page, counts, top)

    def _show(self, filter_text: str, page: ConversationPage, counts: dict[str, int], top: bool) -> None:
        if filter_text != self._filter or self._total is None:
            self._filter = self.app.filter_text = filter_text
            self.filter_line.applied(filter_text)
        self._total, self._counts = page.total, counts
        self.table.show(page.rows, top=top)
        self.set_class(not page.rows, "-nothing")
        if not page.rows:
            self._say_empty()
        self._say_counts()

    def _say_empty(self) -> None:
        if self._filter:
            self.notice.say(
                "empty", "Nothing matches this filter", self._filter, "/ changes the filter\nesc shows all again"
            )
        else:
            self.notice.say(
                "empty",
                "No conversations yet",
                "This workspace is new.",
                "3 plans and generates some\ntraintui import FILE brings those that exist",
            )
        self.preview.show(Content(""))

    def _say_counts(self) -> None:
        shown, total = len(self.table.rows), self._total or 0
        of = f"{shown:,} of {total:,}" if shown != total else f"{total:,}"
        every = sum(self._counts.values())
        if not every:
            self.counted.update("")
            return
        share = f" match, of {every:,}" if self._filter else ""
        self.counted.update(Content.assemble((of, "bold"), (share, "$muted"), "   ", marks.status_counts(self._counts)))

    def _poll(self) -> None:
        if self._total is None or self.app.screen is not self:
            return
        self._looks += 1
        if self._looks % AGES == 0:
            self.table.redraw()
        self.read(self._look, name="look")

    async def _look(self) -> None:
        from traintui.data import conversations

        if await conversations.status_counts(self.db) != self._counts:
            self._load(self._filter)

    def work_failed(self, name: str, error: BaseException) -> None:
        """A mistaken filter is answered below it, reading that fails where the rows would be."""
        answer = self.app.answer(error)
        start, end = getattr(error, "start", None), getattr(error, "end", None)
        if name == "rows" and isinstance(start, int) and isinstance(end, int):
            self.filter_line.fail(answer.message, answer.remedy, start, end)
            self.filter_line.field.focus()
        elif name == "rows" and self._total is None:
            self.notice.fail(answer, "r reads again.")
        elif name in {"look", "rows", "preview"}:
            self._say(("! ", "$error"), text.shown(f"{answer.title}. {answer.message}", single_line=True, limit=120))
        else:
            self.app.tell(answer)

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        self.said.update(Content.assemble(*parts))

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

    def action_decide(self, action: Action, reason: str | None = None) -> None:
        """Decides the row under the cursor."""
        row = self.table.current
        if row is not None:
            self._decide(row, action, reason)

    def action_reject(self) -> None:
        """Asks for the reason, then rejects the row."""
        row = self.table.current
        if row is None:
            return

        def chosen(rejection: Rejection | None) -> None:
            if rejection is not None:
                self._decide(row, "reject", rejection.reason)

        self.app.push_screen(ReasonsDialog(row.conversation_id, self.app.reasons), chosen)

    def _decide(self, row: ConversationRow, action: Action, reason: str | None) -> None:
        if row.conversation_id in self._deciding:
            return
        if row.status == DECIDED[action]:
            self._say(marks.status(row.status), (" already", "$muted"))
            return
        self._deciding.add(row.conversation_id)
        self.write(partial(self._record, row, action, reason), name="decide")

    async def _record(self, row: ConversationRow, action: Action, reason: str | None) -> None:
        from traintui.data import reviews

        try:
            await reviews.decide(self.db, reviews.Seen.of(row), action, key=reviews.new_key(), reason=reason)
        finally:
            self._deciding.discard(row.conversation_id)
            self._load(self._filter)
        self._say(marks.status(DECIDED[action]), f"  {row.conversation_id}", ("   u takes it back", "$faint"))

    def action_undo(self) -> None:
        """Takes back one's own last action."""
        self.write(self._undo, name="undo")

    async def _undo(self) -> None:
        from traintui.data import reviews

        undone = await reviews.undo_last(self.db, key=reviews.new_key())
        self._say(("↶ ", "$accent"), "undone: ", text.shown(undone.conversation_id, single_line=True))
        self._load(self._filter)

    def action_flag(self) -> None:
        """Flags the row, or unflags it."""
        if (row := self.table.current) is not None:
            self.write(partial(self._flag, row), name="flag")

    async def _flag(self, row: ConversationRow) -> None:
        from traintui.data import reviews

        await reviews.set_flag(self.db, row.conversation_id, not row.flagged, key=reviews.new_key())
        self._load(self._filter)

    def action_refresh_rows(self) -> None:
        """Reads the rows and the vocabulary again."""
        self.app.refresh_words()
        self._load(self._filter)
