"""What allows a part of a call to be gone: an erasure that names it, or the purge of its conversation; nothing else.

Both are rows of sealed logs, so who forges one is found by that. The text of an error is under the row hash as a
digest, which its erasure keeps: it is put in the place of the text, and the row hash says whether it is the right one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from traintui.audit.row_hashes import Digest
from traintui.data.sealed_columns import HASHED, Log
from traintui.data.whole_record import Record, Row

ERASURES = """
    SELECT row_id, (extract(epoch FROM row_created_at) * 1000000)::bigint, request_sha256 IS NOT NULL,
           response_sha256 IS NOT NULL, error_sha256, xid8::text::bigint
    FROM erasures WHERE log = 'generation_logs'
"""
PURGED = "SELECT DISTINCT conversation_id FROM review_logs WHERE action = 'purge' AND conversation_id = ANY(%(names)s)"
"""Served by `ix_review_logs_conversation_id_id`."""
PENDING = "SELECT count(*) FROM archive_erasures"
_AT = {column.name: place for place, column in enumerate(HASHED["generation_logs"])}
_ID, _CREATED, _CONVERSATION = _AT["id"], _AT["created_at"], _AT["conversation_id"]
_REQUEST, _ERROR, _LATE = _AT["request_sha256"], _AT["error_message"], _AT["late_reply_to"]
_WIDTH = len(HASHED["generation_logs"])

Why = Literal["never there", "erased"]
"""A late reply has the digest of a request that stands in the row of the call; or an erasure names the part."""


@dataclass(slots=True)
class _Named:
    """What erasures say of one call: the columns with the digests of its payloads that they name."""

    digests: set[int] = field(default_factory=set)
    error: Digest | None = None
    transactions: set[int] = field(default_factory=set)


class Erased:
    """What was erased, as the record says it. It is held as a whole: erasures are few beside rows."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._purges = lru_cache(maxsize=1_000)(record.purges)
        self._named: dict[tuple[int, int], _Named] = defaultdict(_Named)
        for id, created_at, request, response, error, xid8 in record.figures(ERASURES):
            named = self._named[id, created_at]
            named.digests |= {place for place, is_so in ((_REQUEST, request), (_REQUEST + 1, response)) if is_so}
            named.error = Digest(error) if error is not None else named.error
            named.transactions.add(xid8)

    def why(self, row: Row, digest: int) -> Why | None:
        """Why a payload of a call is gone whose digest stands in a column; None where no erasure says it, so that only
        a purge may."""
        if digest == _REQUEST and row[_LATE] is not None:
            return "never there"
        named = self._of(row)
        return "erased" if named is not None and digest in named.digests else None

    def whole(self, log: Log, row: Row) -> Row:
        """The columns under the hash of a row, with the digest of an error in the place of its text, where that was
        erased."""
        if log != "generation_logs" or row[_ERROR] is not None or (named := self._of(row)) is None:
            return row[: len(HASHED[log])]
        return [*row[:_ERROR], named.error, *row[_ERROR + 1 : _WIDTH]]

    def transactions(self, row: Row) -> Collection[int]:
        """The transactions that erased something of a call or purged its conversation, and so wrote its row anew."""
        named, conversation = self._of(row), conversation_of(row)
        purges = set() if conversation is None else self._purges(conversation)
        return purges if named is None else purges | named.transactions

    def purged(self, conversations: Collection[str]) -> set[str]:
        """Which of some conversations were purged."""
        return {name for (name,) in self._record.figures(PURGED, {"names": list(conversations)})}

    def pending(self) -> int:
        """What is still to be taken out of the archive."""
        ((number,),) = self._record.figures(PENDING)
        return int(number)

    def _of(self, row: Row) -> _Named | None:
        return self._named.get((int(row[_ID] or 0), int(row[_CREATED] or 0)))


def conversation_of(row: Row) -> str | None:
    """The conversation that a call was for."""
    said = row[_CONVERSATION]
    return None if said is None else said.decode()
