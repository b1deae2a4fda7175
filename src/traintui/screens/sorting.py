"""What to sort by: one key or two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from traintui import commands, text
from traintui.data.fields import Field, Kind
from traintui.data.listing import NEWEST, Order
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar
from traintui.widgets.row_table import Column, RowTable

LINES = 18
"""Orders that are seen at once."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An order that can be taken: `order` is its text; `shown` the way that its arrow points. One that `rests` cannot
    be taken now."""

    order: str
    title: str
    about: str
    shown: str
    is_current: bool
    rests: bool = False


class SortDialog(BaseDialog[str]):
    """Every field; answers the text of an order. The field that rows are sorted by now turns around."""

    PLACES = ("sorting", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("sorting")
    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "RowTable"

    table: getters.query_one[RowTable[Choice]] = getters.query_one("#orders", RowTable)

    def __init__(
        self,
        fields: Mapping[str, Field],
        order: Order,
        *,
        newest: str | None = "those only planned come last",
        rests: Callable[[Field], str] = lambda _: "",
    ) -> None:
        """`newest` is said of the usual order, None where that is one of the fields; `rests` says why a field cannot
        be sorted by, if it cannot."""
        super().__init__(classes="choice")
        self._order = order
        self._rests = rests
        usual = () if newest is None else (Choice("", "Newest first", newest, "", order == NEWEST),)
        self._choices = (*usual, *(self._choice(field) for field in fields.values() if field.kind is not Kind.TEXT))

    def _choice(self, field: Field) -> Choice:
        if self._order.field is not None and self._order.field.name == field.name:
            other = field.name if self._order.descending else f"-{field.name}"
            return Choice(other, field.label, "sorted by now; enter turns it around", self._order.text, True)
        if why := self._rests(field):
            return Choice("", field.label, why, "", False, rests=True)
        least_first = field.kind is Kind.KEY or field.name == "score"
        order = field.name if least_first else f"-{field.name}"
        return Choice(order, field.label, field.about, order, False)

    def compose(self) -> ComposeResult:
        """The fields in a list."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Sort by"
            yield RowTable[Choice](
                [
                    Column("", 1, lambda choice: Content.styled("●" if choice.is_current else " ", "$accent")),
                    Column("Field", 16, _name),
                    Column("", 0, lambda choice: text.shown(choice.about, single_line=True, limit=60, style="$muted")),
                ],
                key=lambda choice: choice.title,
                opens="Sort",
                id="orders",
            )
        yield KeyBar()

    def on_mount(self) -> None:
        """The list begins at the present order."""
        self.table.styles.height = min(len(self._choices), LINES) + 1
        self.table.show(self._choices)
        self.table.cursor = next((rank for rank, choice in enumerate(self._choices) if choice.is_current), 0)

    @on(RowTable.Opened)
    def _opened(self, event: RowTable.Opened[Choice]) -> None:
        if event.row.rests:
            self.app.bell()
        else:
            self.dismiss(event.row.order)


def _name(choice: Choice) -> Content:
    arrow = "" if not choice.shown else " ▼" if choice.shown.startswith("-") else " ▲"
    return text.shown(choice.title, single_line=True, limit=14, style="$faint" if choice.rests else "") + Content(arrow)
