"""Conditions as the server prints them, without the parentheses that say nothing: what is restored from a backup is
printed with fewer of them than what a migration made."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|\b(?:AND|OR)\b|[()]|[^\s()'\"]+|\s+")
_Group = list["str | _Group"]


def flat(definition: str) -> str:
    """A definition in which a chain of AND, or of OR, stands in one pair of parentheses, and no pair in another."""
    whole: _Group = []
    around: list[_Group] = [whole]
    for part in _TOKEN.findall(definition):
        if part == "(":
            inner: _Group = []
            around[-1].append(inner)
            around.append(inner)
        elif part == ")" and len(around) > 1:
            around.pop()
        elif part.strip():
            around[-1].append(part)
    return _said(_flattened(whole))


def _flattened(group: _Group) -> _Group:
    """The group with what is inside flattened, and with the parts of those inside it that chain as it does."""
    inside = [_flattened(part) if isinstance(part, list) else part for part in group]
    if len(inside) == 1 and isinstance(inside[0], list):
        return inside[0]
    chain = _chain(inside)
    parts: _Group = []
    for place, part in enumerate(inside):
        beside = [*inside[max(place - 1, 0) : place], *inside[place + 1 : place + 2]]
        if isinstance(part, list) and chain and _chain(part) == chain and all(one == chain for one in beside):
            parts += part
        else:
            parts.append(part)
    return parts


def _chain(group: _Group) -> str | None:
    """AND or OR where all parts of a group are chained by it."""
    used = {part for part in group if isinstance(part, str) and part in {"AND", "OR"}}
    return used.pop() if len(used) == 1 else None


def _said(group: _Group) -> str:
    return " ".join(f"({_said(part)})" if isinstance(part, list) else part for part in group)
