"""The looking side of Generate: how far the batches are, what fails and why, and the conversation being written."""

from __future__ import annotations

from functools import partial

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import ScreenResume, ScreenSuspend
from textual.widgets import Static
from textual.worker import Worker

from traintui import commands, text
from traintui.data.records import BatchProgress, ConversationRow, StreamView
from traintui.errors import TraintuiError, sentence
from traintui.screens.base import BaseScreen
from traintui.screens.batch_watch import BatchWatch, Look
from traintui.widgets import marks
from traintui.widgets.batch_band import BatchBand
from traintui.widgets.batch_lists import (
    CAUSES,
    Cause,
    batch_columns,
    cause_columns,
    causes,
    in_full,
    meaning,
    written_columns,
)
from traintui.widgets.limit_bars import LimitBars
from traintui.widgets.notice import Notice
from traintui.widgets.partial_reply import turns_so_far
from traintui.widgets.row_table import RowTable
from traintui.widgets.writing_pane import WritingPane

POLL = 0.3
"""Seconds between two looks at what is being written while a batch runs."""
FIGURES = 3
"""Looks after which the figures of the batch are read too."""
REST = 9
"""Looks that are left out while none runs, and after which all batches are read."""
LOST = 36
"""Looks after which lost workers are looked for."""

OPEN = frozenset({"queued", "running"})
STOPPED = frozenset({"paused", "interrupted"})


