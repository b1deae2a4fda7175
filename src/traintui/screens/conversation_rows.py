"""The rows of Conversations: read, counted, and kept up to date."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.events import ScreenResume
from textual.widgets import Static

from traintui import text
from traintui.data.records import ConversationRow
from traintui.screens.base import BaseScreen
from traintui.widgets import marks
from traintui.widgets.facts import FactsPanel
from traintui.widgets.filter_line import FilterLine
from traintui.widgets.notice import Notice
from traintui.widgets.row_table import Column, RowTable

if TYPE_CHECKING:
    from traintui.data.conversations import ConversationPage

POLL = 1.0
"""Seconds between two looks at whether something changed."""
AGES = 15
"""Looks after which the ages are written anew."""

EXAMPLE = 'status:generated score<7 -tone:formal "roth ira"'


class ConversationRows(BaseScreen):
    """The newest rows of a filter, kept up to date."""

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
        self._looks = 0

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
            Column("", 2, marks.short_tags),
            Column("Opening", 0, lambda row: text.shown(row.opening, single_line=True, limit=160)),
        ]

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
        if self.ready:
            self._load(self._filter)

    def on_progress(self, step: str) -> None:
        """Says how the opening goes."""
        self.notice.say("loading", step)

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
        parts = [Content.assemble((of, "bold"), (share, "$muted")), marks.status_counts(self._counts)]
        if any(row.is_rehearsal for row in self.table.rows):
            parts.append(Content.assemble((marks.REHEARSAL, "bold $generating"), (" rehearsal", "$muted")))
        self.counted.update(Content("   ").join(parts))

    def _poll(self) -> None:
        if not self.ready or self._total is None or self.app.screen is not self:
            return
        self._looks += 1
        if self._looks % AGES == 0:
            self.table.redraw()
        if not self.reading_now("look"):
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
