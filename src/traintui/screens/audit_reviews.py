"""Decisions in Audit: who did what to which conversation, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual.binding import BindingType

from traintui import commands
from traintui.audit.notes import taken_out
from traintui.data.records import ReviewEntry
from traintui.screens.log_pane import LogPane
from traintui.widgets.log_detail import review_lines
from traintui.widgets.log_rows import review_columns
from traintui.widgets.row_table import Column


class ReviewsPane(LogPane[ReviewEntry]):
    """Everything that people did to conversations."""

    NAME = "reviews"
    TITLE = "Reviews"
    LOG = "reviews"
    PLACES = ("log",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("log")
    EXAMPLE = 'action:reject reviewer:ada reason:"Wrong fact" created>=-7d fees'
    ROWS = "actions"
    EMPTY = ("No decision yet", "Each approval, rejection and change has its row here.", "2 reads and decides")

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
