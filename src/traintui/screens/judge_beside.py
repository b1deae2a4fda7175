"""What a judge says of a conversation, told after the decision: before it, it would sway the reviewer."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text
from traintui.data.records import Conversation
from traintui.widgets import marks

if TYPE_CHECKING:
    from traintui.data.engine import Database


def opinion_of(conversation: Conversation) -> Decimal | None:
    """The mean of the judge's opinion of the text that is shown, 0 to 10; None where there is none."""
    judging = conversation.judging
    return judging.judgement.mean if judging is not None and judging.judgement is not None else None


async def beside_judge(db: Database, mean: Decimal, *, approved: bool) -> Content:
    """What the judge would have done, and how far this person and it agree by now."""
    from traintui.data import judge_agreement
    from traintui.quality.agreement import agreement

    judge_approves = mean >= judge_agreement.APPROVES
    would = "would approve" if judge_approves else "would reject"
    running = agreement(await judge_agreement.beside_judge(db))
    agreed = ""
    if running.number:
        agreed = f"; you agree on {running.same:,} of {running.number:,}, {running.same / running.number:.0%}"
    return Content.assemble(
        ("   judge ", "$muted"), (text.score(mean), marks.score_colour(mean)), " ",
        (would, "" if judge_approves == approved else "bold $warning"), (agreed, "$muted"),
    )  # fmt: skip
