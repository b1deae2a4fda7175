"""Submissions to a Message Batches API in a table, and what is known of the one under the cursor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from textual.content import Content

from traintui import clock, text
from traintui.data.submission_views import SubmissionView
from traintui.errors import sentence
from traintui.generation.pricing import Price, price_of
from traintui.widgets.columns import Column

STATES: dict[str, tuple[str, str]] = {
    "submitting": ("◌ sending", "$planned"),
    "in_progress": ("◐ out", "$generating"),
    "ended": ("◐ importing", "$generating"),
    "imported": ("● imported", "$success"),
    "cancelled": ("✕ called off", "$muted"),
    "refused": ("! refused", "$failed"),
    "lost": ("? lost", "$failed"),
}
"""How each state is written, and in which colour."""
OUT = frozenset({"submitting", "in_progress"})
"""The states in which one can be called off."""
COUNTS = {"processing": "under way", "succeeded": "succeeded", "errored": "errored", "canceled": "called off",
          "expired": "expired"}  # fmt: skip
"""What the provider counts, as it is called here."""
FAILURES = {"canceled": "called off", "too_slow": "expired", "invalid": "no conversation", "max_tokens": "too long",
            "refusal": "refused by the model"}  # fmt: skip
"""Kinds of failures that have another name here."""


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """A submission, and what running at once and not at half price would have cost more, in USD; None where no price is
    known."""

    view: SubmissionView
    saved_usd: Decimal | None


def row_of(view: SubmissionView, prices: Sequence[Price]) -> SubmissionRow:
    """A submission with what it saved, by the price of its model in effect."""
    price = price_of(view.model, prices=prices)
    factor = price.batch_factor if price is not None else Decimal(0)
    return SubmissionRow(view, view.cost_usd / factor - view.cost_usd if factor else None)


def state(view: SubmissionView) -> Content:
    """Its state as a sign and a word; one that somebody has called off says so until the provider has."""
    if view.closed_at is None and view.state in OUT and (view.unwanted_at or view.cancelling_at):
        return Content.styled("✕ calling off", "$warning")
    return Content.styled(*STATES.get(view.state, (view.state, "$muted")))


def _failed(row: SubmissionRow) -> Content:
    number = sum(row.view.failures.values())
    return Content.styled(f"{number:,}", "$failed" if number else "$faint")


def _cost(row: SubmissionRow) -> Content:
    view = row.view
    known = view.cost_usd if row.saved_usd is not None or view.cost_usd else None
    return Content(text.usd(known, estimate=view.is_estimate, unpriced=view.unpriced))


def _saved(row: SubmissionRow) -> Content:
    return Content.styled(text.NOTHING if row.saved_usd is None else text.usd(row.saved_usd), "$muted")


def _age(when: datetime | None) -> Content:
    return Content.styled(text.NOTHING if when is None else text.ago(when)[-5:], "$muted")


SUBMISSION_COLUMNS: tuple[Column[SubmissionRow], ...] = (
    Column("State", 13, lambda row: state(row.view)),
    Column("Batch", 0, lambda row: text.shown(row.view.batch, single_line=True, limit=80)),
    Column("Stored", 11, lambda row: Content(f"{row.view.stored:,}/{row.view.requests:,}"), right=True),
    Column("Failed", 6, _failed, right=True),
    Column("Cost", 9, _cost, right=True),
    Column("Saved", 9, _saved, right=True, from_width=90),
    Column("Sent", 5, lambda row: _age(row.view.submitted_at), right=True),
    Column("Asked", 5, lambda row: _age(row.view.polled_at), right=True),
)


def about(row: SubmissionRow, *, working: bool) -> Content:
    """What is known of a submission beside its figures, and what happens next; `working` says that a worker lives."""
    return Content("\n").join(_lines(row, working=working))


def _lines(row: SubmissionRow, *, working: bool) -> Iterator[Content]:
    view = row.view
    provider = text.shown(view.provider_id, single_line=True, limit=60) if view.provider_id else Content("no id yet")
    yield Content.assemble(text.shown(view.model, single_line=True, limit=60, style="bold"), "  ", provider)
    asked = f", last asked {text.moment(view.polled_at)}" if view.polled_at else ""
    yield Content.styled(f"Sent {text.moment(view.submitted_at)}{asked}", "$muted")
    counted = [f"{number:,} {COUNTS.get(kind, kind)}" for kind, number in view.counts.items() if number]
    if counted:
        yield Content.assemble(("The provider counts ", "$muted"), text.shown(", ".join(counted), single_line=True))
    if view.failures:
        kinds = (f"{number:,} {FAILURES.get(kind, kind.replace('_', ' '))}" for kind, number in view.failures.items())
        yield Content.assemble(
            ("Brought nothing: ", "$muted"), text.shown(", ".join(kinds), single_line=True, style="$failed")
        )
    if view.is_rehearsal:
        yield Content.styled("A rehearsal: nothing is paid.", "$generating")
    elif row.saved_usd:
        whole = text.usd(row.saved_usd + view.cost_usd)
        yield Content.styled(f"{text.usd(view.cost_usd)} at half price; one by one it were {whole}.", "$muted")
    if view.error_message and view.state != "imported":
        yield text.shown(sentence(view.error_message), single_line=True, limit=300, style="$warning")
    yield Content.assemble(("Next  ", "bold"), next_step(view, working=working))


def next_step(view: SubmissionView, *, working: bool) -> Content:
    """What happens next to a submission, and what a person can do."""
    if view.closed_at is not None:
        others = " What brought nothing went back into the queue, or failed." if view.failures else ""
        return Content(
            {
                "imported": f"nothing: every result is here.{others}",
                "cancelled": "nothing: what was written is kept, the others went back into the queue of their batch.",
                "refused": "its requests wait in the queue again, nothing was paid; p resumes a batch that paused.",
                "lost": "nobody knows what was paid: its calls stand as unknown; r on Generate tries them again.",
            }.get(view.state, "nothing.")
        )
    if not working:
        return Content.styled("no worker runs: w on Generate starts one, which looks after it.", "$warning")
    if view.state == "ended":
        return Content("its results are being imported.")
    if view.provider_id is None:
        return Content("it is being sent; should the answer be lost, it is looked for before anything is sent again.")
    if view.cancelling_at is not None:
        return Content("the provider ends what it has begun; that is imported, the rest goes back into the queue.")
    if view.unwanted_at is not None:
        return Content("the provider is asked at once to begin nothing more of it.")
    due = 0.0 if view.look_at is None else (view.look_at - clock.now()).total_seconds()
    when = f"in {text.duration(due * 1_000)}" if due > 1 else "now"
    expires = f" It ends by {text.moment(view.expires_at)} at the latest." if view.expires_at else ""
    return Content(f"the provider is asked again {when}.{expires}")
