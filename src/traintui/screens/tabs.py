"""A screen of tabs, and what a tab is: a pane that reads by itself, keeps up while it is shown, and says a word beside
its name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.dom import DOMNode
from textual.events import ScreenResume, ScreenSuspend
from textual.message import Message
from textual.widgets import ContentSwitcher

from traintui import commands
from traintui.screens.base import BaseScreen, Sending
from traintui.widgets.tab_line import TabLine

POLL = 2.0
"""Seconds between two looks at what is shown."""


class TabPane(Container, Sending):
    """A tab. A subclass has a name, a title and the place of `commands` whose keys work there, as its `BINDINGS` too;
    `PLACES` are its own place and those of what is in it.

    The screen says when it is `shown` and `left`, asks it to `look` every two seconds while it is shown, and to
    `look_again` when somebody presses `r`. `esc` goes `back`.
    """

    NAME: ClassVar[str]
    TITLE: ClassVar[str]
    PLACES: ClassVar[tuple[str, ...]] = ()

    class Remarked(Message):
        """What stands beside the name of the tab from now on; ours, never stored text."""

        def __init__(self, pane: TabPane, remark: str) -> None:
            self.pane = pane
            self.remark = remark
            super().__init__()

    def __init__(self) -> None:
        super().__init__(id=self.NAME)

    def remark(self, said: str) -> None:
        """Says a word beside the name of the tab."""
        self.post_message(self.Remarked(self, said))

    def shown(self) -> None:
        """The tab is chosen, and the workspace is open."""

    def left(self) -> None:
        """Another tab, or another screen, is shown."""

    def look(self) -> None:
        """Time to look whether there is something new."""

    def look_again(self) -> None:
        """Somebody wants to see it read anew."""

    def back(self) -> None:
        """`esc`: ends what is under way, or goes back to the rows."""

    @property
    def leads_back(self) -> bool:
        """Whether `esc` has something to end, or to go back from."""
        return False

    def enter(self) -> None:
        """Takes the focus."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of the pane rest while there is no workspace, and where the role does not allow them."""
        place = next((place for place in self.PLACES if commands.has(place, action)), None)
        if place is None:
            return True
        return True if self.app.workspace is not None and self.allowed(place, action) else None


class TabbedScreen(BaseScreen):
    """Tabs, of which one is shown. A subclass has them in `PANES`, in their order."""

    PANES: ClassVar[tuple[type[TabPane], ...]]

    tabs = getters.query_one(TabLine)
    switcher = getters.query_one(ContentSwitcher)

    def __init__(self) -> None:
        super().__init__()
        self.which: str = self.PANES[0].NAME
        """The name of the tab that is shown."""

    def compose_body(self) -> ComposeResult:
        """The names of the tabs, and the pane of one."""
        yield TabLine({pane.NAME: pane.TITLE for pane in self.PANES})
        with ContentSwitcher(initial=self.which):
            for pane in self.PANES:
                yield pane()

    def on_mount(self) -> None:
        """Keeps up with what is shown."""
        self.set_interval(POLL, self._poll)

    def on_workspace_ready(self) -> None:
        """Reads what is shown."""
        self.pane.shown()

    @property
    def pane(self) -> TabPane:
        """The pane that is shown."""
        return self.query_one(f"#{self.which}", TabPane)

    def offered(self) -> Iterable[tuple[DOMNode, str]]:
        """The places of the screen, and those of the pane that is shown."""
        own, *widgets = super().offered()
        pane = self.pane
        return (own, *((pane, place) for place in pane.PLACES), *widgets)

    @on(ScreenResume)
    def _resumed(self) -> None:
        if self.ready:
            self.pane.shown()

    @on(ScreenSuspend)
    def _suspended(self) -> None:
        if self.ready:
            self.pane.left()

    def _poll(self) -> None:
        if self.ready and self.app.screen is self and self.app.outage is None:
            self.pane.look()

    @on(TabPane.Remarked)
    def _remarked(self, event: TabPane.Remarked) -> None:
        self.tabs.remarks = {**self.tabs.remarks, event.pane.NAME: event.remark}

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key leads back where there is something to go back from."""
        if action == "back":
            return self.is_mounted and self.pane.leads_back
        return super().check_action(action, parameters)

    # Moving

    def go(self, name: str) -> None:
        """Shows a tab."""
        if name != self.which:
            self.pane.left()
            self.which = self.tabs.chosen = self.switcher.current = name
        self.pane.enter()
        self.refresh_bindings()
        if self.ready:
            self.pane.shown()

    def action_tab(self, step: int) -> None:
        """Goes to the next tab, or the one before."""
        names = [pane.NAME for pane in self.PANES]
        self.go(names[(names.index(self.which) + step) % len(names)])

    @on(TabLine.Chosen)
    def _pane_chosen(self, event: TabLine.Chosen) -> None:
        self.go(event.name)

    def action_back(self) -> None:
        """Goes back, as far as there is something to go back from."""
        self.pane.back()

    def action_look_again(self) -> None:
        """Reads what is shown again."""
        if self.ready:
            self.pane.look_again()
