"""Indexes in Performance: how they are used, and which are to be mended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import clock, text
from traintui.screens.performance_listed import ListedPane
from traintui.widgets.index_rows import index_columns, index_lines
from traintui.widgets.row_table import Column

if TYPE_CHECKING:
    from traintui.observing.standing import IndexState


class IndexesPane(ListedPane["IndexState"]):
    """All indexes, those with something to mend first."""

    NAME = "indexes"
    TITLE = "Indexes"
    PLACES = ("detail",)

    def columns(self) -> Sequence[Column[IndexState]]:
        """Size, use, density."""
        return index_columns()

    def key_of(self, row: IndexState) -> object:
        """Its name."""
        return row.name

    async def rows(self) -> Sequence[IndexState]:
        """All of them."""
        from traintui.observing.standing import index_states

        found = await index_states(self.db, clock.now())
        wrong = sum(each.finding is not None for each in found)
        self.remark(f"{wrong} to mend" if wrong else "")
        return found

    async def lines(self, row: IndexState) -> Sequence[Content]:
        """What is known with the row."""
        return tuple(index_lines(row))

    def sums(self, rows: Sequence[IndexState]) -> Content:
        """How many, how large, and how many are to be mended."""
        whole = sum(row.fact.index_bytes for row in rows if row.fact is not None)
        wrong = sum(row.finding is not None for row in rows)
        return Content.assemble(
            (text.count(len(rows)), "bold"), (" indexes, ", "$muted"), (text.size(whole), "bold"), (", ", "$muted"),
            (text.count(wrong), "bold $warning" if wrong else "bold"), (" to mend", "$muted"),
        )  # fmt: skip

    def nothing(self) -> tuple[str, str]:
        """There always are some."""
        return "No index", "The schema of this workspace is not there."
