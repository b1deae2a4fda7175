"""A log whose oldest rows are in the archive: they are listed behind the others where somebody wants to see them."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Generic, Literal, Protocol, Self, TypeVar

from textual import getters
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from traintui import text
from traintui.data.listing import NEWEST
from traintui.screens.log_figuring import FiguringPane
from traintui.settings import remember

if TYPE_CHECKING:
    from traintui.audit.archive_reach import Reach, Step
    from traintui.data.filters import Filter
    from traintui.data.listing import Order
    from traintui.data.log_listing import Found, Keys

RowT = TypeVar("RowT")


class Summable(Protocol):
    """What rows add up to, and can be added up with others."""

    def __add__(self, other: Self, /) -> Self:
        """Both together."""


FiguresT = TypeVar("FiguresT", bound=Summable)


class ArchivedPane(FiguringPane[RowT, FiguresT], Generic[RowT, FiguresT]):
    """A pane of a log of which weeks are moved to the archive. A subclass says how far a filter reaches there, and what
    matches there. Whether they are listed is remembered, and the same for all such logs."""

    archive_line = getters.query_one(".archived", Static)

    def __init__(self) -> None:
        super().__init__()
        self._reach: Reach | None = None
        """What of the archive the filter leaves; None until that is known."""
        self._archived = 0
        """Rows of the archive in the listing."""
        self._archived_figures: FiguresT | None = None
        """What these add up to; None before all of them are found."""

    def compose(self) -> ComposeResult:
        """The same, and a line on the archive where there is something to say."""
        yield from super().compose()
        yield Static(classes="archived")

    # What a subclass says

    @abstractmethod
    async def reach(self, wanted: Filter) -> Reach:
        """What of the archive a filter leaves."""

    @abstractmethod
    def archived(self, wanted: Filter) -> AsyncGenerator[Step[FiguresT]]:
        """Archived rows that match, the newest first, and what they add up to."""

    # Finding

    @property
    def with_archive(self) -> bool:
        """Whether archived rows are listed too."""
        return self.app.settings.archived_rows == "show"

    async def found(self, wanted: Filter, order: Order) -> AsyncGenerator[Found]:
        """What matches in the log, and in the archive where that is wanted and the newest come first: in another order
        they would stand among rows that are found already."""
        self._reach, self._archived, self._archived_figures = None, 0, None
        before = await self.reach(wanted) if self.with_archive else None
        last: Found | None = None
        async with aclosing(super().found(wanted, order)) as steps:
            async for found in steps:
                last = found
                goes_on = self.with_archive and found.order == NEWEST and found.listing.complete
                yield replace(found, listing=found.listing.grown(self._no_keys, complete=False)) if goes_on else found
        self._reach = await self.reach(wanted)
        if last is None or not self.with_archive or last.order != NEWEST:
            return
        self.all_found(wanted)
        async with aclosing(self._with_archived(wanted, last)) as steps_there:
            async for found in steps_there:
                yield found
        if before is not None and before.weeks != (await self.reach(wanted)).weeks:
            self.call_later(self.find)  # a week went to the archive meanwhile: it was met twice, or not at all

    async def _with_archived(self, wanted: Filter, found: Found) -> AsyncGenerator[Found]:
        """What matches in the log with what does in the archive, as that is read; in the end what these add up to is
        known."""
        from traintui.audit.call_archive import behind
        from traintui.data.log_listing import Found

        listing, figures = found.listing, None
        async with aclosing(self.archived(wanted)) as steps:
            async for step in steps:
                self._archived += len(step.keys)
                figures = step.figures if figures is None else figures + step.figures
                listing = behind(listing, step.keys, complete=False)
                yield Found(listing, step.looked)
        self._archived_figures = figures
        yield Found(behind(listing, self._no_keys, complete=True))
        self.show_figures()

    @property
    def of_all(self) -> FiguresT | None:
        """What all that are listed add up to, archived ones once all of these are; None before it is known."""
        live, archived = super().of_all, self._archived_figures
        return live if live is None or archived is None else live + archived

    @property
    def _no_keys(self) -> Keys:
        from traintui.data.log_listing import NO_KEYS

        return NO_KEYS

    def action_archive(self) -> None:
        """Lists archived rows too, or no longer, here and in the other logs, and remembers it; says so where the
        archive has none."""
        if not self.with_archive and self._reach is not None and not self._reach.weeks:
            of_these = " of these dates and conversations" if self.filter_text else ""
            self.app.say(
                f"The archive has no {self.ROWS}{of_these}: all that there are stand in the list. \"Retention\" in the"
                " palette says when some are moved there.", bad=False,
            )  # fmt: skip
            return
        wish: Literal["hide", "show"] = "hide" if self.with_archive else "show"
        self.app.settings.archived_rows = wish
        self.write(partial(asyncio.to_thread, remember, "archived_rows", wish), name="remember")
        if self.wanted is not None:
            self.find()
        self.say_counts()

    # Showing

    def say_counts(self) -> None:
        """How many match, and what the archive has of them."""
        super().say_counts()
        said = self.said_of_archive()
        self.archive_line.display = bool(said.plain)
        self.archive_line.update(said, layout=False)

    def said_of_archive(self) -> Content:
        """What the archive has for this filter: how much of it is listed, or which key lists it. Nothing where it has
        none."""
        reach, listing = self._reach, self.listing
        if self.shown_order != NEWEST:
            return self._said_of_order(reach)
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
        return Content.assemble(
            ("▤ ", "$muted"), ("A", "bold"), (" shows ", "$muted"), self._number(reach),
            (f" of these dates too{in_weeks(reach.weeks)}", "$muted"),
        )  # fmt: skip

    def _said_of_order(self, reach: Reach | None) -> Content:
        """What is said where archived rows are wanted, and rows stand in an order that these do not join."""
        if reach is None or not reach.weeks:
            return Content("")
        return Content.assemble(
            ("▤ ", "$warning"), self._number(reach), (" of these dates are listed newest first only, ", "$muted"),
            ("s", "bold"), (f" sorts so{in_weeks(reach.weeks)}", "$muted"),
        )  # fmt: skip

    def _number(self, reach: Reach) -> str:
        """How many archived rows there are of the dates of the filter, as far as that is known."""
        if reach.rows is None:
            return f"archived {self.noun(2)}"
        return f"{'' if reach.is_exact else 'up to '}{reach.rows:,} archived {self.noun(reach.rows)}"


def in_weeks(weeks: Sequence[date]) -> str:
    """Which weeks, the newest first, are spoken of."""
    if not weeks:
        return ""
    if len(weeks) == 1:
        return f" (week of {weeks[0]})"
    return f" ({len(weeks):,} weeks, {weeks[-1]} to {weeks[0]})"
