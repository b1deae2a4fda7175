"""Which ids a file had before, in 16 bytes or so for each."""

from __future__ import annotations

import hashlib
from array import array


class SeenIds:
    """The ids that were seen and the line of each, as 64-bit digests in an open table.

    Two of a million ids are mistaken for one another in one of 30 million files. A dictionary would take eight times
    the memory, and files have millions of records.
    """

    def __init__(self) -> None:
        self._digests = array("Q", bytes(8 * 1024))  # 0 is free
        self._lines = array("Q", bytes(8 * 1024))
        self._count = 0

    def add(self, identity: str, line: int) -> int | None:
        """Notes an id; the line where it was before, or None."""
        digest = int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest()) or 1
        if self._count * 3 >= len(self._digests) * 2:
            self._grow()
        slot = self._slot(digest)
        if self._digests[slot]:
            return self._lines[slot]
        self._digests[slot], self._lines[slot] = digest, line
        self._count += 1
        return None

    def _slot(self, digest: int) -> int:
        """The place of a digest, or the free one that it would get."""
        mask = len(self._digests) - 1
        slot = digest & mask
        while self._digests[slot] not in (0, digest):
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        digests, lines = self._digests, self._lines
        self._digests = array("Q", bytes(16 * len(digests)))
        self._lines = array("Q", bytes(16 * len(digests)))
        for digest, line in zip(digests, lines, strict=True):
            if digest:
                slot = self._slot(digest)
                self._digests[slot], self._lines[slot] = digest, line
