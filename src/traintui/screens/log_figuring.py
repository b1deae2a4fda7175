"""What all rows of a filter add up to, below the rows of a log, and drawn above them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from textual.content import Content

from traintui import clock
from traintui.screens.log_pane import AGAIN, LogPane

if TYPE_CHECKING:
    from traintui.data.filters import Filter

RowT = TypeVar("RowT")
FiguresT = TypeVar("FiguresT")


class FiguringPane(LogPane[RowT], Generic[RowT, FiguresT]):
    """A log whose rows are added up: once all of them are found, and again when they are others or have ended. That is
    put off while it takes long, and not forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.figures: FiguresT | None = None
        """What they add up to; None before that is known."""
        self._summed: Filter | None = None
        """The filter whose rows were added up, or are."""
        self._due = False
        """Whether they are others since."""
        self._sums_rest_until = 0.0

    # What a subclass says

    @abstractmethod
    async def add_up(self, wanted: Filter) -> FiguresT:
        """Adds the rows of a filter up, by days on the wall of who looks."""

    @abstractmethod
    def draw(self, figures: FiguresT) -> None:
        """Draws them above the rows."""

    @abstractmethod
    def told(self, figures: FiguresT) -> Sequence[Content]:
        """What is said of them below the rows."""

    # When

    def all_found(self, wanted: Filter) -> None:
        """Adds them up, at once where the filter is another."""
        if wanted is not self._summed:
            self.figures = None
            self._sums_rest_until = 0.0
        self._due = True
        self._sum_if_due()

    def look(self) -> None:
        """What was put off is done when it is time."""
        super().look()
        self._sum_if_due()

    def _sum_if_due(self) -> None:
        if self._due and self.wanted is not None and clock.ticks() >= self._sums_rest_until:
            self._due = False
            self._summed = self.wanted
            self.read(partial(self._sum_up, self.wanted), name="sums")

    async def _sum_up(self, wanted: Filter) -> None:
        began = clock.ticks()
        figures = await self.add_up(wanted)
        self._sums_rest_until = clock.ticks() + AGAIN * (clock.ticks() - began)
        if wanted is self._summed:
            self.figures = figures
            self.show_figures()

    @property
    def of_all(self) -> FiguresT | None:
        """What all that are listed add up to; None before that is known."""
        return self.figures

    def show_figures(self) -> None:
        """Draws and says what is known."""
        figures = self.of_all
        if figures is not None:
            self.draw(figures)
            self.set_class(not self.told(figures) and not self.filter_text, "-bare")
            self.say_counts()

    def sums(self) -> Sequence[Content]:
        """What they add up to, once it is known."""
        figures = self.of_all
        return () if figures is None else self.told(figures)

    def action_figures(self) -> None:
        """Shows or hides what is drawn above the rows."""
        self.toggle_class("-figures-toggled")
