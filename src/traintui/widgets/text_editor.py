"""A field for stored text: nothing in it acts on the terminal, and nothing is lost or changed unasked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.binding import BindingType
from textual.events import Paste
from textual.message import Message
from textual.widgets import TextArea

from traintui import commands, text

LONGEST = 256_000
"""Characters up to which a text may grow by pasting: with more, each key would have to be waited for."""
_BASE = 0x100000
_TAGS = 0xD800
"""Where the tag characters stand among the stand-ins; the halves of surrogates, whose place it is, are never stored."""
_STAND_IN = re.compile(f"[{chr(_BASE)}-{chr(_BASE + 0xFFFF)}]")
_BREAKS = re.compile("\r\n?")


def _code(stand_in: str) -> int:
    place = ord(stand_in) - _BASE
    return 0xE0000 + place - _TAGS if _TAGS <= place < _TAGS + 0x80 else place


def _stand_in(match: re.Match[str]) -> str:
    code = ord(match[0])
    return chr(_BASE + (_TAGS + code - 0xE0000 if code >= 0xE0000 else code))


def standing_in(stored: str) -> str:
    """`stored` with a private character of one cell for each that a terminal or the field itself would act on."""
    return text.ACTED_ON.sub(_stand_in, stored)


def meant_by(edited: str) -> str:
    """The text that `standing_in` made this of."""
    return _STAND_IN.sub(lambda match: chr(_code(match[0])), edited)


def _sign(match: re.Match[str]) -> str:
    code = _code(match[0])
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "�"


class TextEditor(TextArea):
    """Selection, undo and word wrap as in any field; `written` is the text as it is stored.

    A character that a terminal would act on is one sign that can be deleted like a letter, and is stored as it was.
    """

    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("text_editor")
    longest: int = LONGEST
    """Characters up to which pasting makes the text grow."""

    @dataclass
    class TooLong(Message):
        """A paste of so many characters was not taken: the text would be longer than it may be."""

        characters: int

    @property
    def written(self) -> str:
        """The text as it is stored."""
        return meant_by(self.text)

    def load(self, stored: str) -> None:
        """Shows a stored text; what was done before cannot be undone into it."""
        self.load_text(standing_in(stored))

    @property
    def selected_text(self) -> str:
        """What is selected, as it is stored; the clipboard gets it like that."""
        return meant_by(super().selected_text)

    def get_line(self, line_index: int) -> Text:
        """A line with signs for what stands in for something."""
        line = self.document.get_line(line_index)
        shown = Text(_STAND_IN.sub(_sign, line), end="", no_wrap=True)
        for match in _STAND_IN.finditer(line):
            shown.stylize("reverse", match.start(), match.end())
        return shown

    def action_edge(self, end: int) -> None:
        """Goes to the beginning of the text (0) or its end (1)."""
        self.move_cursor(self.document.end if end else (0, 0))

    async def _on_paste(self, event: Paste) -> None:
        """Takes what is pasted, unless it is too much. Line ends of any kind become those of the text."""
        event.prevent_default()
        event.stop()
        if self.read_only:
            return
        if len(self.text) + len(event.text) > self.longest:
            self.post_message(self.TooLong(len(event.text)))
        elif result := self._replace_via_keyboard(standing_in(_BREAKS.sub("\n", event.text)), *self.selection):
            self.move_cursor(result.end_location)

    def action_paste(self) -> None:
        """Takes what was copied here."""
        if not self.read_only and (
            result := self._replace_via_keyboard(standing_in(self.app.clipboard), *self.selection)
        ):
            self.move_cursor(result.end_location)

    def action_cut(self) -> None:
        """Takes out what is selected, or the line, for the clipboard."""
        if self.read_only:
            return
        start, end = self.selection
        cut = self._delete_cursor_line() if start == end else self._delete_via_keyboard(start, end)
        if cut is not None:
            self.app.copy_to_clipboard(meant_by(cut.replaced_text))
