"""Coverage: which combinations of two dimensions have enough conversations, and which need more."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from pyroaring import BitMap
from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from traintui import commands, text
from traintui.screens.base import BaseDialog
from traintui.screens.coverage_pair import PairDialog
from traintui.screens.coverage_target import TargetDialog
from traintui.widgets import emptiest
from traintui.widgets.heat_map import Heading, HeatMap, Spot
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import Notice, failure

if TYPE_CHECKING:
    from traintui.data.coverage import Cell, Coverage

POLL = 1.0
"""Seconds between two looks at whether something has changed."""


LEGEND = "· no target  ░▒▓ under it  █ reached"
"""What the signs of the cells mean."""


@dataclass(slots=True)
class CoverageView:
    """What somebody looks at; it stays while the app runs."""

    rows: str = "persona"
    columns: str = "emotion"
    measure: str = "held"
    rehearsal: bool = True


@dataclass(frozen=True, slots=True)
class Filling:
    """What a batch has to add: how many, and to the cells of which two dimensions; `rehearsal` says whether what the
    rehearsal wrote counts."""

    count: int
    dimensions: tuple[str, str]
    rehearsal: bool = True


class CoverageDialog(BaseDialog[str | Filling]):
    """The map, the cell under the cursor, and the emptiest ones. It answers a filter to show, or what to plan."""

    PLACES = ("coverage", "heat_map")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("coverage")
    CSS_PATH = "coverage.tcss"
    AUTO_FOCUS = "HeatMap"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (150, "-wide")]  # noqa: RUF012

    map = getters.query_one(HeatMap)
    notice = getters.query_one(Notice)
    about = getters.query_one("#about", Static)
    emptiest = getters.query_one("#emptiest", Static)
    said = getters.query_one("#said", Static)
    sums = getters.query_one("#sums", Static)

    def __init__(self, view: CoverageView) -> None:
        super().__init__()
        self._view = view
        self.coverage: Coverage | None = None
        """What is shown; None until it is counted."""
        self._changed = False

    def compose(self) -> ComposeResult:
        """The sums, the map, one cell, and the emptiest."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Coverage"
            panel.border_subtitle = LEGEND
            yield Static(id="sums")
            with Vertical(id="parts"):
                with Vertical(id="cells"):
                    yield HeatMap()
                    yield Notice("loading", "Counting")
                    yield Static(id="about")
                yield Static(id="emptiest")
            yield Static(id="said")
        yield KeyBar()

    def on_mount(self) -> None:
        """Counts, and counts again where somebody changed something."""
        self.set_class(True, "-nothing")
        self.watch(self.app, "labels", lambda _: self._show(), init=False)
        self.app.changed.subscribe(self, self._note, immediate=True)
        self.set_interval(POLL, self._poll)
        self._count()

    # Counting

    def _note(self, _: BitMap) -> None:
        self._changed = True

    def _poll(self) -> None:
        if self._changed and not self.reading_now("coverage"):
            self._count()

    def _count(self) -> None:
        self._changed = False
        self.read(self._read, name="coverage")

    async def _read(self) -> None:
        from traintui.data import coverage

        view, live = self._view, self.app.live
        self.coverage = await coverage.read(
            self.db, view.rows, view.columns, mirror=live.mirror if live else None, rehearsal=view.rehearsal
        )
        self._show()

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers below the map, or in its place where nothing was counted yet."""
        answer = self.app.answer(error)
        if self.coverage is None:
            self.notice.fail(answer, "r counts again.")
        else:
            self.said.update(failure(answer, gap=" ", mild=answer is error))

    # Showing

    def _show(self) -> None:
        found = self.coverage
        if found is None:
            return
        nothing = not found.row_values or not found.column_values
        self.set_class(nothing, "-nothing")
        if nothing:
            lacking = found.columns if found.row_values else found.rows
            self.notice.say(
                "empty",
                f"No {lacking} yet",
                "Coverage counts the combinations of two dimensions of the vocabulary.",
                "d takes other dimensions; V, behind esc, adds values.",
            )
        rows, columns = (
            [Heading(value.label, not value.active) for value in values]
            for values in (found.row_values, found.column_values)
        )
        measure = self._view.measure
        cells = [[found.cells[row.value, column.value] for column in found.column_values] for row in found.row_values]
        self.map.show(
            rows, columns, [[Spot(emptiest.measured(cell, measure), cell.share) for cell in row] for row in cells]
        )
        self._show_sums(found)
        self._show_cell()
        self.call_after_refresh(self._show_emptiest)  # its width hangs on what is shown

    def _show_sums(self, found: Coverage) -> None:
        total = sum(emptiest.measured(cell, self._view.measure) for cell in found.cells.values())
        lacking = sum(found.missing.values())
        parts = [
            Content.assemble((found.rows, "bold"), (f" {emptiest.BY} ", "$faint"), (found.columns, "bold")),
            Content.assemble((emptiest.MEASURES[self._view.measure], "$accent"), f" {total:,}"),
            Content.styled(f"{lacking:,} missing in {text.plural(len(found.missing), 'cell')}", "$warning")
            if lacking
            else Content(""),
            Content.styled("without the rehearsal" if not found.rehearsal else "", "$generating"),
            Content.styled(f"{found.outside:,} in no cell" if found.outside else "", "$faint"),
        ]
        self.sums.update(Content("   ").join(part for part in parts if part))

    @property
    def current(self) -> Cell | None:
        """The cell under the cursor."""
        found = self.coverage
        row, column = self.map.cursor
        if found is None or row >= len(found.row_values) or column >= len(found.column_values):
            return None
        return found.cells[found.row_values[row].value, found.column_values[column].value]

    @on(HeatMap.Moved)
    def _show_cell(self) -> None:
        cell, found = self.current, self.coverage
        if cell is None or found is None:
            self.about.update("")
        else:
            self.about.update(emptiest.described(cell, found, self.app.labels))

    def _show_emptiest(self) -> None:
        if (found := self.coverage) is not None:
            width = self.emptiest.content_size.width
            self.emptiest.update(emptiest.listed(found.emptiest(), found, self.app.labels, width))

    def on_resize(self, event: Resize) -> None:
        """More or less room for what to do."""
        self.call_after_refresh(self._show_emptiest)

    # Looking

    def action_measure(self) -> None:
        """The number of a cell is another one."""
        measures = list(emptiest.MEASURES)
        self._view.measure = measures[(measures.index(self._view.measure) + 1) % len(measures)]
        self._show()

    def action_rehearsal(self) -> None:
        """Counts what the rehearsal wrote, or leaves it out."""
        self._view.rehearsal = not self._view.rehearsal
        self._count()

    def action_turn(self) -> None:
        """Rows become columns."""
        self._look_at(self._view.columns, self._view.rows)

    def action_pair(self) -> None:
        """Asks for two dimensions."""
        self.app.push_screen(PairDialog(self._view.rows, self._view.columns), self._pair_chosen)

    def _pair_chosen(self, pair: tuple[str, str] | None) -> None:
        if pair is not None:
            self._look_at(*pair)

    def _look_at(self, rows: str, columns: str) -> None:
        self._view.rows, self._view.columns = rows, columns
        self.map.cursor = (0, 0)
        self.said.update("")
        self._count()

    def action_emptiest(self, place: int) -> None:
        """Goes to one of the emptiest cells."""
        if (found := self.coverage) is not None and place < len(cells := found.emptiest()):
            wanted = cells[place]
            self.map.cursor = (
                next(n for n, value in enumerate(found.row_values) if value.value == wanted.row),
                next(n for n, value in enumerate(found.column_values) if value.value == wanted.column),
            )

    def action_count(self) -> None:
        """Counts again."""
        self.app.look_now()
        self._count()

    # Doing something about it

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What changes something needs a role."""
        return True if self.allowed("coverage", action) else None

    @on(HeatMap.Opened)
    def _cell_opened(self) -> None:
        cell, found = self.current, self.coverage
        if cell is not None and found is not None:
            leave_out = "" if found.rehearsal else " -is:rehearsal"
            self.dismiss(f"{found.rows}:{cell.row} {found.columns}:{cell.column}{leave_out}")

    def action_target(self) -> None:
        """Asks for a target."""
        cell, found = self.current, self.coverage
        if cell is not None and found is not None:
            self.app.push_screen(TargetDialog(found, cell), self._target_set)

    def _target_set(self, answer: Content | None) -> None:
        if answer is not None:
            self.said.update(answer)
            self._count()

    def action_fill(self) -> None:
        """Plans what is missing."""
        self.read(partial(self._fill), name="fill")

    async def _fill(self) -> None:
        """What is missing at this moment: what is on the screen may be a second old."""
        await self._read()
        found = self.coverage
        if found is None:
            return
        lacking = found.missing
        if not lacking:
            has_target = any(cell.target for cell in found.cells.values())
            said = (
                "Nothing is missing: every cell has its target." if has_target else "No cell has a target: t sets one."
            )
            self.said.update(Content.assemble(("○ ", "$accent"), said))
            return
        self.dismiss(Filling(sum(lacking.values()), (found.rows, found.columns), found.rehearsal))
