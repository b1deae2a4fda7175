"""Review helps to read: words are found, complaints reached, what is known is quiet, and what is needed is copied."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from functools import partial

from textual import on
from textual.events import ScreenSuspend
from textual.widgets import Input, TextArea

from traintui import clock, text
from traintui.data.filter_editing import spelled
from traintui.data.records import Conversation
from traintui.errors import TraintuiError
from traintui.screens.copying import MOST, CopyDialog, What, copied
from traintui.screens.reading_aids import CHANGED, Aids, hint, work_out
from traintui.screens.review_reading import ReviewReading
from traintui.screens.shell import ShowLog
from traintui.screens.what_differs import Base, WhatDiffers
from traintui.widgets.marked_transcript import MarkedTranscript
from traintui.widgets.sought import filtered

LOOK = 2.0
"""Seconds for which a conversation has been on the terminal until it counts as looked at."""
NOTED = 5.0
"""Seconds between two notes of what was looked at."""
FRESH = 15.0
"""Seconds for which what was worked out ahead is not worked out again when it is shown."""

Key = tuple[str, int]
"""A revision of a conversation."""


class ReviewAids(ReviewReading):
    """What helps a reader. All of it comes after the text, or was worked out before: nothing waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self._aids: dict[Key, tuple[Aids, float]] = {}
        self._looked_at: dict[str, int] = {}
        self._words: tuple[str, re.Pattern[str] | None] = ("", None)

    def on_mount(self) -> None:
        """Notes what was looked at now and then."""
        self.set_interval(NOTED, self._note_looks)

    # What is worked out

    def _show(self, conversation: Conversation) -> None:
        self._note_shown()
        super()._show(conversation)
        self.reading.transcript.mark_filter(self._filtered())
        key = conversation.row.conversation_id, conversation.row.revision
        aids, at = self._aids.get(key, (None, 0.0))
        if aids is not None:
            self._help(aids)
        if aids is None or clock.ticks() - at > FRESH:
            self.call_after_refresh(self._work_out, conversation)  # the text first

    def _show_current(self) -> None:
        self._note_shown()
        super()._show_current()

    def _work_out(self, conversation: Conversation) -> None:
        if self.reading.shown is conversation:
            self.read(partial(self._aid, conversation), name="aids")

    async def _aid(self, conversation: Conversation) -> None:
        aids = await self._worked_out(conversation)
        shown = self.reading.shown
        if shown is not None and (shown.row.id, shown.row.revision) == (conversation.row.id, conversation.row.revision):
            self._help(aids)

    async def _worked_out(self, conversation: Conversation) -> Aids:
        from traintui.data import seen
        from traintui.quality import thresholds

        row = conversation.row
        known, asked = await asyncio.gather(seen.known(self.db, row), thresholds.read(self.db))
        aids = await asyncio.to_thread(work_out, conversation, known, asked)
        self._aids[row.conversation_id, row.revision] = aids, clock.ticks()
        return aids

    async def _fill(self, following: Sequence[str]) -> None:
        await super()._fill(following)
        self.read(partial(self._aid_next, following), name="aids of the next")

    async def _aid_next(self, following: Sequence[str]) -> None:
        near = {self.queue.current, *following}
        self._aids = {key: aids for key, aids in self._aids.items() if key[0] in near}
        for one in following:
            conversation, _ = self._known.get(one)
            if conversation is not None and (one, conversation.row.revision) not in self._aids:
                await self._worked_out(conversation)

    def _help(self, aids: Aids) -> None:
        transcript = self.reading.transcript
        transcript.complain(aids.complaints)
        transcript.quieten(aids.sentences, aids.unchanged)
        self.reading.tell(hint(aids.known))
        self.call_after_refresh(self._ground, aids)  # the text first

    def _ground(self, aids: Aids) -> None:
        if aids is self._aids_of_shown():
            self.reading.ground(aids.drawn)

    def _aids_of_shown(self) -> Aids | None:
        shown = self.reading.shown
        return None if shown is None else self._aids.get((shown.row.conversation_id, shown.row.revision), (None, 0))[0]

    def _filtered(self) -> re.Pattern[str] | None:
        """What the filter of the table looks for in the text."""
        from traintui.data.filter_beside import Signs, Text

        written = self.app.filter_text
        if written != self._words[0]:
            try:
                terms = self.app.read_filter(written).written
            except TraintuiError:  # the table says what is wrong with it
                terms = ()
            parts = [part for term in terms if not term.negated for part in term.parts]
            words = [part.words for part in parts if isinstance(part, Text)]
            words += [part.signs for part in parts if isinstance(part, Signs)]
            self._words = written, filtered(words)
        return self._words[1]

    # What was looked at

    def _note_shown(self) -> None:
        """What has been on the terminal long enough was looked at."""
        shown, seconds = self.reading.shown, self.reading.seconds_seen
        if shown is not None and seconds is not None and seconds >= LOOK and self.allowed("review", "note"):
            self._looked_at[shown.row.conversation_id] = shown.row.revision

    @on(ScreenSuspend)
    def _note_looks(self) -> None:
        if self.ready:
            if self.app.screen is self:
                self._note_shown()
            if self._looked_at:
                looks, self._looked_at = self._looked_at, {}
                self.write(partial(self._note, looks), name="looks")

    async def _note(self, looks: dict[str, int]) -> None:
        from traintui.data import seen

        try:
            await seen.note(self.db, looks)
        except TraintuiError:
            self._looked_at = (
                looks | self._looked_at
            )  # a comfort: what a database that is away does not take is tried again

    def work_failed(self, name: str, error: BaseException) -> None:
        """What does not help keeps nobody from reading."""
        if name.startswith("aids"):
            if self.app.outage is not None:
                return  # which is said already
            self._say_failed(error)
        else:
            super().work_failed(name, error)

    # What one asks for

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The key of a search goes before others, so that what is typed ahead is searched; in a field it is text."""
        if action == "search" and isinstance(self.focused, Input | TextArea):
            return False
        return super().check_action(action, parameters)

    def action_search(self) -> None:
        """Asks what to find in the text."""
        self._unfold()
        self.reading.begin_search()

    def _unfold(self) -> None:
        """Where the side has taken the place of the text, the text is back."""
        if not self.reading.transcript.display:
            self.remove_class("-details")

    @on(MarkedTranscript.Matched)
    def _matched(self, event: MarkedTranscript.Matched) -> None:
        if event.looking:
            return
        if event.total:
            counted = f"{event.place:,} of {text.plural(event.total, 'match', 'matches')}"
            round_about = "   from the other end" if event.around else ""
            self._say(counted, (round_about, "$muted"), (self._ways_on() if event.total > 1 else "", "$faint"))
        elif self.reading.transcript.is_sought:
            self._say(("No match in this conversation.", "$muted"))
        else:
            self._say(("Nothing is looked for: / finds words in this conversation.", "$muted"))

    def _ways_on(self) -> str:
        """The keys that lead to the other matches, as they are bound: of each the shortest, of two the last."""
        ways = ""
        for id, label in (("matches.next", "next"), ("matches.previous", "back")):
            bound = [each.binding for each in self.active_bindings.values() if each.binding.id == id]
            if keys := [self.app.get_key_display(binding) for binding in bound]:
                ways += f"   {text.visible(min(reversed(keys), key=len), single_line=True)} {label}"
        return ways

    def action_complaint(self) -> None:
        """Goes to the next turn that a check complains about, or a training target."""
        if self.reading.shown is None:
            return
        self._unfold()
        found = self.reading.transcript.next_complaint()
        if found is None:
            self._say(("No check complains about a turn.", "$muted"))
        else:
            place, says = found
            self._say(("! ", "$warning"), text.shown(f"turn {place + 1} {'; '.join(says)}", single_line=True))

    def action_differs(self) -> None:
        """Shows what differs from what is known."""
        shown, aids = self.reading.shown, self._aids_of_shown()
        if shown is not None and aids is None:
            self._say(("◌ What you read before is still being looked up.", "$muted"))
            return
        known = aids.known if aids is not None else None
        bases = []
        if known is not None and known.before is not None and known.before.turns:
            bases.append(Base(f"revision {known.before.revision}, which you read", known.before.turns))
        if known is not None and known.approved is not None:
            bases.append(Base(f"{known.approved.conversation_id}, approved", known.approved.turns))
        if shown is None or not bases:
            before = known.before if known is not None else None
            why = CHANGED[before.changed] if before is not None else "you have not read it before"
            self._say((f"Nothing to compare with: {why}, and no approved one is alike.", "$muted"))
        else:
            self.app.push_screen(WhatDiffers(shown.row.conversation_id, shown.turns, bases))

    def action_trail(self) -> None:
        """Opens all that was done to it, with its text then and today."""
        from traintui.screens.trail import TrailDialog

        shown = self.reading.shown
        if shown is not None:
            self.app.push_screen(TrailDialog(shown.row.conversation_id))

    def action_in_audit(self, log: str) -> None:
        """Shows in Audit what a log has of the conversation that is read."""
        shown = self.reading.shown
        if shown is not None:
            self.post_message(ShowLog(log, f"conversation:{spelled(shown.row.conversation_id)}"))

    def action_copy(self) -> None:
        """Asks what to copy."""
        shown = self.reading.shown
        if shown is not None:
            turn = self.reading.transcript.turn
            self.app.push_screen(CopyDialog(shown, turn), partial(self._copied, shown, turn))

    def _copied(self, shown: Conversation, turn: int, what: What | None) -> None:
        if what is None:
            return
        said = copied(shown, turn, what)
        if len(said) > MOST:
            self._say(
                ("! ", "$warning"), f"{len(said):,} characters are more than a terminal takes; copy a turn of it.",
            )  # fmt: skip
            return
        self.app.copy_to_clipboard(said)
        name = {"turn": f"turn {turn + 1}", "conversation": text.plural(len(shown.turns), "turn"), "id": "the id"}[what]
        self._say(f"Sent to the terminal's clipboard: {name}", (f"  {text.plural(len(said), 'character')}", "$muted"))
