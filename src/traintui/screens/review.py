"""Review: one conversation fills the screen, one key decides, the next one is there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from traintui import clock, commands, text
from traintui.data.records import Conversation
from traintui.outbox.presses import Decision, Flag
from traintui.queue_choice import QueueChoice
from traintui.screens.note import NoteDialog
from traintui.screens.reasons import ReasonsDialog, Rejection
from traintui.screens.review_ahead import is_away
from traintui.screens.review_outcomes import DECIDED
from traintui.screens.review_regenerating import ReviewRegenerating
from traintui.screens.review_reservation import holder_said
from traintui.screens.undoing import how_far
from traintui.widgets import marks

if TYPE_CHECKING:
    from traintui.data.reviews import Action


@dataclass(frozen=True, slots=True)
class Read:
    """A conversation as it was read: since when (ticks), the turn that was marked as wrong, from 0, and the key of the
    edit that made it, where the database may not have that yet."""

    conversation: Conversation
    since: float
    wrong: int | None
    after: str | None

    @property
    def one(self) -> str:
        """Its public id."""
        return self.conversation.row.conversation_id


class ReviewScreen(ReviewRegenerating):
    """Deciding what is on the screen, and what goes along with a decision."""

    PLACES = ("review", "transcript", "matches", "searching")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("review")
    CSS_PATH = "review.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._last: tuple[Action, str | None] | None = None
        """The last decision here, with its reason."""
        self._newest: Decision | Flag | None = None
        self._said_to_wait: tuple[str, bool] | None = None
        """Which press was said to wait last, and whether for a database that is away."""

    def action_decide(self, action: Action) -> None:
        """Decides what is on the screen."""
        self._decide(action, None)

    def action_reject(self) -> None:
        """Asks for the reason, then rejects."""
        read = self._read_through()
        if read is not None and not self._held_elsewhere(read.one):
            self.app.push_screen(
                ReasonsDialog(read.one, self.app.reasons, may_regenerate=self.allowed("review", "regenerate")),
                partial(self._rejected, read),
            )

    def _rejected(self, asked: Read, chosen: Rejection | None) -> None:
        """Rejects what was asked about, whatever is shown by then: where that has moved on, the database refuses it."""
        if chosen is None:
            return
        decision = self._decide_on(asked, "reject", chosen.reason)
        if decision is not None and chosen.anew:
            self.write_anew_once_rejected(decision, asked.wrong)

    def _read_through(self) -> Read | None:
        """What may be decided: what is current and was painted, or written here. A held key never decides what nobody
        could see."""
        shown, seconds = self.reading.shown, self.reading.seconds_seen
        if shown is not None and self._wrote == (shown.row.conversation_id, shown.row.revision, shown.row.decision_id):
            seconds = seconds or 0.0
        if shown is None or seconds is None or shown.row.conversation_id != self.queue.current:
            if self.queue.current is not None:
                self._say(("Pressed before the next one was to be seen: nothing was decided.", "$muted"))
            return None
        return Read(shown, clock.ticks() - seconds, self.reading.transcript.wrong, self.after(shown))

    def _decide(self, action: Action, reason: str | None) -> None:
        if (read := self._read_through()) is not None:
            self._decide_on(read, action, reason)

    def _decide_on(self, read: Read, action: Action, reason: str | None) -> Decision | None:
        """Sends the decision on what was read, and goes on; None where that is not to be decided, which it says."""
        from traintui.data import reviews

        one, row = read.one, read.conversation.row
        if self._held_elsewhere(one):
            return None
        if row.status == DECIDED[action]:
            if one == self.queue.current:
                self.action_step(1)
            self._say(marks.status(row.status), (" already  ", "$muted"), text.shown(one, single_line=True))
            return None
        decision = Decision(
            reviews.new_key(), clock.now(), one, action, row.revision, row.decision_id, reason,
            self._notes.pop(one, None), None if read.wrong is None else read.wrong + 1,
            int((clock.ticks() - read.since) * 1_000), read.after,
        )  # fmt: skip
        self._wrong.pop(one, None)
        self._own.add(row.id)
        self._pressed[decision.key] = read.conversation
        self._last = action, reason
        self.queue.decided(one)
        self.write(partial(self._press, decision), name="decide")
        return decision

    async def _press(self, decision: Decision) -> None:
        """Goes on as soon as the press is on file: from there on nothing loses it."""
        self._newest = decision
        await self.outbox.keep(decision)
        self._show_current()
        self._say_waits()

    def unsent_changed(self) -> None:
        """More or less waits to be saved, or it is known why: the newest press is said to wait."""
        super().unsent_changed()
        self._say_waits()

    def _say_waits(self) -> None:
        """Says once of the newest press that it is not saved, and once more that the database is away: that is found
        out by the first press of an outage."""
        press, outbox = self._newest, self.app.outbox
        if press is None or outbox is None or press not in outbox.waiting or (standing := outbox.standing) is None:
            return
        kept = is_away(outbox.away) and not standing.unkept
        if self._said_to_wait == (press.key, kept):
            return
        self._said_to_wait = press.key, kept
        done = press.action if isinstance(press, Decision) else "flag" if press.flagged else "unflag"
        self._say(
            ("◌ kept: " if kept else "◌ not saved yet: ", "$warning"), f"{done} of ",
            text.shown(press.conversation_id, single_line=True), ", sent when the database is back" if kept else "",
            ("   u takes it back", "$faint"),
        )  # fmt: skip

    def _held_elsewhere(self, one: str) -> bool:
        """Whether somebody else has it, or may have it: then it is said, and two never decide it unasked."""
        if (holder := self.reservation.holder(one)) is not None:
            self._say(holder_said(holder), (": o takes it over", "$warning"))
        elif self.reservation.lapsed and not self._away:
            self._say(("It was left alone for a while: reserving it again.", "$muted"))
            self._read_ahead()
        else:
            return False
        return True

    def action_repeat(self) -> None:
        """Decides as the last time, with the same reason; a note belongs to its conversation and is not repeated."""
        if self._last is None:
            self._say(("Nothing was decided here yet that could be done again.", "$muted"))
        else:
            self._decide(*self._last)

    def action_take_over(self) -> None:
        """Takes what is on the screen over from whoever has it."""
        if (shown := self.reading.shown) is not None:
            self.write(partial(self._take_over, shown.row.conversation_id), name="take over")

    async def _take_over(self, one: str) -> None:
        holder = self.reservation.holder(one)
        entry = await self.reservation.take_over(self.db, one)
        self._known.forget(one)
        if self.queue.current == one:
            self.read(partial(self._read_current, one), name="conversation")
        self._say_place()
        if entry is None or holder is None:
            self._say(("Nobody else has it.", "$muted"))
        else:
            self._say(("→ ", "$accent"), "taken over from ", text.shown(holder.reviewer_id, single_line=True, limit=24))

    def action_agreement(self) -> None:
        """Shows what second reviews ask for, what is disputed, and how far reviewers agree."""
        from traintui.screens.agreement import AgreementDialog

        self.app.push_screen(AgreementDialog(), self._agreement_answered)

    def _agreement_answered(self, answer: str | None) -> None:
        if answer == "disputes":
            self.disputes = True
            self.queue.clear()
            self.reading.nothing("loading", "Reading")
            self._poll(always=True)

    def action_undo(self) -> None:
        """Takes back one's own last action, and brings its conversation back."""
        self.write(self._undo, name="undo")

    async def _undo(self) -> None:
        from traintui.data.bulk import UndoResult

        async with self.app.taking_back:
            undone, answer = await self._undoing.take_back(
                self.db, self.outbox, lambda done, total: self._say(how_far(done, total))
            )
        self._say(answer)
        self.look_at_pace()
        if undone is not None:
            self.app.look_now()
        if isinstance(undone, UndoResult):
            self.action_refresh_queue()  # a bulk: any of those in the queue, and others

    def action_flag(self) -> None:
        """Flags what is on the screen, or unflags it."""
        if (shown := self.reading.shown) is not None:
            from traintui.data import reviews

            flag = Flag(reviews.new_key(), clock.now(), shown.row.conversation_id, not shown.row.flagged)
            self.write(partial(self._flag, shown, flag), name="flag")

    async def _flag(self, shown: Conversation, flag: Flag) -> None:
        self._newest = flag
        await self.outbox.keep(flag)
        self._say_waits()
        flagged = replace(shown, row=replace(shown.row, flagged=flag.flagged))
        self._known.expect(flagged)
        if self.queue.current == flag.conversation_id:
            self._show(flagged)

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
        if (shown := self.reading.shown) is not None:
            transcript.wrong = None if transcript.wrong == transcript.turn else transcript.turn
            self._wrong.pop(shown.row.conversation_id, None)
            if transcript.wrong is not None:
                self._wrong[shown.row.conversation_id] = transcript.wrong
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

    def action_choose_queue(self) -> None:
        """Asks which ones wait, and in which order."""
        from traintui.screens.review_choice import ReviewChoiceDialog

        self.app.push_screen(ReviewChoiceDialog(self.source.choice, self.source.orders), self._queue_chosen)

    def _queue_chosen(self, choice: QueueChoice | None) -> None:
        if choice is not None:
            self.reading.nothing("loading", "Reading")
            self.reservation.forget()
            self.choose(choice)

    def action_pace(self) -> None:
        """Shows one's own pace, day by day."""
        from traintui.screens.pace import PaceDialog

        self.app.push_screen(PaceDialog(), lambda _: self.look_at_pace())

    def action_refresh_queue(self) -> None:
        """Reads everything again."""
        if self.queue.current is not None:
            self._known.forget(self.queue.current)
            self._show_current()
        self._poll(always=True)
