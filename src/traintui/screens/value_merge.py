"""Two values become one: which, how many conversations it concerns, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.data.records import VocabularyValue
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.row_table import Column, RowTable
from traintui.widgets.swatch import chip

BAR = 40
"""Cells of the progress bar."""


def named(value: VocabularyValue) -> Content:
    """A value as its chip and label."""
    return Content.assemble(chip(value.colour), text.shown(value.label, single_line=True, limit=60))


COLUMNS: tuple[Column[VocabularyValue], ...] = (
    Column("Label", 0, named),
    Column("Value", 26, lambda row: text.shown(row.value, single_line=True, style="$muted")),
)


class MergeDialog(BaseDialog[Content]):
    """Asks into which value, says the exact number, merges; answers with what came of it, or None for nothing."""

    PLACES = ("merging", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("merging")
    CSS_PATH = ["dialogs.tcss", "vocabulary.tcss"]  # noqa: RUF012

    table: getters.query_one[RowTable[VocabularyValue]] = getters.query_one(RowTable)
    asked = getters.query_one("#asked", Static)
    answer = getters.query_one("#answer", Static)

    def __init__(self, value: VocabularyValue, others: Sequence[VocabularyValue]) -> None:
        super().__init__(classes="sheet")
        self._value = value
        self._others = others
        self._into: VocabularyValue | None = None
        self._number: int | None = None
        self._merging = False
        self._stopping = False

    def compose(self) -> ComposeResult:
        """The other values; then the question, and the progress in its place."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = Content.assemble("Merge ", named(self._value), " into")
            yield RowTable(COLUMNS, key=lambda row: row.value, opens="Choose")
            yield Static(id="asked")
            yield Static(Content.styled("enter chooses.", "$muted"), id="answer")
        yield KeyBar()

    def on_mount(self) -> None:
        """Shows the others; a merge that was cut off has only one to go on with."""
        self.table.styles.height = min(14, len(self._others) + 1)
        self.table.show(self._others)
        if self._value.merged_into is not None:
            self._ask(self._others[0])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The key that merges rests until the number is there."""
        if action == "merge":
            return self._number is not None and not self._merging
        return True

    @on(RowTable.Opened)
    def _opened(self, event: RowTable.Opened[VocabularyValue]) -> None:
        event.stop()
        self._ask(event.row)

    def _ask(self, into: VocabularyValue) -> None:
        self._into = into
        self.set_class(True, "-asked")
        self.set_focus(None)
        self.asked.update(Content.styled("◌ Counting the conversations", "$muted"))
        self.answer.update("")
        self.read(self._read_number, name="number")

    async def _read_number(self) -> None:
        from traintui.data import vocabulary

        number = await vocabulary.uses_of(self.db, self._value.dimension, self._value.value)
        if self._into is None:
            return
        self._number = number
        has = "has" if number == 1 else "have"
        self.asked.update(
            Content.assemble(
                (text.plural(number, "conversation"), "bold"), f" {has} ", named(self._value), " and will have ",
                named(self._into), ". Each keeps its decision and gets a row in the log. ", named(self._value),
                " stays in the vocabulary, inactive for good. ", ("This is not undone with u.", "$warning"),
            )
        )  # fmt: skip
        self.refresh_bindings()

    def action_merge(self) -> None:
        """Begins, once the number was said."""
        if self._into is None or self._number is None or self._merging:
            return
        self._merging = True
        self._progressed(0)
        self.refresh_bindings()
        self.write(partial(self._merge, self._into), name="merge")

    async def _merge(self, into: VocabularyValue) -> None:
        from traintui.data import vocabulary

        moved = await vocabulary.merge(
            self.db, into.dimension, self._value.value, into.value, progress=self._progressed,
            stop=lambda: self._stopping,
        )  # fmt: skip
        left = await vocabulary.uses_of(self.db, into.dimension, self._value.value)
        if left:
            said = Content.assemble(
                ("! ", "$warning"), f"Stopped: {moved:,} moved to ", named(into), f", {left:,} not yet. ",
                ("m on it goes on.", "bold"),
            )  # fmt: skip
        else:
            said = Content.assemble(
                ("● ", "$success"), f"Merged: {text.plural(moved, 'conversation')} moved to ", named(into)
            )
        self.dismiss(said)

    def _progressed(self, moved: int) -> None:
        full, empty = text.bar(moved, self._number or 1, BAR)
        self.answer.update(
            Content.assemble((full, "$accent"), (empty, "$rule"), f"  {moved:,} of {self._number or 0:,}")
        )

    def work_failed(self, name: str, error: BaseException) -> None:
        """What could not be done is answered here; what has moved until then has moved."""
        self._merging = self._stopping = False
        answer = self.app.answer(error)
        self.answer.update(failure(answer))
        self.refresh_bindings()

    def action_back(self) -> None:
        """Stops a merge after the step that is under way; goes back to the choice, or closes."""
        if self._merging:
            self._stopping = True
            self.answer.update(Content.styled("Stopping after this step", "$muted"))
        elif self._into is not None and self._value.merged_into is None:
            self._into = self._number = None
            self.set_class(False, "-asked")
            self.answer.update(Content.styled("enter chooses.", "$muted"))
            self.table.focus()
            self.refresh_bindings()
        else:
            self.dismiss(None)
