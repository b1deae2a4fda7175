"""What the keys do, where one is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar

WIDE = 100
"""Cells from which the names that a keymap uses are shown too."""


class HelpScreen(BaseDialog[None]):
    """The keys of a screen, of what is on it, and those that work everywhere, as the keymap has them."""

    PLACES = ("help",)
    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("help")

    def __init__(self, places: Iterable[str]) -> None:
        super().__init__()
        self._places = tuple(dict.fromkeys((*places, "app")))

    def compose(self) -> ComposeResult:
        """One table a place."""
        with VerticalScroll(classes="dialog", id="help") as panel:
            panel.border_title = "Keys"
            panel.border_subtitle = "the keymap of the settings file changes them"
            yield Static()
        yield KeyBar()

    def on_resize(self) -> None:
        """Ids stand beside the keys where there is room."""
        self.query_one("#help > Static", Static).update(
            Content("\n\n").join(self._section(place) for place in self._places)
        )

    def _section(self, place: str) -> Content:
        lines = [Content.styled(commands.PLACES.get(place, place), "bold $accent")]
        ids = self.app.size.width >= WIDE
        for command in commands.of(place):
            if command.keys:
                name = f" {command.id}" if ids else ""
                lines.append(
                    Content.assemble(
                        (f"  {self.keys_of(command):<12}", "bold"), f"{command.tooltip:<54}", (name, "$faint")
                    )
                )
        return Content("\n").join(lines)

    def keys_of(self, command: commands.Command) -> str:
        """The keys of a command as they are written in the footer."""
        keys = self.app.settings.keymap.get(command.id, command.keys)
        bindings = Binding.make_bindings([Binding(keys, command.action)])
        return text.visible("  ".join(self.app.get_key_display(binding) for binding in bindings), single_line=True)
