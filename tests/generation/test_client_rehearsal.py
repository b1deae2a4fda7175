from __future__ import annotations

import httpx2
import pytest

from traintui.generation.client import ModelCall, ModelClient, ModelReply, recorded
from traintui.generation.exchanges import OUTPUT_SCHEMA, turns_of
from traintui.generation.pricing import Usage
from traintui.generation.prompt import Facet, PromptContext, Source, builtin_template, render
from traintui.generation.rehearsal import FAULT_NAMES, Pace, RehearsalServer
from traintui.generation.structured import InvalidReply, read_json
from traintui.generation.verdict import CallFailed, FailureKind, verdict_on

SOURCE = Source(
    "Fee schedule",
    "Everyday accounts > Overdraft",
    "The overdraft fee is $5 for each day on which the balance is below zero. It is charged for at most six days in a "
    "month. No fee is charged when the balance is below zero by less than $10. Members under 25 pay no overdraft fee.",
)
CONTEXT = PromptContext(
    persona=Facet("anxious_planner", "Anxious planner", "wants to know every consequence before acting"),
    emotion=Facet("worried", "Worried", "fears making a costly mistake"),
    topic=Facet("overdraft_fees", "Overdraft fees", "what an overdraft costs and when"),
    intent=Facet("understand", "Understand a charge", "wants to know why money was taken"),
    tone=Facet("warm", "Warm", "friendly and plain"),
    tier="scenario",
    source=SOURCE,
    exchanges=3,
    variation=48213,
)
PROMPT = render(builtin_template(), CONTEXT)
CALL = ModelCall("claude-sonnet-5-5", PROMPT.system, PROMPT.user, OUTPUT_SCHEMA, 4096)
PATIENT, QUICK = httpx2.Timeout(60.0), httpx2.Timeout(60.0, read=1.0)

FAILURES: dict[str, tuple[FailureKind, FailureKind]] = {
    "400-schema": ("rejected", "rejected"),
    "401": ("key", "key"),
    "402": ("no_credit", "no_credit"),
    "403": ("permission", "permission"),
    "404-model": ("not_found", "not_found"),
    "408": ("too_slow", "too_slow"),
    "409": ("conflict", "conflict"),
    "413": ("rejected", "rejected"),
    "429": ("rate_limit", "rate_limit"),
    "429-spend": ("spend_cap", "spend_cap"),
    "500": ("server", "server"),
    "529": ("overloaded", "overloaded"),
    "credit-low": ("no_credit", "no_credit"),
    "html502": ("server", "server"),
    "reset": ("connection", "connection"),
    "silence": ("silence", "silence"),
    "cut-json": ("cut_body", "not_a_message"),
    "not-a-message": ("not_a_message", "not_a_message"),
    "midstream-overloaded": ("overloaded", "overloaded"),
    "midstream-reset": ("connection", "lost"),
    "midstream-silence": ("silence", "silence"),
    "midstream-eof": ("cut_body", "unfinished"),
    "refusal": ("refusal", "refusal"),
    "truncate": ("max_tokens", "max_tokens"),
    "context-exceeded": ("context_window", "context_window"),
}
"""Fault of the rehearsal: what it is called after a whole reply, and after a stream."""
INVALID = ("empty", "invalid-content", "not-alternating", "blank-turn", "wrong-count")
PAID = ("refusal", "truncate", "context-exceeded")


async def asked(fault: str | None, *, streamed: bool) -> ModelReply:
    async with RehearsalServer(pace=Pace(tokens_per_second=0)) as server:
        server.fail_next(fault)
        timeout = QUICK if fault and fault.endswith("silence") else PATIENT
        async with ModelClient(api_key="rehearsal", base_url=server.url, timeout=timeout) as client:
            with recorded(1):
                return await client.send(CALL, on_text=(lambda _text: None) if streamed else None)


def test_every_fault_of_the_rehearsal_is_expected_here() -> None:
    assert sorted([*FAILURES, *INVALID]) == sorted(FAULT_NAMES)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_conversation_goes_from_plan_cell_to_turns(streamed: bool) -> None:
    reply = await asked(None, streamed=streamed)
    assert [turn.role for turn in turns_of(read_json(reply.text).value, exchanges=3)] == ["user", "assistant"] * 3
    assert reply.usage.output_tokens > 0
    assert reply.usage.prompt_tokens > 500
    assert reply.request_id
    assert any(name.endswith("output-tokens-remaining") for name in reply.rate_limits)


async def test_streamed_and_whole_replies_to_one_cell_are_alike() -> None:
    whole, streamed = [await asked(None, streamed=streamed) for streamed in (False, True)]
    assert whole.text == streamed.text
    assert whole.usage == streamed.usage
    assert whole.stop_reason == streamed.stop_reason


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("fault", FAILURES)
async def test_every_fault_is_told_by_its_kind_and_has_a_verdict(fault: str, streamed: bool) -> None:
    with pytest.raises(CallFailed) as caught:
        await asked(fault, streamed=streamed)
    failure = caught.value
    assert failure.kind == FAILURES[fault][streamed]
    assert verdict_on(failure, 1).reason
    if fault in PAID:
        assert isinstance(failure.usage, Usage)
        assert failure.payload


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("fault", INVALID)
async def test_content_that_is_no_conversation_is_a_reply_and_no_turns(fault: str, streamed: bool) -> None:
    reply = await asked(fault, streamed=streamed)
    with pytest.raises(InvalidReply) as caught:
        turns_of(read_json(reply.text).value, exchanges=3)
    assert verdict_on(caught.value, 1).kind == "regenerate"
