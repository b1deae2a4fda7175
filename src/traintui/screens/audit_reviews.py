"""Decisions in Audit: who did what to which conversation, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content

from traintui import commands, text
from traintui.audit.notes import taken_out
from traintui.data.records import ReviewEntry
from traintui.screens.log_figuring import FiguringPane
from traintui.widgets.day_bars import DayBars
from traintui.widgets.log_detail import review_lines
from traintui.widgets.log_rows import review_columns
from traintui.widgets.name_bars import NameBars
from traintui.widgets.row_table import Column

if TYPE_CHECKING:
    from traintui.data.filters import Filter
    from traintui.data.review_figures import ReviewFigures


class ReviewsPane(FiguringPane[ReviewEntry, "ReviewFigures"]):
    """Everything that people did to conversations."""

    NAME = "reviews"
    TITLE = "Reviews"
    LOG = "reviews"
    PLACES = ("log",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("log")
    EXAMPLE = 'action:reject is:standing reviewer:ada reason:"Wrong fact" created>=-7d fees'
    ROWS = "actions"
    EMPTY = ("No decision yet", "Each approval, rejection and change has its row here.", "2 reads and decides")

    def compose_figures(self) -> ComposeResult:
        """Decisions by day, by hour, and by who took them."""
        with Horizontal(classes="figures"):
            yield DayBars("Decisions a day", "$accent", id="days")
            yield DayBars("By hour of the day", "$accent", id="hours")
            yield NameBars("By reviewer", "$accent", id="reviewers")

    async def add_up(self, wanted: Filter) -> ReviewFigures:
        """Decisions, and what share of them were approvals."""
        from traintui.data.review_figures import review_figures

        return await review_figures(self.db, wanted)

    def draw(self, figures: ReviewFigures) -> None:
        """When decisions were taken, and by whom."""
        numbers = [each.decisions.number for each in figures.days]
        self.query_one("#days", DayBars).show(
            [each.day for each in figures.days], numbers, f"busiest day {max(numbers, default=0):,}"
        )
        hours = [each.number for each in figures.hours]
        busiest = f"most at {hours.index(max(hours))}:00" if any(hours) else ""
        self.query_one("#hours", DayBars).show_between(("0", "23"), hours, busiest)
        self.query_one("#reviewers", NameBars).show(
            [
                (name, found.number, "" if found.rate is None else f"{found.rate:.0%} approved")
                for name, found in figures.reviewers
                if found.number
            ]
        )

    def told(self, figures: ReviewFigures) -> Sequence[Content]:
        """Decisions, how many of them stand, and the share that was approved."""
        if figures.total.rate is None:
            return ()
        stand = " stands" if figures.total.standing == 1 else " stand"
        return (
            Content.assemble(
                (text.count(figures.total.number), "bold"),
                (" decision" if figures.total.number == 1 else " decisions", "$muted"),
            ),
            Content.assemble((text.count(figures.total.standing), "bold"), (stand, "$muted")),
            Content.assemble((f"{figures.total.rate:.1%}", "bold"), (" approved", "$muted")),
            Content.assemble((text.count(figures.total.rejected), "bold"), (" rejected", "$muted")),
        )

    def columns(self) -> Sequence[Column[ReviewEntry]]:
        """An action in a row."""
        return review_columns()

    async def read_rows(self, ids: Sequence[int]) -> Mapping[int, ReviewEntry]:
        """Rows by their ids."""
        from traintui.data import review_log

        return await review_log.rows(self.db, ids)

    def conversation_of(self, row: ReviewEntry) -> str | None:
        """The conversation that it was done to."""
        return row.conversation_id

    def show_row(self, row: ReviewEntry) -> Callable[[], None] | None:
        """All of it is here."""
        self.detail.show(review_lines(row, taken_out(row.reason, row.reviewer_notes)), key=("review", row.id))
        return None
