"""Lines of a file of any size, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator

from traintui.importing.compression import CHUNK, Broken, Reader
from traintui.importing.conversations import Refused

MAX_LINE_BYTES = 16_000_000
MAX_PASSED_OVER = 256_000_000
"""Bytes of one line after which it is no longer looked for its end: this is no file of lines."""


def numbered(source: Reader) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number (from 1), without its line feed; None for one that is too long, which is not held.

    Raises `Broken` when a line does not end within `MAX_PASSED_OVER` bytes.
    """
    number, carry = 0, b""
    while data := source.read(CHUNK):
        whole = (carry + data).split(b"\n")
        carry = whole.pop()
        for line in whole:
            number += 1
            yield number, line if len(line) <= MAX_LINE_BYTES else None
        if len(carry) > MAX_LINE_BYTES:
            number += 1
            yield number, None
            carry = _after_line(source, len(carry))
    if carry:
        yield number + 1, carry


def _after_line(source: Reader, passed: int) -> bytes:
    """What follows the next line feed in the portion that has it; nothing at the end of the file."""
    while data := source.read(CHUNK):
        if (at := data.find(b"\n")) >= 0:
            return data[at + 1 :]
        passed += len(data)
        if passed > MAX_PASSED_OVER:
            raise Broken(
                "Line too long",
                f"the line does not end within {MAX_PASSED_OVER // 1_000_000} MB; reading stopped there",
                "Give one record a line.",
            )
    return b""


def too_long() -> Refused:
    """The answer to a line that is not held."""
    return Refused("line too long", f"The line is longer than {MAX_LINE_BYTES // 1_000_000} MB.")


def not_utf8(error: UnicodeDecodeError) -> Refused:
    """The answer to a line that is no text."""
    return Refused("not UTF-8", f"Byte {error.start + 1} of it is not UTF-8; save the file as UTF-8.")


def nul() -> Refused:
    """The answer to a text with a NUL, which PostgreSQL cannot hold."""
    return Refused("NUL character", "A text in the record holds a NUL character, which cannot be stored.")
