"""The form of one threshold."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from traintui import commands
from traintui.quality.threshold_words import allowed, part_of, read_value, sentence_of, written
from traintui.quality.thresholds import plain
from traintui.screens.base import BaseDialog
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar


class ThresholdForm(BaseDialog[str]):
    """Asks for the value of a threshold, and answers with it once it is stored for everybody."""

    PLACES = ("threshold_form",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("threshold_form")
    CSS_PATH = "thresholds.tcss"

    field = getters.query_one("#threshold", FormField)

    def __init__(self, name: str, value: str) -> None:
        super().__init__()
        self._threshold = name
        self._value = value
        self._saving = False

    @property
    def _is_range(self) -> bool:
        return isinstance(plain(self._threshold), list)

    def compose(self) -> ComposeResult:
        """One field, or two for a range, and what it means."""
        default = written(plain(self._threshold))
        with Vertical(classes="dialog") as panel:
            panel.border_title = part_of(self._threshold).name.capitalize()
            if self._is_range:
                low, _, high = self._value.partition("..")
                yield FormField(
                    self._threshold, Input(low, compact=True, max_length=9, id="low"), Static(" to ", classes="word"),
                    Input(high, compact=True, max_length=9, id="high"), id="threshold", about=f"default {default}",
                )  # fmt: skip
            else:
                yield FormField(
                    self._threshold, Input(self._value, compact=True, max_length=12, placeholder=default, id="low"),
                    id="threshold", about=f"default {default}, which an empty field takes",
                )  # fmt: skip
            yield Static(
                Content.assemble(
                    sentence_of(self._threshold), "\n",
                    (f"It may be {allowed(self._threshold)}. It counts for what is scored from now on, is the same for"
                     " everybody, and the change is on record.", "$muted"),
                ),
                id="explained",
            )  # fmt: skip
        yield KeyBar()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_save()

    def action_save(self) -> None:
        """Stores it, unless something is wrong with it."""
        if self._saving:
            return
        self.field.clear()
        typed = [each.value.strip() for each in self.query(Input)]
        value: Any = None
        if any(typed):
            value = [read_value(each) for each in typed] if self._is_range else read_value(typed[0])
        self._saving = True
        self.app.keys_follow(self.write(partial(self._save, value), name="save"))

    async def _save(self, value: Any) -> None:
        from traintui.quality import thresholds

        await thresholds.change(self.db, self._threshold, value)
        self.dismiss(written(plain(self._threshold, await thresholds.read(self.db))))

    def work_failed(self, name: str, error: BaseException) -> None:
        """What it may not be is answered at the field; what was typed stays."""
        self._saving = False
        answer = self.app.answer(error)
        wrong = answer.message.removeprefix(f"{self._threshold} is ").removeprefix(f"{self._threshold} ")
        self.field.fail(f"{wrong} It may be {allowed(self._threshold)}.")
        self.field.fill()

    def action_back(self) -> None:
        """Leaves it as it is, unless it is just being stored."""
        if not self._saving:
            self.dismiss(None)
