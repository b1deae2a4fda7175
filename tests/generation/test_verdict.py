from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traintui.generation.structured import InvalidReply
from traintui.generation.verdict import ALL_KINDS, MOST_ATTEMPTS, CallFailed, FailureKind, backoff, verdict_on

PAUSES: list[FailureKind] = ["spend_cap", "no_credit", "key", "permission", "on_hold", "not_found", "redirect"]
RETRIES: list[FailureKind] = [
    *("too_slow", "conflict", "overloaded", "server", "silence", "connection", "lost", "cut_body"),
    *("not_a_message", "unfinished"),
]


def failed(kind: FailureKind, message: str = "said the server", retry_after: float | None = None) -> CallFailed:
    return CallFailed(kind, message, http_status=418, error_type="some_error", retry_after=retry_after)


def test_a_rate_limit_is_waited_for_however_often_it_comes() -> None:
    for attempt in (1, 5, 50):
        verdict = verdict_on(failed("rate_limit", retry_after=17), attempt)
        assert (verdict.kind, verdict.retry_after) == ("wait", 17)


def test_a_rate_limit_that_does_not_say_how_long_is_waited_for_a_minute() -> None:
    assert verdict_on(failed("rate_limit"), 1).retry_after == 60


@pytest.mark.parametrize("kind", PAUSES)
def test_what_every_item_would_meet_pauses_the_batch_and_says_why(kind: FailureKind) -> None:
    verdict = verdict_on(failed(kind), 1)
    assert verdict.kind == "pause"
    assert "said the server" in verdict.reason
    assert (verdict.http_status, verdict.error_type) == (418, "some_error")


@pytest.mark.parametrize("kind", RETRIES)
def test_what_may_pass_is_tried_five_times_in_all(kind: FailureKind) -> None:
    assert [verdict_on(failed(kind), attempt).kind for attempt in range(1, 7)] == ["retry"] * 4 + ["fail"] * 2


def test_a_retry_waits_as_long_as_the_server_asks_and_else_by_backoff() -> None:
    assert verdict_on(failed("overloaded", retry_after=9), 1).retry_after == 9
    assert verdict_on(failed("overloaded"), 1).retry_after is None


def test_a_reply_that_did_not_fit_gets_twice_the_room_once() -> None:
    first, second = verdict_on(failed("max_tokens"), 1), verdict_on(failed("max_tokens"), 2, regenerated=1)
    assert (first.kind, first.room) == ("regenerate", 2)
    assert second.kind == "fail"


def test_a_refusal_goes_to_the_fallback_model_and_is_never_repeated() -> None:
    refusal = CallFailed("refusal", "declined", category="frontier_llm")
    with_fallback = verdict_on(refusal, 1, fallback_model="claude-opus-5")
    assert (with_fallback.kind, with_fallback.model) == ("regenerate", "claude-opus-5")
    without = verdict_on(refusal, 1)
    assert without.kind == "fail"
    assert "frontier_llm" in without.reason


def test_invalid_content_is_regenerated_once_and_then_fails_with_its_reason() -> None:
    assert verdict_on(InvalidReply("Exchange 1 has an empty user message."), 1).kind == "regenerate"
    again = verdict_on(InvalidReply("Exchange 1 has an empty user message."), 2, regenerated=1)
    assert (again.kind, again.reason) == ("fail", "Exchange 1 has an empty user message.")


def test_a_server_that_is_none_pauses_the_batch_before_it_eats_all_attempts() -> None:
    verdicts = [verdict_on(failed("not_a_message"), 1, in_a_row=in_a_row) for in_a_row in range(1, 6)]
    assert [verdict.kind for verdict in verdicts] == ["retry"] * 4 + ["pause"]
    assert "TRAINTUI_API_BASE_URL" in verdicts[-1].reason


def test_what_could_not_be_found_out_says_what_to_check_before_the_batch_goes_on() -> None:
    verdict = verdict_on(failed("unprobed", "Asked 5 times. HTTP 502, without an explanation."), 1)
    assert verdict.reason == (
        "What the provider can could not be found out. Asked 5 times. HTTP 502, without an explanation. "
        "Check what answers at TRAINTUI_API_BASE_URL, then resume."
    )


def test_a_rejected_request_fails_its_item_and_five_alike_pause_the_batch() -> None:
    kinds = [verdict_on(failed("rejected"), 1, in_a_row=in_a_row).kind for in_a_row in range(1, 6)]
    assert kinds == ["fail"] * 4 + ["pause"]


def test_a_prompt_that_does_not_fit_the_model_fails_at_once() -> None:
    assert verdict_on(failed("context_window"), 1).kind == "fail"


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_every_failure_comes_to_an_end_and_says_why_in_a_sentence(kind: FailureKind) -> None:
    first, last = verdict_on(failed(kind, "Said."), 1), verdict_on(failed(kind, "Said."), MOST_ATTEMPTS, regenerated=1)
    assert last.kind in ("fail", "pause", "wait")
    for verdict in (first, last):
        assert verdict.reason[0].isupper()
        assert verdict.reason.endswith(".")
        assert "\n" not in verdict.reason


@given(attempt=st.integers(1, 40), seed=st.integers())
def test_backoff_is_between_one_second_and_a_minute(attempt: int, seed: int) -> None:
    dice = random.Random(seed)
    assert 1 <= backoff(attempt, dice) <= min(60, 2 ** (attempt + 1))


def test_backoff_spreads_over_its_whole_range() -> None:
    dice = random.Random(1)
    waits = [backoff(9, dice) for _ in range(2000)]
    assert min(waits) < 3
    assert max(waits) > 58
