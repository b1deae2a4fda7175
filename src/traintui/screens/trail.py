"""The trail of one conversation: how it was written, all that was done to it, and where it went, with the text as it
was then and what differs today."""

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
from traintui.data.trail import Step
from traintui.screens.base import BaseDialog
from traintui.screens.revision_difference import Part, parts_of
from traintui.screens.shell import ShowLog
from traintui.widgets.difference import DifferenceView, Pair, Side
from traintui.widgets.facts import ACTIONS
from traintui.widgets.keybar import KeyBar
from traintui.widgets.log_rows import line, second
from traintui.widgets.row_table import Column, RowTable

if TYPE_CHECKING:
    from traintui.data.revisions import Revision

STEPS: dict[str, tuple[str, str]] = {
    **ACTIONS,
    "generate": ("◆ written", "$generating"),
    "call": ("· call", "$muted"),
    "judge": ("· judged", "$muted"),
    "failed": ("! call failed", "$failed"),
    "export": ("▤ exported", "$accent"),
}
"""Glyph and words, and colour, of what was done to a conversation."""


def done(step: Step) -> Content:
    """What was done."""
    said, colour = STEPS.get(step.action, (f"· {step.action}", "$muted"))
    return text.shown(said, single_line=True, limit=20, style=colour)


COLUMNS: list[Column[Step]] = [
    Column("When", 19, lambda row: second(row.at), slim=16),
    Column("Action", 14, done, slim=12),
    Column("Who", 12, lambda row: line(row.who), slim=8),
    Column("Rev.", 4, lambda row: Content("" if row.revision is None else str(row.revision)), right=True),
    Column("Why", 0, lambda row: line(row.why, "$muted")),
]
NO_TEXT = "A call to a model: H shows what was sent, what came back, and what it cost."
AHEAD = (
    "How it is written, each decision, edit and flag with its reason, and each export that holds it will stand here,"
    " the newest first."
)
EMPTY: dict[str | None, str] = {
    "planned": f"Nothing was done to it yet: it waits for a worker (3 Generate). {AHEAD}",
    "generating": f"Nothing was done to it yet: it is being written. {AHEAD}",
    None: "There is no conversation of this id, and no log has anything of one.",
}
"""What is said where there is no step, by how the conversation stands."""


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

    table: getters.query_one[RowTable[Step]] = getters.query_one("#trail", RowTable)
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
            yield RowTable(COLUMNS, key=lambda row: (row.kind, row.id), opens="", id="trail")
            yield DifferenceView()
            yield Static(id="answer")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads what was done, and every text."""
        self.read(self._read, name="trail")

    async def _read(self) -> None:
        from traintui.data import revisions, trail

        found = await trail.of_conversation(self.db, self._conversation_id)
        self._revisions = await revisions.of_conversation(self.db, self._conversation_id)
        self.table.styles.height = len(found.steps) + 1
        self.table.show(found.steps)
        if not found.steps:
            self.answer.update(
                Content.styled(EMPTY.get(found.status, f"Nothing is on record of it. {AHEAD}"), "$muted")
            )
        self._compare()

    @on(RowTable.Moved)
    def _moved(self, event: RowTable.Moved[Step]) -> None:
        event.stop()
        self._compare()

    def action_whole(self) -> None:
        """Shows the whole text as it was, or only what differs today."""
        self._whole = not self._whole
        self._compare()

    def action_in_audit(self, log: str) -> None:
        """Leaves for Audit, to what a log has of the conversation."""
        self.dismiss(None)
        self.app.post_message(ShowLog(log, f"conversation:{spelled(self._conversation_id)}"))

    def action_page(self, pages: int) -> None:
        """Scrolls the text."""
        self.difference.action_page(pages)

    def _compare(self) -> None:
        self.read(self._differ, name="difference")

    async def _differ(self) -> None:
        entry = self.table.current
        if entry is None:
            return
        if entry.revision is None:
            self.difference.compare(("", ""), [(NO_TEXT, ())], key=(entry.id, False))
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

    def _missing(self, entry: Step) -> str:
        """Why there is no text beside a row."""
        from traintui.data.revisions import MOST

        if len(self._revisions) == MOST and entry.revision is not None and entry.revision < self._revisions[-1].number:
            return f"Its text is kept, and not read here: it is older than the newest {MOST}."
        return "Its text is not kept: it was purged, or it had none yet."

    def work_failed(self, name: str, error: BaseException) -> None:
        """Says why below the text."""
        answer = self.app.answer(error)
        said = text.shown(f"{answer.title}. {answer.message} {answer.remedy}", single_line=True, limit=400)
        self.answer.update(Content.assemble(("! ", "$error"), said))
