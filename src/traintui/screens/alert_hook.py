"""The form of the command that is run when an alert opens or clears."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from traintui import commands, text
from traintui.screens.base import BaseDialog
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar

EXPLAINED = (
    "It gets the alert as JSON on its standard input and has 10 seconds; no shell reads it. It runs on the machine"
    " whose Traintui watches the database at that moment, and only where that very command was confirmed: saving it"
    " confirms it here, traintui db alerts --confirm-hook on other machines. Empty runs nothing."
)


class AlertHookForm(BaseDialog[bool]):
    """Asks for a command, and answers once it is stored for the workspace and confirmed on this machine."""

    PLACES = ("alert_hook",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("alert_hook")

    field = getters.query_one("#command", FormField)
    typed = getters.query_one(Input)
    said = getters.query_one("#said", Static)

    def __init__(self) -> None:
        super().__init__(classes="form")
        self._saving = False

    def compose(self) -> ComposeResult:
        """One field, and what it means."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "What an alert runs"
            yield FormField("Command", Input(compact=True, max_length=2_000, disabled=True), id="command")
            yield Static(id="said")
            yield Static(Content.styled(EXPLAINED, "$muted"), id="explained")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads it."""
        self.read(self._read, name="hook")

    async def _read(self) -> None:
        from traintui.observing import alert_hook

        command = await alert_hook.of_workspace(self.db)
        may = command is not None and await alert_hook.is_confirmed(self.db, command)
        self.typed.disabled = False
        self.typed.value = command or ""
        self.typed.focus()
        if command is None:
            self.said.update(Content.styled("○ Nothing is run.", "$muted"))
        elif may:
            self.said.update(Content.styled("● Confirmed on this machine.", "$success"))
        else:
            said = "! Not confirmed on this machine: saving it lets it run here. Read it first."
            self.said.update(text.shown(said, style="$warning"))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_save()

    def action_save(self) -> None:
        """Stores it, unless it is no command."""
        if not self._saving and not self.typed.disabled:
            self._saving = True
            self.field.clear()
            self.write(partial(self._save, self.typed.value.strip() or None), name="save")

    async def _save(self, command: str | None) -> None:
        from traintui.observing import alert_hook

        await alert_hook.choose(self.db, command)
        self.dismiss(True)

    def work_failed(self, name: str, error: BaseException) -> None:
        """What is wrong is answered at the field; what was typed stays."""
        self._saving = False
        answer = self.app.answer(error)
        self.field.fail(f"{answer.message} {answer.remedy}")

    def action_back(self) -> None:
        """Leaves it as it is, unless it is just being stored."""
        if not self._saving:
            self.dismiss(None)
