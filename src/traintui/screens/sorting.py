"""What to sort by: one key or two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from traintui import commands, text
from traintui.data.fields import Field, Kind
from traintui.data.listing import NEWEST, Order
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar


class SortDialog(BaseDialog[str]):
    """Every field; answers the text of an order. The field that rows are sorted by now turns around."""

    PLACES = ("sorting",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("sorting")
    CSS_PATH = "dialogs.tcss"

    def __init__(self, fields: Mapping[str, Field], order: Order) -> None:
        super().__init__(classes="choice")
        self._order = order
        self._choices = ["", *(self._next(field) for field in fields.values())]
        self._fields = fields

    def _next(self, field: Field) -> str:
        if self._order.field is not None and self._order.field.name == field.name:
            return field.name if self._order.descending else f"-{field.name}"
        return field.name if field.kind is Kind.KEY or field.name == "score" else f"-{field.name}"

    def compose(self) -> ComposeResult:
        """The fields in a list."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Sort by"
            yield OptionList(*(Option(self._shown(choice)) for choice in self._choices), compact=True)
        yield KeyBar()

    def on_mount(self) -> None:
        """The list begins at the present order."""
        present = self._order.field.name if self._order.field else ""
        names = [choice.removeprefix("-") for choice in self._choices]
        self.query_one(OptionList).highlighted = names.index(present) if present in names else 0

    def _shown(self, choice: str) -> Content:
        field = self._fields.get(choice.removeprefix("-"))
        if field is None:
            current = self._order == NEWEST
            return self._line("Newest first", "what can be read before what is planned", current=current)
        current = self._order.field is not None and self._order.field.name == field.name
        way = "▼" if choice.startswith("-") else "▲"
        return self._line(f"{field.label} {way}", field.about, current=current)

    def _line(self, name: str, about: str, *, current: bool) -> Content:
        mark = ("● ", "$accent") if current else ("  ", "")
        return Content.assemble(
            mark, text.shown(f"{name:<16}", limit=40), text.shown(about, single_line=True, limit=60, style="$muted")
        )

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index])
