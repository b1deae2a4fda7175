"""The turns of a reply that is still being written: from any beginning of its JSON to what can be read by now."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from traintui.data.records import Turn, TurnRole

ROLES: dict[str, TurnRole] = {"user": "user", "assistant": "assistant"}

_TOKEN = re.compile(r'[{}\[\],:]|"(?P<body>(?:[^"\\]|\\.)*)(?P<end>"?)', re.DOTALL)
# Characters and escapes that are there whole; an escape that is cut off is left for later.
_WHOLE = re.compile(r"(?:[^\\]|\\u[0-9a-fA-F]{4}|\\[^u])*", re.DOTALL)


@dataclass(slots=True)
class _Level:
    """An object or a list that is open: the key that its value belongs to, and whether a key comes next."""

    opened: str
    wants_key: bool
    key: str | None = None


def turns_so_far(written: str) -> tuple[Turn, ...]:
    """The turns in the beginning of `{"exchanges": [{"user": "..", "assistant": ".."}, ..]}`, numbered from 1.

    The last one is as long as it has come. A longer beginning only adds: it never takes back what a shorter one gave.
    Anything else that the reply holds is passed over, and what is no such reply has no turns.
    """
    levels: list[_Level] = []
    turns: list[Turn] = []
    for token in _TOKEN.finditer(written):
        sign = token[0][0]
        if sign in "{[":
            levels.append(_Level(sign, wants_key=sign == "{"))
        elif not levels:
            continue
        elif sign in "}]":
            levels.pop()
            if not levels:
                break
        elif sign in ",:":
            levels[-1].wants_key = sign == "," and levels[-1].opened == "{"
        elif levels[-1].wants_key:
            levels[-1].key = _decoded(token["body"]) if token["end"] else None
        elif (role := _role(levels)) is not None:
            turns.append(Turn(len(turns) + 1, role, _decoded(token["body"])))
    return tuple(turns)


def _role(levels: list[_Level]) -> TurnRole | None:
    """Whose message the next string is; None where it is no message of an exchange."""
    within = [level.opened for level in levels] == ["{", "[", "{"] and levels[0].key == "exchanges"
    return ROLES.get(levels[-1].key or "") if within else None


def _decoded(body: str) -> str:
    """A JSON string's text as far as it is there; half of a surrogate pair waits for the other half."""
    found = _WHOLE.match(body)
    readable = found[0] if found else ""
    try:
        decoded = str(json.loads(f'"{readable}"', strict=False))
    except ValueError:
        return readable
    return decoded[:-1] if "\ud800" <= decoded[-1:] <= "\udbff" else decoded
