"""Where the rows of a log are saved as CSV."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from traintui import clock, commands, text
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar


class SaveCsv(BaseDialog[Path]):
    """Asks for a path at which nothing stands yet, and answers with it."""

    PLACES = ("save_csv",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("save_csv")
    CSS_PATH = "dialogs.tcss"

    field = getters.query_one(Input)
    answer = getters.query_one("#answer", Static)

    def __init__(self, log: str, filter_text: str, number: str) -> None:
        super().__init__(classes="form")
        self._name = f"{log}-{clock.now().astimezone():%Y%m%d-%H%M%S}.csv"
        self._number = number
        self._filter = filter_text

    def compose(self) -> ComposeResult:
        """The field, and what will be written."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Save as CSV"
            yield Horizontal(Static("File", classes="label"), Input(self._name, compact=True), classes="row")
            which = text.shown(self._filter, single_line=True, limit=200) if self._filter else "no filter"
            into = text.shown(str(Path.cwd()), single_line=True, limit=200, style="$muted")
            yield Static(
                Content.assemble((f"{self._number}: ", "$muted"), which, ("\ninto ", "$muted"), into), id="answer"
            )
        yield KeyBar()

    def action_save(self) -> None:
        """Takes the path, unless something stands there."""
        written = self.field.value.strip()
        if written:
            self.app.keys_follow(self.read(partial(self._look, written), name="look"))

    async def _look(self, written: str) -> None:
        path = Path(await asyncio.to_thread(os.path.abspath, os.path.expanduser(written)))  # noqa: ASYNC240 - no disk
        if await asyncio.to_thread(os.path.lexists, path):
            self._say(f"{path} is there already: choose another name.")
        elif not await asyncio.to_thread(path.parent.is_dir):
            self._say(f"There is no folder {path.parent}.")
        else:
            self.dismiss(path)

    def _say(self, said: str) -> None:
        self.answer.update(Content.assemble(("! ", "$error"), text.shown(said, single_line=True, limit=300)))
