"""Purging: what cannot be taken back is asked for with the number typed out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from traintui import text
from traintui.screens.bulk import BulkDialog, Progress, State
from traintui.screens.bulk_actions import became, looking, verb
from traintui.widgets.keybar import KeyBar

if TYPE_CHECKING:
    from traintui.data.engine import Database

SAYS = (
    "Purged are the text and all its revisions, what a judge said of it, and what was sent and answered to write it."
    " Who did what to it stays on record, with the hash of each revision. Only what is in the trash is purged. "
)
FOR_GOOD = ("Nothing brings it back.", "bold $error")


class PurgeDialog(BulkDialog):
    """Asks for the number, and purges once it is typed."""

    typed = getters.query_one("#typed", Input)

    def __init__(self, db: Database, ids: Sequence[int]) -> None:
        async def work(progress: Progress, stop: asyncio.Event) -> Content:
            from traintui.audit.archive_erasing import finish_erasing
            from traintui.data import erasures, purging

            result = await purging.purge(db, ids, progress=progress, stop=stop)
            await finish_erasing(db, progress=progress, stop=stop)
            failures = await erasures.failures(db)
            why = f" Not out of the archive yet: {failures[0]}" if failures else ""
            return Content.assemble(
                became("purge", result), text.shown(why, single_line=True, limit=400, style="$warning")
            )

        super().__init__(
            verb("purge"), len(set(ids)), work, look=looking(db, ids, "purge"), says=Content.assemble(SAYS, FOR_GOOD),
            remains="those are gone.",
        )  # fmt: skip

    def compose(self) -> ComposeResult:
        """The question, what is meant, and a field for the number."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = Content.assemble(self._title, "?")
            yield Static(self._says, id="says")
            yield Static(id="left")
            yield Static(id="examples")
            yield Input(id="typed", restrict=r"[0-9,. ]*", max_length=12)
            yield Static(id="progress")
        yield KeyBar()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is no key that purges: the number does."""
        return action != "do" and super().check_action(action, parameters)

    def turned(self, state: State) -> None:
        """The field is there while it is asked for."""
        self.typed.display = state == "asking"
        if state == "asking":
            self.typed.placeholder = f"Type {self._number:,} and press enter"
            self.typed.focus()

    @on(Input.Submitted, "#typed")
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        digits = "".join(each for each in event.value if each.isdigit())
        if self.state != "asking":
            return
        if digits == str(self._number):
            self.action_do()
        else:
            self.typed.value = ""
            wrong = f"{text.visible(event.value, single_line=True) or 'Nothing'} is not {self._number:,}. "
            self.answer.update(Content.assemble(("! ", "$error"), wrong, SAYS, FOR_GOOD))
