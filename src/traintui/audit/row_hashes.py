"""The hash of a log row, computed again from what the server gives as text. Pure.

Not by the database's functions: a superuser may replace those, and what they say then is what he wants them to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from traintui.data.sealed_columns import HASHED, SINCE, Form, Log

VERSIONS: dict[Log, tuple[bytes, ...]] = {
    log: tuple(b"%d" % version for version in range(1, 1 + max(SINCE[log].values(), default=1))) for log in HASHED
}
"""The hash versions of a log that are understood."""
Fields = Sequence[bytes | None]
"""The columns of a row in the order of `HASHED`, each as its text in UTF-8."""


class Digest(bytes):
    """The digest of a text that was erased, in the place of the text."""


def framed(field: bytes | None) -> bytes:
    """A field behind its length in bytes, so that no two lists of fields read the same."""
    return b"-;" if field is None else b"%d:%b;" % (len(field), field)


def digest_of(*fields: str | None) -> bytes:
    """SHA-256 over fields."""
    return sha256(b"".join(framed(None if field is None else field.encode()) for field in fields)).digest()


def of_json(field: bytes | None) -> bytes:
    return b"-;" if field is None else b"64:%b;" % sha256(field).hexdigest().encode()


def of_text(field: bytes | None) -> bytes:
    digest = field if isinstance(field, Digest) else sha256(framed(field)).digest()
    return b"64:%b;" % digest.hex().encode()


DIGESTED: dict[Form, Callable[[bytes | None], bytes]] = {"json": of_json, "digest": of_text}
SPECIAL = {
    log: tuple((place, DIGESTED[column.form]) for place, column in enumerate(columns) if column.form in DIGESTED)
    for log, columns in HASHED.items()
}
LATER = {
    log: {
        version: tuple(
            place for place, column in enumerate(columns) if SINCE[log].get(column.name, 1) > int(version)
        ) for version in VERSIONS[log]
    }
    for log, columns in HASHED.items()
}  # fmt: skip
"""Columns that a version does not cover yet."""
BEGINNING = {log: framed(log.encode()) for log in HASHED}


def row_hash(log: Log, fields: Fields) -> bytes:
    """The hash that a row with these columns has."""
    written = [b"-;" if field is None else b"%d:%b;" % (len(field), field) for field in fields]
    for place, digested in SPECIAL[log]:
        written[place] = digested(fields[place])
    for place in reversed(LATER[log].get(fields[0] or b"", ())):
        del written[place]
    return sha256(BEGINNING[log] + b"".join(written)).digest()
