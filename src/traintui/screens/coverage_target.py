"""How many conversations a cell of coverage should have, or many cells at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Select, Static

from traintui import commands, text
from traintui.screens.base import BaseDialog
from traintui.widgets import marks
from traintui.widgets.emptiest import named
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure

if TYPE_CHECKING:
    from traintui.data.coverage import Cell, Coverage

CELL, ROW, COLUMN, ALL = "cell", "row", "column", "all"
MOST = 1_000_000


class TargetDialog(BaseDialog[Content]):
    """Asks for a number and for which cells; stores it, and answers what was done."""

    PLACES = ("coverage_target",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("coverage_target")
    CSS_PATH = "coverage.tcss"
    AUTO_FOCUS = "#target-text"

    scope: getters.query_one[Select[str]] = getters.query_one("#scope-choice", Select)
    answer = getters.query_one("#answer", Static)

    def __init__(self, coverage: Coverage, cell: Cell) -> None:
        super().__init__()
        self._coverage = coverage
        self._cell = cell
        self._saving = False

    def compose(self) -> ComposeResult:
        """The number, and for which cells."""
        cell, labels = self._cell, self.app.labels
        row, column = (
            marks.label(labels, dimension, value)
            for dimension, value in ((self._coverage.rows, cell.row), (self._coverage.columns, cell.column))
        )
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Target"
            given = "" if cell.target is None else str(cell.target)
            yield FormField(
                "Conversations", Input(given, compact=True, max_length=9, placeholder="none", id="target-text"),
                id="target",
            )  # fmt: skip
            yield FormField(
                "For",
                Select(
                    [
                        (Content.assemble("this cell: ", named(cell, self._coverage, labels)), CELL),
                        (Content.assemble("each cell of ", row), ROW),
                        (Content.assemble("each cell of ", column), COLUMN),
                        ("each cell", ALL),
                    ],
                    value=CELL, allow_blank=False, compact=True, id="scope-choice",
                ),
                id="scope",
            )  # fmt: skip
            yield Static(
                Content.styled(
                    "The newest target of a cell counts, so one for many replaces those of their cells. Empty takes it"
                    " out. What is planned, waits or was approved counts toward it.",
                    "$muted",
                ),
                id="explained",
            )
            yield Static(id="answer")
        yield KeyBar()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_save()

    def action_save(self) -> None:
        """Stores it, where it is a number."""
        if self._saving:
            return
        field = self.query_one("#target", FormField)
        field.clear()
        typed = self.query_one("#target-text", Input).value.strip().replace(",", "")
        if typed and not (typed.isascii() and typed.isdigit() and int(typed) <= MOST):
            field.fail(f"A target is a whole number from 0 to {MOST:,}, or nothing.")
            field.fill()
            return
        self._saving = True
        saving = partial(self._save, int(typed) if typed else None, str(self.scope.value))
        self.app.keys_follow(self.write(saving, name="save"))

    async def _save(self, target: int | None, scope: str) -> None:
        from traintui.data import coverage

        found, cell = self._coverage, self._cell
        await coverage.set_target(
            self.db, found.rows, found.columns, target,
            row=cell.row if scope in {CELL, ROW} else None, column=cell.column if scope in {CELL, COLUMN} else None,
        )  # fmt: skip
        labels = self.app.labels
        where = {
            CELL: named(cell, found, labels),
            ROW: Content.assemble("each cell of ", marks.label(labels, found.rows, cell.row)),
            COLUMN: Content.assemble("each cell of ", marks.label(labels, found.columns, cell.column)),
            ALL: Content("each cell"),
        }[scope]
        said = "target taken out" if target is None else f"target {text.count(target)}"
        self.dismiss(Content.assemble(("● ", "$success"), where, f": {said}"))

    def work_failed(self, name: str, error: BaseException) -> None:
        """What is not stored is answered below; what was filled in stays."""
        self._saving = False
        answer = self.app.answer(error)
        self.answer.update(failure(answer, mild=answer is error))

    def action_back(self) -> None:
        """Leaves it as it was, unless it is just being stored."""
        if not self._saving:
            self.dismiss(None)
