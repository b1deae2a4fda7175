"""Reports in Audit: whether all was reviewed, attributed and approved, and who did what; made when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static
from textual.worker import Worker

from traintui import clock, commands, text
from traintui.audit.reports.making import KINDS
from traintui.audit.reports.model import Name
from traintui.screens.report_form import ReportChoice, ReportForm
from traintui.screens.save_csv import SaveCsv
from traintui.screens.tabs import TabPane
from traintui.widgets.detail_view import MARGIN, DetailView
from traintui.widgets.notice import failure
from traintui.widgets.report_lines import ReportRow, report_columns, report_lines
from traintui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from traintui.audit.reports.making import Made

SAID_EVERY = 0.1
"""Seconds between two words on how far it is."""


class ReportsPane(TabPane):
    """The reports that there are with their verdicts, and what the one under the cursor says."""

    NAME = "reports"
    TITLE = "Reports"
    PLACES = ("reports",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("reports")
    DEFAULT_CSS = """
    ReportsPane {
        layout: vertical; height: 1fr;
        & RowTable { height: 6; }
        & #said { height: auto; max-height: 3; padding: 0 2; background: $surface; }
        & DetailView { width: 1fr; min-width: 0; height: 1fr; border-top: solid $rule; }
    }
    """

    table: getters.query_one[RowTable[ReportRow]] = getters.query_one(RowTable)
    detail = getters.query_one(DetailView)
    line = getters.query_one("#said", Static)

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[Name, Made] = {}
        self._saving: list[Made] = []
        self._choice = ReportChoice()
        self._under_way: tuple[Name, int, int] | None = None
        self._making: Worker[None] | None = None
        self._said = 0.0

    def compose(self) -> ComposeResult:
        """The list, a line on what they are of and what is under way, and the report."""
        yield RowTable[ReportRow](report_columns(), key=lambda row: row.kind.name, opens="Make", id="report-list")
        yield Static(id="said")
        yield DetailView()

    def on_mount(self) -> None:
        """Nothing is made before somebody asks for it."""
        self._draw()
        self._say_what()

    def on_unmount(self) -> None:
        """Lets go of the rows of what was made."""
        for made in self._made.values():
            self._let_go(made)

    def enter(self) -> None:
        """Takes the focus."""
        self.table.focus()

    def shown(self) -> None:
        """The tab is chosen."""
        self._draw()

    @property
    def is_making(self) -> bool:
        """Whether a report is being made."""
        return self._making is not None and not self._making.is_finished

    # Drawing

    def _draw(self) -> None:
        rows = []
        for name, kind in KINDS.items():
            made = self._made.get(name)
            going = self._under_way
            under_way = going[1:] if going is not None and going[0] == name else None
            rows.append(ReportRow(kind, None if made is None else made.report, under_way))
        self.table.show(rows)
        passed = [made.report.answer.passed for made in self._made.values()]
        if passed:
            failed = len(passed) - sum(passed)
            self.remark(f"{failed} of {len(passed)} fail" if failed else f"{len(passed)} pass")
        self._draw_detail()

    @on(RowTable.Moved)
    def _draw_detail(self) -> None:
        row = self.table.current
        if row is None:
            return
        if row.report is None:
            keys = Content.styled("enter makes it, m makes all, p says as of when.", "$muted")
            self.detail.show((Content.styled(row.kind.claim, "bold"), Content(), keys), key=row.kind.name)
            return
        width = max(24, self.detail.size.width - 2 * MARGIN - 1)
        self.detail.show(report_lines(row.report, width), key=(row.kind.name, row.report.made_at))

    @on(Resize)
    def _other_width(self) -> None:
        if self.is_mounted:
            self._draw_detail()

    def _say_what(self) -> None:
        folder = text.visible(self._choice.save_in, single_line=True, limit=60)
        what = text.visible(self._choice.says, single_line=True, limit=120)
        self.line.update(Content.styled(f"{what}; s saves in {folder}", "$muted"))

    # Making

    @on(RowTable.Opened)
    def _opened(self) -> None:
        row = self.table.current
        if row is not None:
            self._make([row.kind.name])

    def action_make_all(self) -> None:
        """Makes every report, one after the other."""
        self._make(list(KINDS))

    def look_again(self) -> None:
        """Makes the one under the cursor anew."""
        self._opened()

    def _make(self, names: Sequence[Name]) -> None:
        self._making = self.read(partial(self._make_each, names), name="report")

    async def _make_each(self, names: Sequence[Name]) -> None:
        from traintui.audit.reports.making import Asked, make
        from traintui.audit.reports.moments import read_moment

        choice = self._choice
        try:
            for name in names:
                of_period = KINDS[name].of_period
                until = read_moment(choice.until if of_period else choice.as_of)
                since = read_moment(choice.since, begins=True) if of_period else None
                self._progressed(name, 0, 0)
                made = await make(
                    self.db, Asked(name, until, since, choice.folders), progress=partial(self._progressed, name)
                )
                before, self._made[name] = self._made.get(name), made
                if before is not None:
                    self._let_go(before)
        finally:
            self._under_way = None
            if self.is_mounted:
                self._draw()
                self.screen.refresh_bindings()
        self._say_what()

    def _progressed(self, name: Name, done: int, total: int) -> None:
        at = clock.ticks()
        if total and done < total and at - self._said < SAID_EVERY:
            return
        self._said = at
        if self._under_way is None:
            self.call_later(self.screen.refresh_bindings)
        self._under_way = (name, done, total)
        of = f"{done:,} of {total:,}" if total else "begins"
        self.line.update(Content.styled(f"◐ {KINDS[name].title}: {of}   esc stops it", "$generating"))
        self._draw()

    @property
    def leads_back(self) -> bool:
        """From what is being made."""
        return self._under_way is not None

    def back(self) -> None:
        """Stops what is being made; what was made before stays."""
        if self.is_making and self._making is not None and not self._making.is_cancelled:
            self._making.cancel()
            self.line.update(Content.styled("! Stopped. What was made before stands.", "$warning"))
        else:
            self.table.focus()

    # What it is of, and saving

    def action_choose(self) -> None:
        """Asks as of when, of which period, where manifests are and where reports go."""
        self.app.push_screen(ReportForm(self._choice), self._chosen)

    def _chosen(self, chosen: ReportChoice | None) -> None:
        if chosen is not None:
            self._choice = chosen
            self._say_what()

    def action_save(self) -> None:
        """Saves the one under the cursor."""
        row = self.table.current
        made = None if row is None else self._made.get(row.kind.name)
        if made is None:
            self.line.update(Content.styled("There is nothing to save yet: enter makes the report.", "$warning"))
            return
        self.line.update(Content.styled("◌ Saving", "$muted"))
        self.write(partial(self._save, made), name="save-report")

    def action_csv(self) -> None:
        """Asks where all rows of the one under the cursor are to be saved."""
        row = self.table.current
        made = None if row is None else self._made.get(row.kind.name)
        if row is None or made is None:
            self.line.update(Content.styled("There are no rows yet: enter makes the report.", "$warning"))
            return
        number = text.plural(made.report.number, "row")
        self.app.push_screen(SaveCsv(f"report-{row.kind.name}", row.kind.title, number), partial(self._save_to, made))

    def _save_to(self, made: Made, path: Path | None) -> None:
        if path is not None:
            self.line.update(Content.styled("◌ Saving", "$muted"))
            self.write(partial(self._save_rows, made, path), name="save-report")

    async def _save_rows(self, made: Made, path: Path) -> None:
        from traintui.audit.reports.saving import save_rows

        with self._held(made):
            await save_rows(made, path)
        shown = text.shown(str(path), single_line=True, limit=200, style="bold")
        self.line.update(Content.assemble(("● ", "$approved"), f"{text.plural(made.report.number, 'row')} in ", shown))

    @contextmanager
    def _held(self, made: Made) -> Iterator[None]:
        """Keeps the rows of a report open meanwhile, though it is made anew."""
        self._saving.append(made)
        try:
            yield
        finally:
            self._saving.remove(made)
            if all(made is not kept for kept in self._made.values()):
                self._let_go(made)

    async def _save(self, made: Made) -> None:
        from traintui.audit.reports.saving import save

        with self._held(made):
            saved = await save(self.db, made, Path(self._choice.save_in))
        name = text.shown(saved.page.name, single_line=True, limit=100, style="bold")
        folder = text.shown(str(saved.page.parent), single_line=True, limit=200, style="$muted")
        note = text.shown(saved.note, single_line=True, limit=200, style="$warning")
        said = Content.assemble(("● ", "$approved"), name, (" and its CSV in ", "$muted"), folder)
        self.line.update(Content("\n").join([said, note]) if saved.note else said)

    def _let_go(self, made: Made) -> None:
        """Closes the rows of a report, unless they are just being saved."""
        if all(made is not saving for saving in self._saving):
            made.close()

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in the line above the report."""
        if name in {"report", "save-report"}:
            self.line.update(failure(self.app.answer(error), gap="  "))
        else:
            super().work_failed(name, error)
