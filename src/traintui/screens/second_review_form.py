"""The form of the second review: how many decide, and on which share."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from traintui import commands
from traintui.screens.base import BaseDialog
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar

if TYPE_CHECKING:
    from traintui.data.second_review import SecondReview

SAYS = (
    "Their status stays “to review” until all have decided and agree; where they do not, one more person decides."
    " Which ones are in the share follows from their ids. What has begun is settled as it began. The change is on"
    " record."
)


class SecondReviewForm(BaseDialog[bool]):
    """Asks for how many decisions on which share; answers true when it was stored."""

    PLACES = ("second_review",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("second_review")
    CSS_PATH = "agreement.tcss"

    share = getters.query_one("#share", FormField)
    decisions = getters.query_one("#decisions", FormField)

    def __init__(self, asked: SecondReview | None, reviewers: int) -> None:
        super().__init__()
        self._asked = asked
        self._reviewers = reviewers
        self._warned: int | None = None
        """For how many decisions it was said that there are too few people."""
        self._saving = False

    def compose(self) -> ComposeResult:
        """Two fields, and what they mean."""
        share = "" if self._asked is None else f"{self._asked.share * 100:g}"
        number = "2" if self._asked is None else str(self._asked.decisions)
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Second review"
            yield FormField(
                "Share in percent", Input(share, compact=True, max_length=6, placeholder="none", id="share-text"),
                id="share", about="of what waits; empty for none",
            )  # fmt: skip
            yield FormField(
                "Decisions", Input(number, compact=True, max_length=1, id="decisions-text"),
                id="decisions", about="2 to 5, of as many people",
            )  # fmt: skip
            yield Static(Content.styled(SAYS, "$muted"), id="explained")
        yield KeyBar()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_save()

    def action_save(self) -> None:
        """Stores it, unless something is wrong with it."""
        from traintui.data.second_review import LEAST, MOST, SecondReview

        if self._saving:
            return
        self.share.clear()
        self.decisions.clear()
        share = self.query_one("#share-text", Input).value.strip().removesuffix("%").strip()
        number = self.query_one("#decisions-text", Input).value.strip()
        wanted: SecondReview | None = None
        if share:
            try:
                percent = float(share)
            except ValueError:
                percent = 0.0
            if not 0 < percent <= 100:
                self.share.fail("It is a number above 0 and up to 100, such as 10.")
                self.share.fill()
                return
            if not number.isdecimal() or not LEAST <= int(number) <= MOST:
                self.decisions.fail(f"It is a number from {LEAST} to {MOST}.")
                self.decisions.fill()
                return
            if int(number) > self._reviewers and int(number) != self._warned:
                self._warned = int(number)
                there = "there is 1 reviewer" if self._reviewers == 1 else f"there are {self._reviewers:,} reviewers"
                self.decisions.fail(
                    f"{there.capitalize()}; {number} are needed, and until then nothing of the share is settled. "
                    "ctrl+s again asks for it all the same."
                )
                self.decisions.fill()
                return
            wanted = SecondReview(int(number), percent / 100)
        self._saving = True
        self.app.keys_follow(self.write(partial(self._save, wanted), name="save"))

    async def _save(self, wanted: SecondReview | None) -> None:
        from traintui.data import second_review

        await second_review.ask(self.db, wanted)
        self.dismiss(True)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers at the field; what was typed stays."""
        self._saving = False
        answer = self.app.answer(error)
        self.share.fail(f"{answer.message} {answer.remedy}")

    def action_back(self) -> None:
        """Leaves it as it is, unless it is just being stored."""
        if not self._saving:
            self.dismiss(None)
