"""What a request and its reply weigh, in tokens, and what of it the cache already held."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from traintui.generation.pricing import price_of
from traintui.generation.rehearsal.limits import Clock

CHARACTERS_A_TOKEN = 4
MINIMUM_PREFIX = 1024
"""Tokens below which a prefix is silently not cached."""
FIVE_MINUTES = 300.0
ONE_HOUR = 3600.0


def tokens_of(content: Any) -> int:
    """Tokens of a text, or of anything else as the JSON it travels as; at least 1."""
    text = content if isinstance(content, str) else orjson.dumps(content).decode()
    return max(1, len(text) // CHARACTERS_A_TOKEN)


def input_tokens_of(body: Mapping[str, Any]) -> int:
    """Tokens of everything a request sends that a model would read."""
    read = [body.get(key) for key in ("system", "tools", "messages", "output_config") if body.get(key)]
    return sum(tokens_of(part) for part in read) or 1


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply; input is split into fresh, written to the cache (5 minutes, 1 hour) and read from it."""

    input_tokens: int
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    cache_read: int = 0
    output_tokens: int = 0
    plain: bool = False
    """Told without a word of a cache, as servers do that have none."""

    @property
    def cache_write(self) -> int:
        """Tokens written to the cache, whatever their lifetime."""
        return self.cache_write_5m + self.cache_write_1h

    @property
    def total(self) -> int:
        """All tokens, in and out."""
        return self.input_tokens + self.cache_write + self.cache_read + self.output_tokens

    def payload(self, output_tokens: int | None = None) -> dict[str, Any]:
        """The `usage` object of a message."""
        written = self.output_tokens if output_tokens is None else output_tokens
        if self.plain:
            return {"input_tokens": self.input_tokens, "output_tokens": written}
        return {
            "input_tokens": self.input_tokens,
            "cache_creation_input_tokens": self.cache_write,
            "cache_read_input_tokens": self.cache_read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.cache_write_5m,
                "ephemeral_1h_input_tokens": self.cache_write_1h,
            },
            "output_tokens": written,
            "output_tokens_details": {"thinking_tokens": 0},
            "server_tool_use": None,
            "service_tier": "standard",
            "inference_geo": None,
            "speed": "standard",
        }

    def delta_payload(self) -> dict[str, Any]:
        """The cumulative `usage` of a `message_delta` event."""
        whole = self.payload()
        kept = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
        return {key: whole[key] for key in (*kept, "output_tokens_details", "server_tool_use") if key in whole}


@dataclass
class Cache:
    """The prompt cache: prefixes that end in a `cache_control` mark of the system blocks, until they expire."""

    clock: Clock
    _until: dict[str, float] = field(default_factory=dict)

    def weigh(self, body: Mapping[str, Any], *, touch: bool = True) -> Usage:
        """The input side of a request's usage. With `touch`, a prefix used starts its lifetime anew."""
        total = input_tokens_of(body)
        now = self.clock()
        read = written = 0
        lifetime = FIVE_MINUTES
        for length, key, seconds in self._prefixes(body):
            held = self._until.get(key, 0.0) > now
            if held:
                read, written = length, 0
            else:
                written = length - read
                lifetime = seconds
            if touch:
                self._until[key] = now + seconds
        fresh = max(1, total - read - written)
        short, long = (written, 0) if lifetime == FIVE_MINUTES else (0, written)
        return Usage(input_tokens=fresh, cache_write_5m=short, cache_write_1h=long, cache_read=read)

    def _prefixes(self, body: Mapping[str, Any]) -> list[tuple[int, str, float]]:
        """Length in tokens, key and lifetime of every marked prefix that is long enough, shortest first."""
        found: list[tuple[int, str, float]] = []
        digest = hashlib.sha256(orjson.dumps([body.get("model"), body.get("tools")]))
        length = tokens_of(body["tools"]) if body.get("tools") else 0
        system = body.get("system")
        for block in system if isinstance(system, list) else []:
            text = str(block.get("text", ""))
            digest.update(text.encode())
            length += tokens_of(text)
            mark = block.get("cache_control")
            if mark and length >= MINIMUM_PREFIX:
                found.append((length, digest.hexdigest(), ONE_HOUR if mark.get("ttl") == "1h" else FIVE_MINUTES))
        return found


@dataclass
class Bill:
    """What has been used since the server started, by model. Rehearsal costs nothing; this is what it would weigh, and
    what a provider with the list prices would ask for it."""

    requests: Counter[str] = field(default_factory=Counter)
    input_tokens: Counter[str] = field(default_factory=Counter)
    output_tokens: Counter[str] = field(default_factory=Counter)
    usd: dict[str, Decimal] = field(default_factory=dict)
    """USD by model, not rounded; a model that is not on the list is left out."""

    def add(self, model: str, usage: Usage, *, batch: bool = False) -> None:
        """Count one answered request."""
        self.requests[model] += 1
        self.input_tokens[model] += usage.input_tokens + usage.cache_write + usage.cache_read
        self.output_tokens[model] += usage.output_tokens
        if (price := price_of(model)) is not None:
            rates = price.rates_at(usage.total - usage.output_tokens)
            asked = (
                usage.input_tokens * rates.input
                + usage.cache_write_5m * rates.cache_write_5m
                + usage.cache_write_1h * rates.cache_write_1h
                + usage.cache_read * rates.cache_read
                + usage.output_tokens * rates.output
            ) / 1_000_000
            self.usd[model] = self.usd.get(model, Decimal(0)) + asked * (price.batch_factor if batch else 1)

    def tokens(self) -> dict[str, int]:
        """Tokens in and out together, by model."""
        return dict(self.input_tokens + self.output_tokens)

    def payload(self) -> dict[str, Any]:
        """The bill as JSON, USD as text with all its digits."""
        return {
            "requests": dict(self.requests),
            "input_tokens": dict(self.input_tokens),
            "output_tokens": dict(self.output_tokens),
            "usd": {model: str(usd) for model, usd in self.usd.items()},
        }
