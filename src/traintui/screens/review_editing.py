"""Review changes what is read: a turn is edited where it stands, and what a revision changed is seen and taken back."""

from __future__ import annotations

from functools import partial

from textual.content import Content
from textual.geometry import Region

from traintui import text
from traintui.data import turns as shaping
from traintui.data.records import Conversation, Turn
from traintui.drafts import Drafts, drafts_path
from traintui.screens.passages import OneTurn, Passage
from traintui.screens.review_aids import ReviewAids
from traintui.screens.revision_difference import RevisionsDialog
from traintui.screens.turn_editor import TurnEditor
from traintui.screens.turn_tools import Chosen, Reshaped, TurnToolsDialog
from traintui.widgets.transcript_layout import SYSTEM


class ReviewEditing(ReviewAids):
    """What can be done to the text on the screen. Each change is a revision of its own, which `u` takes back."""

    def __init__(self) -> None:
        super().__init__()
        self.drafts = Drafts(drafts_path())

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
                shown, passage, self.drafts, region=self._room,
                place_of=partial(transcript.place_of, place) if transcript.display else self._room,
            ),
            partial(self._edited, shown, passage),
        )  # fmt: skip

    def _room(self) -> Region:
        """Where a text may be edited: over the transcript, or where that is folded away over all of it."""
        transcript = self.reading.transcript
        return transcript.region if transcript.display else self.reading.region

    def _edited(self, before: Conversation, passage: Passage, now: Conversation | None) -> None:
        if now is not None:
            added = len(now.turns) - len(before.turns)
            saved = f"{passage.name} saved" + (f", {text.plural(added, 'turn')} more" if added > 0 else "")
            self.changed_to(before, now, saved)
        elif self.drafts.get(before.row.conversation_id, passage.name) is not None:
            self._say(
                ("✎ ", "$warning"), f"{passage.name}: not saved. ",
                ("The same key goes on with what you typed.", "bold"),
            )  # fmt: skip
        else:
            self._say(("Nothing was changed.", "$muted"))
        self._say_place()

    def changed_to(self, before: Conversation, now: Conversation, what: str) -> None:
        """A revision was stored: it is shown at once, and waits for its decision."""
        row = now.row
        self._known.keep(now)
        self._undoing.forget()
        self.app.look_now()
        if before.row.status != row.status and row.status == "generated":
            self.queue.bring(row.conversation_id, waits=True)
        if self.queue.current == row.conversation_id:
            self._show(now)
        self._say(
            ("✎ ", "$success"), f"{what}: revision {row.revision}. ",
            ("a approves it, d shows what changed, u takes it back", "$muted"),
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
        """Stores other turns as a revision; `place` is the turn that the log names, `what` is said once it is there."""
        self.write(partial(self._rewrite, shown, turns, place, what), name="edit")

    async def _rewrite(self, shown: Conversation, turns: tuple[Turn, ...], place: int, what: str) -> None:
        from traintui.data import conversations, reviews

        await reviews.edit(
            self.db, reviews.Seen.of(shown.row), system_prompt=shown.system_prompt, turns=turns,
            key=reviews.new_key(), turn_number=min(place + 1, len(turns)),
        )  # fmt: skip
        now = await conversations.read(self.db, shown.row.conversation_id)
        self.changed_to(shown, now, what)

    def action_difference(self) -> None:
        """Shows what each revision changed."""
        if (shown := self.reading.shown) is not None:
            self.app.push_screen(
                RevisionsDialog(shown, may_edit=self.allowed("review", "edit")), partial(self._restored, shown)
            )

    def _restored(self, shown: Conversation, restored: tuple[Conversation, int] | None) -> None:
        if restored is not None:
            now, revision = restored
            self.changed_to(shown, now, f"it reads as at revision {revision} again")

    def work_failed(self, name: str, error: BaseException) -> None:
        """A change that came too late is answered, and what stands there by now is shown."""
        super().work_failed(name, error)
        if name == "edit" and self.queue.current is not None:
            self._known.forget(self.queue.current)
            self._show_current()

    def editing_marks(self, conversation: Conversation) -> Content:
        """What of a conversation is typed and not saved, for the line above it."""
        names = self.drafts.of(conversation.row.conversation_id)
        return Content.styled(f"✎ not saved: {', '.join(names)}" if names else "", "bold $warning")
