"""Generate: how far the batches are, what they cost, what fails and why, and the conversation being written."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType

from traintui import commands
from traintui.data.records import BatchProgress, ConversationRow
from traintui.generation.provider import provider_like
from traintui.screens.batch_cancel import CancelBatch
from traintui.screens.batch_form import BatchForm
from traintui.screens.generate_looking import STOPPED, GenerateLooking
from traintui.screens.shell import OpenConversation, ShowConversations
from traintui.screens.submissions import SubmissionsDialog
from traintui.widgets.batch_band import OVER
from traintui.widgets.batch_lists import Cause
from traintui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from traintui.screens.coverage import Filling


class GenerateScreen(GenerateLooking):
    """Choosing a batch, and what is done to it."""

    PLACES = ("generate", "table", "transcript")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("generate")
    CSS_PATH = "generate.tcss"
    AUTO_FOCUS = "#batches"

    def __init__(self) -> None:
        super().__init__()
        self._filling: Filling | None = None

    def on_workspace_ready(self) -> None:
        """Reads the batches, and asks for the new one that is waited for."""
        super().on_workspace_ready()
        if self._filling is not None:
            self.action_new()

    # Choosing

    @on(RowTable.Moved, "#batches")
    def _chosen(self) -> None:
        # What the cursor is on by now, and only where somebody moved it there: the message may come after another look.
        row = self.batches.current
        if row is not None and row.id != self._cursor_on:
            self._cursor_on = self.watched.chosen_id = row.id
            self._look(whole=False)

    @on(RowTable.Opened, "#batches")
    def _batch_opened(self) -> None:
        if self.watched.last.written:
            self.written.focus()

    @on(RowTable.Opened, "#failures")
    def _cause_opened(self, event: RowTable.Opened[Cause]) -> None:
        """The conversations of the batch that failed for this cause, or that have no opinion for it."""
        from traintui.data.filter_words import quoted

        chosen = self.watched.last.chosen
        if chosen is not None:
            cause = quoted(event.row.reason) if event.row.reason else "none"
            self.post_message(ShowConversations(f"run:{chosen.id} cause:{cause}"))

    @on(RowTable.Opened, "#written")
    def _written_opened(self, event: RowTable.Opened[ConversationRow]) -> None:
        self.post_message(OpenConversation(event.row.conversation_id))

    # Acting

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What a batch's state does not allow rests, too."""
        chosen = self.watched.last.chosen
        if action == "retry" and (chosen is None or not chosen.to_retry):
            return None
        if action == "ask" and chosen is None:
            return None
        if action in {"pause", "cancel", "worker", "rank"} and (chosen is None or chosen.state in OVER):
            return None
        return super().check_action(action, parameters)

    def fill(self, filling: Filling) -> None:
        """Asks for a new batch of what coverage lacks."""
        self._filling = filling
        if self.ready:
            self.action_new()

    def action_new(self) -> None:
        """Asks for a new batch."""
        self.read(self._open_form, name="form")

    async def _open_form(self) -> None:
        from traintui.data import batches, prices

        newest, last = await batches.newest_id(self.db), await batches.newest_id(self.db, "generate")
        before = None if last is None else dict((await batches.setup(self.db, last)).definition)
        if before is not None and isinstance(before.get("seed"), int):
            before["seed"] += 1
        filling, self._filling = self._filling, None
        form = BatchForm(f"Batch {(newest or 0) + 1}", before, await prices.in_effect(self.db), filling)
        self.app.push_screen(form, self._begun)

    def _begun(self, batch_id: int | None) -> None:
        if batch_id is not None:
            self.watched.chosen_id = batch_id
            self._look(whole=True)
            self.write(self._start_worker, name="worker")

    async def _start_worker(self) -> None:
        chosen = self.watched.chosen_id
        look = self.watched.last
        slots = look.slots if look.chosen is not None and look.chosen.id == chosen else 4
        await self.app.ensure_worker(slots=slots)

    def action_pause(self) -> None:
        """Pauses the batch, or resumes it."""
        chosen = self.watched.last.chosen
        if chosen is not None:
            self.write(partial(self._resume if chosen.state in STOPPED else self._pause, chosen), name="pause")

    async def _pause(self, batch: BatchProgress) -> None:
        from traintui.data import batches

        await batches.pause(self.db, batch.id)
        self._look(whole=True)

    async def _resume(self, batch: BatchProgress) -> None:
        from traintui.data import batches

        await provider_like(self.app.crew.settings, is_rehearsal=batch.is_rehearsal)
        await batches.resume(self.db, batch.id)
        self._look(whole=True)
        await self._start_worker()

    def action_worker(self) -> None:
        """Starts a worker here."""
        chosen = self.watched.last.chosen
        if chosen is not None:
            self.write(partial(self._start_worker_for, chosen), name="worker")

    async def _start_worker_for(self, batch: BatchProgress) -> None:
        await provider_like(self.app.crew.settings, is_rehearsal=batch.is_rehearsal)
        await self._start_worker()
        self._look(whole=True)

    def action_cancel(self) -> None:
        """Ends the batch, after asking."""
        chosen = self.watched.last.chosen
        if chosen is not None:
            self.app.push_screen(CancelBatch(chosen), partial(self._cancelled, chosen))

    def _cancelled(self, batch: BatchProgress, sure: bool | None) -> None:
        if sure:
            self.write(partial(self._cancel, batch), name="cancel")

    async def _cancel(self, batch: BatchProgress) -> None:
        from traintui.data import batches

        await batches.cancel(self.db, batch.id)
        self._look(whole=True)

    def action_retry(self) -> None:
        """Tries again what failed for the cause under the cursor; all of it where the cursor is elsewhere."""
        chosen = self.watched.last.chosen
        cause = self.failures.current if self.failures.has_focus else None
        if chosen is not None and chosen.to_retry:
            self.write(partial(self._retry, chosen, None if cause is None else cause.reason), name="retry")

    async def _retry(self, batch: BatchProgress, reason: str | None) -> None:
        from traintui.data import batches

        await provider_like(self.app.crew.settings, is_rehearsal=batch.is_rehearsal)
        await batches.retry(self.db, batch.id, reason=reason)
        self._look(whole=True)
        await self._start_worker()

    def action_rank(self, by: int) -> None:
        """Raises the priority of the batch, or lowers it."""
        chosen = self.watched.last.chosen
        if chosen is not None:
            self.write(partial(self._rank, chosen, by), name="rank")

    async def _rank(self, batch: BatchProgress, by: int) -> None:
        from traintui.data import batches

        await batches.change_priority(self.db, batch.id, by)
        self._look(whole=True)

    def action_ask(self) -> None:
        """Has the provider of the batch asked again what it can."""
        self.write(self._ask, name="ask")

    async def _ask(self) -> None:
        address = await self.watched.forget_provider(self.db)
        if address is not None:
            self.app.say(f"What {address} can is asked again before its next call.", title="Asked again", bad=False)
        self._look(whole=True)

    def action_submissions(self) -> None:
        """Shows what is out at half price."""
        self.app.push_screen(SubmissionsDialog())

    def action_lists(self) -> None:
        """Shows the batches where what is being written stands, or gives it the room again."""
        self.parts.toggle_class("-lists")

    def action_look(self) -> None:
        """Reads all of it again."""
        self._look(whole=True)
