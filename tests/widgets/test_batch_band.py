"""The band tells the truth about money and progress, at every width."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from textual.content import Content

from traintui.data.judgement_records import JudgeProgress
from traintui.data.price_records import MonthSpending
from traintui.data.records import BatchProgress
from traintui.widgets.batch_band import Money, bar, figures, headline, in_rows, money_line, state_of
from traintui.widgets.batch_lists import Cause, in_full, meaning

BEGUN = datetime(2026, 11, 23, 10, tzinfo=UTC)
RUNNING = BatchProgress(
    id=3, name="Fees [/b]", model="claude-haiku-5-5", state="running", state_reason=None, total=40, done=17, failed=2,
    running=4, queued=17, calls=25, failed_calls=2, cost_usd=Decimal("0.17"), cost_is_estimate=False, unpriced_calls=0,
    input_tokens=12_300, output_tokens=9_800, is_rehearsal=False, requested_by="ada", created_at=BEGUN,
    started_at=BEGUN, finished_at=None, rate_per_minute=30.0,
)  # fmt: skip


def shown(progress: BatchProgress, *, budget: str | None = None, priced: bool = True, width: int = 150) -> str:
    return in_rows(figures(progress, Decimal(budget) if budget else None, priced=priced), width).plain


def test_rate_time_left_cost_calls_and_tokens_stand_under_their_names() -> None:
    names, values = shown(RUNNING, budget="5").split("\n")
    for name, value in (
        ("Rate", "30.0 a minute"), ("Time left", "42.0 s"), ("Cost", "$0.17 of $5.00"), ("Calls", "25, 2 failed"),
        ("Tokens", "12.3k in  9.8k out"),
    ):  # fmt: skip
        assert values.index(value) == names.index(name)


@pytest.mark.parametrize("width", [52, 60, 76, 120, 200])
def test_no_line_is_wider_than_its_place(width: int) -> None:
    for line in shown(replace(RUNNING, is_rehearsal=True), budget="5", width=width).split("\n"):
        assert len(line) <= width
    assert bar(RUNNING, width).cell_length <= width


def test_a_price_that_is_not_known_is_never_nothing() -> None:
    unknown = replace(RUNNING, cost_usd=Decimal(0), unpriced_calls=3)
    assert "unknown" in shown(unknown) and "$0" not in shown(unknown)
    begun = replace(RUNNING, cost_usd=Decimal(0), calls=1)
    assert "unknown" in shown(begun, priced=False) and "$0" not in shown(begun, priced=False)
    assert "its model has no price" in shown(begun, priced=False)
    assert "$0.17 + 3 calls unknown" in shown(replace(RUNNING, unpriced_calls=3))


def test_a_bar_is_full_only_when_nothing_is_left() -> None:
    assert bar(replace(RUNNING, done=0, failed=0), 80).plain.endswith("0 of 40   0 %")
    assert bar(replace(RUNNING, total=1_000, done=999, failed=0), 80).plain.endswith("999 of 1,000   99 %")
    assert "2 failed" in bar(RUNNING, 80).plain


def test_a_name_is_no_markup() -> None:
    assert "Fees [/b]" in headline(RUNNING).plain


def test_each_state_says_what_to_do() -> None:
    def said(
        state: str, *, working: bool = True, last_words: str | None = None, reason: str | None = "The worker ended."
    ) -> str:
        batch = replace(RUNNING, state=state, state_reason=reason)  # type: ignore[arg-type]
        return meaning(batch, working=working, last_words=last_words).plain

    assert said("interrupted") == "Interrupted at 17 of 40: w starts a worker, which goes on  The worker ended."
    assert said("paused").startswith("Paused at 17 of 40: p resumes it")
    assert "w starts one here" in said("queued", working=False)
    assert said("queued") == "Waits for its first call"
    assert said("running", reason=None) == "4 being written, 17 wait"
    assert said("running", reason="The provider is away.") == "! 17 wait  The provider is away."
    assert "w starts another" in said("running", last_words="no database.")
    assert "plans anew what was not written" in said("cancelled")
    assert "2 reads" in said("finished")


def test_a_finished_batch_says_how_long_it_took() -> None:
    over = replace(RUNNING, state="finished", finished_at=BEGUN + timedelta(seconds=90), rate_per_minute=None)
    assert "1 min 30 s" in shown(over)


def test_what_the_cache_saved_what_was_refused_and_the_month_stand_in_one_line() -> None:
    month = MonthSpending(BEGUN.date().replace(day=1), Decimal("41"), Decimal("1"), 0, Decimal(50))
    money = Money(month, Decimal("0.5"), (("frontier_llm", 2), ("[b]", 1)))
    said = money_line(RUNNING, money)
    assert said.plain == "The cache saved $0.50   3 refused: 2 frontier_llm, 1 [b]   ! November: $42.00 of $50.00, 84 %"
    assert "November" not in money_line(replace(RUNNING, is_rehearsal=True), money).plain
    early = replace(month, spent_usd=Decimal(38))
    assert money_line(RUNNING, Money(early)).plain == "November: $39.00 of $50.00, 78 %"
    assert money_line(RUNNING, Money(replace(month, budget_usd=None))).plain == ""
    assert money_line(RUNNING, Money(saved_usd=Decimal("-0.02"))).plain == "The cache cost $0.02 more"


def test_the_month_says_how_many_calls_have_no_known_cost() -> None:
    month = MonthSpending(BEGUN.date(), Decimal(0), Decimal(0), 3, Decimal(50))
    assert money_line(RUNNING, Money(month)).plain == "November: unknown of $50.00, 0 %"


def test_a_batch_near_its_budget_is_warned_of() -> None:
    def budget(spent: str) -> Content:
        return figures(replace(RUNNING, cost_usd=Decimal(spent)), Decimal(1), priced=True)[2].value

    assert any(span.style == "$warning" for span in budget("0.80").spans)
    assert not any(span.style == "$warning" for span in budget("0.79").spans)


def test_who_judged_stands_behind_a_blank() -> None:
    judged = replace(RUNNING, judge=JudgeProgress("claude-haiku-5-5", 30, 0, 0))
    assert "30 judged by claude-haiku-5-5" in money_line(judged, Money()).plain


def test_a_batch_that_wrote_nothing_does_not_look_like_one_that_did() -> None:
    lost = replace(RUNNING, state="finished", done=0, failed=40, running=0, queued=0)
    assert state_of(lost).plain == "✕ finished" and state_of(replace(lost, done=1)).plain == "● finished"
    said = meaning(lost, working=True, last_words=None).plain
    assert "nothing was written" in said and "r tries again" in said
    assert "2 reads" in meaning(replace(lost, done=1), working=True, last_words=None).plain


def test_a_cause_that_its_row_cannot_hold_is_told_whole() -> None:
    long = Cause("The provider was not reached. " * 5, 3)
    assert in_full(long, 80).plain == long.reason.strip()
    assert not in_full(Cause("It declined.", 3), 80) and not in_full(None, 80)
