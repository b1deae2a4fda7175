"""Training files, one pure function per format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from traintui.data.records import ExportableConversation
from traintui.errors import TraintuiError

Writer = Callable[[ExportableConversation], bytes]


def openai(conversation: ExportableConversation) -> bytes:
    """One line of OpenAI's chat format: `messages` with an optional system message first, then user and assistant.

    `weight` stands on assistant messages only where one is not to be trained on, as the format allows 0 and 1 there
    (OpenAI, fine-tuning guide, multi-turn chat examples).
    """
    messages: list[dict[str, Any]] = []
    if conversation.system_prompt:
        messages.append({"role": "system", "content": conversation.system_prompt})
    weighted = any(turn.role == "assistant" and not turn.train for turn in conversation.turns)
    for turn in conversation.turns:
        message: dict[str, Any] = {"role": turn.role, "content": turn.content.replace("\r\n", "\n")}
        if weighted and turn.role == "assistant":
            message["weight"] = int(turn.train)
        messages.append(message)
    return orjson.dumps({"messages": messages}) + b"\n"


FORMATS: dict[str, Writer] = {"openai": openai}


def writer_of(name: str) -> Writer:
    """The writer of a format. Raises `TraintuiError` when there is none of that name."""
    if name not in FORMATS:
        raise TraintuiError("Format not known", f'there is no format "{name}".', f"There are: {', '.join(FORMATS)}.")
    return FORMATS[name]


def problem_of(conversation: ExportableConversation) -> str | None:
    """Why a trainer would refuse a conversation, in one sentence, or None."""
    if conversation.turns[-1].role != "assistant":
        return "it ends with the user; a trainer learns from an answer"
    if not any(turn.train for turn in conversation.turns if turn.role == "assistant"):
        return "no assistant turn of it is trained on"
    return None
