"""Calls to models in Audit: what was sent, what came back, what it cost."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
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
from traintui.screens.archived_pane import ArchivedPane
from traintui.screens.log_pane import AGAIN
from traintui.widgets.day_bars import DayBars
from traintui.widgets.json_lines import DEPTHS, USUAL_DEPTH
from traintui.widgets.log_detail import call_facts, call_lines
from traintui.widgets.log_rows import call_columns
from traintui.widgets.row_table import Column

if TYPE_CHECKING:
    from traintui.audit.archive_reach import Reach
    from traintui.data.filters import Filter
    from traintui.data.log_figures import CallFigures
    from traintui.data.log_listing import Found, Keys


class GenerationsPane(ArchivedPane[Attempt]):
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
        self._is_archived = False
        """Whether that one was read from the archive."""
        self._figures: CallFigures | None = None
        self._archived_figures: CallFigures | None = None
        """What archived calls add up to, as far as they are listed."""
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

    async def reach(self, wanted: Filter) -> Reach:
        """The frames that its dates and conversations leave."""
        from traintui.audit.archive_reach import frames_for, reach_of

        return reach_of(await frames_for(self.db, wanted), wanted)

    async def archived(self, wanted: Filter) -> AsyncGenerator[tuple[Keys, float]]:
        """Archived calls that match; adds them up as they come."""
        from traintui.audit import call_archive

        offset = clock.now().astimezone().utcoffset() or timedelta()
        async with aclosing(call_archive.find(self.db, wanted, offset=offset)) as steps:
            async for step in steps:
                before = self._archived_figures
                self._archived_figures = step.figures if before is None else before + step.figures
                yield step.keys, step.looked

    async def found(self, wanted: Filter) -> AsyncGenerator[Found]:
        """What matches; what archived calls add up to is known with them."""
        self._archived_figures = None
        async with aclosing(super().found(wanted)) as steps:
            async for found in steps:
                yield found
        self._show_sums()

    async def _sum_up(self, wanted: Filter) -> None:
        from traintui.data.log_figures import call_figures

        began = clock.ticks()
        offset = clock.now().astimezone().utcoffset() or timedelta()
        figures = await call_figures(self.db, wanted, offset=offset)
        self._sums_rest_until = clock.ticks() + AGAIN * (clock.ticks() - began)
        if wanted is not self._summed:
            return
        self._figures = figures
        self._show_sums()

    @property
    def figures(self) -> CallFigures | None:
        """What all that are listed add up to; None until that is known."""
        live, archived = self._figures, self._archived_figures
        return live if live is None or archived is None else live + archived

    def _show_sums(self) -> None:
        figures = self.figures
        if figures is None:
            return
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
        figures = self.figures
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
        """Calls by their ids; their moments lead to their weeks. Those that are not in the log any more are in the
        archive."""
        from traintui.data import attempts

        listing = self.listing
        found = await attempts.rows(self.db, ids, listing.span(ids) if listing else None)
        gone = [id for id in ids if id not in found]
        if listing is None or not gone:
            return found
        from traintui.audit import call_archive

        moments = {id: span[0] for id in gone if (span := listing.span([id])) is not None}
        return {**found, **await call_archive.rows(self.db, moments)}

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
        from traintui.audit import call_archive
        from traintui.data import attempts
        from traintui.data.refusals import Refused

        archived = False
        try:
            found = await attempts.detail(self.db, row)
        except Refused as refused:
            if refused.code != "TT002":
                raise
            archived, found = True, await call_archive.detail(self.db, row)
        if self.table.current == row:
            self._found, self._is_archived = found, archived
            self._draw()

    def _draw(self) -> None:
        found = self._found
        if found is not None:
            lines = call_lines(found, depth=DEPTHS[self._depth], archived=self._is_archived)
            self.detail.show(lines, key=(found.attempt.id, found.attempt.state))

    def action_fold(self, step: int) -> None:
        """Shows a level more of the payloads, or one less."""
        self._depth = max(0, min(len(DEPTHS) - 1, self._depth + step))
        self._draw()
