"""Calls to models in Audit: what was sent, what came back, what it cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from textual.binding import BindingType

from traintui import commands
from traintui.data.records import Attempt, AttemptDetail
from traintui.screens.log_pane import LogPane
from traintui.widgets.json_lines import DEPTHS, USUAL_DEPTH
from traintui.widgets.log_detail import call_facts, call_lines
from traintui.widgets.log_rows import call_columns
from traintui.widgets.row_table import Column


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

    def action_fold(self, step: int) -> None:
        """Shows a level more of the payloads, or one less."""
        self._depth = max(0, min(len(DEPTHS) - 1, self._depth + step))
        self._draw()
