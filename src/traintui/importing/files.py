"""Reading a person's file: one place for what can be wrong with it as a whole."""

from __future__ import annotations

import codecs
import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from traintui.errors import TraintuiError


def shown(path: Path) -> str:
    """Return the path as it may be printed: names that are not UTF-8 or hold control characters lose those."""
    text = os.fspath(path).encode("utf-8", "replace").decode("utf-8")
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def opened(path: Path) -> BinaryIO:
    """The file on disk, open for reading.

    Raises TraintuiError if it is missing, a directory, not a regular file, a link that leads to itself, or unreadable.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise TraintuiError(
                "Not a file", f"{shown(path)} is a directory.", "Name the files in it, for example with a * at the end."
            )
        if not stat.S_ISREG(status.st_mode):
            # A pipe would block here until somebody writes to it.
            raise TraintuiError(
                "Not a file", f"{shown(path)} is not a regular file.", "Save its content in a file and import that."
            )
        return path.open("rb")
    except (FileNotFoundError, ValueError) as error:
        raise TraintuiError(
            "File not found", f"There is no file {shown(path)}.", "Check the name and the folder."
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error


def read_bytes(path: Path, *, limit: int) -> bytes:
    """Return the whole file as it is on disk.

    Raises TraintuiError like `opened`, and if the file is empty or larger than `limit` bytes.
    """
    with opened(path) as source:
        try:
            data = source.read(limit + 1)
        except OSError as error:
            raise unreadable(path, error) from error
    if len(data) > limit:
        raise TraintuiError(
            "File too large",
            f"{shown(path)} is larger than {limit // 1_000_000} MB, so nothing of it was read.",
            "Split it and import the parts.",
        )
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise empty(path)
    return data


def decode(path: Path, data: bytes, *, line: int = 1, offset: int = 0) -> str:
    """Return UTF-8 `data` as text, without a byte order mark at the start of the file.

    `line` (from 1) and `offset` (bytes) say where in the file `data` begins. Raises TraintuiError if it is not UTF-8.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        found_line = line + data.count(b"\n", 0, error.start)
        raise TraintuiError(
            "Not UTF-8",
            f"{shown(path)} is not UTF-8 text: line {found_line}, byte {offset + error.start}.",
            "Save it as UTF-8 and import it again.",
        ) from error
    return text.removeprefix("\ufeff") if offset == 0 else text


def unreadable(path: Path, error: OSError) -> TraintuiError:
    """Return the answer to a file that the system does not give."""
    loop = error.errno == errno.ELOOP
    return TraintuiError(
        "File not readable",
        f"{shown(path)} could not be read: {error.strerror or error}.",
        "It is a link that leads to itself; name the file." if loop else "Check its permissions and try again.",
    )


def empty(path: Path) -> TraintuiError:
    """Return the answer to a file without any text."""
    return TraintuiError("Empty file", f"{shown(path)} holds no text.", "Check that it was saved, and import it again.")
