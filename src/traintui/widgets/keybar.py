"""The last line of every screen: the keys that matter most here, as many as there is room for."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.events import Resize
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from traintui.widgets.line_table import LineTable


class KeyBar(Footer):
    """A footer that never shows half a key: what does not fit is left out, and `?` always fits.

    Keys stand in the order of `commands.COMMANDS`, those of the screen before those of its widgets; in a dialog what
    the focused widget does comes first.
    """

    DEFAULT_CSS = """
    KeyBar {
        padding-left: 1;
        & FooterKey { margin-right: 2; }
        & FooterKey.-last { dock: right; margin-right: 0; padding-right: 1; }
    }
    """
    LAST = "app.help"

    def __init__(self) -> None:
        super().__init__(compact=True, show_command_palette=False)

    def compose(self) -> ComposeResult:
        """The keys that fit."""
        if not self._bindings_ready:
            return
        shown = [entry for entry in self.screen.active_bindings.values() if entry.binding.show]
        own = 1 if self.screen.is_modal else 0
        shown.sort(key=lambda entry: own if entry.node is self.screen else 2 if entry.node is self.app else 1 - own)
        room = self.size.width
        keys: list[FooterKey] = []
        seen: set[str] = set()
        for node, binding, enabled, tooltip in sorted(
            shown, key=lambda entry: entry.binding.id == self.LAST, reverse=True
        ):
            label = node.opens if isinstance(node, LineTable) and binding.action == "open" else binding.description
            if not label or binding.action in seen:
                continue
            seen.add(binding.action)
            display = self.app.get_key_display(binding)
            width = len(display) + len(label) + 3
            if width > room:
                continue
            room -= width
            last = binding.id == self.LAST
            keys.append(
                FooterKey(
                    binding.key, display, label, binding.action, disabled=not enabled, tooltip=tooltip,
                    classes="-last" if last else "",
                ).data_bind(compact=Footer.compact)
            )  # fmt: skip
        yield from keys

    def on_resize(self, event: Resize) -> None:
        """More or fewer keys fit now."""
        self.call_after_refresh(self.recompose)
