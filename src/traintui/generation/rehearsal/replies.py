"""What the rehearsal says to a request: the text of the reply, by rule."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Mapping
from typing import Any

import orjson

from traintui.generation.rehearsal.brief import Brief, read_brief
from traintui.generation.rehearsal.faults import DIRECTIVE
from traintui.generation.rehearsal.likeness import schema_in_words
from traintui.generation.rehearsal.opinions import is_opinion, write_opinion
from traintui.generation.rehearsal.rewrites import write_turns
from traintui.generation.rehearsal.schema import is_exchanges, is_turns, synthesise
from traintui.generation.rehearsal.writer import write_exchanges

_NOT_CONTENT = frozenset({"stream", "max_tokens", "metadata", "service_tier"})
"""Parts of a request that do not change what is said: the same text comes streamed, and again with more room."""

_PLAIN = (
    (
        "This is the rehearsal: it writes conversations by rule, without a model. Send a brief and a "
        "source, and ask for exchanges."
    ),
    (
        "The rehearsal answers here. There is no model behind it, so it has no opinion on that. A brief "
        "with a source gets a conversation."
    ),
    "You have reached the rehearsal model. It can only write practice conversations from a brief, and costs nothing.",
)


def text_of(content: Any) -> str:
    """The text of a message's content, whether it is a string or blocks."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(block.get("text", "")) for block in content if isinstance(block, Mapping))
    return ""


def last_user_text(body: Mapping[str, Any]) -> str:
    """The text of the last user message."""
    users = [message for message in body["messages"] if message["role"] == "user"]
    return text_of(users[-1]["content"]) if users else ""


def reply_text(body: Mapping[str, Any], fault: str | None = None) -> str:
    """The reply to a valid request. The same request gets the same text; a fault may spoil its content."""
    prompt = DIRECTIVE.sub("", last_user_text(body))
    seed = _seed(body)
    schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    schema = schema if schema is not None else schema_in_words(_everything(body, prompt))
    brief = read_brief(prompt)
    if fault == "invalid-content":
        return (
            "I am sorry, but I would rather describe the conversation in my own words than in the form you asked for."
        )
    if schema is not None and is_opinion(schema):
        return _dumped(write_opinion(prompt, list(schema["properties"]), seed))
    if schema is not None and is_turns(schema) and (anew := write_turns(prompt, brief, seed, fault)) is not None:
        return _dumped(anew)
    if schema is not None and not is_exchanges(schema):
        return _dumped(synthesise(schema, random.Random(seed)))  # noqa: S311 - repeatable on purpose
    if schema is not None or (brief.given and re.search(r"\bjson\b", _everything(body, prompt), re.I)):
        return _dumped({"exchanges": _spoiled(write_exchanges(brief, seed), fault)})
    if brief.given:
        return _spoken(brief, seed)
    return random.Random(seed).choice(_PLAIN)  # noqa: S311


def _seed(body: Mapping[str, Any]) -> str:
    said = {key: value for key, value in body.items() if key not in _NOT_CONTENT}
    plain = DIRECTIVE.sub("", orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode())
    return hashlib.sha256(plain.encode()).hexdigest()


def _everything(body: Mapping[str, Any], prompt: str) -> str:
    return f"{text_of(body.get('system'))}\n{prompt}"


def _dumped(value: Any) -> str:
    return orjson.dumps(value).decode()


def _spoken(brief: Brief, seed: str) -> str:
    exchanges = write_exchanges(brief, seed)
    return "\n\n".join(f"User: {exchange['user']}\n\nAssistant: {exchange['assistant']}" for exchange in exchanges)


def _spoiled(exchanges: list[dict[str, str]], fault: str | None) -> list[dict[str, str]]:
    match fault:
        case "not-alternating":
            return [{"user": exchanges[0]["user"]}, *exchanges[1:]]
        case "blank-turn":
            return [*exchanges[:-1], {**exchanges[-1], "assistant": "   "}]
        case "wrong-count":
            return exchanges[:-1]
    return exchanges