class GenerateLooking(BaseScreen):
    """The batches, and the one that is chosen."""

    band = getters.query_one(BatchBand)
    pane = getters.query_one(WritingPane)
    notice = getters.query_one("#none", Notice)
    batches: getters.query_one[RowTable[BatchProgress]] = getters.query_one("#batches", RowTable)
    written: getters.query_one[RowTable[ConversationRow]] = getters.query_one("#written", RowTable)
    parts = getters.query_one("#parts", Horizontal)
    cause = getters.query_one("#cause", Static)
    limits = getters.query_one(LimitBars)
    failures: getters.query_one[RowTable[Cause]] = getters.query_one("#failures", RowTable)

    def __init__(self) -> None:
        super().__init__()
        self.watched = BatchWatch()
        self._reading: Worker[None] | None = None
        self._ticks = 0
        self._growing = False
        self._cursor_on: int | None = None
        self._failure: TraintuiError | None = None

    def compose_body(self) -> ComposeResult:
        """The chosen batch above; below it all batches, and what is being written."""
        yield BatchBand()
        yield LimitBars()
        with Horizontal(id="parts"):
            with Vertical(id="lists"):
                yield RowTable[BatchProgress](batch_columns(), key=lambda batch: batch.id, id="batches")
                yield RowTable[Cause](cause_columns(), key=lambda cause: cause.reason, opens="Show", id="failures")
                yield Static(id="cause")
                yield RowTable[ConversationRow](
                    written_columns(lambda: self.app.labels), key=lambda row: row.conversation_id, id="written"
                )
            yield WritingPane()
        yield Notice("loading", "Opening the workspace", id="none")

    def on_mount(self) -> None:
        """Nothing is there before the workspace is."""
        self.set_class(True, "-nothing")
        self.set_interval(POLL, self._poll)
        self.watch(self.app, "labels", lambda _: self.written.redraw(), init=False)

    def on_workspace_ready(self) -> None:
        """Reads the batches."""
        self._look(whole=True)

    @on(ScreenResume)
    def _resumed(self) -> None:
        if self.app.workspace is not None:
            self._look(whole=True)

    @on(ScreenSuspend)
    def _suspended(self) -> None:
        self.app.meanwhile = None  # it has been seen
        if self.app.workspace is not None:
            self.write(self._leave, name="watch")

    async def _leave(self) -> None:
        await self.watched.leave(self.db)

    # Looking

    def _poll(self) -> None:
        if self.app.workspace is None or self.app.screen is not self:
            return
        self._ticks += 1
        whole = self._ticks % REST == 0
        # A look that takes longer than the time between two is waited for, not begun anew.
        if (self.watched.running or whole) and (self._reading is None or self._reading.is_finished):
            if whole or self._ticks % FIGURES == 0:
                self._look(whole=whole)
            else:
                self._reading = self.read(self._read_words, name="words")
        ended = self.watched.running and self.app.crew.worker_last_words() is not None
        if (self._ticks % LOST == 0 or (whole and ended)) and self.db.role in commands.ALLOWED["reviewer"]:
            self.write(self._recover, name="recover")

    async def _recover(self) -> None:
        from traintui.data import batches

        await batches.recover(self.db)

    def _look(self, *, whole: bool) -> None:
        self._reading = self.read(partial(self._read, whole), name="batches")

    async def _read(self, whole: bool) -> None:
        before = self.watched.last
        look = await self.watched.look(self.db, whole=whole)
        self._failure = None
        self._show(look, before)

    async def _read_words(self) -> None:
        look = await self.watched.words(self.db)
        if look.chosen is not None:
            self._show_writing(look, look.chosen)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Looking that fails is answered below the figures, all else beside the work."""
        answer = self.app.answer(error)
        if name not in {"batches", "words", "recover", "conversation", "watch"}:
            self.app.tell(answer)
            self._look(whole=True)
        elif self.watched.last.chosen is None:
            self.notice.fail(answer, "R reads again.")
        else:
            self._failure = answer
            self._show_band(self.watched.last)

    # Showing

    def _show(self, look: Look, before: Look) -> None:
        chosen = look.chosen
        self.set_class(chosen is None, "-nothing")
        if chosen is None:
            self.notice.say(
                "empty",
                "No batch yet",
                "A batch carries out a plan: so many conversations about your documents, for people you describe.",
                "n plans one" if self.allowed("generate", "new") else "Somebody who is an author can plan one.",
            )
            return
        self.batches.show(look.batches)
        if chosen.id != self._cursor_on:
            self._cursor_on = chosen.id
            self.batches.cursor = look.batches.index(chosen)
        self._show_band(look)
        if look.failures != before.failures:
            self.set_class(bool(look.failures), "-failures")
            self.failures.styles.height = 1 + min(CAUSES, max(1, len(look.failures)))
            self.failures.show(causes(look.failures))
            self._show_cause()
        if look.written != before.written:
            self.written.show(look.written, top=True)
        if before.chosen is None or before.chosen.id != chosen.id:
            self._growing, self.pane.shown = False, None
        self._show_writing(look, chosen)
        if before.chosen is None or before.chosen.state != chosen.state:
            self.refresh_bindings()

    @on(RowTable.Moved, "#failures")
    def _show_cause(self) -> None:
        """The cause under the cursor, where its row cannot hold it."""
        said = in_full(self.failures.current, self.failures.size.width)
        self.cause.update(said)
        self.cause.display = bool(said)

    def _show_band(self, look: Look) -> None:
        if look.chosen is None:
            return
        crew = self.app.crew
        hint = meaning(look.chosen, working=crew.working, last_words=crew.worker_last_words())
        if (failed := self._failure) is not None:
            said = f"{failed.title}. {sentence(failed.message)} {failed.remedy}"
            hint = Content.assemble(("! ", "$error"), text.shown(said, single_line=True, limit=240))
        self.band.show(look.chosen, budget_usd=look.budget_usd, priced=look.priced, hint=hint, money=look.money)
        self.limits.show(look.line, look.workers, look.can, look.follows)

    def _show_writing(self, look: Look, chosen: BatchProgress) -> None:
        """What is being written; then how it ended; where nothing was seen, what was written last."""
        self.parts.set_class(bool(look.streams), "-writing")
        shown = self.pane.shown
        if look.streams:
            stream = next((each for each in look.streams if each.conversation_id == shown), look.streams[0])
            self._growing = True
            turns = turns_so_far(stream.content)
            self.pane.show(stream.conversation_id, self._being_written(stream), turns, growing=True)
        elif shown is not None and self._growing:
            self._growing = False
            self._read_conversation(shown)
        elif shown is None and look.written:
            self._read_conversation(look.written[0].conversation_id)
        elif shown is None:
            self.pane.nothing(
                "loading" if chosen.state in OPEN else "empty",
                "Nothing is written yet",
                "The words appear here as the model writes them." if chosen.state in OPEN else "",
            )

    def _being_written(self, stream: StreamView) -> Content:
        labels = self.app.labels
        about = (
            marks.label(labels, dimension, value)
            for dimension, value in (("persona", stream.persona), ("emotion", stream.emotion), ("topic", stream.topic))
            if value is not None
        )
        return Content.assemble(
            ("◐ being written  ", "$generating"), text.shown(stream.conversation_id, single_line=True, style="$muted"),
            "  ", Content.styled(" · ", "$faint").join(about),
        )  # fmt: skip

    def _read_conversation(self, conversation_id: str) -> None:
        self.read(partial(self._read_written, conversation_id), name="conversation")

    async def _read_written(self, conversation_id: str) -> None:
        from traintui.data import conversations

        found = await conversations.read(self.db, conversation_id)
        row = found.row
        if self._growing or self.pane.shown not in {None, conversation_id}:
            return
        if not found.turns:
            self.pane.nothing("empty", "It was not finished", "What was written of it is not kept.")
            self.pane.shown = conversation_id
            return
        said = Content.assemble(
            marks.status(row.status), "  ", text.shown(conversation_id, single_line=True, style="$muted"), "  ",
            marks.score(row.quality_score), "  ", marks.label(self.app.labels, "persona", row.persona),
        )  # fmt: skip
        self.pane.show(conversation_id, said, found.turns, growing=False)
