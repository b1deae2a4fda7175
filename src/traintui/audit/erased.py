"""What allows a part of a call to be gone: an erasure that names it, or the purge of its conversation; nothing else.

Both are rows of sealed logs, so who forges one is found by that. What an erasure names is held against the call: its
digests are those of the row, or it proves nothing. The text of an error is under the row hash as a digest, which its
erasure keeps: it is put in the place of the text, and the row hash says whether it is the right one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from traintui.audit.findings import NAMES, Finding
from traintui.audit.row_hashes import Digest, framed, row_hash
from traintui.data.copied_rows import Row
from traintui.data.erasures import PARTS, Part
from traintui.data.sealed_columns import HASHED, Log
from traintui.data.whole_record import Record

ERASURES = """
    SELECT id, row_id, (extract(epoch FROM row_created_at) * 1000000)::bigint, request_sha256, response_sha256,
           error_sha256, xid8::text::bigint, encode(call_row_hash, 'hex'),
           EXISTS (SELECT FROM archive_erasures AS waiting WHERE waiting.erasure_id = erasures.id)
    FROM erasures WHERE log = 'generation_logs' ORDER BY id
"""
PURGES = "SELECT conversation_id, xid8::text::bigint FROM review_logs WHERE action = 'purge'"
WAITING_TO_BE_ERASED = "SELECT conversation_id, failure FROM archive_erasures ORDER BY id"
_AT = {column.name: place for place, column in enumerate(HASHED["generation_logs"])}
_ID, _CREATED, _CONVERSATION, _XID8 = _AT["id"], _AT["created_at"], _AT["conversation_id"], _AT["xid8"]
_ERROR, _LATE = _AT["error_message"], _AT["late_reply_to"]
_WIDTH = len(HASHED["generation_logs"])
_DIGESTS: dict[Part, int] = {"request": _AT["request_sha256"], "response": _AT["response_sha256"]}
_PLACES: dict[Part, int] = {"request": _WIDTH + 2, "response": _WIDTH + 3, "error": _ERROR}
"""Where the parts of a call stand in its row."""

Why = Literal["never there", "erased", "purged"]
"""A late reply has the digest of a request that stands in the row of the call; an erasure names the part; or its
conversation was purged."""


@dataclass(frozen=True, slots=True)
class Named:
    """What one erasure says of a call: the digests of its parts, the hash of its row, in hexadecimal, None where it has
    none, and whether it is still to be done in the archive."""

    id: int
    digests: dict[Part, bytes]
    xid8: int
    row_hash: bytes | None
    is_pending: bool


@dataclass(slots=True)
class Erased:
    """What was erased, as the record says it. It is held as a whole: erasures and purges are few beside rows. `found`
    are erasures that name what their calls do not have; `left_errors` are texts of errors that stand though their
    conversations were purged, as was done before revision 0050."""

    record: Record
    found: list[Finding] = field(default_factory=list)
    left_errors: int = 0
    pending: int = 0
    failures: dict[str, None] = field(default_factory=dict)
    _named: dict[tuple[int, int], list[Named]] = field(default_factory=lambda: defaultdict(list))
    _purges: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _pending: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for id, row_id, created_at, *digests, xid8, hash, is_pending in self.record.figures(ERASURES):
            said = {part: bytes(digest) for part, digest in zip(PARTS, digests, strict=True) if digest is not None}
            named = Named(id, said, xid8, None if hash is None else hash.encode(), is_pending)
            self._named[row_id, created_at].append(named)
        for name, xid8 in self.record.figures(PURGES):
            self._purges[name] = (*self._purges.get(name, ()), xid8)
        for conversation, failure in self.record.figures(WAITING_TO_BE_ERASED):
            self.pending += 1
            if conversation is not None:
                self._pending.add(conversation)
            if failure is not None:
                self.failures[failure] = None

    def why(self, row: Row, digest: int) -> Why | None:
        """Why a payload of a call is gone whose digest stands in a column; None where nothing says who took it."""
        if digest == _DIGESTS["request"] and row[_LATE] is not None:
            return "never there"
        for named in self._of(row):
            if any(_DIGESTS.get(part) == digest for part in named.digests):
                return "erased"
        return "purged" if conversation_of(row) in self._purges else None

    def stands(self, row: Row, *, is_archived: bool) -> bool:
        """Whether a part of a call stands there that was erased, or went with its conversation, as the record says;
        what waits to be taken out of the archive may. What its erasures name is held against it."""
        found = False
        for named in self._of(row):
            for part, digest in named.digests.items():
                if self._differs(row, part, digest):
                    self.found.append(unlike(named, part, int(row[_ID] or 0)))
                elif row[_PLACES[part]] is not None and not (is_archived and named.is_pending):
                    found = True
        conversation = conversation_of(row)
        purges = self._purges.get(conversation, ()) if conversation is not None else ()
        # A conversation may come again under the name of one that was purged: what was called for it later is its own.
        if purges and max(purges) > int(row[_XID8] or 0) and not (is_archived and conversation in self._pending):
            found = found or any(row[_PLACES[part]] is not None for part in _DIGESTS)
            self.left_errors += row[_ERROR] is not None
        return found

    def whole(self, log: Log, row: Row) -> Row:
        """The columns under the hash of a row, with the digest of an error in the place of its text, where that was
        erased."""
        if log != "generation_logs" or row[_ERROR] is not None:
            return row[: len(HASHED[log])]
        digests = dict.fromkeys(named.digests["error"] for named in self._of(row) if "error" in named.digests)
        rows = [[*row[:_ERROR], Digest(digest), *row[_ERROR + 1 : _WIDTH]] for digest in digests] or [row[:_WIDTH]]
        if len(rows) > 1:  # one of them is the right one
            return next((each for each in rows if is_hashed(each, row[_WIDTH])), rows[0])
        return rows[0]

    def allows(self, row: Row, is_written_by: set[int]) -> bool:
        """Whether one of some transactions erased something of a call, or purged its conversation, and so wrote its row
        anew. An erasure says with which hash it left the row."""
        erasures = [named for named in self._of(row) if named.xid8 in is_written_by]
        if erasures:
            return all(named.row_hash in (None, row[_WIDTH]) for named in erasures)
        return any(xid8 in is_written_by for xid8 in self._purges.get(conversation_of(row) or "", ()))

    def transactions(self, row: Row) -> Iterator[int]:
        """The transactions that erased something of a call or purged its conversation."""
        yield from (named.xid8 for named in self._of(row))
        yield from self._purges.get(conversation_of(row) or "", ())

    def _differs(self, row: Row, part: Part, digest: bytes) -> bool:
        """Whether a part of a call that is what its hash says has another digest than an erasure names. Of a text that
        is gone the hash says which."""
        said = row[_ERROR]
        if part != "error":
            is_another = digest.hex().encode() != row[_DIGESTS[part]]
        elif said is not None:
            is_another = sha256(framed(said)).digest() != digest
        else:
            is_another = self.whole("generation_logs", row)[_ERROR] != digest
        return is_another and is_hashed(self.whole("generation_logs", row), row[_WIDTH])

    def _of(self, row: Row) -> list[Named]:
        return self._named.get((int(row[_ID] or 0), int(row[_CREATED] or 0)), [])


def is_hashed(fields: Row, stored: bytes | None) -> bool:
    """Whether a call with these columns has a hash, in hexadecimal."""
    return row_hash("generation_logs", fields).hex().encode() == stored


def unlike(named: Named, part: Part, call: int) -> Finding:
    """An erasure that names what its call does not have."""
    return Finding(
        "witness", f"row {named.id:,} of the {NAMES['erasures']}",
        f"it names another digest of the {part} of call {call:,} than that call has",
        "It does not prove what was taken, and what stands in the archive stays there.",
        "Ask who erased it, and erase the call again: traintui audit erase.", "erasures", named.id, sealed=False,
        at=(named.xid8, named.id),
    )  # fmt: skip


def conversation_of(row: Row) -> str | None:
    """The conversation that a call was for."""
    said = row[_CONVERSATION]
    return None if said is None else said.decode()
