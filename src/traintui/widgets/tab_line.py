"""A line of names of which one is chosen."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget


class TabLine(Widget):
    """Names with a remark each; a click chooses one. The remarks are ours, never stored text."""

    DEFAULT_CSS = """
    TabLine { height: 1; width: 1fr; background: $surface; color: $muted; }
    """
    ALLOW_SELECT = False

    chosen: reactive[str] = reactive("")
    remarks: reactive[Mapping[str, str]] = reactive[Mapping[str, str]](dict)

    class Chosen(Message):
        """A name was clicked."""

        def __init__(self, name: str) -> None:
            self.name = name
            super().__init__()

    def __init__(self, names: Mapping[str, str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._names = names
        self.set_reactive(TabLine.chosen, next(iter(names)))

    def render(self) -> Content:
        """The line: with all remarks where there is room, else with none, and then close together."""
        whole = self._drawn(self.remarks)
        if whole.cell_length > self.size.width:
            whole = self._drawn({})
        return whole if whole.cell_length <= self.size.width else self._drawn({}, before=" ")

    def _drawn(self, remarks: Mapping[str, str], before: str = "   ") -> Content:
        parts = []
        for name, label in self._names.items():
            on = name == self.chosen
            remark = remarks.get(name, "")
            tab = Content.assemble(
                (" ● " if on else before, "$accent"), (label, "bold $foreground" if on else "$muted"),
                (f" {remark} " if remark else " ", "$muted" if on else "$faint"),
            ).stylize(Style.from_meta({"tab": name}))  # fmt: skip
            parts.append(tab.stylize("on $cursor") if on else tab)
        return Content("").join(parts)

    def on_click(self, event: Click) -> None:
        """Chooses the name under the pointer."""
        if name := event.style.meta.get("tab"):
            self.post_message(self.Chosen(str(name)))
