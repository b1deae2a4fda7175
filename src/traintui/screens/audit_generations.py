"""Calls to models in Audit: what was sent, what came back, what it cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content

from traintui import commands, text
from traintui.data.log_records import Attempt
from traintui.screens.archived_pane import ArchivedPane
from traintui.widgets.day_bars import DayBars
from traintui.widgets.json_lines import DEPTHS, USUAL_DEPTH
from traintui.widgets.log_detail import call_facts, call_lines
from traintui.widgets.log_rows import call_columns
from traintui.widgets.payload_view import PayloadView
from traintui.widgets.row_table import Column
from traintui.widgets.sought import typed
from traintui.widgets.transcript_search import SearchLine

if TYPE_CHECKING:
    from traintui.audit.archive_reach import Reach, Step
    from traintui.data.filters import Filter
    from traintui.data.log_figures import CallFigures


class GenerationsPane(ArchivedPane[Attempt, "CallFigures"]):
    """Every call, whatever became of it."""

    NAME = "generations"
    TITLE = "Generations"
    LOG = "generations"
    PLACES = ("log", "calls", "payload")
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("log"), *commands.bindings("calls")]
    EXAMPLE = "state:error model:claude-haiku-5-5 created>=-7d cost>0.01 overloaded"
    ROWS = "calls"
    detail = getters.query_one(PayloadView)
    search_line = getters.query_one(SearchLine)
    EMPTY = ("No call yet", "Each request to a model has its row here before it is sent.", "3 plans a batch")

    def __init__(self) -> None:
        super().__init__()
        self._depth = DEPTHS.index(USUAL_DEPTH)

    def compose_detail(self) -> ComposeResult:
        """All of a call, and the line in which one looks for something there."""
        with Vertical(classes="whole"):
            yield PayloadView()
            yield SearchLine("finds in this call")

    def compose_figures(self) -> ComposeResult:
        """Cost and failures, day by day."""
        with Horizontal(classes="figures"):
            yield DayBars("Cost a day", "$accent", id="cost")
            yield DayBars("Failures a day", "$failed", id="failures")

    # What they add up to

    async def reach(self, wanted: Filter) -> Reach:
        """The frames that its dates and conversations leave."""
        from traintui.audit.archive_reach import frames_for, reach_of

        return reach_of(await frames_for(self.db, wanted), wanted)

    def archived(self, wanted: Filter) -> AsyncGenerator[Step[CallFigures]]:
        """Archived calls that match."""
        from traintui.audit import call_archive

        return call_archive.find(self.db, wanted)

    async def add_up(self, wanted: Filter) -> CallFigures:
        """Calls, failures, cost and tokens, day by day."""
        from traintui.data.log_figures import call_figures

        return await call_figures(self.db, wanted)

    def draw(self, figures: CallFigures) -> None:
        """Cost and failures, day by day."""
        days = [each.day for each in figures.days]
        most = max((each.cost_usd for each in figures.days), default=Decimal(0))
        self.query_one("#cost", DayBars).show(
            days, [float(each.cost_usd) for each in figures.days], f"dearest day {text.usd(most)}"
        )
        worst = max((each.failed for each in figures.days), default=0)
        self.query_one("#failures", DayBars).show(
            days, [float(each.failed) for each in figures.days], f"worst day {worst:,}"
        )

    def told(self, figures: CallFigures) -> Sequence[Content]:
        """Cost, and what of it is not certain or not paid, tokens, and the share that failed."""
        if not figures.calls:
            return ()
        rate = figures.failed / figures.calls
        of_it = []
        if figures.uncertain_usd:
            of_it.append(Content.styled(f"{text.usd(figures.uncertain_usd)} of it uncertain", "$warning"))
        if figures.rehearsal_usd:
            number = "" if figures.rehearsal_usd == figures.cost_usd else f"{text.usd(figures.rehearsal_usd)} of it "
            of_it.append(Content.styled(f"{number}by the rehearsal, not paid", "$generating"))
        return (
            Content.assemble((text.usd(figures.cost_usd), "bold"), (" in all", "$muted")),
            *of_it,
            Content.assemble((text.tokens(figures.tokens), "bold"), (" tokens", "$muted")),
            Content.assemble((f"{rate:.1%}", "bold $failed" if figures.failed else "bold"), (" failed", "$muted")),
        )

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
        lines = await asyncio.to_thread(list, call_lines(found, archived=archived))  # a megabyte takes a moment
        if self.table.current == row:
            self.detail.show_parts(lines, depth=DEPTHS[self._depth], key=(row.id, row.state))

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
            self.detail.key = None
            self.look_again()

    def action_fold(self, step: int) -> None:
        """Shows a level more of the payloads, or one less."""
        self._depth = max(0, min(len(DEPTHS) - 1, self._depth + step))
        self.detail.fold_to(DEPTHS[self._depth])

    # Looking for something in it

    def back(self) -> None:
        """Ends looking for something before anything else."""
        if self.search_line.display:
            self.end_search()
            self.detail.focus()
        else:
            super().back()

    def enter(self) -> None:
        """Back to the rows, and nothing is looked for."""
        if self.is_mounted and self.search_line.display:
            self.end_search()
        super().enter()

    def end_search(self) -> None:
        """Nothing is looked for any more."""
        self.search_line.display = False
        self.detail.seek(None)

    @on(PayloadView.Sought)
    def _seek(self) -> None:
        self.search_line.open()

    @on(SearchLine.Typed)
    def _sought(self, event: SearchLine.Typed) -> None:
        self.detail.seek(typed(event.words))

    @on(SearchLine.Stepped)
    def _stepped(self, event: SearchLine.Stepped) -> None:
        self.detail.action_match(event.step)

    @on(PayloadView.Searched)
    def _searched(self, event: PayloadView.Searched) -> None:
        self.search_line.count(event.place, event.total)

    @on(SearchLine.Left)
    def _search_left(self, event: SearchLine.Left) -> None:
        if not event.found:
            self.end_search()
        self.detail.focus()
