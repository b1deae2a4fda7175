"""Exports in Audit: details, whether the files still stand, the folder, and once more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content

from traintui import clock, commands, text
from traintui.data.log_records import Export
from traintui.export.again import AsOf
from traintui.export.formats import FORMATS
from traintui.export.standing import FileStanding, host_of, look, place_of
from traintui.screens.archived_pane import ArchivedPane
from traintui.widgets.day_bars import DayBars
from traintui.widgets.export_rows import export_columns, export_lines
from traintui.widgets.row_table import Column
from traintui.widgets.windowed_table import WindowedTable

if TYPE_CHECKING:
    from traintui.audit.archive_reach import Reach, Step
    from traintui.data.export_figures import ExportFigures
    from traintui.data.filters import Filter

HELD = 10
"""Conversations of an export that are shown beside those that the filter names."""
SAID_EVERY = 0.1
"""Seconds between two words on how far the look at the files is."""


class ExportsPane(ArchivedPane[Export, "ExportFigures"]):
    """What left the house, and what is done with it."""

    NAME = "exports"
    TITLE = "Exports"
    LOG = "exports"
    PLACES = ("log", "exports")
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("log"), *commands.bindings("exports")]
    EXAMPLE = "user:ada format:trl count>=100 created>=-30d hash:9f86d081 conversation:c-1a2b"
    ROWS = "exports"
    EMPTY = ("Nothing was exported", "Each file that leaves the house has its row here.", "ctrl+e writes one")

    def __init__(self) -> None:
        super().__init__()
        self._held: dict[tuple[str, Sequence[str]], Sequence[tuple[str, int]]] = {}
        """The first of what each holds, those before the others that the filter named."""
        self._archived_ids: set[str] = set()
        """Exports that were read from the archive."""
        self._standings: dict[str, tuple[Sequence[FileStanding], str]] = {}
        """What had become of the files, and when that was."""
        self._looking = ""
        self._stop = threading.Event()

    def compose_figures(self) -> ComposeResult:
        """Exports, and the conversations in them, day by day."""
        with Horizontal(classes="figures"):
            yield DayBars("Exports a day", "$accent", id="days")
            yield DayBars("Deliveries a day", "$accent", id="conversations")

    async def add_up(self, wanted: Filter) -> ExportFigures:
        """Exports, and how many conversations left the house."""
        from traintui.data.export_figures import export_figures

        return await export_figures(self.db, wanted)

    def draw(self, figures: ExportFigures) -> None:
        """When exports were written, and how large they were."""
        days = [each.day for each in figures.days]
        most = max((each.exports for each in figures.days), default=0)
        self.query_one("#days", DayBars).show(days, [each.exports for each in figures.days], f"busiest day {most:,}")
        largest = max((each.conversations for each in figures.days), default=0)
        self.query_one("#conversations", DayBars).show(
            days, [each.conversations for each in figures.days], f"busiest day {largest:,}"
        )

    def told(self, figures: ExportFigures) -> Sequence[Content]:
        """How much left the house, and how often it did not."""
        if not figures.exports:
            return ()
        failed = figures.exports - figures.succeeded
        deliveries = "delivery" if figures.deliveries == 1 else "deliveries"
        told = [Content.assemble((text.count(figures.deliveries), "bold"), (f" {deliveries}", "$muted"))]
        if figures.distinct is not None:
            left = "conversation" if figures.distinct == 1 else "conversations"
            told.insert(0, Content.assemble((text.count(figures.distinct), "bold"), (f" {left} left, in", "$muted")))
        return (
            Content(" ").join(told),
            Content.assemble((text.count(figures.succeeded), "bold"), (" succeeded", "$muted")),
            Content.assemble((text.count(failed), "bold $failed" if failed else "bold"), (" did not", "$muted")),
        )

    def columns(self) -> Sequence[Column[Export]]:
        """An export in a row."""
        return export_columns()

    async def read_rows(self, ids: Sequence[int]) -> Mapping[int, Export]:
        """Exports by the ids of their first rows; those that are not in the log any more are in the archive."""
        from traintui.data import export_history

        found, listing = await export_history.rows(self.db, ids), self.listing
        gone = [id for id in ids if id not in found]
        if listing is None or not gone:
            return found
        from traintui.audit import export_archive

        moments = {id: span[0] for id in gone if (span := listing.span([id])) is not None}
        archived = await export_archive.rows(self.db, moments)
        self._archived_ids |= {each.export_id for each in archived.values()}
        return {**found, **archived}

    async def reach(self, wanted: Filter) -> Reach:
        """The weeks that its dates leave."""
        from traintui.audit.archive_reach import Reach, weeks_for

        return Reach(await weeks_for(self.db, "export_logs", wanted))

    def archived(self, wanted: Filter) -> AsyncGenerator[Step[ExportFigures]]:
        """Archived exports that match."""
        from traintui.audit import export_archive

        return export_archive.find(self.db, wanted)

    def is_open(self, row: Export) -> bool:
        """One that has not ended goes on, or nothing is heard of it any more."""
        return row.ended_at is None

    def left(self) -> None:
        """Nobody wants to know more of the one under the cursor."""
        super().left()
        self._stop.set()

    def enter(self) -> None:
        """Back to the rows, and no further look at files."""
        self._stop.set()
        super().enter()

    # The detail

    def show_row(self, row: Export) -> Callable[[], None] | None:
        """What is known of an export; what it holds is read when the cursor rests on it."""
        if self.detail.key != ("export", row.id):
            self._stop.set()
        self._draw(row)
        if row.state == "succeeded" and (row.export_id, self._named) not in self._held:
            return partial(self._read_later_held, row)
        return None

    def all_found(self, wanted: Filter) -> None:
        """What the export under the cursor holds of what another filter names is read too."""
        super().all_found(wanted)
        if (row := self.table.current) is not None and (later := self.show_row(row)) is not None:
            later()

    def _draw(self, export: Export) -> None:
        name = export.export_id
        standings, looked = self._standings.get(name, (None, ""))
        archived = name in self._archived_ids
        held = self._held.get((name, self._named))
        lines = export_lines(
            export, held, standings, self._looking or looked, named=len(self._named), archived=archived
        )
        self.detail.show(lines, key=("export", export.id))

    @property
    def _named(self) -> Sequence[str]:
        """The conversations that the filter names."""
        from traintui.audit.archive_reach import conversations_in

        return () if self.wanted is None else tuple(conversations_in(self.wanted) or ())

    def _draw_if_shown(self, export: Export) -> None:
        current = self.table.current
        if current is not None and current.id == export.id:
            self._draw(current)

    def _read_later_held(self, export: Export) -> None:
        self.read(partial(self._read_held, export), name="held")

    async def _read_held(self, export: Export) -> None:
        from traintui.audit import export_archive
        from traintui.data import export_history

        named = self._named
        if export.export_id in self._archived_ids:
            held = await export_archive.held(self.db, export, limit=HELD, named=named)
        else:
            held = await export_history.held(self.db, export.export_id, limit=HELD, named=named)
        self._held[export.export_id, named] = held
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
        export = self.table.current
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
        export = self.table.current
        if export is not None:
            self.read(partial(self._read_again, export, as_of), name="again")

    async def _read_again(self, export: Export, as_of: AsOf) -> None:
        from traintui.data import export_reading, workspace_filters
        from traintui.export import again
        from traintui.screens.export import ExportDialog
        from traintui.screens.export_said import Again

        earlier = await again.earlier_of(self.db, export, as_of)
        rehearsal = export.filter_state.get("rehearsal") == "include"
        options = await asyncio.to_thread(again.options_of, export, as_of)
        found = Again(earlier, export.format, rehearsal, options)
        if as_of == "then":
            self.app.push_screen(ExportDialog(export.filter_text, again=found))
            return
        ids = await again.selection_of(self.db, export, earlier.noted)
        wanted = await workspace_filters.read_filter(self.db, export.filter_text)
        since = await export_reading.since(self.db, earlier.noted, export_reading.Scope(wanted, rehearsal, ids))
        self.app.push_screen(ExportDialog(export.filter_text, ids, again=replace(found, since=since)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is done with an export has a key where one is shown; once more only what held something."""
        if action not in ("export_again", "folder"):
            return super().check_action(action, parameters)
        export = self.table.current if self.is_mounted else None
        if export is None:
            return False
        if action == "export_again" and not (export.state == "succeeded" and export.format in FORMATS):
            return False
        return super().check_action(action, parameters)

    @on(WindowedTable.Opened)
    def _export_opened(self) -> None:
        export = self.table.current
        if export is not None:
            self.look_at_files(export)
