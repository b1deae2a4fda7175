"""A turn is edited where it stands: save makes a new revision, and what is not saved stays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key, Resize
from textual.geometry import Region
from textual.widgets import Static, TextArea

from traintui import commands, text
from traintui.data.records import Conversation
from traintui.drafts import Draft
from traintui.errors import TraintuiError
from traintui.importing.chunks import estimate_tokens
from traintui.screens.base import BaseDialog
from traintui.screens.passages import Made, Passage
from traintui.screens.stored_edit import StoredEdit, edit_of, store
from traintui.widgets.difference import DifferenceView, compared
from traintui.widgets.keybar import KeyBar
from traintui.widgets.text_editor import LONGEST, TextEditor
from traintui.widgets.transcript import MEASURE

LEAST = 7
"""Lines of the editor at least, its frame included: two lines say little about where one is."""
FRAME = 6
"""Cells of the frame, the room beside the text and the scrollbar: lines are as long as where they are read."""
WRITE = 1.0
"""Seconds after which what was typed is in the file of drafts."""


class TurnEditor(BaseDialog[StoredEdit]):
    """The text of one turn, or of another passage, over its place in the transcript. Answers what was saved, or what
    will be as soon as the database answers.

    `after` is the key of the edit that made what is edited, if that is not saved yet; `region` says where there is room
    and `place_of` where the turn is, both on the screen. Whatever is typed is a draft until it is saved; leaving keeps
    it. A conversation that moved on meanwhile is shown beside what was typed, and the next save is one of the newer
    revision.
    """

    PLACES = ("turn_editor", "text_editor")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("turn_editor")
    CSS_PATH = "turn_editor.tcss"

    field = getters.query_one(TextEditor)
    panel = getters.query_one(".dialog", Vertical)
    answer = getters.query_one("#answer", Static)
    difference = getters.query_one(DifferenceView)

    def __init__(
        self,
        conversation: Conversation,
        passage: Passage,
        *,
        after: str | None,
        region: Callable[[], Region],
        place_of: Callable[[], Region],
    ) -> None:
        super().__init__()
        self._conversation, self._passage, self._after = conversation, passage, after
        self._drafts = self.app.drafts
        self._region, self._place_of = region, place_of
        self._saving = False
        self._ahead: list[str] = []
        """Keys pressed while it is saved: they are for what comes after it."""

    def compose(self) -> ComposeResult:
        """The field; what is said about it; what it would replace, where somebody else was quicker."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = self._title()
            yield TextEditor(soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False, compact=True)
            yield Static(id="answer")
            yield DifferenceView()
        yield KeyBar()

    def on_mount(self) -> None:
        """Begins with what is stored, or with what was typed before."""
        draft = self._drafts.get(self._one, self._passage.name)
        self.field.load(self._stored if draft is None else draft.text)
        self.field.focus()
        self._say("", self._passage.about)
        if draft is not None:
            self._say("", "Goes on with what you typed before, which is not saved.")
            if draft.before != self._stored:
                self._moved_on("It was changed since you began", draft.text)
        self.set_interval(WRITE, self._drafts.write)
        self.call_after_refresh(self._fit)

    def on_unmount(self) -> None:
        """What was typed is in the file by now, however this ends."""
        self._drafts.write()

    @property
    def _one(self) -> str:
        return self._conversation.row.conversation_id

    @property
    def _stored(self) -> str:
        return self._passage.stored(self._conversation)

    def _title(self) -> Content:
        name, turn = self._passage.name.removeprefix("the ").capitalize(), self._passage.turn
        if turn is None or turn >= len(self._conversation.turns) or self._passage.name != f"turn {turn + 1}":
            return Content(name)
        role = self._conversation.turns[turn].role
        return Content.assemble(name, "  ", (role.capitalize(), f"bold ${role}"))

    # Where it stands

    def on_resize(self, event: Resize) -> None:
        """The screen has another size: so does the place."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """Lies over the turn, as tall as its text where there is room."""
        if not self.is_attached:
            return
        room, turn = self._region(), self._place_of()
        comparing = self.difference.display
        wanted = self.field.wrapped_document.height + 3 + self.answer.display
        height = room.height if comparing else min(room.height, max(LEAST, wanted, turn.height))
        top = max(room.y, min(turn.y, room.bottom - height))
        panel = self.panel
        panel.styles.width = room.width if comparing else min(room.width, MEASURE + FRAME)
        panel.styles.height = height
        panel.styles.offset = (room.x, top)

    # What is typed

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        written = self.field.written
        if written == self._stored:
            self._drafts.drop(self._one, self._passage.name)
        elif (draft := self._drafts.get(self._one, self._passage.name)) is None or draft.text != written:
            before = self._stored if draft is None else draft.before
            self._drafts.keep(self._one, self._passage.name, Draft(written, before))
        size = text.plural(estimate_tokens(written), "token")
        self.panel.border_subtitle = Content.assemble(
            ("✎ not saved  " if written != self._stored else "", "bold $warning"), (f"~{size}", "$muted")
        )
        self._fit()

    @on(TextEditor.TooLong)
    def _too_long(self, event: TextEditor.TooLong) -> None:
        self._say(
            "Nothing was pasted.",
            f"{event.characters:,} characters are more than a turn takes here ({LONGEST:,} in all).",
        )
        self.app.bell()

    def _say(self, title: str, message: str, *, style: str = "$warning") -> None:
        self.answer.update(Content.assemble((f"{title} " if title else "", f"bold {style}"), text.shown(message)))
        self.answer.display = bool(title or message)
        self.call_after_refresh(self._fit)

    def action_discard(self) -> None:
        """Throws away what is not saved."""
        self._drafts.drop(self._one, self._passage.name)
        self.dismiss(None)

    def action_back(self) -> None:
        """Leaves; what is not saved stays a draft."""
        if not self._saving:
            self.dismiss(None)

    # Saving

    def action_save(self) -> None:
        """Makes a new revision of it; closes once that is stored and read."""
        if self._saving:
            return
        written = self.field.written
        if written == self._stored:  # it stays open: who types on must not find that letters decide
            self._drafts.drop(self._one, self._passage.name)
            self._say("Nothing was changed:", "esc leaves.", style="$muted")
            return
        try:
            made = self._passage.made(self._conversation, written)
        except TraintuiError as empty:
            self._say(f"{empty.title}:", f"{empty.message} {empty.remedy}", style="$error")
            self.app.bell()
            return
        self._saving = self.field.read_only = True
        self._say("", "Saving", style="$muted")
        self.write(partial(self._save, self._conversation, written, made), name="edit")

    async def _save(self, on: Conversation, written: str, made: Made) -> None:
        from traintui.data import conversations

        (turns, system_prompt), name, turn = made, self._passage.name, self._passage.turn
        edit = edit_of(
            on, turns=turns, system_prompt=system_prompt, what=name, passage=name, written=written,
            instead_of=self._passage.stored(on), turn_number=None if turn is None else turn + 1, after=self._after,
        )  # fmt: skip
        try:
            stored = await store(self.db, self.outbox, on, edit)
        except TraintuiError as refused:
            if not getattr(refused, "stale", False):
                raise
            self._conversation, self._after = await conversations.read(self.db, self._one), None
            self._open_again()
            self._moved_on(f"{refused.message.removesuffix('.')}: nothing was saved", written)
            return
        self._drafts.drop(self._one, name)
        self.dismiss(stored)
        for key in self._ahead:
            self.app.simulate_key(key)

    def on_key(self, event: Key) -> None:
        """What is pressed while it is saved waits for that: fix and approve is two keys, however fast."""
        if self._saving:
            event.stop()
            self._ahead.append(event.key)

    def _open_again(self) -> None:
        self._saving = self.field.read_only = False
        self._ahead.clear()

    def _moved_on(self, title: str, written: str) -> None:
        """Shows what stands there by now beside what was typed."""
        row = self._conversation.row
        self._say(
            f"{title}.",
            f"Below: what revision {row.revision} says, and yours. ctrl+s saves yours as revision {row.revision + 1};"
            " esc leaves, and keeps it.",
        )
        self.difference.display = True
        self.read(partial(self._compare, self._stored, written), name="difference")

    async def _compare(self, stored: str, written: str) -> None:
        pairs = await asyncio.to_thread(compared, stored, written)
        revision = self._conversation.row.revision
        self.difference.compare(
            (f"revision {revision}", "yours"), [(self._passage.name.capitalize(), pairs)],
            key=(revision, written),
        )  # fmt: skip
        self._fit()

    def work_failed(self, name: str, error: BaseException) -> None:
        """Says why it is not saved, where it was typed; the text stays."""
        self._open_again()
        answer = self.app.answer(error)
        self._say(f"Not saved. {answer.title}:", f"{answer.message} {answer.remedy}", style="$error")
