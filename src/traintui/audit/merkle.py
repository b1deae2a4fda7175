"""The Merkle tree of RFC 6962 (section 2.1) over row hashes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256


def merkle_root(hashes: Iterable[bytes]) -> bytes:
    """The root over leaves in their order; that of no leaves is the SHA-256 of nothing.

    A tree that is built in pairs, level by level, with an odd one taken along, is the one that the RFC splits at the
    largest power of two.
    """
    level = [sha256(b"\x00" + leaf).digest() for leaf in hashes]
    if not level:
        return sha256(b"").digest()
    while len(level) > 1:
        odd = level[len(level) & ~1 :]
        level = [sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
        level += odd
    return level[0]
