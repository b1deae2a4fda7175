"""The overview in Performance: how the server is, what its figures mean, what it did in the last day, and where its
bytes are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from traintui import clock, commands, text
from traintui.data.alert_records import Alert
from traintui.data.records import ServerFacts, TableSize
from traintui.errors import TraintuiError, sentence
from traintui.screens.performance_indexes import IndexesPane
from traintui.screens.tabs import TabPane
from traintui.widgets.alert_rows import overview
from traintui.widgets.notice import Notice
from traintui.widgets.server_bars import ServerBars
from traintui.widgets.server_facts import ReadingList, SizeTable, legend, readings, size_columns

if TYPE_CHECKING:
    from traintui.observing.days import Day
    from traintui.observing.index_findings import IndexFinding

POLL = 5.0
"""Seconds between two measurements."""
DAY_SECONDS = 60.0
"""After what time what the server did in the last day is read again: as often as it is sampled."""
INDEX_SECONDS = 900.0
"""After what time indexes are looked at again: as often as they are sampled."""


class OverviewPane(TabPane):
    """The server's figures, its last day as plots, and the tables by size."""

    NAME = "overview"
    TITLE = "Overview"
    PLACES: ClassVar[tuple[str, ...]] = ("overview",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("overview")

    figures = getters.query_one(ReadingList)
    plots = getters.query_one(ServerBars)
    sizes = getters.query_one(SizeTable)
    said = getters.query_one("#said", Static)
    wrong = getters.query_one("#wrong", Static)
    notice = getters.query_one(Notice)

    def __init__(self) -> None:
        super().__init__()
        self._measured_at: float | None = None
        self._alerts_at: float | None = None
        self._facts: ServerFacts | None = None
        self._sizes: tuple[TableSize, ...] = ()
        self._day: Day | None = None
        self._day_read_at: float | None = None
        self._indexes_read_at: float | None = None
        self._wrong: tuple[IndexFinding, ...] | None = None

    def compose(self) -> ComposeResult:
        """What is wrong, figures, plots, tables."""
        yield Static(id="wrong")
        yield ReadingList()
        yield ServerBars()
        yield Static(id="said")
        yield SizeTable(size_columns(self._scale), key=lambda row: row.name, id="sizes")
        yield Notice("loading", "Opening the workspace")

    def _scale(self) -> tuple[int, int]:
        largest = max((row.total_bytes for row in self.sizes.rows), default=1)
        return largest, max(8, min(60, self.sizes.size.width - 74))

    def on_mount(self) -> None:
        """Nothing is there before the workspace is."""
        self.set_class(True, "-nothing")

    def enter(self) -> None:
        """The tables are there to be scrolled."""
        self.sizes.focus()

    def shown(self) -> None:
        """Measures."""
        if self._measured_at is None:
            self.notice.say("loading", "Measuring")
        self._day_read_at = self._indexes_read_at = None
        self._look()

    def look(self) -> None:
        """Measures, where it is time to."""
        if self._measured_at is not None and clock.ticks() - self._measured_at >= POLL:
            self._look()
        elif self._alerts_at is not None and clock.ticks() - self._alerts_at >= POLL:
            self._look_at_alerts()

    def look_again(self) -> None:
        """Measures and reads the last day, as of now: a read that is under way may know nothing of what has come."""
        self._day_read_at = self._indexes_read_at = None
        self.read(self._measure, name="measure")
        self.read(self._read_alerts, name="wrong")
        self.read(self._read_day, name="day")

    def _look(self) -> None:
        if not self.reading_now("measure"):
            self.read(self._measure, name="measure")
        self._look_at_alerts()
        if not self.reading_now("day"):
            self.read(self._read_day, name="day")

    def _look_at_alerts(self) -> None:
        # By themselves: what is wrong may be what keeps the sizes waiting.
        if not self.reading_now("wrong"):
            self.read(self._read_alerts, name="wrong")

    async def _read_alerts(self) -> None:
        from traintui.data import alerts

        found = await alerts.read(self.db)
        self._alerts_at = clock.ticks()
        self._show_alerts(found)

    async def _measure(self) -> None:
        from traintui.data import health

        self._facts = await health.server_facts(self.db)
        self._sizes = await health.table_sizes(self.db)
        self._show()

    async def _read_day(self) -> None:
        """What the server did in the last day, and what is wrong with indexes. Not as often as figures are measured:
        its spans are half an hour."""
        from traintui.observing.days import last_day
        from traintui.observing.standing import index_states

        if self._day_read_at is None or clock.ticks() - self._day_read_at >= DAY_SECONDS:
            self._day_read_at = clock.ticks()
            self._day = await last_day(self.db, clock.now())
            self.plots.show(self._day.spans, self._day.took_ms)
            self.set_class(not self._day.sampled, "-unsampled")
            self._show_figures()
        if self._indexes_read_at is None or clock.ticks() - self._indexes_read_at >= INDEX_SECONDS:
            self._indexes_read_at = clock.ticks()
            states = await index_states(self.db, clock.now())
            self._wrong = tuple(each.finding for each in states if each.finding is not None)
            self.screen.query_one(IndexesPane).say_wrong(len(self._wrong))
        self._show_figures()

    def _show_alerts(self, found: Sequence[Alert]) -> None:
        self.set_class(bool(found), "-alerts")
        if found:
            self.wrong.update(overview(found, self.size.width - 4))

    def _show_figures(self) -> None:
        if self._facts is not None:
            self.figures.show(readings(self._facts, self._sizes, self._day, self._wrong))

    def action_plots(self) -> None:
        """Shows or hides what the server did in the last day."""
        self.toggle_class("-plots-toggled")

    def _show(self) -> None:
        self._measured_at = clock.ticks()
        self.set_class(False, "-nothing")
        self._show_figures()
        sizes = self._sizes
        self.sizes.show(sorted(sizes, key=lambda size: (-size.total_bytes, size.name)))
        estimated = any(not size.rows_exact for size in sizes)
        when = f"   measured {clock.now().astimezone():%H:%M:%S}, again every {POLL:.0f} s"
        self.said.update(Content.assemble(legend(estimated=estimated), (when, "$muted")))

    def work_failed(self, name: str, error: BaseException) -> None:
        """Measuring that fails is answered where the figures would be, later beside the last ones."""
        if name != "measure":
            # A database that is away is answered by measuring, which fails as well.
            if name not in {"wrong", "day"} or not isinstance(error, TraintuiError):
                super().work_failed(name, error)
            return
        answer = self.app.answer(error)
        if self._measured_at is None:
            self.notice.fail(answer, "r measures again.")
            return
        said = f"{answer.title}. {sentence(answer.message)} r measures again."
        self.said.update(Content.assemble(("! ", "$error"), text.shown(said, single_line=True, limit=300)))
