"""What a pane of a log shows, and saving that as CSV."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from traintui import clock, text
from traintui.screens.base import READING
from traintui.screens.filtered import Filtered
from traintui.screens.tabs import TabPane

if TYPE_CHECKING:
    from traintui.data.filters import Filter
    from traintui.data.log_fields import Log, LogName
    from traintui.data.log_listing import LogListing

SAID_EVERY = 0.1
"""Seconds between two words on how much of a file is written."""


class SavingPane(Filtered, TabPane):
    """The filter of a log, the rows that it names, and the file that they are saved in."""

    LOG: ClassVar[LogName]
    ROWS: ClassVar[str]
    """What its rows are called."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted: Filter | None = None
        """The filter as it was understood; None before there is one."""
        self.listing: LogListing | None = None
        """Which rows match, as far as they are known."""
        self.saved = ""
        """What is said of a file that is being written, or was."""

    @property
    def source(self) -> Log:
        """The log."""
        from traintui.data.log_fields import LOGS

        return LOGS[self.LOG]

    @property
    def with_archive(self) -> bool:
        """Whether rows of the archive are among them."""
        return False

    def say_counts(self) -> None:
        """Says how many rows match, and what became of the file."""
        raise NotImplementedError

    def noun(self, number: int) -> str:
        """What so many rows are called."""
        return self.ROWS if number != 1 else self.ROWS.removesuffix("s")

    def stop_reading(self, name: str) -> None:
        """Ends a read that is under way."""
        for worker in self.app.workers:
            if worker.node is self and worker.group == f"{READING}:{name}" and not worker.is_finished:
                worker.cancel()

    def saved_was_read(self) -> None:
        """What was said of a file that is written, or was stopped, goes."""
        if self.saved and not self.is_saving:
            self.saved = ""
            self.say_counts()

    # Saving

    @property
    def is_saving(self) -> bool:
        """Whether a file is being written."""
        return self.reading_now("csv")

    def stop_saving(self) -> None:
        """Ends that; nothing is left of the file."""
        self.stop_reading("csv")
        self.saved = "stopped: no file was written"
        self.say_counts()

    def action_csv(self) -> None:
        """Asks where all that match are to be saved."""
        from traintui.screens.save_csv import SaveCsv

        if self.wanted is not None and self.listing is not None:
            total = self.listing.total
            number = f"{'' if self.listing.complete else 'more than '}{text.count(total)} {self.noun(total)}"
            self.app.push_screen(SaveCsv(self.LOG, self.filter_text, number), partial(self._save_csv, self.wanted))

    def _save_csv(self, wanted: Filter, path: Path | None) -> None:
        if path is not None:
            self.saved = "◌ saving; esc stops"
            self.say_counts()
            self.read(partial(self._write_csv, wanted, path), name="csv")
            self.screen.refresh_bindings()

    async def _write_csv(self, wanted: Filter, path: Path) -> None:
        from traintui.audit.csv_export import save_csv

        said = clock.ticks()

        def progress(rows: int) -> None:
            nonlocal said
            if clock.ticks() - said >= SAID_EVERY:
                said = clock.ticks()
                self.saved = f"◌ {rows:,} saved; esc stops"
                self.say_counts()

        try:
            saved = await save_csv(self.db, self.source, wanted, path, archived=self.with_archive, progress=progress)
        except Exception:
            self.saved = ""
            raise
        self.saved = f"● {saved.rows:,} in {text.visible(str(path), single_line=True, limit=80)}"
        self.say_counts()
