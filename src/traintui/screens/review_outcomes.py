"""What becomes of the presses of Review, here and on the table: what is saved, what comes back, and what is said."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from textual.content import Content

from traintui import text
from traintui.data.records import Conversation, ReviewEntry
from traintui.outbox.outcomes import Outcome, Refusal, Saved, Withdrawn
from traintui.outbox.presses import Decision, Edit, Undo
from traintui.screens.decide_anew import said_of
from traintui.screens.judge_beside import beside_judge, opinion_of
from traintui.screens.review_editing import ReviewEditing
from traintui.widgets import marks

DECIDED: dict[str, str] = {"approve": "approved", "reject": "rejected"}


class ReviewOutcomes(ReviewEditing):
    """Reading, and hearing what became of what was pressed."""

    def __init__(self) -> None:
        super().__init__()
        self._pressed: dict[str, Conversation] = {}
        """What was decided here and is under way, by the key of the press."""
        self._gone: dict[int, Decision] = {}
        """Decisions that a note or a mark went along with, by their rows of the log: taken back, they come with it."""

    def on_mount(self) -> None:
        """Hears what becomes of what is pressed."""
        self.app.sent.subscribe(self, self._became, immediate=True)

    def _became(self, outcome: Outcome) -> None:
        """A press, from here or from the table, is saved, refused or withdrawn."""
        press = outcome.press
        self._known.forget(press.conversation_id)
        if (answer := self._undoing.became(outcome)) is not None:
            self._say(answer)
        match press, outcome:
            case Decision() as decision, Saved() as saved:
                self._decided(decision, saved)
            case Undo(), Saved(entry=entry, before=False):
                if (gone := self._gone.pop(entry.undoes or 0, None)) is not None:
                    self._keep_along(gone)
                self._back(press.conversation_id, waits=entry.status_after == "generated")
                self._poll(always=True)
                self.look_at_pace()
            case Decision() as decision, Withdrawn():
                self._own.clear()
                self._keep_along(decision)
                if (shown := self._pressed.get(press.key)) is not None:
                    self._known.keep(shown)  # as it was: the database may be away
                self._back(press.conversation_id, waits=True)
            case Decision() as decision, Refusal() as refusal:
                self._refused(decision, refusal)
            case Edit() as edit, _:
                self.edit_became(edit, outcome)
            case _:
                self._read_again(press.conversation_id)
        self._pressed.pop(press.key, None)

    def _show(self, conversation: Conversation) -> None:
        before = self.reading.shown
        super()._show(conversation)
        if before is not None and before.row.conversation_id == conversation.row.conversation_id:
            self._say_meanwhile(before, conversation)

    def _say_meanwhile(self, before: Conversation, now: Conversation) -> None:
        """Says what somebody else did to what is on the screen: its text or its decision is another one."""
        if (before.row.revision, before.row.decision_id) == (now.row.revision, now.row.decision_id) or not now.history:
            return
        newest, known = now.history[0], before.history[0].id if before.history else 0
        if newest.id > known and newest.reviewer_id != self.db.login:
            self._say(("≠ ", "$warning"), "changed meanwhile: ", said_of(newest))

    def _decided(self, decision: Decision, saved: Saved) -> None:
        one, entry = decision.conversation_id, saved.entry
        self.queue.recorded(one)
        self._notes.pop(one, None)
        if decision.note or decision.turn_number is not None:
            self._gone[entry.id] = decision
        self.app.look_now()  # the copy counts it
        if decision.key in self._pressed and not saved.before:
            self.pace.decided(entry)
        self._undoing.forget()
        self._say_place()
        self._read_again(one)
        if (shown := self._pressed.get(decision.key)) is not None:
            if entry.status_after == entry.status_before:
                self._own.discard(shown.row.id)  # nothing changed that others could see
                self.source.orders.keep_back(shown.row.id)
            self._say_decided(decision, entry, shown)

    def _say_decided(self, decision: Decision, entry: ReviewEntry, shown: Conversation) -> None:
        kept = entry.status_after not in DECIDED.values()
        said = Content.assemble(
            marks.status(DECIDED[decision.action]),
            (" for you; it waits for another reviewer" if kept else "", "$muted"),
            "  ", text.shown(decision.conversation_id, single_line=True), "  ",
            text.shown(decision.reason or "", single_line=True, style="$muted"),
            ("   u takes it back", "$faint"),
        )  # fmt: skip
        self._say(said)
        if (mean := opinion_of(shown)) is not None:
            self.read(partial(self._say_judge, said, mean, decision.action == "approve"), name="judge")

    async def _say_judge(self, said: Content, mean: Decimal, approved: bool) -> None:
        beside = await beside_judge(self.db, mean, approved=approved)
        if self._answer == said:  # nothing else was answered meanwhile
            self._say(said, beside)

    def _refused(self, decision: Decision, refusal: Refusal) -> None:
        """It is not decided and comes back with its note, unless it is gone. The app answers why."""
        one = decision.conversation_id
        self._own.clear()
        if refusal.code == "TT002":
            self.queue.drop(one)
        else:
            self._keep_along(decision)
            if self.queue.refused(one):
                self._show_current()
        self._say_place()
        self._poll(always=True)

    def _keep_along(self, decision: Decision) -> None:
        """The note and the mark that went with a decision are there again, for the next one."""
        if decision.note:
            self._notes[decision.conversation_id] = decision.note
        if decision.turn_number is not None:
            self._wrong[decision.conversation_id] = decision.turn_number - 1

    def _back(self, one: str, *, waits: bool) -> None:
        """What was taken back is on the screen again, for those who look at this one."""
        if self.app.current_mode == "review":
            self.queue.bring(one, waits=waits)
            self._show_current()
