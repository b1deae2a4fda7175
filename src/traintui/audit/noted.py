"""What was noted of exports as a digest, which sealed rows have too: which conversations, at which revisions. Pure.

The digest of an export is SHA-256 over its id and over conversation and revision of each, all behind their lengths, in
the order of their bytes; `export_rows_digest` of the database says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import groupby

from traintui.audit.row_hashes import framed
from traintui.data.copied_rows import Row


def nothing_noted(export_id: bytes) -> bytes:
    """The digest of an export of which nothing was noted."""
    return sha256(framed(export_id)).digest()


def noted_digests(rows: Iterable[Row]) -> Iterator[tuple[bytes, bytes]]:
    """Each export of rows that come in the order of their bytes, by its id, with its digest. Nothing is held."""
    for export_id, noted in groupby(rows, key=lambda row: row[0] or b""):
        digest = sha256(framed(export_id))
        for _, conversation_id, revision in noted:
            digest.update(framed(conversation_id) + framed(revision))
        yield export_id, digest.digest()
