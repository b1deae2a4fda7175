"""Formats of clouds that have a shape of their own."""

from __future__ import annotations

from typing import Any

from traintui.export.formats.messages import listed
from traintui.export.formats.model import Written
from traintui.export.record import Shape, TrainingRecord, has_text, plain

GEMINI_ROLES = {"user": "user", "assistant": "model"}


def bedrock(record: TrainingRecord, _shape: Shape) -> Written:
    """`{"system", "messages"}`, the first only where there is a system prompt.

    The system prompt stands at the top and is optional; no other key is allowed (Anthropic, "Finetuning Claude 3 Haiku
    on Bedrock").
    """
    system = {"system": plain(record.system_prompt)} if record.system_prompt and has_text(record.system_prompt) else {}
    return Written((system | {"messages": listed(None, record.turns)},))


def gemini(record: TrainingRecord, _shape: Shape) -> Written:
    """`{"systemInstruction", "contents"}` with the roles `user` and `model`, the first only where there is a system
    prompt (Google Cloud, "Prepare supervised fine-tuning data for Gemini models": the role of the instruction is
    ignored)."""
    row: dict[str, Any] = {}
    if record.system_prompt and has_text(record.system_prompt):
        row["systemInstruction"] = {"role": "system", "parts": [{"text": plain(record.system_prompt)}]}
    row["contents"] = [
        {"role": GEMINI_ROLES[turn.role], "parts": [{"text": plain(turn.content)}]} for turn in record.turns
    ]
    return Written((row,))
