"""How a call ended, as the ledger keeps it: tokens, cost in USD, and what came back, redacted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal, cast

from traintui.audit.redaction import Tokens, redact
from traintui.data.attempts import Outcome
from traintui.generation.client import ModelCall, ModelReply
from traintui.generation.pricing import Price, Usage, cost_usd
from traintui.generation.structured import Reading
from traintui.generation.verdict import CallFailed


def dearest_cost(call: ModelCall, prices: Sequence[Price], *, batch: bool = False) -> Decimal | None:
    """What a call costs in USD if its reply takes all the room it has; None when the price is not known.

    Prompt tokens are estimated at four characters each.
    """
    return cost_usd(
        call.model, Usage((len(call.system) + len(call.user)) // 4, call.max_tokens), batch=batch, prices=prices
    )


def outcome_of_reply(
    reply: ModelReply,
    model: str,
    prices: Sequence[Price],
    *,
    unusable: str | None = None,
    tokens: Tokens | None = None,
    reading: Reading | None = None,
) -> Outcome:
    """How a call that was answered ended; `unusable` says why its text is not what was asked for, and `reading` what it
    took to read it, which is noted with the response under `traintui`.

    With the `tokens` of the request, what it named is named alike in the reply.
    """
    found = cast("Any", redact({"payload": cast("Any", reply.payload), "message": unusable}, tokens))
    noted = reading.noted if reading is not None else {}
    return replace(
        usage_outcome("ok", model, reply.usage, prices),
        response_payload=found.value["payload"] | ({"traintui": noted} if noted else {}),
        duration_ms=reply.duration_ms,
        http_status=reply.http_status,
        request_id=reply.request_id,
        stop_reason=reply.stop_reason,
        error_type="invalid_reply" if unusable else None,
        error_message=found.value["message"],
        redactions=found.counts,
    )


def outcome_of_failure(
    failure: CallFailed, model: str, prices: Sequence[Price], *, tokens: Tokens | None = None
) -> Outcome:
    """How a call that failed ended: `error` where what it cost is certain, `unknown` where its reply broke off.

    A refusal or a reply that did not fit is paid for, and says so. What is unknown has an estimate of what it cost at
    most: with the prompt as the provider counted it, if it came so far, else what the row of the call was begun with.
    """
    billed = failure.billed
    if billed is not None:
        ended = usage_outcome("error", model, billed, prices)
    else:
        most = usage_outcome("unknown", model, failure.most, prices)
        ended = replace(most, output_tokens=None, cost_is_estimate=True)
    payload = failure.payload if isinstance(failure.payload, dict) else {"body": failure.payload}
    told = {"payload": payload, "message": failure.message, "type": failure.error_type}
    found = cast("Any", redact(cast("Any", told), tokens))
    return replace(
        ended,
        response_payload=None if failure.payload is None else found.value["payload"],
        duration_ms=failure.duration_ms,
        http_status=failure.http_status,
        request_id=failure.request_id,
        error_type=found.value["type"] or failure.kind,
        error_message=found.value["message"],
        redactions=found.counts,
    )


def usage_outcome(
    state: Literal["ok", "error", "unknown"], model: str, usage: Usage | None, prices: Sequence[Price]
) -> Outcome:
    """Tokens and cost of a call. Without a usage nothing is known of either, without a price nothing of its cost."""
    if usage is None:
        return Outcome(state)
    return Outcome(
        state,
        cost_usd=cost_usd(model, usage, prices=prices),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
