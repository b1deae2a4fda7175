"""Reports in Performance: what each month came to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.content import Content

from traintui import commands, text
from traintui.screens.performance_listed import ListedPane
from traintui.widgets.month_lines import page_lines
from traintui.widgets.row_table import Column

if TYPE_CHECKING:
    from traintui.observing.month_page import Page
    from traintui.observing.month_records import Month


def columns() -> list[Column[Month]]:
    """A month in a row."""
    return [Column("Month", 0, lambda row: Content(str(row)))]


class ReportPane(ListedPane["Month"]):
    """The months, the newest first, and the page of the one under the cursor."""

    NAME = "report"
    TITLE = "Report"
    PLACES = ("months", "detail")
    KEEPS_UP = False
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("months")

    def __init__(self) -> None:
        super().__init__()
        self._pages: dict[Month, Page] = {}

    def columns(self) -> Sequence[Column[Month]]:
        """The month."""
        return columns()

    def key_of(self, row: Month) -> object:
        """Itself."""
        return row

    async def rows(self) -> Sequence[Month]:
        """The months that there is something of."""
        from traintui.observing import months

        return await months.months(self.db)

    async def lines(self, row: Month) -> Sequence[Content]:
        """Its page, which stays while it is looked at."""
        return tuple(page_lines(await self._page(row)))

    async def _page(self, month: Month) -> Page:
        from traintui.observing.month_files import page_of

        if month not in self._pages:
            self._pages[month] = await page_of(self.db, month)
        return self._pages[month]

    def look_again(self) -> None:
        """Makes the pages anew."""
        self._pages.clear()
        super().look_again()

    def sums(self, rows: Sequence[Month]) -> Content:
        """How many months there are."""
        return Content.styled(f"{text.plural(len(rows), 'month')}, each also by `traintui db report`", "$muted")

    def nothing(self) -> tuple[str, str]:
        """There is always this month."""
        return "No month", "Samples are taken once a minute while Traintui runs."

    def action_save(self) -> None:
        """Saves the page under the cursor in the home, as Markdown and as HTML."""
        if (month := self.table.current) is not None:
            self.counted.update(Content.styled("◌ Saving", "$muted"))
            self.write(partial(self._save, month), name="save-month")

    async def _save(self, month: Month) -> None:
        from traintui.observing.month_files import FOLDER, save

        folder = self.app.settings.home / FOLDER
        page, _ = await save(await self._page(month), month, folder)
        shown = text.shown(str(page.with_suffix("")), single_line=True, limit=200, style="bold")
        self.counted.update(Content.assemble(("● ", "$approved"), shown, (".md and .html", "$muted")))
