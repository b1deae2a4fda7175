"""Calls about a whole submission: when they are made, and how the ledger keeps them. They cost nothing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from traintui.audit.redaction import redact
from traintui.data.attempts import Outcome
from traintui.generation.client import Answered
from traintui.generation.verdict import CallFailed


@dataclass(frozen=True, slots=True)
class Patience:
    """When to look again, in seconds.

    Most batches end within the hour and none later than a day. Looks begin after `first` and come half as often each
    time until `most` lies between them, so a whole day makes some 150 rows in the ledger and not 86,400. `settle` is
    how long after its commit a submission may still turn up at the provider. `rest` is between two looks at the
    database, and `room` how long items wait that the budget has no room for while others of their batch are out.
    `outage` is until a provider that does not answer is tried for the first time.
    """

    first: float = 5.0
    most: float = 600.0
    settle: float = 120.0
    rest: float = 0.5
    room: float = 60.0
    outage: float = 2.0

    def delay(self, looks: int) -> float:
        """Seconds until the next look after so many in vain."""
        return min(self.most, self.first * 2.0 ** min(looks, 30))


def answered_outcome(answered: Answered) -> Outcome:
    """How a call that was answered ended."""
    payload = redact(cast("Any", answered.payload if isinstance(answered.payload, dict) else {"body": None}))
    return Outcome(
        "ok",
        response_payload=cast("Any", payload.value),
        cost_usd=Decimal(0),
        duration_ms=answered.duration_ms,
        http_status=answered.http_status,
        request_id=answered.request_id,
        redactions=payload.counts,
    )


def failed_outcome(failure: CallFailed) -> Outcome:
    """How a call that failed ended."""
    payload = failure.payload if isinstance(failure.payload, dict) else {"body": failure.payload}
    told = {"payload": payload, "message": failure.message, "type": failure.error_type or failure.kind}
    found = cast("Any", redact(cast("Any", told)))
    return Outcome(
        "error",
        response_payload=None if failure.payload is None else found.value["payload"],
        cost_usd=Decimal(0),
        duration_ms=failure.duration_ms,
        http_status=failure.http_status,
        request_id=failure.request_id,
        error_type=found.value["type"],
        error_message=found.value["message"],
        redactions=found.counts,
    )
