"""A log whose oldest rows are in the archive: they are listed behind the others where somebody wants to see them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from textual import getters
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from traintui import text
from traintui.screens.log_pane import LogPane
from traintui.settings import remember

if TYPE_CHECKING:
    from traintui.audit.archive_reach import Reach
    from traintui.data.filters import Filter
    from traintui.data.log_listing import Found, Keys, LogListing

RowT = TypeVar("RowT")


class ArchivedPane(LogPane[RowT], Generic[RowT]):
    """A pane of a log of which weeks are moved to the archive. A subclass says how far a filter reaches there, and what
    matches there. Whether they are listed is remembered, and the same for all such logs."""

    told = getters.query_one(".archived", Static)

    def __init__(self) -> None:
        super().__init__()
        self._reach: Reach | None = None
        """What of the archive the filter leaves; None until that is known."""
        self._archived = 0
        """Rows of the archive in the listing."""

    def compose(self) -> ComposeResult:
        """The same, and a line on the archive where there is something to say."""
        yield from super().compose()
        yield Static(classes="archived")

    # What a subclass says

    async def reach(self, wanted: Filter) -> Reach:
        """What of the archive a filter leaves."""
        raise NotImplementedError

    def archived(self, wanted: Filter) -> AsyncGenerator[tuple[Keys, float]]:
        """The keys of archived rows that match, the newest first, and the share of the archive that was looked through,
        0 to 1."""
        raise NotImplementedError

    # Finding

    @property
    def with_archive(self) -> bool:
        """Whether archived rows are listed too."""
        return self.app.settings.archived_rows == "show"

    async def found(self, wanted: Filter) -> AsyncGenerator[Found]:
        """What matches in the log, and in the archive where that is wanted."""
        from traintui.data.log_listing import Found

        self._reach, self._archived = None, 0
        before = await self.reach(wanted) if self.with_archive else None
        listing: LogListing | None = None
        async with aclosing(super().found(wanted)) as steps:
            async for found in steps:
                listing = found.listing
                goes_on = self.with_archive and listing.complete
                yield Found(listing.grown(self._no_keys, complete=False), 0.0) if goes_on else found
        self._reach = await self.reach(wanted)
        if listing is None or not self.with_archive:
            return
        self.all_found(wanted)
        from traintui.audit.call_archive import behind

        async with aclosing(self.archived(wanted)) as steps_there:
            async for keys, looked in steps_there:
                self._archived += len(keys)
                listing = behind(listing, keys, complete=False)
                yield Found(listing, looked)
        yield Found(behind(listing, self._no_keys, complete=True))
        if before is not None and before.weeks != (await self.reach(wanted)).weeks:
            self.call_later(self._find)  # a week went to the archive meanwhile: it was met twice, or not at all

    @property
    def _no_keys(self) -> Keys:
        from traintui.data.log_listing import NO_KEYS

        return NO_KEYS

    def action_archive(self) -> None:
        """Lists archived rows too, or no longer, here and in the other logs, and remembers it."""
        wish: Literal["hide", "show"] = "hide" if self.with_archive else "show"
        self.app.settings.archived_rows = wish
        self.write(partial(asyncio.to_thread, remember, "archived_rows", wish), name="remember")
        if self.wanted is not None:
            self._find()
        self.say_counts()

    # Showing

    def say_counts(self) -> None:
        """How many match, and what the archive has of them."""
        super().say_counts()
        said = self.said_of_archive()
        self.told.display = bool(said.plain)
        self.told.update(said, layout=False)

    def said_of_archive(self) -> Content:
        """What the archive has for this filter: how much of it is listed, or which key lists it. Nothing where it has
        none."""
        reach, listing = self._reach, self.listing
        if self._archived or (self.with_archive and reach is not None and reach.weeks):
            rows = text.count(self._archived)
            complete = listing is not None and listing.complete
            return Content.assemble(
                ("▤ ", "$accent"), "incl. " if complete else "so far incl. ", (rows, "bold"),
                f" archived {self.noun(self._archived)}, ", ("A", "bold"),
                f" hides them{in_weeks(reach.weeks if reach else ())}",
                ("   the sums count them" if complete and self.sums() else "", "$muted"),
            )  # fmt: skip
        if reach is None or not reach.weeks:
            return Content("")
        if reach.rows is None:
            number = f"archived {self.noun(2)}"
        else:
            number = f"{'' if reach.is_exact else 'up to '}{reach.rows:,} archived {self.noun(reach.rows)}"
        return Content.assemble(
            ("▤ ", "$muted"), ("A", "bold"), (" shows ", "$muted"), number,
            (f" of these dates too{in_weeks(reach.weeks)}", "$muted"),
        )  # fmt: skip


def in_weeks(weeks: Sequence[date]) -> str:
    """Which weeks, the newest first, are spoken of."""
    if not weeks:
        return ""
    if len(weeks) == 1:
        return f" (week of {weeks[0]})"
    return f" ({len(weeks):,} weeks, {weeks[-1]} to {weeks[0]})"
