"""The Messages API without its transport: what a request may contain, and the objects of a reply."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from traintui.generation.rehearsal.faults import ApiError
from traintui.generation.rehearsal.likeness import ANTHROPIC, Likeness, loosely
from traintui.generation.rehearsal.replies import reply_text
from traintui.generation.rehearsal.schema import problem
from traintui.generation.rehearsal.usage import CHARACTERS_A_TOKEN, Usage, tokens_of

SAMPLING = ("temperature", "top_p", "top_k")
"""Refused since version 2026-10-21."""
SAMPLING_ENDS = "2026-10-21"

MODELS: tuple[tuple[str, str, str], ...] = (
    ("claude-fable-5-1", "Claude Fable 5.1", "fable"),
    ("claude-opus-5-5", "Claude Opus 5.5", "opus"),
    ("claude-opus-5", "Claude Opus 5", "opus"),
    ("claude-sonnet-5-5", "Claude Sonnet 5.5", "sonnet"),
    ("claude-sonnet-5", "Claude Sonnet 5", "sonnet"),
    ("claude-haiku-5-5", "Claude Haiku 5.5", "haiku"),
    ("claude-haiku-4-5", "Claude Haiku 4.5", "haiku"),
)
"""Models that `GET /v1/models` lists. Any other name is answered too: the rehearsal is the same under each."""
ABSENT = "no-such-"
"""What the name of a model begins with that is not there either."""


def error_payload(error: ApiError, request_id: str | None) -> dict[str, Any]:
    """An error in the API's shape; other servers number no requests."""
    inner: dict[str, Any] = {"type": error.type, "message": error.message}
    if error.code:
        inner["details"] = {"error_code": error.code}
    return {"type": "error", "error": inner} | ({"request_id": request_id} if request_id else {})


def models_payload() -> dict[str, Any]:
    """The list of models, one page."""
    data = [
        {
            "type": "model",
            "id": model,
            "display_name": name,
            "created_at": "2026-01-01T00:00:00Z",
            "lifecycle": "active",
            "line": line,
            "max_input_tokens": 200_000,
            "max_tokens": 64_000,
            "capabilities": None,
            "deprecated_at": None,
            "retires_at": None,
        }
        for model, name, line in MODELS
    ]
    return {"data": data, "has_more": False, "first_id": data[0]["id"], "last_id": data[-1]["id"]}


def invalid(body: Any, version: str, *, counting: bool = False) -> str | None:
    """What the API would refuse about a request body, or None. `counting`: for count_tokens, without max_tokens."""
    if not isinstance(body, Mapping):
        return "The request body must be a JSON object."
    for name in ("model", "messages") if counting else ("model", "max_tokens", "messages"):
        if name not in body:
            return f"{name}: Field required"
    if not isinstance(body["model"], str) or not body["model"]:
        return "model: Input should be a valid string"
    limit = body.get("max_tokens", 1)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        return "max_tokens: Input should be a whole number greater than or equal to 1"
    if version >= SAMPLING_ENDS:
        for name in SAMPLING:
            if body.get(name) is not None:
                return f"{name}: Extra inputs are not permitted"
    if "stream" in body and not isinstance(body["stream"], bool):
        return "stream: Input should be a valid boolean"
    return _invalid_messages(body["messages"]) or _invalid_system(body.get("system")) or _invalid_output(body)


def absent_model(body: Mapping[str, Any]) -> ApiError | None:
    """What the API answers where a request names a model that it has not."""
    model = str(body["model"])
    return ApiError(404, "not_found_error", f"model: {model}") if model.startswith(ABSENT) else None


def _invalid_messages(messages: Any) -> str | None:
    if not isinstance(messages, list) or not messages:
        return "messages: at least one message is required"
    for index, message in enumerate(messages):
        if not isinstance(message, Mapping) or message.get("role") not in {"user", "assistant"}:
            return f"messages.{index}.role: Input should be 'user' or 'assistant'"
        if (wrong := _invalid_content(message.get("content"))) is not None:
            return f"messages.{index}.content: {wrong}"
    if messages[0]["role"] != "user":
        return "messages: first message must use the user role"
    if messages[-1]["role"] != "user":
        return "This model does not support assistant message prefill. The conversation must end with a user message."
    return None


def _invalid_content(content: Any) -> str | None:
    if isinstance(content, str):
        return None if content.strip() else "text content must not be empty"
    if not isinstance(content, list) or not content:
        return "Input should be a valid string or a list of content blocks"
    for block in content:
        if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
            return "each content block needs a type"
        if block["type"] == "text" and not isinstance(block.get("text"), str):
            return "a text block needs its text"
    return None


