"""The versions of a template, what was made with each, and the difference between any two."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Vertical

from traintui.data.records import TemplateRecord, TemplateUsage
from traintui.screens.base import Working
from traintui.widgets.difference import DifferenceView, compared
from traintui.widgets.row_table import RowTable
from traintui.widgets.template_columns import VERSION_COLUMNS, VersionRow

PARTS = (("System prompt", "system"), ("User message", "user_prompt"))


class TemplateVersions(Vertical, Working):
    """The newest version above; one that is not saved has the id 0. The version under the cursor is compared with the
    one that was marked, or with the one before it."""

    table: getters.query_one[RowTable[VersionRow]] = getters.query_one("#history", RowTable)
    difference = getters.query_one(DifferenceView)

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._base: int | None = None
        self._records: Sequence[TemplateRecord] = ()
        self._used: Callable[[TemplateRecord], TemplateUsage | None] = lambda _: None

    def compose(self) -> ComposeResult:
        """The list, and below it the difference."""
        yield RowTable(VERSION_COLUMNS, key=lambda row: row.record.id, opens="", id="history")
        yield DifferenceView()

    @property
    def current(self) -> TemplateRecord | None:
        """The version under the cursor."""
        row = self.table.current
        return row.record if row is not None else None

    def show(self, records: Sequence[TemplateRecord], used: Callable[[TemplateRecord], TemplateUsage | None]) -> None:
        """Shows the versions of a template; `used` says what was made with one."""
        self._records, self._used = records, used
        if self._base not in {record.id for record in records}:
            self._base = None
        self._list()

    def _list(self) -> None:
        self.table.show([VersionRow(each, self._used(each), each.id == self._base) for each in self._records])
        self._compare()

    def mark(self) -> None:
        """Compares from the version under the cursor on, or again from the one before."""
        if self.current is not None:
            self._base = None if self.current.id == self._base else self.current.id
            self._list()

    @on(RowTable.Moved)
    def _moved(self, event: RowTable.Moved[VersionRow]) -> None:
        event.stop()
        self._compare()

    def _compare(self) -> None:
        self.read(self._differ, name="difference")

    async def _differ(self) -> None:
        records = self._records
        if not records:
            return
        place = min(self.table.cursor, len(records) - 1)
        before = records[min(place + 1, len(records) - 1)]
        old, new = next((each for each in records if each.id == self._base), before), records[place]
        parts = [
            (title, await asyncio.to_thread(compared, getattr(old, part), getattr(new, part))) for title, part in PARTS
        ]
        self.difference.compare((_title(old), _title(new)), parts, key=(old.id, new.id))


def _title(record: TemplateRecord) -> str:
    return f"version {record.version}" if record.id else "not saved"
