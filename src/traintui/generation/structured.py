"""Structured replies: how JSON is asked of a model, and how its answer is read.

A server with structured output is handed the schema and keeps to it. Any other is asked in the words of the prompt, and
what it answers is read tolerantly; the log says where that was needed.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic_core import from_json

if TYPE_CHECKING:
    from traintui.generation.client import ModelCall

MOST_SECONDS = 1.0
"""CPU seconds for mending: a usual reply takes hundredths, but what is made for it can take hours."""
_IN_WORDS = """\
Answer with one JSON object and nothing else: no code fence, nothing before it, nothing after it. It obeys this schema:
<schema>
{schema}
</schema>"""
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_FENCED = re.compile(r"```[a-z]*[ \t]*\r?\n(.*?)(?:\n\s*```|\Z)", re.DOTALL | re.IGNORECASE)
_ENDED = re.compile(r"""(?<!\\)["']\s*,?\s*(?:[}\]]|\Z)|(?:[}\]\d]|true|false|null)\s*,?\s*[}\]]""")
"""A value that is followed by the end of its object or list."""


class InvalidReply(Exception):
    """A reply arrived whole and is not what was asked for. `reason` says why in one sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reply says, and what it took to read it: nothing, to look for it in a fence or prose, or to mend it in so
    many places."""

    value: Any
    how: Literal["whole", "unwrapped", "repaired"] = "whole"
    repairs: int = 0

    @property
    def noted(self) -> dict[str, Any]:
        """What the log says of it; nothing where it was as it should be."""
        if self.how == "whole":
            return {}
        return {"read": self.how} | ({"repairs": self.repairs} if self.how == "repaired" else {})


def in_words(call: ModelCall) -> ModelCall:
    """The call with its schema as words of the system prompt, for a server that would ignore or refuse it."""
    if call.schema is None:
        return call
    asked = asking_for(call.schema)
    return replace(call, system=f"{call.system.strip()}\n\n{asked}".strip(), schema=None)


def asking_for(schema: Mapping[str, Any]) -> str:
    """The words that ask for JSON of a schema."""
    return _IN_WORDS.format(schema=json.dumps(schema, ensure_ascii=False))


def read_json(text: str) -> Reading:
    """The JSON object in a reply, whatever stands around it and however it was written.

    What it says is for the caller to check, whether it was mended or not. Raises `InvalidReply` for a reply without an
    object, for one that stops before its end, which mending would hide, and for one that is beyond it.
    """
    try:
        return Reading(from_json(text))
    except ValueError as error:
        wrong = f"The reply is not JSON ({error})."
    written = _THOUGHT.sub("", text)
    fenced = _FENCED.search(written)
    inner = fenced[1] if fenced and "{" in fenced[1] else written
    begin = inner.find("{")
    if begin < 0:
        raise InvalidReply(wrong)
    inner = inner[begin:].strip()
    try:
        value, _ = json.JSONDecoder().raw_decode(inner)
    except (ValueError, RecursionError):
        pass
    else:
        return Reading(_text_only(value, wrong), "unwrapped")
    ends = [found.end() for found in _ENDED.finditer(inner)]
    if '"' in inner[ends[-1] if ends else 0 :]:
        raise InvalidReply("The reply is not JSON: it stops in the middle of it.")
    return _mended(inner, wrong)


def _mended(text: str, wrong: str) -> Reading:
    import json_repair  # takes a tenth of a second, and most replies need none of it

    try:
        with _limited():
            value, repairs = json_repair.repair_json(text, return_objects=True, skip_json_loads=True, logging=True)
    except (ValueError, RecursionError, TimeoutError):
        raise InvalidReply(wrong) from None
    if not isinstance(value, dict) or not value:
        raise InvalidReply(wrong)
    return Reading(_text_only(value, wrong), "repaired", max(1, len(repairs)))


def _text_only(value: Any, wrong: str) -> Any:
    """The value, unless it holds half of a character, as an escape can and text cannot."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise InvalidReply(wrong) from None
    return value


@contextmanager
def _limited() -> Iterator[None]:
    """What runs in the block is ended after so much time. Its searches begin anew at every sign, so a text of 20 kB can
    keep it for half a minute, and the worker with it."""
    deadline = time.thread_time() + MOST_SECONDS

    def look(*_: object) -> None:
        if time.thread_time() > deadline:
            raise TimeoutError

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)
