"""What a call that was sent came to, for whoever keeps what it brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from traintui.audit.redaction import Tokens
from traintui.data.attempts import OpenAttempt
from traintui.generation.client import ModelReply
from traintui.generation.pricing import Price
from traintui.generation.verdict import CallFailed


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call ended that was sent."""

    attempt: OpenAttempt
    reply: ModelReply | CallFailed
    prices: Sequence[Price]
    tokens: Tokens
