"""What allows a payload to be gone. Rows hold digests of payloads, so that they can be erased and the record still
verifies; whoever erases leaves a row that says so, and one that is gone without it was taken out past the guards.

Everything that may erase is named here, and nowhere else.
"""

from __future__ import annotations

from functools import lru_cache

from traintui.audit.walking import PLACES
from traintui.data.sealed_columns import Log
from traintui.data.whole_record import Record, Row

KNOWN = 10_000
"""Conversations of which is held whether they were purged."""


class Erased:
    """What on record allows payloads to be gone."""

    def __init__(self, record: Record) -> None:
        self._purges = lru_cache(maxsize=KNOWN)(record.purges)

    def purges_of(self, row: Row) -> set[int]:
        """The transactions in which the conversation of a call was purged."""
        conversation = row[PLACES["generation_logs"]["conversation_id"]]
        return set() if conversation is None else self._purges(conversation.decode())

    def allows(self, log: Log, row: Row, payload: str) -> bool:
        """Whether a payload of a row may be gone: its conversation was purged; or it never stood there, since the row
        is of a late reply, whose request is with the call that it came for."""
        if log != "generation_logs":
            return False
        if payload == "request_payload" and row[PLACES[log]["late_reply_to"]] is not None:
            return True
        return bool(self.purges_of(row))
