"""Which turns a model is to write anew: a key each, with what that may cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.data.records import Conversation
from traintui.screens.corner import CornerSheet
from traintui.widgets.key_menu import Choice, KeyMenu
from traintui.widgets.keybar import KeyBar

if TYPE_CHECKING:
    from traintui.generation.regeneration import RegenerationPlan


def why_rejected(conversation: Conversation) -> tuple[str | None, str | None]:
    """Reason and note of the rejection that a conversation stands rejected by; none where it is not."""
    if conversation.row.status != "rejected":
        return None, None
    taken_back = {entry.undoes for entry in conversation.history}
    for entry in conversation.history:
        if entry.action == "reject" and entry.id not in taken_back:
            return entry.reason, entry.reviewer_notes
    return None, None


class RegenerateDialog(CornerSheet["RegenerationPlan"]):
    """The turn alone, or all from it on; answers the plan of the one that was chosen. `offered` has both, each with the
    USD that it may cost at most, None where no price is known."""

    PLACES = ("regenerate",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("regenerate")
    AUTO_FOCUS = ""

    def __init__(self, offered: Sequence[tuple[RegenerationPlan, Decimal | None]], *, is_rehearsal: bool) -> None:
        super().__init__()
        self._offered = offered
        self._is_rehearsal = is_rehearsal

    def compose(self) -> ComposeResult:
        """A line for each choice, then why, and who writes."""
        plan = self._offered[0][0]
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Write anew"
            yield KeyMenu([self._choice(key, *each) for key, each in zip("tr", self._offered, strict=False)])
            yield Static(Content("\n").join(self._about(plan)), classes="because")
        yield KeyBar()

    def _choice(self, key: str, plan: RegenerationPlan, cost: Decimal | None) -> Choice:
        which = f"turn {plan.first}" if plan.first == plan.last else f"turns {plan.first} to {plan.last}, from here on"
        price = "" if self._is_rehearsal else f"  {text.usd(cost)} at most"
        return Choice(key, Content.assemble(which, (price, "$muted")))

    def _about(self, plan: RegenerationPlan) -> Iterator[Content]:
        paid = ": a rehearsal, nothing is paid" if self._is_rehearsal else ""
        yield text.shown(f"By {plan.model}{paid}", single_line=True, limit=100, style="$muted")
        why = " ".join(part for part in (plan.reason, f"“{plan.note}”" if plan.note else None) if part)
        if why:
            yield Content.assemble(("Because:  ", "$muted"), text.shown(why, single_line=True, limit=400))
        else:
            yield Content.styled("Without a reason. One of a rejection, or a note of n, would go along.", "$muted")

    def action_choose(self, place: int) -> None:
        """Answers with one of the plans."""
        if place < len(self._offered):
            self.dismiss(self._offered[place][0])
