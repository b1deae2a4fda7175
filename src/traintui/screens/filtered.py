"""Rows that a filter line asks for: what is typed there, what is applied, and going far in what was found."""

from __future__ import annotations

from typing import Any

from textual import getters, on
from textual.widget import Widget

from traintui.screens.base import Sending
from traintui.widgets.filter_line import FilterLine
from traintui.widgets.windowed_table import WindowedTable


class Filtered(Widget, Sending):
    """What a screen and a pane with a filter line share. They say how a filter is applied."""

    filter_line = getters.query_one(FilterLine)
    filter_text = ""
    """The filter whose rows are shown."""

    @property
    def listed(self) -> WindowedTable[Any]:
        """The rows."""
        return self.query_one(WindowedTable)

    def apply(self, filter_text: str, *, top: bool = False, typing: bool = False) -> bool:
        """Shows what a filter names. Whether it can be read; else the rows stay, and the mistake is answered."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The key of the filter rests while one types it."""
        if action == "filter" and self.is_mounted and self.filter_line.field.has_focus:
            return False
        return super().check_action(action, parameters)

    # The filter

    def action_filter(self) -> None:
        """Goes to the filter."""
        self.filter_line.field.focus()

    @on(FilterLine.Changed)
    def _filter_typed(self, event: FilterLine.Changed) -> None:
        # "scor" is no word to look for: the rows stay until it is clear. A field that was given what is shown already
        # says so too.
        if self.filter_line.field.is_naming or event.text.strip() == self.filter_text:
            self.filter_line.understood()
        else:
            self.apply(event.text, top=True, typing=True)

    @on(FilterLine.Applied)
    def _filter_applied(self, event: FilterLine.Applied) -> None:
        if self.apply(event.text, top=event.text.strip() != self.filter_text):
            self.listed.focus()

    @on(FilterLine.Left)
    def _filter_left(self, event: FilterLine.Left) -> None:
        if event.text.strip() != self.filter_text:
            self.apply(event.text, top=True)
        self.listed.focus()

    # The rows

    @on(WindowedTable.FetchFailed)
    def _fetch_failed(self, event: WindowedTable.FetchFailed) -> None:
        self.work_failed("rows", event.error)

    @on(WindowedTable.JumpRequested)
    def _jump_requested(self) -> None:
        from traintui.screens.jump import JumpDialog

        self.app.push_screen(JumpDialog(self.listed.total, self.listed.cursor), self._jumped)

    def _jumped(self, rank: int | None) -> None:
        if rank is not None:
            self.listed.jump(rank)
