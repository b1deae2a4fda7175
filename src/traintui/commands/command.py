"""A command, and who may use it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding

ALLOWED: dict[str, frozenset[str]] = {
    "reviewer": frozenset({"reviewer", "author", "admin"}),
    "author": frozenset({"author", "admin"}),
    "auditor": frozenset({"auditor", "admin"}),
    "admin": frozenset({"admin"}),
}
"""Which roles may do what needs a role: an author may review, an administrator may do all."""


@dataclass(frozen=True, slots=True)
class Command:
    """Something a person can do.

    `id` is WHERE.NAME and what a keymap calls it; `keys` a comma-separated list, empty for the palette only; `action`
    what Textual runs on the screen or widget; `show` puts it into the footer, in the order of its place; `role` is who
    may do it (everybody when empty).
    """

    id: str
    keys: str
    label: str
    tooltip: str
    action: str
    show: bool = False
    priority: bool = False
    palette: bool = True
    role: str = ""
    key_display: str | None = None

    @property
    def where(self) -> str:
        """The screen, widget or dialog that it belongs to."""
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        """What the palette calls it: `review: approve`."""
        return f"{self.where}: {self.label[:1].lower()}{self.label[1:]}"

    @property
    def binding(self) -> Binding:
        """Its key binding."""
        return Binding(
            self.keys,
            self.action,
            self.label,
            show=self.show,
            key_display=self.key_display,
            priority=self.priority,
            tooltip=self.tooltip,
            id=self.id,
        )
