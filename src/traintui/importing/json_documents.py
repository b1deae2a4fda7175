"""Records of one large JSON document, whose place may be deep inside, without holding the document.

Libraries that read JSON in portions know neither the line of a record nor a bound for it, so records are found here by
their brackets; what is inside one is for `orjson` to judge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from traintui.importing import lines
from traintui.importing.compression import CHUNK, Broken, Reader

EVERY = "*"
"""A step that stands for every element of a list and every value of an object."""
MAX_STEPS = 4
"""How deep a list of records is looked for where nobody says its place."""
MOST_KEYS = 12
"""Keys that an answer names."""

_BLANKS = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([\[\]{}])', re.DOTALL)
_LITERAL = re.compile(rb"[^\s,:\[\]{}\"]*+")


class Document:
    """One pass through a JSON document. `line` (from 1) is where it is."""

    def __init__(self, source: Reader) -> None:
        self.line = 1
        self._source = source
        self._buffer = source.read(CHUNK).removeprefix(b"\xef\xbb\xbf")
        self._at = 0  # what stands before is done with
        self._keys: dict[str, None] = {}

    def records(self, steps: Sequence[str]) -> Iterator[tuple[int, bytes]]:
        """Every record with its line: the elements of the list at `steps`, or what stands there if it is no list.

        Raises `Broken` where brackets or commas are wrong, a record is too long, nothing is at `steps`, or something
        follows the document.
        """
        found = False
        for record in self._below(list(steps), top=True):
            found = True
            yield record
        if self._peek():
            raise self._wrong("something follows the end of the document")
        if not found and steps and steps[0] not in (EVERY, *self._keys):
            seen = ", ".join(f"“{key[:40]}”" for key in list(self._keys)[:MOST_KEYS]) or "none"
            raise Broken(
                "Records not found",
                f"the document has no key “{steps[0]}”; its keys are {seen}",
                "Name the place of the list in the mapping, as in records = 'data.conversations'.",
            )

    def place_of_records(self, is_record: Callable[[Any], bool]) -> tuple[str, ...] | None:
        """The steps to the first list that begins with a record; None if there is none near the top."""
        return self._search((), is_record)

    def _below(self, steps: list[str], *, top: bool = False) -> Iterator[tuple[int, bytes]]:
        kind = self._peek()
        if not steps:
            if kind == b"[":
                yield from (self._value() for _ in self._items(b"]"))
            else:
                yield self._value()
        elif kind == b"{":
            for key in self._members():
                if (top and len(self._keys) <= MOST_KEYS) or key == steps[0]:
                    self._keys[key] = None
                if steps[0] in (EVERY, key):
                    yield from self._below(steps[1:])
                else:
                    self._skip()
        elif kind == b"[" and steps[0] == EVERY:
            for _ in self._items(b"]"):
                yield from self._below(steps[1:])
        else:
            self._skip()

    def _search(self, steps: tuple[str, ...], is_record: Callable[[Any], bool]) -> tuple[str, ...] | None:
        kind = self._peek()
        if kind == b"[":
            for number, _ in enumerate(self._items(b"]")):
                if number == 0 and is_record(_loaded(self._value()[1])):
                    return steps
                if number:
                    self._skip()
        elif kind == b"{" and len(steps) < MAX_STEPS:
            for key in self._members():
                if (found := self._search((*steps, key), is_record)) is not None:
                    return found
        else:
            self._skip()
        return None

    def _items(self, close: bytes) -> Iterator[None]:
        """Stops before each element of what begins here, for the caller to take it."""
        self._advance(1)
        if self._peek() == close:
            self._advance(1)
            return
        while True:
            yield
            mark = self._peek()
            if mark not in (b",", close):
                raise self._wrong(f"a comma or “{close.decode()}” is missing")
            self._advance(1)
            if mark == close:
                return

    def _members(self) -> Iterator[str]:
        """Stops before the value of each key."""
        for _ in self._items(b"}"):
            if self._peek() != b'"':
                raise self._wrong("a key in quotes is missing")
            key = _loaded(self._value()[1])
            if self._peek() != b":":
                raise self._wrong("a colon is missing")
            self._advance(1)
            yield key if isinstance(key, str) else ""

    def _value(self) -> tuple[int, bytes]:
        """The value that begins here, and its line."""
        kind = self._peek()
        line, length = self.line, self._length(kind)
        value = self._buffer[self._at : self._at + length]
        self._advance(length)
        return line, value

    def _length(self, kind: bytes) -> int:
        """Bytes of the value that begins here, which are held from then on."""
        depth = length = 0
        while True:
            if kind in (b"[", b"{"):
                if match := _TO_BRACKET.match(self._buffer, self._at + length):
                    length = match.end() - self._at
                    depth += 1 if match[1] in b"[{" else -1
                    if depth == 0:
                        return length
                    continue
            elif kind == b'"':
                if match := _STRING.match(self._buffer, self._at):
                    return match.end() - self._at
            else:
                match = _LITERAL.match(self._buffer, self._at)
                end = match.end() if match else self._at
                if end < len(self._buffer) or not self._more():
                    if end == self._at:
                        raise self._wrong("a value is missing")
                    return end - self._at
                continue
            if not self._more():
                raise self._cut_off()

    def _skip(self) -> None:
        """Passes over a value; a long list or object is not held meanwhile."""
        if self._peek() not in (b"[", b"{"):
            self._value()
            return
        depth = 0
        while True:
            if match := _TO_BRACKET.match(self._buffer, self._at):
                self._advance(match.end() - self._at)
                depth += 1 if match[1] in b"[{" else -1
                if depth == 0:
                    return
            elif not self._more():
                raise self._cut_off()

    def _peek(self) -> bytes:
        """The next byte that is no blank; nothing at the end of the file."""
        while True:
            match = _BLANKS.match(self._buffer, self._at)
            if match is not None:
                self._advance(match.end() - self._at)
            if self._at < len(self._buffer):
                return self._buffer[self._at : self._at + 1]
            if not self._more():
                return b""

    def _advance(self, count: int) -> None:
        self.line += self._buffer.count(b"\n", self._at, self._at + count)
        self._at += count

    def _more(self) -> bool:
        held = self._buffer[self._at :]
        if len(held) > lines.MAX_LINE_BYTES:
            raise Broken(
                "Record too long",
                f"what begins here is longer than {lines.MAX_LINE_BYTES // 1_000_000} MB; reading stopped there",
                "If the records are deeper inside, name their place in a mapping; else shorten the record.",
            )
        data = self._source.read(CHUNK)
        self._buffer, self._at = held + data, 0
        return bool(data)

    def _wrong(self, what: str) -> Broken:
        if not self._peek():
            return self._cut_off()
        return Broken("Not JSON", what, "Write the file anew, or mend that place.")

    def _cut_off(self) -> Broken:
        return Broken("File cut off", "what begins here does not end within the file", "Copy or fetch it again.")


def _loaded(value: bytes) -> Any:
    """What a value says; None where it is no JSON."""
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
