"""The first line of every screen: the name, the screens, what is wrong, and whose workspace this is."""

from __future__ import annotations

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from traintui import text
from traintui.data.alert_records import OpenAlerts

TABS: tuple[tuple[str, str, str], ...] = (
    ("conversations", "Conversations", "Convs"),
    ("review", "Review", "Review"),
    ("generate", "Generate", "Generate"),
    ("audit", "Audit", "Audit"),
    ("performance", "Performance", "Perf"),
)
"""Mode, label, and short label of each screen, in the order of their keys."""

NAME = " Traintui "
COLOURS = {"urgent": "$error", "warning": "$warning"}
"""How bad an alert is."""


def badge(found: OpenAlerts | None) -> tuple[str, str, str] | None:
    """What is said of alerts, in words and in short, and its colours; None where nothing is wrong."""
    if found is None:
        return None
    if not found.unseen:
        return f" {text.plural(found.number, 'alert')} seen ", f" !{found.number} ", "$muted on $surface"
    colours = f"bold $background on {COLOURS[found.worst]}"
    return f" ! {text.plural(found.unseen, 'alert')} ", f" !{found.unseen} ", colours


class HeaderBar(Widget):
    """Name, tabs and place. `where` is the active mode, `place` what stands on the right, longest wording first;
    `alerts` what is wrong with the database."""

    DEFAULT_CSS = """
    HeaderBar { dock: top; height: 1; width: 1fr; background: $panel; color: $muted; }
    """
    ALLOW_SELECT = False

    place: reactive[tuple[str, ...]] = reactive(("",))
    demo: reactive[bool] = reactive(False)
    alerts: reactive[tuple[str, str, str] | None] = reactive["tuple[str, str, str] | None"](None)
    """What is wrong, in words and in short, and its colours."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, mode: str) -> None:
            self.mode = mode
            super().__init__()

    class AlertsChosen(Message):
        """What is said about alerts was clicked."""

    def __init__(self, where: str, *, demo: bool = False) -> None:
        super().__init__()
        self.where = where
        self.set_reactive(HeaderBar.demo, demo)

    def render(self) -> Content:
        """The line, as wide as there is room for."""
        badge = Content.assemble((" DEMO ", "bold $background on $warning"), " ") if self.demo else Content("")
        for short in (False, True):
            left = Content.assemble((NAME, "bold $accent"), *self._tabs(short=short))
            alerts = self._alerts(short=short)
            for place in self.place:
                room = self.size.width - left.cell_length - alerts.cell_length - badge.cell_length - len(place) - 1
                if room >= 1:
                    return Content.assemble(left, " " * room, alerts, badge, (place, "$muted"), " ")
        return left

    def _alerts(self, *, short: bool) -> Content:
        if self.alerts is None:
            return Content("")
        words, brief, colours = self.alerts
        said = Content.styled(brief if short else words, colours).stylize(Style.from_meta({"alerts": True}))
        return Content.assemble(said, " ")

    def _tabs(self, *, short: bool) -> list[Content]:
        return [
            Content.assemble(
                (f" {number}", "bold $accent" if mode == self.where else "$faint"),
                (f" {brief if short else label} ", "bold $foreground" if mode == self.where else "$muted"),
            ).stylize(Style.from_meta({"mode": mode}))
            .stylize("on $cursor" if mode == self.where else "")
            for number, (mode, label, brief) in enumerate(TABS, 1)
        ]  # fmt: skip

    def on_click(self, event: Click) -> None:
        """Goes to the tab under the pointer, or to the alerts."""
        if event.style.meta.get("alerts"):
            self.post_message(self.AlertsChosen())
        if mode := event.style.meta.get("mode"):
            self.post_message(self.Chosen(str(mode)))
