"""An import that was cut off: finished or removed as a whole, or left for later."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.screens.base import BaseDialog
from traintui.screens.import_parts import DONE, became, cut_off
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.rate_bar import RateBar

if TYPE_CHECKING:
    from traintui.data.import_records import Import
    from traintui.importing.loading import Stage

State = Literal["asking", "running", "over"]


class UnfinishedImportDialog(BaseDialog[None]):
    """Says what was cut off, and why it may not go on; does what is chosen, and answers."""

    PLACES = ("unfinished_import",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("unfinished_import")
    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = ""

    bar = getters.query_one(RateBar)
    answer = getters.query_one("#answer", Static)

    def __init__(self, going: Import) -> None:
        super().__init__(classes="form")
        self.state: State = "asking"
        self._going = going
        self._can_finish = going.state != "removing"
        self._stop = asyncio.Event()

    def compose(self) -> ComposeResult:
        """What was cut off, and what can be done."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "An import was cut off"
            yield Static(cut_off(self._going))
            yield RateBar()
            yield Static(id="answer")
        yield KeyBar()

    def on_mount(self) -> None:
        """Looks whether its file still is what it was."""
        self._say(("Looking at its file", "$muted"))
        self.read(self._look, name="look")

    async def _look(self) -> None:
        from traintui.importing.unfinished import why_not

        reason = await asyncio.to_thread(why_not, self._going)
        self._can_finish = reason is None
        self.refresh_bindings()
        if reason is None:
            self._say("Finish it from there, or take away what came in; nothing is half done then.")
        else:
            self._say(text.shown(reason, limit=300), " It can only be taken away.")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense now has a key."""
        if action == "finish":
            return self.state == "asking" and self._can_finish
        return action != "remove" or self.state == "asking"

    def action_finish(self) -> None:
        """Goes on from where it was."""
        self._run("Reading its file")
        self.write(self._finish, name="import")

    async def _finish(self) -> None:
        from traintui.importing import unfinished

        stored = await unfinished.finish(self.db, self._going, progress=self._progressed, stop=self._stop)
        self._over(became(stored))

    def action_remove(self) -> None:
        """Takes away what came in."""
        self._run("Removing")
        self.write(self._remove, name="import")

    async def _remove(self) -> None:
        from traintui.importing import unfinished

        gone = await unfinished.remove(self.db, self._going, progress=self._progressed)
        kept = f"; {gone.kept:,} stay, since somebody acted on them" if gone.kept else ""
        self._over(
            Content.assemble(("● ", "$success"), f"{text.plural(gone.removed, 'conversation')} removed{kept}.",
                             ("   esc closes", "$faint"))
        )  # fmt: skip

    def _run(self, what: str) -> None:
        self.state = "running"
        self.add_class("-running")
        self._say((what, "$muted"))
        self.refresh_bindings()

    def _progressed(self, stage: Stage, done: int, total: int) -> None:
        if self.is_mounted:
            self.bar.show(DONE[stage], done, total)
        self.app.look_now()

    def _over(self, said: Content) -> None:
        self.app.look_now()
        if self.is_mounted:
            self.state = "over"
            self.remove_class("-running")
            self._say(said)
            self.refresh_bindings()

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers here; what was cut off still is."""
        if not self.is_mounted:
            self.app.tell(error)
            return
        self.state = "asking"
        self.remove_class("-running")
        self._say(failure(self.app.answer(error)))
        self.refresh_bindings()

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        self.answer.update(Content.assemble(*parts))

    def action_back(self) -> None:
        """Leaves it for later; what is under way stops after its part, and can go on from there."""
        if self.state == "running":
            self._stop.set()
            self._say(("Stopping after this part", "$muted"))
        else:
            self.dismiss(None)
