"""Which values a batch takes, and how often each: the weights of every dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands
from traintui.screens.base import BaseDialog
from traintui.widgets import marks
from traintui.widgets.keybar import KeyBar
from traintui.widgets.row_table import Column, RowTable

MOST = 1_000
"""The largest weight that the keys make."""
Weights = Mapping[str, Mapping[str, float]]
"""Dimension and value to weight, as a plan has them; a dimension that is not there takes every active value alike."""


@dataclass(frozen=True, slots=True)
class ValueRow:
    """A value of a dimension: its weight (0 is left out) and its share of the dimension; `first` begins a dimension,
    `gone` says that it is not active."""

    dimension: str
    value: str
    weight: float
    share: float
    first: bool
    gone: bool

    @property
    def key(self) -> tuple[str, str]:
        """What names it."""
        return self.dimension, self.value


def filled(weights: Weights, vocabulary: Mapping[str, Sequence[str]]) -> dict[str, dict[str, float]]:
    """The weight of every value of every dimension, those that a plan leaves out at 0; values that the vocabulary does
    not have any more come last."""
    every: dict[str, dict[str, float]] = {}
    for dimension, values in vocabulary.items():
        given = weights.get(dimension) or dict.fromkeys(values, 1.0)
        gone = [value for value in given if value not in values]
        every[dimension] = {value: float(given.get(value, 0)) for value in [*values, *gone]}
    return every


def planned(every: Weights, vocabulary: Mapping[str, Sequence[str]]) -> dict[str, dict[str, float]]:
    """The weights as a plan has them: without values at 0, and dimensions that take every active value alike."""
    wanted: dict[str, dict[str, float]] = {}
    for dimension, weights in every.items():
        taken = {value: weight for value, weight in weights.items() if weight}
        if taken.keys() != set(vocabulary.get(dimension, ())) or len(set(taken.values())) > 1:
            wanted[dimension] = taken
    return wanted


def said_of(weights: Weights, vocabulary: Mapping[str, Sequence[str]]) -> str:
    """What a plan takes, in words: `persona 3 of 8, tier 3 : 5 : 2, others alike`."""
    parts = []
    for dimension in vocabulary:
        given = weights.get(dimension)
        if not given:
            continue
        values = vocabulary[dimension]
        if len(given) < len(values):
            parts.append(f"{dimension} {len(given)} of {len(values)}")
        elif len(values) <= 4:
            parts.append(f"{dimension} {' : '.join(f'{given.get(value, 0):g}' for value in values)}")
        else:
            parts.append(f"{dimension} weighed")
    return ", ".join([*parts, "others alike"]) if parts else "every value as often"


COLUMNS: tuple[Column[ValueRow], ...] = (
    Column("Dimension", 9, lambda row: Content.styled(row.dimension if row.first else "", "bold")),
    Column("", 1, lambda row: Content.styled("✓", "$accent") if row.weight else Content.styled("·", "$faint")),
    Column("Value", 0, lambda row: Content.styled(row.value, "")),
    Column("Weight", 6, lambda row: Content.styled(f"{row.weight:g}", "" if row.weight else "$faint"), right=True),
    Column("Share", 6, lambda row: Content.styled(f"{row.share:.0%}" if row.weight else "", "$muted"), right=True),
)


class ValuesDialog(BaseDialog[dict[str, dict[str, float]]]):
    """Every value of every dimension with its weight; answers with the weights as a plan has them."""

    PLACES = ("batch_values", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("batch_values")
    CSS_PATH = "generate.tcss"
    AUTO_FOCUS = "RowTable"

    table: getters.query_one[RowTable[ValueRow]] = getters.query_one(RowTable)
    chosen = getters.query_one("#chosen", Static)

    def __init__(self, weights: Weights, vocabulary: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self._vocabulary = vocabulary
        self._weights = filled(weights, vocabulary)

    def compose(self) -> ComposeResult:
        """The values, and what is wrong or chosen."""
        named = (*COLUMNS[:2], Column("Value", 0, self._value), *COLUMNS[3:])
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Values and weights"
            panel.border_subtitle = "0 to 9 sets a weight, 0 leaves it out"
            yield RowTable(named, key=lambda row: row.key, opens="")
            yield Static(id="chosen")
        yield KeyBar()

    def _value(self, row: ValueRow) -> Content:
        if row.dimension == "tier":
            return Content(row.value.replace("_", " "))
        label = marks.label(self.app.labels, row.dimension, row.value)
        return Content.assemble(label, ("  not active: leave it out", "$warning")) if row.gone else label

    def on_mount(self) -> None:
        """Shows them."""
        self._show()

    def _show(self) -> None:
        rows = []
        for dimension, weights in self._weights.items():
            whole = sum(weights.values()) or 1
            for place, (value, weight) in enumerate(weights.items()):
                gone = value not in self._vocabulary[dimension]
                rows.append(ValueRow(dimension, value, weight, weight / whole, place == 0, gone))
        self.table.show(tuple(rows))
        empty = self._empty
        if empty:
            said = f"{', '.join(empty)}: nothing is chosen. Take at least one value."
            self.chosen.update(Content.assemble(("! ", "$warning"), said))
        else:
            said = said_of(planned(self._weights, self._vocabulary), self._vocabulary)
            self.chosen.update(Content.styled(f"{said[:1].upper()}{said[1:]}", "$muted"))

    @property
    def _empty(self) -> list[str]:
        return [dimension for dimension, weights in self._weights.items() if not any(weights.values())]

    def _set(self, row: ValueRow, weight: float) -> None:
        if row.gone:
            weight = 0  # a value that is not active can only go
        self._weights[row.dimension][row.value] = max(0.0, min(MOST, weight))
        self._show()

    def action_choose(self) -> None:
        """Takes the value in or out, and goes on."""
        row = self.table.current
        if row is not None:
            self._set(row, 0 if row.weight else 1)
            self.table.cursor += 1

    @on(RowTable.Opened)
    def _opened(self) -> None:
        self.action_choose()

    def action_weigh(self, by: int) -> None:
        """Weighs the value more, or less."""
        row = self.table.current
        if row is not None:
            self._set(row, row.weight + by)

    def action_weight(self, weight: int) -> None:
        """Gives the value a weight."""
        row = self.table.current
        if row is not None:
            self._set(row, weight)

    def action_alike(self) -> None:
        """Takes every active value of the dimension as often."""
        row = self.table.current
        if row is not None:
            self._weights[row.dimension] = dict.fromkeys(self._vocabulary[row.dimension], 1.0)
            self._show()

    def action_dimension(self, steps: int) -> None:
        """Goes to the first value of another dimension."""
        row = self.table.current
        if row is None:
            return
        names = list(self._weights)
        wanted = names[(names.index(row.dimension) + steps) % len(names)]
        self.table.cursor = next(place for place, each in enumerate(self.table.rows) if each.dimension == wanted)

    def action_keep(self) -> None:
        """Answers with the weights, unless a dimension has nothing left."""
        if not self._empty:
            self.dismiss(planned(self._weights, self._vocabulary))
