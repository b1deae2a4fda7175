"""Where to go in a long table: a row by its number, or a share of all."""

from __future__ import annotations

import re
from typing import ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from traintui import commands, text
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar


def rank_of(written: str, total: int) -> int | None:
    """The rank that `50%` or `12,000` names, from 0; None when it names none."""
    share = re.fullmatch(r"\s*(\d{1,3}(?:\.\d{1,6})?)\s*%\s*", written)
    if share:
        return min(total - 1, int(float(share[1]) / 100 * total)) if float(share[1]) <= 100 and total else None
    row = re.fullmatch(r"\s*(\d[\d,_ ]{0,15})\s*", written)
    number = int(re.sub(r"[,_ ]", "", row[1])) if row else 0
    return number - 1 if 1 <= number <= total else None


class JumpDialog(BaseDialog[int]):
    """One line; answers a rank."""

    PLACES = ("jump",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("jump")
    CSS_PATH = "dialogs.tcss"

    field = getters.query_one(Input)
    answer = getters.query_one("#answer", Static)

    def __init__(self, total: int, cursor: int) -> None:
        super().__init__(classes="form")
        self._total, self._cursor = total, cursor

    def compose(self) -> ComposeResult:
        """The field, and where one is."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Go to"
            yield Horizontal(
                Static("Row", classes="label"), Input(placeholder="50%, or 12,000", compact=True), classes="row"
            )
            place = f"row {self._cursor + 1:,} of {self._total:,}" if self._total else "no rows"
            yield Static(Content.styled(place, "$muted"), id="answer")
        yield KeyBar()

    def action_go(self) -> None:
        """Goes to the row that is written, or says why there is none."""
        written = self.field.value
        rank = rank_of(written, self._total)
        if rank is not None:
            self.dismiss(rank)
        elif not written.strip() or not self._total:
            self.dismiss(None)
        else:
            self.answer.update(
                Content.assemble(
                    ("! ", "$error"), text.shown(written, single_line=True, limit=40),
                    f" is no row. Write a share such as 50%, or a number from 1 to {self._total:,}.",
                )
            )  # fmt: skip
