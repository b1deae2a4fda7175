"""When two statements, or two plans, are the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

LONGEST = 20_000
"""Characters of a statement that are kept."""

_LIST = re.compile(r"(%\(\w+\)s(?:::[\w\[\] ]+)?)(?:\s*,\s*%\(\w+\)s(?:::[\w\[\] ]+)?)+")
_NAME = re.compile(r"%\(\w+?(?:_\d+)*\)s")
_BLANKS = re.compile(r"\s+")
_STRING = re.compile(r"'(?:[^']|'')*'")
_NUMBER = re.compile(r"(?<![\w.$\"])-?\d+(?:\.\d+)?(?![\w\"])")

# What says how a plan works; costs, widths and numbers of rows change with the data and leave it what it is.
_TELLING = (
    "Node Type", "Relation Name", "Index Name", "Join Type", "Strategy", "Partial Mode", "Scan Direction", "Command",
    "CTE Name", "Subplan Name", "Parent Relationship",
)  # fmt: skip

_NAMES = frozenset({*_TELLING, "Alias", "Schema", "Function Name"})


def statement_hash(statement: str) -> str:
    """16 hex digits that are the same for statements that differ in blanks, in the names of their parameters and in how
    many values a list has."""
    shape = _NAME.sub("?", _LIST.sub(r"\1", _BLANKS.sub(" ", statement).strip()))
    return blake2b(shape.encode(), digest_size=8).hexdigest()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a plan, each before those that it reads from."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def plan_hash(plan: list[dict[str, Any]]) -> str:
    """16 hex digits of what EXPLAIN (FORMAT JSON) returned, the same as long as the plan works in the same way.

    Partitions count once for all that are read alike, since there is a new one each week.
    """
    told: list[str] = []
    for node in nodes(plan[0]["Plan"]):
        said = "|".join(_without_week(str(node.get(name, ""))) for name in _TELLING)
        if not told or told[-1] != said:
            told.append(said)
    return blake2b("\n".join(told).encode(), digest_size=8).hexdigest()


def without_values(plan: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A plan without what it was asked with: EXPLAIN writes the values of parameters into conditions, and they are
    people's texts. What names tables, indexes and kinds of nodes stays."""

    def cleared(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: cleared(name, inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [cleared(key, inner) for inner in value]
        if isinstance(value, str) and key not in _NAMES:
            return _NUMBER.sub("?", _STRING.sub("'?'", value))
        return value

    return [cleared("", each) for each in plan]


def _without_week(name: str) -> str:
    return re.sub(r"_\d{4}w\d{2}", "", name)


# From left to right, as the server reads: a name in quotes, a comment, a text. The end of one may have been cut off.
_QUOTED = re.compile(
    r"""(?P<name>"(?:[^"]|"")*"?)
    |(?P<comment>/\*.*?(?:\*/|\Z)|--[^\n]*)
    |(?<!\w)[eE]'(?:[^'\\]|\\.|'')*(?:'|\\?\Z)
    |'(?:[^']|'')*(?:'|\Z)
    |(?<!\w)\$(?P<tag>[A-Za-z_]\w*)?\$.*?(?:(?(tag)\$(?P=tag)\$|\$\$)|\Z)""",
    re.DOTALL | re.VERBOSE,
)


def statement_without_values(statement: str) -> str:
    """A statement as the server has it, of a session or counted, in one line, without comments and without the texts
    and numbers in it, which may be people's."""

    def cleared(found: re.Match[str]) -> str:
        return found[0] if found["name"] else " " if found["comment"] else "'?'"

    return _BLANKS.sub(" ", _NUMBER.sub("?", _QUOTED.sub(cleared, statement))).strip()
