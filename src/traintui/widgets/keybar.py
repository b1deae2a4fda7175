"""The last line of every screen: the keys that matter most here, as many as there is room for."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import App
from textual.binding import ActiveBinding
from textual.content import Content
from textual.events import Leave, MouseDown, MouseMove, Resize
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea

from traintui.widgets.line_table import LineTable

LAST = "app.help"
GAP = 2


@dataclass(frozen=True, slots=True)
class Key:
    """A key that works here. `key` is what pressing it sends, `display` what people call it."""

    id: str
    key: str
    display: str
    label: str
    enabled: bool
    tooltip: str

    @property
    def width(self) -> int:
        """Cells that it takes, a gap behind it not counted."""
        return len(self.display) + 1 + len(self.label)

    def drawn(self, *, under_mouse: bool) -> Content:
        """The key and what it does; dim where it rests."""
        rests = "" if self.enabled else " dim"
        grounds = ["$block-hover-background"] * 2
        if not under_mouse:
            grounds = ["$footer-key-background", "$footer-description-background"]
        return Content.assemble(
            (self.display, f"bold $footer-key-foreground on {grounds[0]}{rests}"),
            (f" {self.label}", f"$footer-description-foreground on {grounds[1]}{rests}"),
        )


class KeyBar(Widget):
    """A line that never shows half a key: what does not fit is left out, and `?` always fits.

    Keys stand in the order of `commands.COMMANDS`, those of the screen before those of its widgets; in a dialog what
    the focused widget does comes first, but for what answers the dialog from a field. It is drawn, not made of widgets:
    it changes with every move of the focus.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyBar {
        dock: bottom; height: 1; padding: 0 1; text-wrap: nowrap;
        color: $footer-foreground; background: $footer-background;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._known: tuple[Key, ...] = ()
        self._under_mouse: Key | None = None

    def on_mount(self) -> None:
        """Hears when other keys work."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if self.app.app_focus and self.is_attached and screen is self.screen:
            self.call_after_refresh(self._look)

    def _look(self) -> None:
        known = self._keys(self.app, self.screen) if self.is_attached else ()
        if known != self._known:
            self._known, self._under_mouse = known, None
            self.refresh()

    def _keys(self, app: App[object], screen: Screen[object]) -> tuple[Key, ...]:
        """All keys that work here, the most important first."""
        shown = [entry for entry in screen.active_bindings.values() if entry.binding.show]
        typing = isinstance(screen.focused, (Input, TextArea))

        def order(entry: ActiveBinding) -> int:
            if entry.node is app:
                return 3
            if not screen.is_modal:
                return 0 if entry.node is screen else 1
            return 1 if entry.node is not screen else 0 if typing and entry.binding.priority else 2

        shown.sort(key=order)
        keys: dict[str, Key] = {}
        for node, binding, enabled, tooltip in shown:
            label = node.opens if isinstance(node, LineTable) and binding.action == "open" else binding.description
            if label and binding.action not in keys:
                display = app.get_key_display(binding)
                keys[binding.action] = Key(binding.id or "", binding.key, display, label, enabled, tooltip)
        return tuple(keys.values())

    @property
    def shown(self) -> tuple[tuple[int, Key], ...]:
        """The keys that fit, each with the cell at which it begins; help at the right end."""
        room = self.content_size.width
        last = next((key for key in self._known if key.id == LAST), None)
        placed = []
        if last is not None and last.width <= room:
            placed.append((room - last.width, last))
            room -= last.width + GAP
        left = 0
        for key in self._known:
            if key is not last and left + key.width <= room:
                placed.append((left, key))
                left += key.width + GAP
        return tuple(sorted(placed, key=lambda each: each[0]))

    def render(self) -> Content:
        """One line."""
        line = Content("")
        for begins, key in self.shown:
            line += Content(" " * (begins - line.cell_length)) + key.drawn(under_mouse=key is self._under_mouse)
        return line

    def on_resize(self, event: Resize) -> None:
        """More or fewer keys fit now."""
        self.refresh()

    # The mouse

    def _at(self, x: int) -> Key | None:
        cell = x - self.styles.padding.left
        return next((key for begins, key in self.shown if begins <= cell < begins + key.width), None)

    def on_mouse_move(self, event: MouseMove) -> None:
        """Shows which key a click would press, and what it does."""
        self._point_at(self._at(event.x))

    def on_leave(self, event: Leave) -> None:
        """Points at none."""
        self._point_at(None)

    def _point_at(self, key: Key | None) -> None:
        if key is not self._under_mouse:
            self._under_mouse = key
            self.tooltip = (key.tooltip or None) if key is not None else None
            self.refresh()

    def on_mouse_down(self, event: MouseDown) -> None:
        """A click presses the key."""
        key = self._at(event.x)
        if key is not None and key.enabled:
            self.app.simulate_key(key.key)
        elif key is not None:
            self.app.bell()
