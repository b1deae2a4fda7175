"""The form of how long rows of a log are kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from traintui import clock, commands
from traintui.screens.base import BaseDialog
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar
from traintui.widgets.retention_words import LOGS, default_in_words, outlook_in_words, removed_in_words

if TYPE_CHECKING:
    from traintui.data.retention import RetiredLog
    from traintui.data.retention_outlook import KeptWeek

FOR_GOOD = "none"


class RetentionForm(BaseDialog[bool]):
    """Asks for a number of days, says what would fall due with it, and answers once it is stored for everybody."""

    PLACES = ("retention_form",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("retention_form")
    CSS_PATH = "retention.tcss"

    field = getters.query_one("#days", FormField)
    typed = getters.query_one(Input)
    outlook = getters.query_one("#outlook", Static)

    def __init__(self, log: RetiredLog, days: int | None, weeks: Sequence[KeptWeek] | None) -> None:
        super().__init__()
        self._log = log
        self._days = days
        self._weeks = weeks
        self._saving = False

    def compose(self) -> ComposeResult:
        """One field, and what would fall due."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = f"How long {LOGS[self._log]} are kept"
            value = FOR_GOOD if self._days is None else str(self._days)
            yield FormField(
                "Days", Input(value, compact=True, max_length=6), id="days", about="none keeps all for good"
            )
            yield Static(id="outlook")
            yield Static(
                Content.styled(
                    f"{removed_in_words(self._log)} 7 to 36,500 days, the same for everybody; the change is on record."
                    f" {default_in_words(self._log)}", "$muted"
                ),
                id="explained",
            )  # fmt: skip
        yield KeyBar()

    @property
    def _wanted(self) -> int | None:
        """The days that are typed; None for good. Raises `ValueError` for what is no number."""
        written = self.typed.value.strip()
        return None if written == FOR_GOOD else int(written)

    @on(Input.Changed)
    def _say_what_falls_due(self) -> None:
        self.field.clear()
        said = Content()
        if self._weeks is not None:
            try:
                said = outlook_in_words(self._weeks, self._log, self._wanted, clock.now())
            except (ValueError, OverflowError):  # what is still being typed
                said = Content()
        self.outlook.update(said)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_save()

    def action_save(self) -> None:
        """Stores it, unless something is wrong with it."""
        if self._saving:
            return
        try:
            days = self._wanted
        except ValueError:
            self.field.fail("it is no number of days. Write it like 90, or none to keep all.")
            return
        self._saving = True
        self.write(partial(self._save, days), name="save")

    async def _save(self, days: int | None) -> None:
        from traintui.data import retention

        await retention.change(self.db, self._log, days)
        self.dismiss(True)

    def work_failed(self, name: str, error: BaseException) -> None:
        """What it may not be is answered at the field; what was typed stays."""
        self._saving = False
        answer = self.app.answer(error)
        self.field.fail(f"{answer.message} {answer.remedy}")

    def action_back(self) -> None:
        """Leaves it as it is, unless it is just being stored."""
        if not self._saving:
            self.dismiss(None)
