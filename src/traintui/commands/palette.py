"""The palette: the commands of a screen by their names."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any

from textual.actions import parse
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from traintui.commands.command import Command
from traintui.commands.listed import of


class PaletteCommands(Provider):
    """What can be done on the screen that the palette was opened on, by name."""

    def _offered(self) -> Iterable[tuple[Command, Callable[[], Coroutine[Any, Any, bool]]]]:
        offered = getattr(self.screen, "offered", tuple)
        for node, where in (*offered(), (self.app, "app")):
            for command in of(where):
                action = parse(command.action)[1]
                if command.palette and node.check_action(action, ()):
                    yield command, partial(self.app.run_action, command.action, node)

    async def discover(self) -> Hits:
        """All of them, while nothing is typed."""
        for command, run in self._offered():
            yield DiscoveryHit(Content(command.name), run, text=command.name, help=command.tooltip)

    async def search(self, query: str) -> Hits:
        """Those whose name fits."""
        matcher = self.matcher(query)
        for command, run in self._offered():
            if (fit := matcher.match(command.name)) > 0:
                yield Hit(fit, matcher.highlight(command.name), run, text=command.name, help=command.tooltip)
