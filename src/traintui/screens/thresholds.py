"""What the score asks for: parts with their points, thresholds with their values, and scoring anew what is stored."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.quality.threshold_words import PARTS, PartWords, points_of, sentence_of, written
from traintui.quality.thresholds import DEFAULTS, Thresholds, plain
from traintui.screens.base import BaseDialog
from traintui.screens.bulk import BulkDialog, Progress
from traintui.screens.threshold_form import ThresholdForm
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import Notice, failure
from traintui.widgets.row_table import Column, RowTable

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.quality.rescoring import Outstanding, Rescored


@dataclass(frozen=True, slots=True)
class Row:
    """A threshold: its part, its name, what it is and what it is by default. The weight of a part comes first."""

    part: PartWords
    name: str
    value: str
    default: str
    points: str


def rows_of(thresholds: Thresholds) -> tuple[Row, ...]:
    """Every threshold, part by part."""
    return tuple(
        Row(
            part, name, written(plain(name, thresholds)), written(plain(name)),
            f"{points_of(part, thresholds):.2f}" if name == part.weight else "",
        )
        for part in PARTS
        for name in (part.weight, *part.thresholds)
    )  # fmt: skip


def _part(row: Row) -> Content:
    return Content.styled(row.part.name, "bold") if row.name == row.part.weight else Content("")


def _value(row: Row) -> Content:
    return Content.styled(row.value, "" if row.value == row.default else "bold $accent")


def _default(row: Row) -> Content:
    return Content.styled("" if row.value == row.default else row.default, "$muted")


COLUMNS: tuple[Column[Row], ...] = (
    Column("Part", 12, _part),
    Column("Points", 6, lambda row: Content.styled(row.points, "$muted"), right=True),
    Column("Threshold", 20, lambda row: Content(row.name)),
    Column("Value", 9, _value, right=True),
    Column("Default", 9, _default, right=True),
    Column("Meaning", 0, lambda row: Content.styled(sentence_of(row.name), "$muted"), from_width=100),
)


class ThresholdsDialog(BaseDialog[None]):
    """The thresholds, and below them what the one under the cursor means. Administrators change them, others read."""

    PLACES = ("thresholds", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("thresholds")
    CSS_PATH = "thresholds.tcss"
    AUTO_FOCUS = "#thresholds"

    table: getters.query_one[RowTable[Row]] = getters.query_one("#thresholds", RowTable)
    notice = getters.query_one(Notice)
    about = getters.query_one("#about", Static)
    said = getters.query_one("#said", Static)

    def __init__(self) -> None:
        super().__init__()
        self._thresholds = DEFAULTS

    def compose(self) -> ComposeResult:
        """Table, one row, and what was done or can be done now."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "What the score asks for"
            panel.border_subtitle = "10 points, shared out by weight"
            yield RowTable(COLUMNS, key=lambda row: row.name, opens="", id="thresholds")
            yield Notice("loading", "Reading the thresholds")
            yield Static(id="about")
            yield Static(id="offered")
            yield Static(id="said")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads them."""
        self.set_class(True, "-nothing")
        if not self.allowed("thresholds", "edit"):
            self._say(Content.assemble(("○ ", "$accent"), "Read only: administrators set what the score asks for."))
        self.action_look()

    def action_look(self) -> None:
        """Reads them again."""
        self.read(self._read, name="thresholds")

    async def _read(self) -> None:
        from traintui.quality import rescoring, thresholds

        self._thresholds = await thresholds.read(self.db)
        self.set_class(False, "-nothing")
        self.table.show(rows_of(self._thresholds))
        self._show_about()
        self.refresh_bindings()
        if self.allowed("thresholds", "rescore"):
            self._offer(await rescoring.outstanding(self.db))

    def _offer(self, wanted: Outstanding) -> None:
        """Says how many conversations were scored by other thresholds, where there are any."""
        offered = Content("")
        if wanted.number and not wanted.current and (self._thresholds != DEFAULTS or wanted.before):
            before = f", {wanted.before:,} were scored anew before it was stopped" if wanted.before else ""
            offered = Content.assemble(
                ("○ ", "$accent"), f"{text.plural(wanted.number, 'conversation')} may have a score by other thresholds"
                f"{before}: ", ("r", "bold"), " scores them anew.",
            )  # fmt: skip
        self.query_one("#offered", Static).update(offered)

    @on(RowTable.Moved)
    def _show_about(self) -> None:
        row = self.table.current
        if row is None:
            self.about.update("")
            return
        points = points_of(row.part, self._thresholds)
        self.about.update(
            Content.assemble(
                (row.name, "bold"), (f"  {row.value}", "$accent"),
                (f"   default {row.default}" if row.value != row.default else "   the default", "$muted"), "\n",
                sentence_of(row.name), "\n",
                (f"{row.part.name}, {points:.2f} points: {row.part.measures}", "$muted"),
            )
        )  # fmt: skip

    @on(RowTable.Opened)
    def _opened(self) -> None:
        if self.check_action("edit", ()):
            self.action_edit()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What changes something needs an administrator; a default cannot be taken back."""
        if action not in {"edit", "reset", "rescore"}:
            return True
        if not self.is_mounted or not self.allowed("thresholds", action):
            return None
        row = self.table.current
        if action == "reset" and (row is None or row.value == row.default):
            return None
        return True

    def action_edit(self) -> None:
        """Asks for another value."""
        row = self.table.current
        if row is not None:
            self.app.push_screen(ThresholdForm(row.name, row.value), partial(self._changed, row.name))

    def _changed(self, name: str, value: str | None) -> None:
        if value is not None:
            self._say(Content.assemble(("● ", "$success"), f"{name} is {value}, for what is scored from now on."))
            self.action_look()

    def action_reset(self) -> None:
        """Takes one back to its default."""
        row = self.table.current
        if row is not None:
            self.write(partial(self._reset, row), name="reset")

    async def _reset(self, row: Row) -> None:
        from traintui.quality import thresholds

        await thresholds.change(self.db, row.name, None)
        self._changed(row.name, row.default)

    def action_rescore(self) -> None:
        """Says how many conversations would be scored anew, and asks."""
        self.read(self._ask, name="rescore")

    async def _ask(self) -> None:
        from traintui.quality import rescoring

        wanted = await rescoring.outstanding(self.db)
        if not wanted.number:
            self._say(Content.assemble(("○ ", "$accent"), "No conversation has any text yet."))
            return
        self.app.push_screen(rescoring_dialog(self.db, wanted), self._rescored)

    def _rescored(self, began: bool | None) -> None:
        if began:
            self.app.look_now()
            self.action_look()

    def _say(self, said: Content) -> None:
        self.said.update(said)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in place of the thresholds while there are none, else below them."""
        answer = self.app.answer(error)
        if self.table.rows:
            self._say(failure(answer, gap=" ", mild=answer is error))
        else:
            self.notice.fail(answer, "R reads again.")


def rescoring_dialog(db: Database, wanted: Outstanding) -> BulkDialog:
    """The dialog that scores anew, with the exact number first."""

    async def work(progress: Progress, stop: asyncio.Event) -> Content:
        from traintui.quality import rescoring

        return became(await rescoring.rescore(db, wanted, progress=progress, stop=stop))

    before = f"{wanted.before:,} were done before it was stopped, and are left out. " if wanted.before else ""
    says = (
        f"{before}Each gets the score that its text has by the present thresholds. No text, status or decision changes,"
        " approved ones stay approved. escape stops; what is done stays, and r goes on. It is on record."
    )
    return BulkDialog(
        Content.assemble(("◐ ", "$accent"), "Score anew"),
        wanted.number,
        work,
        says=Content(says),
        remains="r goes on with the others.",
    )


def became(result: Rescored) -> Content:
    """What became of it, in words."""
    left = f"; {result.left:,} left as they are, since you stopped it" if result.left else ""
    changed = f"{result.changed:,} of them have another score" if result.changed else "none of them has another score"
    return Content.assemble(
        ("● ", "$success"), (f"{result.done:,} scored anew", "bold"), f", {changed}{left}.",
    )  # fmt: skip
