"""Review: one conversation fills the screen, one key decides, the next one is there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from traintui import commands, text
from traintui.data.records import Conversation, ReviewEntry
from traintui.screens.note import NoteDialog
from traintui.screens.reasons import ReasonsDialog, Rejection
from traintui.screens.review_editing import ReviewEditing
from traintui.screens.undoing import how_far
from traintui.widgets import marks

if TYPE_CHECKING:
    from traintui.data.reviews import Action

DECIDED: dict[str, str] = {"approve": "approved", "reject": "rejected"}


@dataclass(frozen=True, slots=True)
class Decision:
    """One press, with what goes along. Its key makes it one decision however often it is sent."""

    conversation: Conversation
    action: Action
    key: str
    reason: str | None
    note: str | None
    turn_number: int | None
    duration_ms: int

    @property
    def conversation_id(self) -> str:
        """What is decided."""
        return self.conversation.row.conversation_id


class ReviewScreen(ReviewEditing):
    """Deciding what is on the screen, and what goes along with a decision."""

    PLACES = ("review", "transcript")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("review")
    CSS_PATH = "review.tcss"

    def action_decide(self, action: Action) -> None:
        """Decides what is on the screen."""
        self._decide(action, None)

    def action_reject(self) -> None:
        """Asks for the reason, then rejects."""
        shown = self.reading.shown
        if shown is not None and self.reading.seconds_seen is not None:
            self.app.push_screen(
                ReasonsDialog(shown.row.conversation_id, self.app.reasons), partial(self._rejected, shown)
            )

    def _rejected(self, asked: Conversation, chosen: Rejection | None) -> None:
        shown = self.reading.shown
        if chosen is not None and shown is not None and shown.row.conversation_id == asked.row.conversation_id:
            self._decide("reject", chosen.reason)

    def _decide(self, action: Action, reason: str | None) -> None:
        """Only what is current and was painted is decided: a held key never decides what nobody could see."""
        from traintui.data import reviews

        shown, seconds = self.reading.shown, self.reading.seconds_seen
        if shown is None or seconds is None or shown.row.conversation_id != self.queue.current:
            return
        if shown.row.status == DECIDED[action]:
            self._say(marks.status(shown.row.status), (" already", "$muted"))
            return
        wrong = self.reading.transcript.wrong
        decision = Decision(
            shown, action, reviews.new_key(), reason, self._notes.pop(shown.row.conversation_id, None),
            None if wrong is None else wrong + 1, int(seconds * 1_000),
        )  # fmt: skip
        self.queue.decided()
        self._show_current()
        self.write(partial(self._record, decision), name="decide")

    async def _record(self, decision: Decision) -> None:
        from traintui.data import reviews

        one = decision.conversation_id
        try:
            async with self._order:
                await reviews.decide(
                    self.db, reviews.Seen.of(decision.conversation.row), decision.action, key=decision.key,
                    reason=decision.reason, notes=decision.note, turn_number=decision.turn_number,
                    duration_ms=decision.duration_ms,
                )  # fmt: skip
        except Exception:
            # Whatever kept it from the record: it is not decided, comes back with its note, and the error is answered.
            self._known.forget(one)
            if decision.note:
                self._notes[one] = decision.note
            if self.queue.refused(one):
                self._show_current()
            self._say_place()
            raise
        self.queue.recorded(one)
        if self._counts_of_copy() is not None:
            self.app.look_now()  # the copy counts it
        elif decision.conversation.row.status == "generated":
            self._counts["generated"] = max(0, self._counts.get("generated", 0) - 1)
        self._undoing.forget()
        self._say_place()
        self._say(
            marks.status(DECIDED[decision.action]), "  ", text.shown(one, single_line=True),
            "  ", text.shown(decision.reason or "", single_line=True, style="$muted"),
            ("   u takes it back", "$faint"),
        )  # fmt: skip

    def action_undo(self) -> None:
        """Takes back one's own last action, and brings its conversation back."""
        self.write(self._undo, name="undo")

    async def _undo(self) -> None:
        async with self._order:
            undone, answer = await self._undoing.take_back(self.db, lambda done, total: self._say(how_far(done, total)))
        self._say(answer)
        if undone is None:
            return
        self.app.look_now()
        if not isinstance(undone, ReviewEntry):
            self.action_refresh_queue()  # a bulk: any of those in the queue, and others
            return
        self._known.forget(undone.conversation_id)
        self.queue.bring(undone.conversation_id, waits=undone.status_after == "generated")
        self._show_current()

    def action_flag(self) -> None:
        """Flags what is on the screen, or unflags it."""
        if (shown := self.reading.shown) is not None:
            self.write(partial(self._flag, shown), name="flag")

    async def _flag(self, shown: Conversation) -> None:
        from traintui.data import reviews

        row = shown.row
        async with self._order:
            await reviews.set_flag(self.db, row.conversation_id, not row.flagged, key=reviews.new_key())
        self._known.forget(row.conversation_id)
        if self.queue.current == row.conversation_id:
            self.read(partial(self._read_current, row.conversation_id), name="conversation")

    # Around the decision

    def action_step(self, steps: int) -> None:
        """Goes to the next one, or the one before, without a decision."""
        over = self.queue.step(steps)
        self._show_current()
        if over:
            self._say(("From the beginning: what was skipped is still waiting.", "$muted"))

    def action_mark(self) -> None:
        """Marks the current turn as the one that is wrong, or takes the mark away."""
        transcript = self.reading.transcript
        if self.reading.shown is not None:
            transcript.wrong = None if transcript.wrong == transcript.turn else transcript.turn
            self._say_place()

    def action_note(self) -> None:
        """Asks for a note that goes with the decision."""
        if (shown := self.reading.shown) is not None:
            one = shown.row.conversation_id
            self.app.push_screen(NoteDialog(self._notes.get(one, "")), partial(self._noted, one))

    def _noted(self, one: str, note: str | None) -> None:
        if note is not None:
            self._notes[one] = note
            self._say_place()

    def action_details(self) -> None:
        """Shows or hides what is known about the conversation."""
        self.toggle_class("-details")
        self.call_after_refresh(self._focus_shown)

    def _focus_shown(self) -> None:
        (self.reading.transcript if self.reading.transcript.display else self.reading.panel).focus()

    def action_system(self) -> None:
        """Shows the system prompt whole, or folded."""
        self.reading.transcript.system_folded = not self.reading.transcript.system_folded

    def action_refresh_queue(self) -> None:
        """Reads everything again."""
        if self.queue.current is not None:
            self._known.forget(self.queue.current)
            self._show_current()
        self._poll(always=True)