def _invalid_system(system: Any) -> str | None:
    if system is None or isinstance(system, str):
        return None
    if not isinstance(system, list):
        return "system: Input should be a valid string or a list of text blocks"
    for index, block in enumerate(system):
        if not isinstance(block, Mapping) or block.get("type") != "text" or not isinstance(block.get("text"), str):
            return f"system.{index}: Input should be a text block"
        mark = block.get("cache_control")
        if mark is not None and (not isinstance(mark, Mapping) or mark.get("type") != "ephemeral"):
            return f"system.{index}.cache_control.type: Input should be 'ephemeral'"
    return None


def _invalid_output(body: Mapping[str, Any]) -> str | None:
    config = body.get("output_config")
    if config is None:
        return None
    if not isinstance(config, Mapping):
        return "output_config: Input should be an object"
    form = config.get("format")
    if form is None:
        return None
    if not isinstance(form, Mapping) or form.get("type") != "json_schema":
        return "output_config.format.type: Input should be 'json_schema'"
    return problem(form.get("schema"))


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished reply, before it is sent whole or in pieces."""

    model: str
    text: str
    stop_reason: str
    usage: Usage
    stop_details: Mapping[str, Any] | None = None

    def message(self, message_id: str, *, begun: bool = False) -> dict[str, Any]:
        """The `message` object; when only `begun`, as in the event `message_start`, without content or an end."""
        content = [{"type": "text", "text": self.text, "citations": None}] if self.text and not begun else []
        return {
            "id": message_id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": None if begun else self.stop_reason,
            "stop_sequence": None,
            "stop_details": None if begun else self.stop_details,
            "container": None,
            "diagnostics": None,
            "usage": self.usage.payload(output_tokens=1 if begun else None),
        }


def compose(body: Mapping[str, Any], weighed: Usage, fault: str | None, likeness: Likeness = ANTHROPIC) -> Reply:
    """The reply to a valid request: its text, why it stops, and its usage. `weighed` is the input side of the usage."""
    if likeness.structured_output:
        text = reply_text(body, fault)
    else:
        text = loosely(reply_text({key: value for key, value in body.items() if key != "output_config"}, fault))
    stop, details = "end_turn", None
    if fault == "refusal":
        explanation = "The rehearsal was asked to refuse."
        text, stop, details = "", "refusal", {"type": "refusal", "category": "frontier_llm", "explanation": explanation}
    elif fault == "empty":
        text = ""
    elif fault in {"truncate", "context-exceeded"}:
        text = text[: max(4, len(text) // 2)]
        stop = "max_tokens" if fault == "truncate" else "model_context_window_exceeded"
    room = body["max_tokens"] * CHARACTERS_A_TOKEN
    if len(text) > room:
        text, stop = text[:room], "max_tokens"
    # Even an empty reply is billed as something.
    output = tokens_of(text) if text else 1
    return Reply(body["model"], text, stop, replace(weighed, output_tokens=min(output, body["max_tokens"])), details)


def new_id(prefix: str) -> str:
    """A fresh id in the API's form, such as `msg_...`."""
    return f"{prefix}_{uuid.uuid4().hex[:24]}"


def pieces_of(text: str) -> list[str]:
    """A text in pieces of some four tokens, as a stream delivers it."""
    return re.findall(r".{1,16}", text, re.S)


def event(name: str, payload: Mapping[str, Any]) -> bytes:
    """One server-sent event."""
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps({"type": name, **payload}) + b"\n\n"


def opening_events(reply: Reply, message_id: str) -> Iterator[bytes]:
    """Everything before the first piece of text."""
    yield event("message_start", {"message": reply.message(message_id, begun=True)})
    if reply.text:
        block = {"type": "text", "text": "", "citations": None}
        yield event("content_block_start", {"index": 0, "content_block": block})
    yield event("ping", {})


def piece_event(piece: str) -> bytes:
    """One piece of text."""
    return event("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": piece}})


def closing_events(reply: Reply) -> Iterator[bytes]:
    """Everything after the last piece of text."""
    if reply.text:
        yield event("content_block_stop", {"index": 0})
    delta = {
        "stop_reason": reply.stop_reason,
        "stop_sequence": None,
        "stop_details": reply.stop_details,
        "container": None,
    }
    yield event("message_delta", {"delta": delta, "usage": reply.usage.delta_payload()})
    yield event("message_stop", {})
