"""Calls to models in Audit: what was sent, what came back, what it cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content

from traintui import clock, commands, text
from traintui.data.records import Attempt, AttemptDetail
from traintui.screens.log_pane import AGAIN, LogPane
from traintui.widgets.day_bars import DayBars
from traintui.widgets.json_lines import DEPTHS, USUAL_DEPTH
from traintui.widgets.log_detail import call_facts, call_lines
from traintui.widgets.log_rows import call_columns
from traintui.widgets.row_table import Column

if TYPE_CHECKING:
    from traintui.data.filters import Filter
    from traintui.data.log_figures import CallFigures


class GenerationsPane(LogPane[Attempt]):
    """Every call, whatever became of it."""

    NAME = "generations"
    TITLE = "Generations"
    LOG = "generations"
    PLACES = ("log", "calls")
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("log"), *commands.bindings("calls")]
    EXAMPLE = "state:error model:claude-haiku-5-5 created>=-7d cost>0.01 overloaded"
    ROWS = "calls"
    EMPTY = ("No call yet", "Each request to a model has its row here before it is sent.", "3 plans a batch")

    def __init__(self) -> None:
        super().__init__()
        self._depth = DEPTHS.index(USUAL_DEPTH)
        self._found: AttemptDetail | None = None
        self._figures: CallFigures | None = None
        self._summed: Filter | None = None
        """The filter whose calls were added up, or are."""
        self._sums_rest_until = 0.0

    def compose_figures(self) -> ComposeResult:
        """Cost and failures, day by day."""
        with Horizontal(classes="figures"):
            yield DayBars("Cost a day", "$accent", id="cost")
            yield DayBars("Failures a day", "$failed", id="failures")

    # What they add up to

    def all_found(self, wanted: Filter) -> None:
        """Adds them up, less often where that takes long."""
        if wanted is not self._summed or clock.ticks() >= self._sums_rest_until:
            if wanted is not self._summed:
                self._figures = None
            self._summed = wanted
            self.read(partial(self._sum_up, wanted), name="sums")

    async def _sum_up(self, wanted: Filter) -> None:
        from traintui.data.log_figures import call_figures

        began = clock.ticks()
        offset = clock.now().astimezone().utcoffset() or timedelta()
        figures = await call_figures(self.db, wanted, offset=offset)
        self._sums_rest_until = clock.ticks() + AGAIN * (clock.ticks() - began)
        if wanted is not self._summed:
            return
        self._figures = figures
        days = [each.day for each in figures.days]
        most = max((each.cost_usd for each in figures.days), default=Decimal(0))
        self.query_one("#cost", DayBars).show(
            days, [float(each.cost_usd) for each in figures.days], f"{text.usd(most)} at most"
        )
        worst = max((each.failed for each in figures.days), default=0)
        self.query_one("#failures", DayBars).show(
            days, [float(each.failed) for each in figures.days], f"{worst:,} at most"
        )
        self.say_counts()

    def sums(self) -> Sequence[Content]:
        """Cost, tokens, and the share that failed."""
        figures = self._figures
        if figures is None or not figures.calls:
            return ()
        rate = figures.failed / figures.calls
        return (
            Content.assemble((text.usd(figures.cost_usd), "bold"), (" in all", "$muted")),
            Content.assemble((text.tokens(figures.tokens), "bold"), (" tokens", "$muted")),
            Content.assemble((f"{rate:.1%}", "bold $failed" if figures.failed else "bold"), (" failed", "$muted")),
        )

    def action_figures(self) -> None:
        """Shows or hides the bars."""
        self.toggle_class("-figures-toggled")

    def columns(self) -> Sequence[Column[Attempt]]:
        """A call in a row."""
        return call_columns()

    async def read_rows(self, ids: Sequence[int]) -> Mapping[int, Attempt]:
        """Calls by their ids; their moments lead to their weeks."""
        from traintui.data import attempts

        return await attempts.rows(self.db, ids, self.listing.span(ids) if self.listing else None)

    def conversation_of(self, row: Attempt) -> str | None:
        """The conversation that it was for."""
        return row.conversation_id

    def is_open(self, row: Attempt) -> bool:
        """A call that has not ended gets its answer."""
        return row.state == "sending"

    def show_row(self, row: Attempt) -> Callable[[], None] | None:
        """What is known without its payloads, which are read when the cursor rests on it."""
        if self.detail.key == (row.id, row.state):
            return None
        self._found = None
        self.detail.show(call_facts(row), key=row.id)
        return partial(self._read_later, row)

    def _read_later(self, row: Attempt) -> None:
        self.read(partial(self._read_detail, row), name="detail")

    async def _read_detail(self, row: Attempt) -> None:
        from traintui.data import attempts

        found = await attempts.detail(self.db, row)
        if self.table.current == row:
            self._found = found
            self._draw()

    def _draw(self) -> None:
        found = self._found
        if found is not None:
            lines = call_lines(found, depth=DEPTHS[self._depth])
            self.detail.show(lines, key=(found.attempt.id, found.attempt.state))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is something to erase in a call that has ended."""
        row = self.table.current if self.is_mounted else None
        if action == "erase" and (row is None or row.state == "sending"):
            return None
        return super().check_action(action, parameters)

    def action_erase(self) -> None:
        """Asks what of the call under the cursor is to be erased, and why."""
        row = self.table.current
        if row is not None:
            self.read(partial(self._ask_to_erase, row), name="erase")

    async def _ask_to_erase(self, row: Attempt) -> None:
        from traintui.audit.holding import call
        from traintui.screens.erase_calls import EraseDialog, erasable

        target = erasable(await call(self.db, row.id))
        self.app.push_screen(EraseDialog([target]), self._erased)

    def action_holding(self) -> None:
        """Asks whose calls are to be looked for."""
        from traintui.screens.erase_holding import HoldingDialog

        self.app.push_screen(HoldingDialog(), self._erased)

    def _erased(self, begun: bool | None) -> None:
        if begun:
            self._found = None
            self.detail.key = None
            self.look_again()

    def action_fold(self, step: int) -> None:
        """Shows a level more of the payloads, or one less."""
        self._depth = max(0, min(len(DEPTHS) - 1, self._depth + step))
        self._draw()
