"""What a tab of Audit is: a pane that reads by itself, keeps up while it is shown, and says a word beside its name."""

from __future__ import annotations

from typing import ClassVar

from textual.containers import Container
from textual.message import Message

from traintui import commands
from traintui.screens.base import Sending


class AuditPane(Container, Sending):
    """A tab of Audit. A subclass has a name, a title and the place of `commands` whose keys work there, as its
    `BINDINGS` too; `PLACES` are its own place and those of what is in it.

    The screen says when it is `shown` and `left`, asks it to `look` every two seconds while it is shown, and to
    `look_again` when somebody presses `r`. `esc` goes `back`.
    """

    NAME: ClassVar[str]
    TITLE: ClassVar[str]
    PLACES: ClassVar[tuple[str, ...]] = ()

    class Remarked(Message):
        """What stands beside the name of the tab from now on; ours, never stored text."""

        def __init__(self, pane: AuditPane, remark: str) -> None:
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
