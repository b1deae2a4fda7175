"""Rows as COPY's text format has them: half the time of the server's, and none of the driver's. Pure."""

from __future__ import annotations

Row = list[bytes | None]
"""The fields of a line; of a log the columns of `HASHED`, then the row's stored hash in hexadecimal, the number of the
server's transaction that wrote what stands there, and the payloads."""

NULL = b"\\N"
ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def read_line(line: bytes) -> Row:
    """The fields of a line of COPY's text format."""
    fields: Row = [None if field == NULL else field for field in line[:-1].split(b"\t")]
    if line.count(b"\\") > fields.count(None):
        return [field if field is None or b"\\" not in field else unescaped(field) for field in fields]
    return fields


def unescaped(field: bytes) -> bytes:
    """A field without the backslashes that COPY put in."""
    if field.count(b"\\") == 2 * field.count(b"\\\\"):
        return field.replace(b"\\\\", b"\\")
    first, *rest = field.split(b"\\")
    written, pieces = [first], iter(rest)
    for piece in pieces:
        if piece:
            written.append(ESCAPED.get(piece[:1], piece[:1]) + piece[1:])
        else:  # a backslash that was doubled
            written.append(b"\\" + next(pieces, b""))
    return b"".join(written)
