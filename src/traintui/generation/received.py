"""What came back from a model's server, in whatever state: read as JSON, judged by its own words, never by the SDK."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from traintui.generation.pricing import Usage
from traintui.generation.verdict import CallFailed, FailureKind

LONGEST_MESSAGE = 500
NO_MESSAGE = "The answer is not a message with content and usage."
NO_MESSAGE_BUT_HTML = "A page of HTML was answered instead of a message, as by a login page, a proxy or a web site."

_BY_STATUS: Mapping[int, FailureKind] = {
    401: "key",
    402: "no_credit",
    403: "permission",
    404: "not_found",
    408: "too_slow",
    409: "conflict",
    429: "rate_limit",
    504: "too_slow",
    529: "overloaded",
}
_BY_TYPE: Mapping[str, FailureKind] = {
    "authentication_error": "key",
    "billing_error": "no_credit",
    "permission_error": "permission",
    "not_found_error": "not_found",
    "rate_limit_error": "rate_limit",
    "timeout_error": "too_slow",
    "overloaded_error": "overloaded",
    "conflict_error": "conflict",
    "invalid_request_error": "rejected",
    "request_too_large": "rejected",
}
_BY_CODE: Mapping[str, FailureKind] = {
    "enforced_spend_limit_reached": "spend_cap",
    "contract_spend_limit_reached": "spend_cap",
    "linked_organization_spend_limit_reached": "spend_cap",
    "linked_organization_billing_unavailable": "no_credit",
    "organization_on_hold": "on_hold",
}
"""`error.details.error_code` (the SDK's `_error_classes.ERROR_CLASSES`)."""
_SPEND = re.compile(r"API usage limits|spend(?:ing)? (?:limit|cap)|usage threshold", re.IGNORECASE)
_CREDIT = re.compile(r"credit balance", re.IGNORECASE)
"""Limits that an organisation sets itself, and an empty credit, come as a plain 400: only the words tell them."""

_BY_STOP: Mapping[str, tuple[FailureKind, str]] = {
    "max_tokens": ("max_tokens", "The reply did not fit into max_tokens."),
    "refusal": ("refusal", "The model declined to answer."),
    "model_context_window_exceeded": ("context_window", "Prompt and reply do not fit into the model's context."),
}
_FINISHED = ("end_turn", "stop_sequence")


@dataclass
class Received:
    """What one call has brought so far. A broken call leaves here what is known of it: headers, text, usage."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    payload: Any = None
    complete: bool = False
    """A stream has said `message_stop`: what happens to the connection afterwards does not matter."""

    @property
    def request_id(self) -> str | None:
        return self.headers.get("request-id")

    @property
    def no_message(self) -> str:
        """What is wrong with an answer that is no message."""
        return NO_MESSAGE_BUT_HTML if is_page(self.headers) else NO_MESSAGE

    @property
    def rate_limits(self) -> dict[str, str]:
        """The `anthropic-ratelimit-` headers, names in lower case; other servers send none."""
        return {
            name.lower(): value
            for name, value in self.headers.items()
            if name.lower().startswith("anthropic-ratelimit-")
        }

    @property
    def text(self) -> str:
        """The text blocks in a row; thinking is left out."""
        texts = (block.get("text") for block in self.payload["content"] if block.get("type") == "text")
        return "".join(text for text in texts if isinstance(text, str))

    def take(self, event: str | None, data: Any) -> str:
        """Adds one event of a stream to the payload, and returns the text it brought.

        Raises `CallFailed` for an error event, and whatever a lookup raises for an event of another shape.
        """
        match event:
            case "error":
                raise refused(self.status or HTTPStatus.OK, self.headers, data)
            case "message_start":
                self.payload = {**data["message"], "content": []}
            case "content_block_start":
                self.payload["content"].append(dict(data["content_block"]))
                return str(data["content_block"].get("text", ""))
            case "content_block_delta":
                block, delta = self.payload["content"][data["index"]], data["delta"]
                for part in ("text", "thinking", "signature"):
                    if part in delta:
                        block[part] = block.get(part, "") + delta[part]
                return str(delta["text"]) if delta["type"] == "text_delta" else ""
            case "message_delta":
                self.payload.update(data["delta"])
                counts = {name: count for name, count in data.get("usage", {}).items() if count is not None}
                self.payload["usage"] = {**self.payload.get("usage", {}), **counts}  # cumulative, so it overwrites
            case "message_stop":
                self.complete = True
        return ""

    def finished(self, *, streamed: bool) -> tuple[str, Usage]:
        """The stop reason and the usage of a reply that counts.

        Raises `CallFailed` for anything else; what is paid for keeps its usage.
        """
        body, usage = self.payload, usage_of(self.payload)
        if isinstance(body, dict) and body.get("type") == "error":
            raise refused(self.status or HTTPStatus.OK, self.headers, body)
        if streamed and body is None and not self.headers.get("content-type", "").startswith("text/event-stream"):
            raise CallFailed("not_a_message", self.no_message)
        if streamed and (not isinstance(body, dict) or body.get("stop_reason") is None):
            raise CallFailed("unfinished", "The stream ended before the reply was finished.")
        if not isinstance(body, dict) or usage is None or not _is_content(body.get("content")):
            raise CallFailed("not_a_message", self.no_message)
        stop = body.get("stop_reason")
        if stop in _FINISHED:
            return stop, usage
        if stop is None:
            raise CallFailed("unfinished", "The reply has no stop reason.")
        kind, message = _BY_STOP.get(stop, ("unexpected_stop", f"The model stopped for {stop!r}, not at its end."))
        details = body.get("stop_details")
        category = details.get("category") if isinstance(details, dict) else None
        if kind == "refusal" and isinstance(category, str):
            message = f"{message.removesuffix('.')} ({category})."
        raise CallFailed(kind, message, error_type=stop, category=category)

    def counted(self, *, streamed: bool) -> bool:
        """Whether the usage that has come is that of the whole reply.

        A stream counts its prompt in its first event, and the reply in the one that brings the stop reason.
        """
        if usage_of(self.payload) is None:
            return False
        return not streamed or self.payload.get("stop_reason") is not None


def is_page(headers: Mapping[str, str]) -> bool:
    """Whether an answer says that it is HTML."""
    return any(name.lower() == "content-type" and "html" in value.lower() for name, value in headers.items())


def _is_content(content: Any) -> bool:
    return isinstance(content, list) and all(isinstance(block, dict) for block in content)


def usage_of(payload: Any) -> Usage | None:
    """The tokens that a message, or the beginning of one, reports; `None` when it reports none."""
    given = payload.get("usage") if isinstance(payload, dict) else None
    if not isinstance(given, dict):
        return None
    counts = [
        given.get("input_tokens"),
        given.get("output_tokens"),
        given.get("cache_read_input_tokens") or 0,
        given.get("cache_creation_input_tokens") or 0,
    ]
    tokens = [count for count in counts if isinstance(count, int) and not isinstance(count, bool) and count >= 0]
    return Usage(*tokens) if len(tokens) == len(counts) else None


def refused(status: int, headers: Mapping[str, str], body: Any) -> CallFailed:
    """The failure that an error response, or an error event in a stream that began with 200, stands for."""
    error = body.get("error") if isinstance(body, dict) else None
    error = error if isinstance(error, dict) else {}
    details = error.get("details")
    code = details.get("error_code") if isinstance(details, dict) else None
    told, error_type = _text(error.get("message")), _text(error.get("type"))
    retry_after = retry_after_seconds(headers)
    untold = "with a page of HTML instead of an explanation" if is_page(headers) else "without an explanation"
    message = " ".join((told or f"HTTP {status}, {untold}.").split())[:LONGEST_MESSAGE]
    return CallFailed(
        _kind(status, error_type, _text(code), message, retry_after),
        message,
        http_status=status,
        error_type=error_type,
        error_code=_text(code),
        retry_after=retry_after,
        payload=body,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _kind(
    status: int, error_type: str | None, code: str | None, message: str, retry_after: float | None
) -> FailureKind:
    if code is not None and code in _BY_CODE:
        return _BY_CODE[code]
    if status == HTTPStatus.BAD_REQUEST and _CREDIT.search(message):
        return "no_credit"
    limited = status == HTTPStatus.BAD_REQUEST or (status == HTTPStatus.TOO_MANY_REQUESTS and retry_after is None)
    if limited and _SPEND.search(message):
        return "spend_cap"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return _BY_TYPE.get(error_type or "", "server")
    if status < HTTPStatus.BAD_REQUEST:
        return "redirect"
    return "server" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "rejected"


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Seconds that `retry-after` asks to wait, given as a number or as a date (RFC 9110, 10.2.3)."""
    given = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(?:\.\d+)?", given):
        return float(given)
    try:
        until = parsedate_to_datetime(given)
    except ValueError:
        return None
    return max(0.0, (until - datetime.now(UTC)).total_seconds()) if until.tzinfo else None


def storable(value: Any) -> Any:
    """JSON as a JSONB column takes it: NUL and half of a surrogate pair become U+FFFD, NaN and infinity null."""
    match value:
        case float() if not math.isfinite(value):
            return None
        case str() if value.isascii():
            return value.replace("\0", "\ufffd")
        case str():
            return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [storable(item) for item in value]
        case dict():
            return {storable(key): storable(item) for key, item in value.items()}
        case _:
            return value
