"""Review changes what is read: a turn is edited where it stands, and what a revision changed is seen and taken back."""

from __future__ import annotations

from functools import partial

from textual.content import Content
from textual.geometry import Region

from traintui import text
from traintui.data import turns as shaping
from traintui.data.records import Conversation, Turn
from traintui.outbox.outcomes import Outcome, Refusal, Saved, Withdrawn
from traintui.outbox.presses import Edit
from traintui.screens.passages import OneTurn, Passage
from traintui.screens.review_preflight import ReviewPreflight
from traintui.screens.revision_difference import RevisionsDialog
from traintui.screens.stored_edit import StoredEdit, edit_of, store
from traintui.screens.turn_editor import TurnEditor
from traintui.screens.turn_tools import Chosen, Reshaped, TurnToolsDialog
from traintui.widgets.transcript_layout import SYSTEM


class ReviewEditing(ReviewPreflight):
    """What can be done to the text on the screen. Each change is a revision of its own, which `u` takes back."""

    def __init__(self) -> None:
        super().__init__()
        self._edits: dict[str, StoredEdit] = {}
        self._wrote: tuple[str, int, int | None] | None = None
        """The revision that one wrote last here, with its decision: it is known before it is painted."""
        """The newest edit of each conversation, as long as what it made of it may be on the screen."""
        self._edited_from: dict[str, Conversation] = {}
        """What those that wait were made of, by their keys."""
        self._not_saved: set[str] = set()
        """Keys of edits that were refused or withdrawn before it was shown what they make."""

    def action_edit(self) -> None:
        """Edits the current turn."""
        self.edit_passage(OneTurn(self.reading.transcript.turn))

    def edit_passage(self, passage: Passage) -> None:
        """Edits a passage over its place on the screen."""
        shown = self.reading.shown
        if shown is None or self.reading.seconds_seen is None:
            return
        transcript = self.reading.transcript
        place = SYSTEM if passage.turn is None else min(passage.turn, len(shown.turns) - 1)
        self.app.push_screen(
            TurnEditor(
                shown, passage, after=self.after(shown), region=self._room,
                place_of=partial(transcript.place_of, place) if transcript.display else self._room,
            ),
            partial(self._edited, shown, passage),
        )  # fmt: skip

    def _room(self) -> Region:
        """Where a text may be edited: over the transcript, or where that is folded away over all of it."""
        transcript = self.reading.transcript
        return transcript.region if transcript.display else self.reading.region

    def _edited(self, before: Conversation, passage: Passage, stored: StoredEdit | None) -> None:
        if stored is not None:
            added = len(stored.conversation.turns) - len(before.turns)
            saved = "" if stored.waits else " saved"
            self._take_edit(
                before, stored, passage.name + saved + (f", {text.plural(added, 'turn')} more" if added > 0 else "")
            )
        elif self.app.drafts.get(before.row.conversation_id, passage.name) is not None:
            self._say(
                ("✎ ", "$warning"), f"{passage.name}: not saved. ",
                ("The same key goes on with what you typed.", "bold"),
            )  # fmt: skip
        else:
            self._say(("Nothing was changed.", "$muted"))
        self._say_place()

    def _take_edit(self, before: Conversation, stored: StoredEdit, what: str) -> None:
        """An edit was stored, or waits until the database answers: either way the text is there."""
        one = stored.edit.conversation_id
        if stored.edit.key in self._not_saved:  # while its editor closed; the app answers why
            self._not_saved.discard(stored.edit.key)
            self._say(("! ", "$warning"), f"not saved: {stored.edit.what} of ", text.shown(one, single_line=True))
            self._read_again(one)
            return
        self._wrote = one, stored.conversation.row.revision, stored.conversation.row.decision_id
        if stored.waits:
            self._edits[one] = stored
        if stored.edit in self.outbox.waiting:
            self._edited_from[stored.edit.key] = before
            self.changed_to(before, stored.conversation)
            self._say(
                ("◌ not saved yet: ", "$warning"), f"{what}. ",
                ("a approves it, u takes it back", "$muted"),
            )  # fmt: skip
        else:
            self.changed_to(before, stored.conversation)
            self._say_changed(stored.conversation, what)
            if stored.waits:  # it was saved a moment ago
                self._read_again(one)

    def after(self, shown: Conversation) -> str | None:
        """The key of the edit that made what is on the screen, where the database may not have it yet: what is done to
        that names it."""
        stored = self._edits.get(shown.row.conversation_id)
        made = stored.conversation.row if stored is not None else None
        if stored is None or made is None or (made.revision, made.decision_id) != (
            shown.row.revision, shown.row.decision_id
        ):  # fmt: skip
            return None
        return stored.edit.key

    def changed_to(self, before: Conversation, now: Conversation) -> None:
        """A revision is there: it is shown at once, and waits for its decision."""
        row = now.row
        self._known.keep(now)
        self._undoing.forget()
        self.app.look_now()
        if before.row.status != row.status and row.status == "generated":
            self.queue.bring(row.conversation_id, waits=True)
        if self.queue.current == row.conversation_id:
            self.queue.edited = row.conversation_id
            self._show(now)

    def _say_changed(self, now: Conversation, what: str) -> None:
        self._say(
            ("✎ ", "$success"), f"{what}: revision {now.row.revision}. ",
            ("a approves it, d shows what changed, u undoes it", "$muted"),
        )  # fmt: skip

    def action_tools(self) -> None:
        """Shows what can be done to the turns here."""
        shown, place = self.reading.shown, self.reading.transcript.turn
        if shown is not None and self.reading.seconds_seen is not None:
            self.app.push_screen(TurnToolsDialog(shown, place), partial(self._use, shown))

    def _use(self, shown: Conversation, chosen: Chosen | None) -> None:
        if isinstance(chosen, Reshaped):
            self.rewrite(shown, chosen.turns, chosen.place, chosen.what)
        elif chosen is not None:
            self.edit_passage(chosen)

    def action_train(self) -> None:
        """Trains on the current turn, or not."""
        shown, place = self.reading.shown, self.reading.transcript.turn
        if shown is None or self.reading.seconds_seen is None:
            return
        train = not shown.turns[place].train
        what = f"turn {place + 1} is {'' if train else 'not '}trained on"
        self.rewrite(shown, shaping.trained_on(shown.turns, place, train), place, what)

    def rewrite(self, shown: Conversation, turns: tuple[Turn, ...], place: int, what: str) -> None:
        """Stores other turns as a revision; `place` is the turn that the log names, `what` says what became of them."""
        edit = edit_of(
            shown, turns=turns, system_prompt=shown.system_prompt, what=what, after=self.after(shown),
            turn_number=min(place + 1, len(turns)),
        )  # fmt: skip
        self.write(partial(self._rewrite, shown, edit), name="edit")

    async def _rewrite(self, shown: Conversation, edit: Edit) -> None:
        self._take_edit(shown, await store(self.db, self.outbox, shown, edit), edit.what)

    def action_difference(self) -> None:
        """Shows what each revision changed."""
        if (shown := self.reading.shown) is not None:
            self.app.push_screen(
                RevisionsDialog(shown, may_edit=self.allowed("review", "edit"), after=self.after(shown)),
                partial(self._restored, shown),
            )

    def _restored(self, shown: Conversation, stored: StoredEdit | None) -> None:
        if stored is not None:
            self._take_edit(shown, stored, stored.edit.what)

    # What became of those that waited

    def edit_became(self, edit: Edit, outcome: Outcome) -> None:
        """An edit that waited is saved, refused or withdrawn; one that did not was answered where it was made."""
        one, before = edit.conversation_id, self._edited_from.pop(edit.key, None)
        if isinstance(outcome, Saved) and not outcome.before and before is None:
            return
        if isinstance(outcome, Refusal) and outcome.awaited:
            return
        if not isinstance(outcome, Saved):
            self._edits.pop(one, None)
            if before is None and not (isinstance(outcome, Refusal) and outcome.before):
                self._not_saved.add(edit.key)
        if isinstance(outcome, Withdrawn) and before is not None:
            self._known.keep(before)  # as it was: the database may be away
            if self.queue.current == one:
                self._show(before)
            return
        if isinstance(outcome, Saved) and before is not None:
            self.app.look_now()
            self._say(
                ("✎ ", "$success"), f"saved: {edit.what} of ", text.shown(one, single_line=True),
                (f"   revision {outcome.entry.revision}", "$muted"),
            )  # fmt: skip
        if isinstance(outcome, Refusal) and outcome.code == "TT002":
            self.queue.drop(one)
            self._show_current()
        else:
            self._read_again(one)

    def _read_again(self, one: str) -> None:
        if self.queue.current == one and self.app.current_mode == "review":
            self.read(partial(self._read_current, one), name="conversation")

    def work_failed(self, name: str, error: BaseException) -> None:
        """A change that came too late is answered, and what stands there by now is shown."""
        super().work_failed(name, error)
        if name == "edit" and self.queue.current is not None:
            self._known.forget(self.queue.current)
            self._show_current()

    def editing_marks(self, conversation: Conversation) -> Content:
        """What of a conversation is typed and not saved, for the line above it."""
        names = self.app.drafts.of(conversation.row.conversation_id)
        return Content.styled(f"✎ not saved: {', '.join(names)}" if names else "", "bold $warning")
