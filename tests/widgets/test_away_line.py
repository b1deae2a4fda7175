"""What ran meanwhile is said in one line."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from traintui.data.presence_records import BatchNews, Meanwhile
from traintui.widgets.away_line import said

MEANWHILE = Meanwhile(
    since=datetime(2026, 11, 24, tzinfo=UTC),
    generated=412,
    failures=(("refusal", 2), ("max_tokens", 1)),
    cost_usd=Decimal("4.10"),
    unpriced_calls=0,
    is_rehearsal=False,
    batches=(
        BatchNews(2, "Fees", "finished", None),
        BatchNews(3, "Cards [b]", "paused", "The provider account has no credit."),
    ),
)


def test_figures_causes_and_batches_stand_in_a_line() -> None:
    assert said(MEANWHILE, hint="3 shows it").plain == (
        "While you were away: 412 generated, 3 failed (2 refused, 1 too long), $4.10 · Fees finished ·"
        " Cards [b] paused: The provider account has no credit.   3 shows it"
    )


def test_only_a_few_batches_are_named() -> None:
    many = Meanwhile(
        MEANWHILE.since, 0, (), Decimal(0), 0, False, tuple(BatchNews(n, f"B{n}", "finished", None) for n in range(6))
    )
    assert said(many, hint="").plain == "While you were away: B0 finished · B1 finished · B2 finished · 3 more"


def test_an_unknown_cost_is_never_nothing_and_a_rehearsal_is_named() -> None:
    unknown = Meanwhile(MEANWHILE.since, 1, (), Decimal(0), 1, False, ())
    assert "unknown" in said(unknown, hint="").plain
    rehearsal = Meanwhile(MEANWHILE.since, 1, (("overloaded_error", 1),), Decimal(0), 0, True, ())
    assert said(rehearsal, hint="").plain == (
        "While you were away: 1 generated, 1 failed (1 overloaded error), a rehearsal"
    )
