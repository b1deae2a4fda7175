"""Who reviews what: what a second review asks for, what is disputed, how far reviewers and judge agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.screens.base import BaseDialog
from traintui.screens.review_reservation import holder_said
from traintui.screens.second_review_form import SecondReviewForm
from traintui.widgets.facts import heading
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure

if TYPE_CHECKING:
    from traintui.data.reservations import Reservation
    from traintui.data.second_review import SecondReview, Standing
    from traintui.quality.agreement import Agreement, PairAgreement, ReasonAgreement

FEW = 20
"""Pairs below which an interval says little."""
NAME = 20


@dataclass(frozen=True, slots=True)
class Looked:
    """What the dialog shows."""

    asked: SecondReview | None
    standing: Standing
    reviewers: int
    disputes: int
    pairs: Sequence[PairAgreement]
    reasons: Sequence[ReasonAgreement]
    judge: Agreement
    open: Sequence[Reservation]


def figures(agreement: Agreement) -> Content:
    """How many of how many, percent, and kappa with its interval."""
    percent = f"{agreement.same / agreement.number * 100:>4.0f}%" if agreement.number else "    "
    kappa = Content.styled("kappa not defined: always the same answer", "$muted")
    if agreement.kappa is not None and agreement.low is not None and agreement.high is not None:
        kappa = Content.assemble(
            f"kappa {agreement.kappa:>5.2f}", (f"  {agreement.low:.2f} to {agreement.high:.2f}", "$muted")
        )
    few = "  few" if agreement.number < FEW else ""
    same = f"{agreement.same:>5,} of {agreement.number:,}"
    return Content.assemble(f"{same:<13}", (percent, "bold"), "  ", kappa, (few, "$warning"))


def named(name: str) -> Content:
    """A name in its column."""
    shown = text.visible(name, single_line=True, limit=NAME)
    return Content(shown.ljust(NAME + 2))


def asked_for(looked: Looked) -> Iterable[Content]:
    """What the workspace asks for, and what waits."""
    yield heading("Second review")
    if looked.asked is None:
        yield Content.styled("One decision is enough. e asks for several, on a share of what waits.", "$muted")
    else:
        yield Content.assemble(
            (f"{looked.asked.decisions} independent decisions", "bold"),
            f" on {looked.asked.share:.0%} of what waits. Nobody sees an open decision of somebody else.",
        )
    standing = looked.standing
    waits = "waits" if standing.open == 1 else "wait"
    yield Content.assemble(
        f"{standing.open:,} ", (f"{waits} for another decision    ", "$muted"),
        (text.plural(standing.disputed, "disagreement"), "bold $warning" if standing.disputed else "$muted"),
        (f", {looked.disputes:,} for you: d decides them" if looked.disputes else "", "$warning"),
    )  # fmt: skip
    needed = max(standing.needed, looked.asked.decisions if looked.asked is not None else 0)
    if looked.reviewers < needed:
        there = "There is 1 reviewer" if looked.reviewers == 1 else f"There are {looked.reviewers:,} reviewers"
        release = "; l releases what waits, for administrators" if standing.open + standing.disputed else ""
        yield Content.assemble(
            ("! ", "$warning"), (f"{there}; {needed} are needed", "bold $warning"),
            (f" to settle all of it{release}.", "$warning"),
        )  # fmt: skip


def compared(looked: Looked) -> Iterable[Content]:
    """Reviewer beside reviewer, and reason by reason."""
    left_out = f", {text.plural(looked.standing.disputed, 'disagreement')} not yet" if looked.standing.disputed else ""
    yield heading(
        "Agreement of two",
        Content.assemble(
            ("what is settled", "$muted"), (left_out, "$warning"), ("; kappa with its 95 % interval", "$muted")
        ),
    )
    for pair in looked.pairs:
        yield named(f"{pair.first}, {pair.second}") + figures(pair.agreement)
    if not looked.pairs:
        yield Content.styled("No two have decided the same yet.", "$muted")
    if looked.reasons:
        yield Content()
        yield heading("By reason", Content.styled("both gave it, of the pairs in which somebody did", "$muted"))
    for each in looked.reasons:
        both = f"{each.both:>5,} of {each.either:,}"
        kappa = f"kappa {each.agreement.kappa:>5.2f}" if each.agreement.kappa is not None else ""
        yield named(each.reason) + Content.assemble(
            f"{both:<13}", (f"{each.both / each.either:>5.0%}", "bold"), "  ", kappa
        )


def beside_judge(looked: Looked) -> Iterable[Content]:
    """The person beside the judge."""
    yield heading("You and the judge", Content.styled("its mean of 7 or more counts as an approval", "$muted"))
    if looked.judge.number:
        yield named("your newest decisions") + figures(looked.judge)
    else:
        yield Content.styled("None of your newest decisions was on what a judge has an opinion of.", "$muted")


def open_now(looked: Looked, login: str) -> Iterable[Content]:
    """What is open at this moment; only what others have is a reason to take care."""
    yield heading("Open now")
    for reservation in looked.open:
        mine = Content.styled(f"  you have it, {max(1, round(reservation.seconds_left))} s left", "$muted")
        yield Content.assemble(
            text.shown(reservation.conversation_id, single_line=True, limit=40), "  ",
            mine if reservation.reviewer_id == login else holder_said(reservation),
        )  # fmt: skip
    if not looked.open:
        yield Content.styled("Nothing.", "$muted")


class AgreementDialog(BaseDialog[Literal["disputes"]]):
    """Answers with `disputes` where somebody wants to decide what others disagree on."""

    PLACES = ("agreement",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("agreement")
    CSS_PATH = "agreement.tcss"

    shown = getters.query_one("#shown", Static)

    def __init__(self) -> None:
        super().__init__()
        self._looked: Looked | None = None
        self._became = Content("")
        """What became of what was released here."""

    def compose(self) -> ComposeResult:
        """One text that scrolls."""
        with VerticalScroll(classes="dialog") as panel:
            panel.border_title = "Who reviews what"
            yield Static(Content.styled("Reading", "$muted"), id="shown")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads it."""
        self.action_look()

    def action_look(self) -> None:
        """Reads it again."""
        self.read(self._read, name="agreement")

    async def _read(self) -> None:
        from traintui.data import assignments, judge_agreement, reservations, second_review
        from traintui.quality.agreement import agreement, by_reasons, by_reviewers

        decisions = await second_review.independent(self.db)
        looked = self._looked = Looked(
            await second_review.asked(self.db), await second_review.standing(self.db),
            len(await assignments.reviewers(self.db)), len(await second_review.disputes(self.db)),
            by_reviewers(decisions), by_reasons(decisions),
            agreement(await judge_agreement.beside_judge(self.db)),
            sorted((await reservations.current(self.db)).values(), key=lambda each: each.reviewer_id),
        )  # fmt: skip
        released = (self._became,) if self._became else ()
        asked = (*asked_for(looked), *released)
        parts = (asked, compared(looked), beside_judge(looked), open_now(looked, self.db.login))
        self.shown.update(Content("\n\n").join(Content("\n").join(part) for part in parts))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only administrators ask for second reviews; disputes are decided where there are any."""
        if action == "disputes":
            return True if self._looked is not None and self._looked.disputes else None
        if action == "release" and (self._looked is None or not self._waits):
            return None
        return True if self.allowed("agreement", action) else None

    def action_edit(self) -> None:
        """Asks for other numbers."""
        if self._looked is not None:
            self.app.push_screen(SecondReviewForm(self._looked.asked, self._looked.reviewers), self._edited)

    def _edited(self, changed: bool | None) -> None:
        if changed:
            self.action_look()

    @property
    def _waits(self) -> int:
        """How many second reviews wait, as far as was read."""
        return 0 if self._looked is None else self._looked.standing.open + self._looked.standing.disputed

    def action_release(self) -> None:
        """Asks what is to count of what waits for another decision, by the numbers of this moment."""
        if self._looked is not None:
            self.read(self._ask_to_release, name="release")

    async def _ask_to_release(self) -> None:
        from traintui.data import bulk, second_review
        from traintui.screens.second_review_release import ReleaseDialog

        seen = await bulk.snapshot(self.db)
        standing = await second_review.standing(self.db, to_release=True)
        if not standing.open + standing.disputed:
            self.action_look()
        elif self.is_current:
            self.app.push_screen(ReleaseDialog(standing, seen), self._released)

    def _released(self, became: Content | None) -> None:
        if became is not None:
            self._became = became
            self.action_look()

    def action_disputes(self) -> None:
        """Goes on with what others disagree on."""
        self.dismiss("disputes")

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in place of the figures."""
        answer = self.app.answer(error)
        self.shown.update(failure(answer, gap=" ", mild=answer is error))
