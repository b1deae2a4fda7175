"""A log beside its seals: row by row in their order, each hash computed again, and what differs.

Nothing is held but the part that is looked at and what differs. What a difference is, is told once all of it is known:
a row that is missing here may stand elsewhere.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Literal

from traintui.audit.erased import Erased
from traintui.audit.merkle import merkle_root
from traintui.audit.row_hashes import VERSIONS, row_hash
from traintui.data.copied_rows import Row
from traintui.data.seal_records import Key, Part
from traintui.data.sealed_columns import HASHED, PAYLOADS, Log

MOST = 2_000
"""Differences that are kept to be told apart; beyond that they are counted."""
EVERY = 2_000
"""Rows between two words on how far it is."""
WIDTH: dict[Log, int] = {log: len(columns) for log, columns in HASHED.items()}
PLACES: dict[Log, dict[str, int]] = {
    log: {column.name: place for place, column in enumerate(columns)} for log, columns in HASHED.items()
}
PAYLOAD_PLACES: dict[Log, tuple[tuple[int, int], ...]] = {
    log: tuple((WIDTH[log] + 2 + place, PLACES[log][digest]) for place, (_, digest) in enumerate(pairs))
    for log, pairs in PAYLOADS.items()
}

What = Literal["differs", "missing", "stray", "stored hash", "payload", "gone", "stands", "unreadable"]
"""How a row differs: its content from its seal; it is not where a seal has it; no seal has it though it stands among
sealed ones; its column row_hash or a payload from its content; a payload is gone and nothing says who erased it;
something stands that was erased on record; or nobody here knows its hash version."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not as it should be. `sealed` is the hash that its seal has, None where it has none; `row` is what
    stands there, None where nothing does."""

    what: What
    log: Log
    key: Key
    seal: int | None = None
    sealed: bytes | None = None
    row: Row | None = None
    is_archived: bool = False


@dataclass(slots=True)
class BadPart:
    """A part whose rows cannot be named: what its root is made of was changed. `holds` says whether the rows still give
    the root; `found` is how many there are."""

    part: Part
    holds: bool
    found: int
    gone: bool = False


@dataclass(slots=True)
class Walk:
    """What a walk over the logs met. `unsealed` gets each row that no seal can have yet, and whether it is what its own
    hash says; `erased` knows which payloads may be gone."""

    progress: Callable[[int], None]
    unsealed: Callable[[Log, Row, Key, bool], None]
    erased: Erased
    rows: int = 0
    sealed_rows: int = 0
    payloads: int = 0
    erased_payloads: int = 0
    purged_payloads: int = 0
    hidden_rows: int = 0
    number: int = 0
    is_archived: bool = False
    differences: list[Difference] = field(default_factory=list)
    bad_parts: list[BadPart] = field(default_factory=list)

    def note(self, difference: Difference) -> None:
        """Keeps a difference, or counts it."""
        self.number += 1
        if len(self.differences) < MOST:
            self.differences.append(replace(difference, is_archived=True) if self.is_archived else difference)

    def log(
        self, log: Log, rows: Generator[Row, None, None], parts: Generator[Part, None, None], horizon: int,
        hidden: dict[Key, bytes], *, is_archived: bool = False,
    ) -> None:  # fmt: skip
        """Walks one log, or one week of it. Rows from `horizon` on are not sealed yet; `hidden` are rows that cannot be
        read here, and their stored hashes; `is_archived` says that the rows stand in the archive."""
        self.is_archived = is_archived
        # Closed here whatever happens: each of them is in the middle of a question to the server.
        with closing(rows) as read, closing(parts):
            self._beside(log, with_hidden(read, hidden, log) if hidden else read, parts, horizon)

    def _beside(self, log: Log, rows: Iterator[Row], parts: Iterator[Part], horizon: int) -> None:
        row = self._next(rows)
        for part in parts:
            leaves = leaves_of(part)
            while row is not None and key_of(log, row) < part.first:
                self.note(Difference("stray", log, key_of(log, row), row=row))
                row = self._next(rows)
            row = self._part(part, leaves, rows, row) if leaves else self._unnamed(part, rows, row)
        while row is not None:
            key = key_of(log, row)
            if key[0] < horizon:
                self.note(Difference("stray", log, key, row=row))
            elif (computed := self._computed(log, row, key)) is not None:
                self.unsealed(log, row, key, len(row) == 1 or computed.hex().encode() == row[WIDTH[log]])
            row = self._next(rows)

    def _part(
        self, part: Part, leaves: tuple[list[Key], list[bytes]], rows: Iterator[Row], row: Row | None
    ) -> Row | None:
        """Walks the rows of a part beside what its root is made of; returns the first row behind it."""
        log, number, width = part.log, part.number, WIDTH[part.log]
        for wanted, sealed in zip(*leaves, strict=True):
            while row is not None and (key := key_of(log, row)) < wanted:
                self.note(Difference("stray", log, key, row=row))
                row = self._next(rows)
            if row is None or key_of(log, row) != wanted:
                self.note(Difference("missing", log, wanted, number, sealed))
                continue
            self.sealed_rows += 1
            if len(row) == 1:  # hidden from who looks
                if row[0] != sealed.hex().encode():
                    self.note(Difference("differs", log, wanted, number, sealed))
            elif (computed := self._computed(log, row, wanted)) is not None:
                if computed != sealed:
                    self.note(Difference("differs", log, wanted, number, sealed, row))
                elif row[width] != computed.hex().encode():
                    self.note(Difference("stored hash", log, wanted, number, sealed, row))
            row = self._next(rows)
        return row

    def _unnamed(self, part: Part, rows: Iterator[Row], row: Row | None) -> Row | None:
        """Compares a part whose leaves are not to be trusted as a whole."""
        hashes: list[bytes] = []
        while row is not None and (key := key_of(part.log, row)) <= part.last:
            self.sealed_rows += 1
            computed = self._computed(part.log, row, key)
            hashes.append(computed if computed is not None else b"")
            row = self._next(rows)
        holds = merkle_root(hashes) == part.root
        self.bad_parts.append(BadPart(part, holds, len(hashes), part.row_hashes is None))
        return row

    def _computed(self, log: Log, row: Row, key: Key) -> bytes | None:
        """The hash of a row, once its payloads were compared with their digests; None where nobody here can say."""
        if len(row) == 1:
            return bytes.fromhex((row[0] or b"").decode())
        if row[0] not in VERSIONS[log]:
            self.note(Difference("unreadable", log, key, row=row))
            return None
        gone = False
        for payload, digest in PAYLOAD_PLACES[log]:
            said = row[payload]
            if said is not None:
                self.payloads += 1
                if sha256(said).hexdigest().encode() != row[digest]:
                    self.note(Difference("payload", log, key, row=row))
            elif row[digest] is not None:
                gone = self._gone(row, digest) or gone
        if gone:  # a call without both of them is one finding
            self.note(Difference("gone", log, key))
        if log == "generation_logs" and self.erased.stands(row, is_archived=self.is_archived):
            self.note(Difference("stands", log, key))
        return row_hash(log, self.erased.whole(log, row))

    def _gone(self, row: Row, digest: int) -> bool:
        """Whether a payload is gone that nothing says who took."""
        why = self.erased.why(row, digest)
        self.erased_payloads += why == "erased"
        self.purged_payloads += why == "purged"
        return why is None

    def _next(self, rows: Iterator[Row]) -> Row | None:
        row = next(rows, None)
        if row is not None:
            self.rows += 1
            self.hidden_rows += len(row) == 1
            if self.rows % EVERY == 0:
                self.progress(self.rows)
        return row


def key_of(log: Log, row: Row) -> Key:
    """Where a row stands. One that is hidden knows it by itself."""
    if isinstance(row, HiddenRow):
        return row.key
    return int(row[WIDTH[log] - 1] or 0), int(row[1] or 0)


class HiddenRow(Row):
    """A row of which only key and stored hash are known here."""

    key: Key


def with_hidden(rows: Iterator[Row], hidden: dict[Key, bytes], log: Log) -> Iterator[Row]:
    """Rows with those between them that are hidden from this login, in their order."""
    waiting = sorted(hidden)
    for row in rows:
        key = key_of(log, row)
        while waiting and waiting[0] < key:
            yield hidden_row(waiting[0], hidden[waiting.pop(0)])
        yield row
    for left in waiting:
        yield hidden_row(left, hidden[left])


def hidden_row(key: Key, stored: bytes) -> HiddenRow:
    row = HiddenRow([stored.hex().encode()])
    row.key = key
    return row


def leaves_of(part: Part) -> tuple[list[Key], list[bytes]] | None:
    """Keys and hashes of the rows of a part; None where they are gone, or do not give what the seal has."""
    keys, hashes = part.keys, part.row_hashes
    if keys is None or hashes is None or len(keys) != 16 * part.row_count or len(hashes) != 32 * part.row_count:
        return None
    leaves = [hashes[start : start + 32] for start in range(0, len(hashes), 32)]
    if sha256(keys).digest() != part.keys_sha256 or merkle_root(leaves) != part.root:
        return None
    return list(struct.iter_unpack(">qq", keys)), leaves
