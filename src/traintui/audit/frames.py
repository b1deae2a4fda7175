"""Frames of the archive: rows of a log as lines of text, some 200 of them together under Zstandard. Pure.

A frame says what it is: unpacked (`zstd -d` does) its first line has the names of the columns, and each line after that
a row, as COPY's text format writes it: tabs between the columns, `\\N` where there is nothing. Times are microseconds
since the epoch, bytes are hexadecimal. That is what row hashes are made of, so that they can be computed again from it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence

from traintui.data.copied_rows import NULL, Row, read_line
from traintui.data.sealed_columns import HASHED, PAYLOADS, Log

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ROWS = 200
"""Rows of a frame: what they have in common is written once, and one of them is read without many others."""
LEVEL = 9
"""Of Zstandard: 8 times smaller on payloads as they come; higher ones take far longer and give little."""
MOST_BYTES = 256_000_000
"""Bytes that a frame may become when it is unpacked."""
ROW_HASH = "row_hash"
NOTED = ("export_id", "conversation_id", "revision")
"""What is kept of the conversations of an export."""
COLUMNS: dict[Log, tuple[str, ...]] = {
    log: (*(column.name for column in columns), ROW_HASH, *(payload for payload, _ in PAYLOADS[log]))
    for log, columns in HASHED.items()
}
"""The columns of a row in a frame: all that the table has."""
ESCAPES = {b"\\": b"\\\\", b"\b": b"\\b", b"\f": b"\\f", b"\n": b"\\n", b"\r": b"\\r", b"\t": b"\\t", b"\v": b"\\v"}

SPECIAL = re.compile(b"[" + b"".join(ESCAPES.values()) + b"]")
Fields = Sequence[bytes | None]


class DamagedFrame(Exception):
    """A frame that cannot be unpacked, or whose lines are not what its first one says."""


def pack(names: Sequence[str], rows: Iterable[Fields]) -> tuple[bytes, int]:
    """Rows as a frame, and their bytes before they are compressed."""
    lines = ["\t".join(names).encode(), *(b"\t".join(map(escaped, fields)) for fields in rows), b""]
    raw = b"\n".join(lines)
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: LEVEL,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    return zstd.compress(raw, options=options), len(raw)


def unpack(content: bytes) -> tuple[tuple[str, ...], list[Row]]:
    """The names of the columns and the rows. Raises `DamagedFrame`."""
    try:
        size = zstd.get_frame_info(content).decompressed_size
        if size is None or size > MOST_BYTES:
            raise DamagedFrame(f"it says to be of {size} bytes")
        raw = zstd.decompress(content)
        if not raw.endswith(b"\n"):
            raise DamagedFrame("its last line is cut")
        head, *lines = raw[:-1].split(b"\n")
        names = tuple(head.decode().split("\t"))
        rows = [read_line(line + b"\n") for line in lines]
    except (zstd.ZstdError, UnicodeDecodeError, ValueError, StopIteration) as error:
        raise DamagedFrame(str(error)) from error
    if any(len(row) != len(names) for row in rows):
        raise DamagedFrame("a line has another number of columns")
    return names, rows


def escaped(field: bytes | None) -> bytes:
    """A field as COPY writes it."""
    if field is None:
        return NULL
    if SPECIAL.search(field) is None:
        return field
    for character, instead in ESCAPES.items():  # the backslash comes first
        field = field.replace(character, instead)
    return field


def archived(log: Log, row: Row) -> Row:
    """A row of the record as a frame has it: without what the server notes beside it."""
    width = len(HASHED[log]) + 1
    return [*row[:width], *row[width + 1 :]]


def recorded(log: Log, names: Sequence[str], row: Row) -> Row:
    """A row of a frame as the record has it; a column that the frame does not know is empty."""
    if names != COLUMNS[log]:
        known = dict(zip(names, row, strict=True))
        row = [known.get(name) for name in COLUMNS[log]]
    width = len(HASHED[log]) + 1
    return [*row[:width], None, *row[width:]]
