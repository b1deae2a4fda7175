"""A list in Performance: rows, what is known about the one under the cursor, and a line below."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.widgets import Static

from traintui import clock, text
from traintui.errors import sentence
from traintui.screens.tabs import TabPane
from traintui.widgets.detail_view import DetailView
from traintui.widgets.notice import Notice
from traintui.widgets.row_table import Column, RowTable

REST = 0.15
"""Seconds that the cursor rests on a row before more is read of it."""

RowT = TypeVar("RowT")


class ListedPane(TabPane, Generic[RowT]):
    """Rows that are read as a whole, some hundreds; the detail is read when the cursor rests on a row."""

    KEEPS_UP: ClassVar[bool] = True
    """Whether the rows are read again and again while they are shown."""
    EVERY: ClassVar[float] = 15.0
    """Seconds between two looks at what is shown."""

    table: getters.query_one[RowTable[Any]] = getters.query_one(RowTable)
    detail = getters.query_one(DetailView)
    notice = getters.query_one(Notice)
    counted = getters.query_one(".counted", Static)

    def __init__(self) -> None:
        super().__init__()
        self._read_at: float | None = None
        self._read_when = ""

    def compose(self) -> ComposeResult:
        """Rows, the detail beside or below them, and what they come to."""
        with Horizontal(classes="parts"):
            with Container(classes="rows"):
                yield RowTable[RowT](self.columns(), key=self.key_of)
                yield Notice("loading", "Reading")
            yield DetailView()
        yield Static(classes="counted")

    # What a subclass says

    @abstractmethod
    def columns(self) -> Sequence[Column[RowT]]:
        """The columns of the table."""

    @abstractmethod
    def key_of(self, row: RowT) -> object:
        """What a row is found again by."""

    @abstractmethod
    async def rows(self) -> Sequence[RowT]:
        """Reads the rows."""

    @abstractmethod
    async def lines(self, row: RowT) -> Sequence[Content]:
        """All that is known about one."""

    @abstractmethod
    def sums(self, rows: Sequence[RowT]) -> Content:
        """What they come to, below them."""

    @abstractmethod
    def nothing(self) -> tuple[str, str]:
        """What is said where there are none: a title, and what it means."""

    # When

    def shown(self) -> None:
        """Reads."""
        self.keep_up()

    def look(self) -> None:
        """Reads, where it is time to."""
        if self.KEEPS_UP and self._read_at is not None and clock.ticks() - self._read_at >= self.EVERY:
            self.keep_up()

    def keep_up(self) -> None:
        """Reads, unless that is under way."""
        if not self.reading_now("listed"):
            self.look_again()

    def look_again(self) -> None:
        """Reads now, as of now: a read that is under way may know nothing of what somebody just did or chose."""
        self.read(self._read, name="listed")

    async def _read(self) -> None:
        found = await self.rows()
        self._read_at = clock.ticks()
        self.table.show(found)
        self.notice.display = not found
        if not found:
            title, means = self.nothing()
            self.notice.say("empty", title, means)
            self.detail.show((), key=None)
        self._read_when = f"{clock.now().astimezone():%H:%M:%S}"
        self.say_sums(found)
        self._show_detail()

    def say_sums(self, rows: Sequence[RowT]) -> None:
        """Says what the rows come to, when they were read, and when they are read again."""
        when = f"   read {self._read_when}, {self.again()}"
        self.counted.update(self.sums(rows) + Content.styled(when, "$muted"))

    def again(self) -> str:
        """When the rows are read again."""
        if not self.KEEPS_UP:
            return "anew by r"
        return f"again every {self.EVERY:.0f} s" if self.EVERY < 60 else f"again every {self.EVERY / 60:.0f} min"

    @on(RowTable.Moved)
    def _moved(self) -> None:
        self._show_detail()

    @on(RowTable.Opened)
    def _opened(self) -> None:
        self.set_class(True, "-detail")
        self.detail.focus()
        self.screen.refresh_bindings()

    def _show_detail(self) -> None:
        if (row := self.table.current) is not None:
            self.read(partial(self._read_detail, row), name="detail")

    async def _read_detail(self, row: RowT) -> None:
        await asyncio.sleep(REST)
        lines = await self.lines(row)
        if self.table.current == row:
            self.detail.show(lines, key=self.key_of(row))

    def enter(self) -> None:
        """Back to the rows."""
        self.set_class(False, "-detail")
        self.table.focus()

    def back(self) -> None:
        """Leaves the detail."""
        self.enter()
        self.screen.refresh_bindings()

    @property
    def leads_back(self) -> bool:
        """From the detail."""
        return self.has_class("-detail")

    def work_failed(self, name: str, error: BaseException) -> None:
        """What fails is answered where the rows would be, later below the last ones."""
        answer = self.app.answer(error)
        if self._read_at is None:
            self.notice.display = True
            self.notice.fail(answer, "r reads again.")
            return
        said = f"{answer.title}. {sentence(answer.message)} r reads again."
        self.counted.update(Content.assemble(("! ", "$error"), text.shown(said, single_line=True, limit=300)))
