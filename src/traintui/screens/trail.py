"""The trail of one conversation: all that was done to it, with the text as it was then and what differs today."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.data.filter_editing import spelled
from traintui.data.records import ReviewEntry
from traintui.screens.base import BaseDialog
from traintui.screens.revision_difference import Part, parts_of
from traintui.screens.shell import ShowLog
from traintui.widgets.difference import DifferenceView, Pair, Side
from traintui.widgets.keybar import KeyBar
from traintui.widgets.log_rows import action, line, second
from traintui.widgets.row_table import Column, RowTable

if TYPE_CHECKING:
    from traintui.data.revisions import Revision

COLUMNS: list[Column[ReviewEntry]] = [
    Column("When", 19, lambda row: second(row.timestamp), slim=16),
    Column("Action", 14, action, slim=12),
    Column("Who", 12, lambda row: line(row.reviewer_id), slim=8),
    Column("Rev.", 4, lambda row: Content(str(row.revision)), right=True),
    Column("Why", 0, lambda row: line("  ".join(filter(None, (row.reason, row.reviewer_notes))), "$muted")),
]


def whole(revision: Revision) -> list[Part]:
    """All that a revision says, on both sides."""
    said = [("System prompt", revision.system_prompt)] if revision.system_prompt else []
    said += [(f"Turn {turn.number}  {turn.role.capitalize()}", turn.content) for turn in revision.turns]
    return [(title, tuple(same(content))) for title, content in said]


def same(content: str) -> Iterator[Pair]:
    """A text beside itself."""
    for number, each in enumerate(content.splitlines(), 1):
        yield Pair(Side("same", number, each), Side("same", number, each))


class TrailDialog(BaseDialog[None]):
    """What was done, newest first; below it the text that the row under the cursor is about, beside that of today."""

    PLACES = ("trail", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("trail")
    CSS_PATH = "revision_difference.tcss"
    AUTO_FOCUS = "RowTable"

    table: getters.query_one[RowTable[ReviewEntry]] = getters.query_one("#trail", RowTable)
    difference = getters.query_one(DifferenceView)
    answer = getters.query_one("#answer", Static)

    def __init__(self, conversation_id: str) -> None:
        super().__init__()
        self._conversation_id = conversation_id
        self._revisions: Sequence[Revision] = ()
        self._whole = False

    def compose(self) -> ComposeResult:
        """The rows, and below them the text."""
        with Vertical(classes="dialog") as panel:
            named = text.shown(self._conversation_id, single_line=True, limit=60)
            panel.border_title = Content.assemble("Trail of ", named)
            yield RowTable(COLUMNS, key=lambda row: row.id, opens="", id="trail")
            yield DifferenceView()
            yield Static(id="answer")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads what was done, and every text."""
        self.read(self._read, name="trail")

    async def _read(self) -> None:
        from traintui.data import review_log, revisions

        async with self.db.read() as connection:
            entries = await review_log.entries_of(connection, self._conversation_id)
        self._revisions = await revisions.of_conversation(self.db, self._conversation_id)
        self.table.styles.height = len(entries) + 1
        self.table.show(entries)
        if not entries:
            self.answer.update(Content.styled("The review log has nothing of it.", "$warning"))
        self._compare()

    @on(RowTable.Moved)
    def _moved(self, event: RowTable.Moved[ReviewEntry]) -> None:
        event.stop()
        self._compare()

    def action_whole(self) -> None:
        """Shows the whole text as it was, or only what differs today."""
        self._whole = not self._whole
        self._compare()

    def action_calls(self) -> None:
        """Leaves for Audit, to the calls of the conversation."""
        self.dismiss(None)
        self.app.post_message(ShowLog("generations", f"conversation:{spelled(self._conversation_id)}"))

    def action_page(self, pages: int) -> None:
        """Scrolls the text."""
        self.difference.action_page(pages)

    def _compare(self) -> None:
        self.read(self._differ, name="difference")

    async def _differ(self) -> None:
        entry = self.table.current
        if entry is None:
            return
        then = next((each for each in self._revisions if each.number == entry.revision), None)
        if then is None:
            self.difference.compare(("", ""), [(self._missing(entry), ())], key=(entry.id, False))
            return
        today = self._revisions[0]
        if self._whole or then.number == today.number:
            parts = whole(then)
            said = "as today" if then.number == today.number else f"today it is revision {today.number}"
            titles = f"revision {then.number}, as it was", said
        else:
            parts = await asyncio.to_thread(parts_of, then, today)
            titles = f"revision {then.number}, then", f"revision {today.number}, today"
        self.difference.compare(titles, parts, key=(entry.revision, self._whole))

    def _missing(self, entry: ReviewEntry) -> str:
        """Why there is no text beside a row."""
        from traintui.data.revisions import MOST

        if len(self._revisions) == MOST and entry.revision < self._revisions[-1].number:
            return f"Its text is kept, and not read here: it is older than the newest {MOST}."
        return "Its text is not kept: it was purged, or it had none yet."

    def work_failed(self, name: str, error: BaseException) -> None:
        """Says why below the text."""
        answer = self.app.answer(error)
        said = text.shown(f"{answer.title}. {answer.message} {answer.remedy}", single_line=True, limit=400)
        self.answer.update(Content.assemble(("! ", "$error"), said))
