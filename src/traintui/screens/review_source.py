"""Where the queue of Review comes from: the choice of one person, or what the table shows where one was opened."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text
from traintui.data.filter_words import FilterError
from traintui.queue_choice import QueueChoice, choice_path, read_choice, write_choice

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.data.filters import Filter
    from traintui.data.review_queues import QueueWindow
    from traintui.screens.shell import Shell

MINE = "is:mine"
"""The queue of who has a share and has chosen nothing."""


class ReviewSource:
    """A filter and an order of what waits. Every answer is of the app's workspace."""

    def __init__(self, app: Shell) -> None:
        from traintui.data.queue_orders import QueueOrders

        self._app = app
        self._path = choice_path()
        self._chosen = read_choice(self._path)
        self._shown: QueueChoice | None = None
        """What a table showed; until something of it waits, the queue before it counts."""
        self.orders = QueueOrders(secrets.randbits(32))
        self._ordered = True
        self.mistake: FilterError | None = None
        """What is wrong with the filter that was kept: it may be of another workspace."""

    @property
    def choice(self) -> QueueChoice:
        """The filter and the order that count now."""
        return self._shown or self._chosen or QueueChoice()

    def choose(self, choice: QueueChoice) -> None:
        """Takes a choice, and keeps it for the next time."""
        self._chosen, self._shown, self.mistake = choice, None, None
        write_choice(self._path, choice)

    def show(self, choice: QueueChoice) -> None:
        """Takes what a table shows, for as long as the app runs."""
        self._shown = choice

    def _wanted(self) -> Filter:
        from traintui.data.review_queues import waiting

        try:
            return self._app.read_filter(waiting(self.choice.filter_text))
        except FilterError as error:
            self.mistake, self._shown, self._chosen = error, None, QueueChoice(order=self.choice.order)
            return self._app.read_filter(waiting(""))

    def total(self) -> int | None:
        """How many wait, by the copy in memory; None where it is not there, or cannot keep up."""
        from traintui.data import review_queues

        live = self._app.live
        if live is None or live.mirror is None or self._app.outage is not None:
            return None
        return review_queues.total(live, self._wanted(), self.orders)

    async def prepare(self, db: Database) -> None:
        """Reads what the queue needs beside the copy in memory. Raises `TraintuiError`."""
        from traintui.data import review_queues

        if self._chosen is None and self._shown is None:
            self._chosen = QueueChoice(MINE if await review_queues.has_share(db) else "")
        await review_queues.prepare(db, self._app.live, self._wanted(), self.choice.order, self.orders)

    async def window(self, db: Database, *, near: int | None, rank: int) -> QueueWindow:
        """The part of the queue around a conversation, or a rank. Raises `TraintuiError`."""
        from traintui.data import review_queues

        found = await review_queues.window(
            db, self._app.live, self._wanted(), self.choice.order, self.orders, near=near, rank=rank
        )
        if self._shown is not None and not found.total:
            self._shown = None
            await self.prepare(db)
            return await self.window(db, near=near, rank=rank)
        self._ordered = found.ordered
        return found

    @property
    def said(self) -> Content:
        """The filter of the queue, and its order where that is not the usual one; nothing for all that wait."""
        from traintui.data.fields import FIELDS
        from traintui.data.queue_orders import LOWEST, title_of

        choice, fields = self.choice, self._app.live.fields if self._app.live else FIELDS
        if self.mistake is not None:
            return Content.styled("the filter that was kept does not fit this workspace: s", "$warning")
        parts = [text.shown(choice.filter_text, single_line=True, limit=40, style="$accent")]
        if choice.order != LOWEST or not self._ordered:
            named = title_of(choice.order, fields).lower()
            parts.append(Content.styled(named if self._ordered else f"{named}, once all is read", "$muted"))
        return Content("  ").join(part for part in parts if part)

    @property
    def usual(self) -> Content:
        """The usual order, where it is that: it is named where there is room."""
        from traintui.data.queue_orders import LOWEST, title_of

        if self.mistake is not None or self.choice.order != LOWEST or not self._ordered:
            return Content("")
        return Content.styled(title_of(LOWEST, {}).lower(), "$faint")
