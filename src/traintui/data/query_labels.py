"""What a statement is for: the verb that it stands in, as `conversations.window`."""

from __future__ import annotations

import re
from functools import cache
from types import CodeType, FrameType

OTHER = "other"
"""The label of what runs outside of any verb."""
UNLOGGED = "-"
"""The label of what the query log leaves out: its own statements."""
LONGEST = 100

# By the address of the code, which is kept so that no other takes its place.
_known: dict[int, tuple[str, CodeType]] = {}


def verb_of(frame: FrameType) -> str:
    """The label of the function that a frame runs: its module without our name and `data`, and its own name."""
    code = frame.f_code
    if (known := _known.get(id(code))) is not None:
        return known[0]
    label = named(frame.f_globals.get("__name__", ""), code.co_qualname)
    _known[id(code)] = (label, code)
    return label


def named(module: str, qualified: str) -> str:
    """The label of a function by the name of its module and its own: `traintui.data.feed`, `Feed._read` gives
    `feed.read`. What is defined inside of a function is a part of that."""
    parts = [part.lstrip("_") for part in module.split(".") if part not in {"traintui", "data"}]
    verb = qualified.partition(".<locals>")[0].rpartition(".")[2].strip("_")
    return ".".join(part for part in [*parts, verb] if part)[:LONGEST] or OTHER


_SAID = re.compile(r"/\* ([\w.]+) \*/ ")
_UNSAYABLE = re.compile(r"[^\w.]")


@cache
def comment_of(label: str) -> str:
    """What stands before a statement on its way to the server, whose list of sessions then says what it is for. That
    list has the first kilobyte of a statement, so it stands at the beginning."""
    return f"/* {_UNSAYABLE.sub('_', label)} */ "


def said_in(statement: str) -> tuple[str | None, str]:
    """The label that a statement of the server's list begins with, None where it has none, and the statement."""
    found = _SAID.match(statement)
    return (found[1], statement[found.end() :]) if found else (None, statement)
