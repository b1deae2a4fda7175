"""The two parts of a template as text, what is wrong with them, and the names that they may use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TextArea

from traintui import text
from traintui.data.records import TemplateRecord
from traintui.widgets.detail_view import DetailView

if TYPE_CHECKING:
    from traintui.generation.prompt import TemplateMistake

MOST = 4
"""Mistakes that are listed."""
PARTS = {"system": "System prompt", "user": "User message"}


class TemplateEditor(Horizontal):
    """Fields for both parts. What is written stays, for each template by name, until it is saved or the screen closed.

    Stored text is shown with what a terminal would act on made visible, and is edited like that.
    """

    system = getters.query_one("#system", TextArea)
    user = getters.query_one("#user", TextArea)
    mistakes = getters.query_one("#mistakes", Static)
    names = getters.query_one("#names", DetailView)

    class Edited(Message):
        """The text is another one."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.read_only = False
        self.drafts: dict[str, tuple[str, str]] = {}
        """The texts that are not saved, by the name of their template."""
        self._open = ""
        self._saved = ("", "")

    def compose(self) -> ComposeResult:
        """Both fields, and the names beside or below them."""
        with Vertical(id="fields"):
            for part, title in PARTS.items():
                yield Static(title, classes="title")
                yield TextArea(id=part, show_line_numbers=True, soft_wrap=True, compact=True, tab_behavior="focus")
            yield Static(id="mistakes")
        with Vertical(id="help"):
            yield Static("Names, as they are in the example", classes="title")
            yield DetailView(id="names")

    @property
    def system_text(self) -> str:
        """The system prompt as it stands."""
        return self.system.text

    @property
    def user_text(self) -> str:
        """The user message as it stands."""
        return self.user.text

    def is_draft(self, name: str) -> bool:
        """Whether there is text of a template that is not saved."""
        return name in self.drafts

    def forget(self, name: str) -> None:
        """The text of a template was saved."""
        self.drafts.pop(name, None)
        self._open = ""

    def open(self, newest: TemplateRecord) -> None:
        """Shows a template: what was being written of it, else its newest version."""
        saved = (text.visible(newest.system), text.visible(newest.user_prompt))
        if (newest.name, saved) == (self._open, self._saved):
            return
        self._open, self._saved = newest.name, saved
        for field, said in zip((self.system, self.user), self.drafts.get(newest.name, saved), strict=True):
            field.read_only = self.read_only
            if field.text != said:
                field.load_text(said)
        self._note()

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._note()

    def _note(self) -> None:
        now = (self.system.text, self.user.text)
        if now == self._saved:
            self.drafts.pop(self._open, None)
        elif self._open:
            self.drafts[self._open] = now
        self.post_message(self.Edited())

    def show_mistakes(self, found: Sequence[TemplateMistake]) -> None:
        """Says what is wrong, each with its part and line."""
        lines = [
            Content.assemble(
                ("! ", "$error"), (f"{PARTS[each.part]}, line {each.line or '?'}  ", "bold"),
                text.shown(each.wrong, single_line=True, limit=200),
            )
            for each in found[:MOST]
        ]  # fmt: skip
        if len(found) > MOST:
            lines.append(Content.styled(f"and {len(found) - MOST} more", "$muted"))
        if not lines:
            lines = [Content.styled("● Every name is known", "$success")]
        self.mistakes.update(Content("\n").join(lines))

    def go_to(self, mistake: TemplateMistake) -> None:
        """Puts the cursor on the line of a mistake."""
        field = self.system if mistake.part == "system" else self.user
        field.focus()
        field.move_cursor(((mistake.line or 1) - 1, 0))

    @property
    def first_field(self) -> TextArea:
        """The field that one begins in: the user message where there is no system prompt."""
        return self.user if not self.system_text and self.user_text else self.system
