"""The history of exports in Audit: pages of it, details, whether the files still stand, the folder, and once more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from textual import getters, on
from textual.timer import Timer

from traintui import clock, text
from traintui.data.records import Export
from traintui.export.again import AsOf
from traintui.export.formats import FORMATS
from traintui.export.standing import FileStanding, host_of, look, place_of
from traintui.screens.base import BaseScreen
from traintui.widgets.detail_view import DetailView
from traintui.widgets.export_rows import export_lines
from traintui.widgets.row_table import RowTable

PAGE = 200
"""Exports that are read at once."""
NEAR = 50
"""Rows before the last that is here, from which on the next ones are read."""
HELD_REST = 0.08
"""Seconds that the cursor rests on an export before it is read what it holds."""
SAID_EVERY = 0.1
"""Seconds between two words on how far the look at the files is."""


class ExportsAudit(BaseScreen):
    """What Audit does with exports."""

    which: str
    detail = getters.query_one(DetailView)
    exports: getters.query_one[RowTable[Export]] = getters.query_one("#exports", RowTable)

    def __init__(self) -> None:
        super().__init__()
        self.total = 0
        """How many exports there are."""
        self._held: dict[str, Sequence[tuple[str, int]]] = {}
        self._standings: dict[str, tuple[Sequence[FileStanding], str]] = {}
        """What had become of the files, and when that was."""
        self._looking = ""
        self._stop = threading.Event()
        self._held_rest: Timer | None = None

    # Reading

    async def read_exports(self) -> tuple[Export, ...]:
        """The newest page anew, and behind it what was read before."""
        from traintui.data import export_history

        newest = await export_history.page(self.db, limit=PAGE)
        known = self.exports.rows
        if not known or not newest or newest[0].id != known[0].id:
            self.total = await export_history.count(self.db)
        oldest = newest[-1].id if newest else 0
        return (*newest, *(export for export in known if export.id < oldest))

    def said_of_exports(self, shown: int) -> str:
        """How many there are, and how many of them are here."""
        return f"{shown:,}" if shown >= self.total else f"{shown:,} of {self.total:,}"

    def read_on(self) -> None:
        """Reads the next page when the cursor comes near the last row that is here."""
        table = self.exports
        near = table.cursor >= table.total - NEAR
        if near and 0 < table.total < self.total and not self.reading_now("older"):
            self.read(partial(self._read_older, table.rows[-1].id), name="older")

    async def _read_older(self, before: int) -> None:
        from traintui.data import export_history

        older = await export_history.page(self.db, before=before, limit=PAGE)
        rows = self.exports.rows
        if older and rows and rows[-1].id == before:
            self.show_exports((*rows, *older))

    def show_exports(self, rows: tuple[Export, ...]) -> None:
        """Shows these rows."""
        raise NotImplementedError

    # The detail

    def show_export(self, export: Export) -> None:
        """Shows what is known of an export; what it holds is read when the cursor rests on it."""
        self._draw(export)
        self.read_on()
        if export.state == "succeeded" and export.export_id not in self._held:
            self._held_rest = self.set_timer(HELD_REST, partial(self._read_later_held, export))

    def leave_export(self) -> None:
        """The cursor goes elsewhere: nobody wants to know more of this one."""
        self._stop.set()
        if self._held_rest is not None:
            self._held_rest.stop()

    def _draw(self, export: Export) -> None:
        name = export.export_id
        standings, looked = self._standings.get(name, (None, ""))
        lines = export_lines(export, self._held.get(name), standings, self._looking or looked)
        self.detail.show(lines, key=("export", export.id))

    def _draw_if_shown(self, export: Export) -> None:
        current = self.exports.current
        if self.which == "exports" and current is not None and current.id == export.id:
            self._draw(current)

    def _read_later_held(self, export: Export) -> None:
        self.read(partial(self._read_held, export), name="held")

    async def _read_held(self, export: Export) -> None:
        from traintui.data import export_history

        self._held[export.export_id] = await export_history.held(self.db, export.export_id)
        self._draw_if_shown(export)

    # The files

    def look_at_files(self, export: Export) -> None:
        """Looks whether the files still stand as they were written."""
        self._stop.set()
        if export.state == "succeeded":
            self._stop = threading.Event()
            self.read(partial(self._read_files, export, self._stop), name="files")

    async def _read_files(self, export: Export, stop: threading.Event) -> None:
        read = [0, 0]

        def looked(done: int, total: int) -> None:
            read[:] = [done, total]

        began = clock.ticks()
        looking = asyncio.ensure_future(asyncio.to_thread(look, export.metadata, looked=looked, stop=stop))
        try:
            while not (await asyncio.wait({looking}, timeout=SAID_EVERY))[0]:
                done, total = read
                rate = done / max(clock.ticks() - began, 0.001)
                left = f", {text.duration((total - done) / rate * 1_000)} left" if rate else ""
                self._looking = f"◌ read {text.size(done)} of {text.size(total)}{left}; esc stops"
                self._draw_if_shown(export)
            if not stop.is_set():
                at = f"looked at {clock.now().astimezone():%H:%M:%S}"
                self._standings[export.export_id] = looking.result(), at
        finally:
            stop.set()
            self._looking = ""
        self._draw_if_shown(export)

    # The folder

    def action_folder(self) -> None:
        """Opens the folder of the export under the cursor, or copies its path."""
        export = self.exports.current
        if export is not None:
            self.read(partial(self._open_folder, export), name="folder")

    async def _open_folder(self, export: Export) -> None:
        from traintui.screens import folders

        place = place_of(export.metadata)
        if place is None:
            self.app.say("Where it was written is not on record: an older Traintui wrote it.")
            return
        host = host_of(export.metadata)
        why = f"It is on another machine ({host})" if host else "The folder is not there any more"
        if host is None and await asyncio.to_thread(place.is_dir):
            program = await asyncio.to_thread(folders.opener)
            if program is not None and await folders.opened(program, place):
                self.app.say(f"Opened {place}", bad=False)
                return
            why = "Nothing here opens folders" if program is None else "The system could not open it"
        self.app.copy_to_clipboard(text.for_clipboard(str(place)))
        self.app.say(f"{why}; its path was sent to the terminal's clipboard: {place}", bad=False)

    # Once more

    def action_export_again(self, as_of: AsOf) -> None:
        """Opens the export dialog for what the export under the cursor was of: as it was, or as it is now."""
        export = self.exports.current
        if export is not None:
            self.read(partial(self._read_again, export, as_of), name="again")

    async def _read_again(self, export: Export, as_of: AsOf) -> None:
        from traintui.data import export_reading, workspace_filters
        from traintui.export import again
        from traintui.screens.export import ExportDialog
        from traintui.screens.export_said import Again

        earlier = again.earlier_of(export, as_of)
        rehearsal = export.filter_state.get("rehearsal") == "include"
        options = await asyncio.to_thread(again.options_of, export, as_of)
        found = Again(earlier, export.format, rehearsal, options)
        if as_of == "then":
            self.app.push_screen(ExportDialog(export.filter_text, again=found))
            return
        ids = await again.selection_of(self.db, export)
        wanted = await workspace_filters.read_filter(self.db, export.filter_text)
        since = await export_reading.since(self.db, export.export_id, export_reading.Scope(wanted, rehearsal, ids))
        self.app.push_screen(ExportDialog(export.filter_text, ids, again=replace(found, since=since)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is done with an export has a key where one is shown; once more only what held something. There is a way
        back where the detail has the room."""
        if action == "rows":
            return self.has_class("-detail")
        if action not in ("export_again", "folder"):
            return super().check_action(action, parameters)
        export: Any = self.exports.current if self.which == "exports" and self.is_mounted else None
        if not isinstance(export, Export):
            return False
        if action == "export_again" and not (export.state == "succeeded" and export.format in FORMATS):
            return False
        return super().check_action(action, parameters)

    @on(RowTable.Opened, "#exports")
    def _export_opened(self) -> None:
        export = self.exports.current
        if export is not None:
            self.look_at_files(export)
