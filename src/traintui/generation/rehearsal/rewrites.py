"""Turns anew by rule: what the rehearsal says where it is asked to write some turns of a conversation again."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from traintui.generation.rehearsal.brief import MOST_EXCHANGES, Brief
from traintui.generation.rehearsal.opinions import TURN
from traintui.generation.rehearsal.writer import write_exchanges

_ASKED = re.compile(r"\bturns?\s+(\d+)(?:\s+to\s+(\d+))?\s+anew\b", re.I)


def write_turns(prompt: str, brief: Brief, seed: str, fault: str | None) -> dict[str, Any] | None:
    """The turns that a prompt asks for, as another conversation of its brief has them in their place; None where it
    asks for none. The same prompt and seed give the same turns."""
    there = {int(number): role.lower() for number, role, _ in TURN.findall(prompt)}
    asked = _ASKED.findall(prompt)
    if not there or not asked:
        return None
    first, last = int(asked[-1][0]), int(asked[-1][1] or asked[-1][0])
    exchanges = write_exchanges(replace(brief, exchanges=min(MOST_EXCHANGES, (max(there) + 1) // 2)), seed)
    spoken = [exchange[role] for exchange in exchanges for role in ("user", "assistant")]
    # A long conversation goes on with what its last turns are like.
    turns = [
        {"role": role, "content": spoken[place] if (place := number - 1) < len(spoken) else spoken[place % 2 - 2]}
        for number, role in sorted(there.items())
        if first <= number <= last
    ]
    match fault:
        case "wrong-count":
            turns = turns[:-1]
        case "blank-turn":
            turns[-1]["content"] = "   "
        case "not-alternating":
            turns[-1]["role"] = "user" if turns[-1]["role"] == "assistant" else "assistant"
    return {"turns": turns}
