"""The signature of what a conversation says: a MinHash of its phrases. Only the worker imports this room's library."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from rensa import RMinHash

from traintui.quality.words import words

NUMBERS = 120
"""How many numbers a signature has. The database cuts them into twenty bands of six."""
SEED = 20261101
"""Another one would make every stored signature worthless."""
_PHRASE = 3  # words
_FORM = struct.Struct(f"<{NUMBERS}H")


def signature(contents: Sequence[str]) -> bytes:
    """Return the signature of the contents of a conversation's turns: the same 240 bytes for the same words anywhere.

    Of each number the lower half is kept: two that differ have it in common once in 65,536 times.
    """
    hashed = RMinHash(num_perm=NUMBERS, seed=SEED)
    hashed.update({phrase for content in contents for phrase in _phrases(content)})
    return _FORM.pack(*(number & 0xFFFF for number in hashed.digest()))


def _phrases(content: str) -> Iterator[str]:
    """The runs of three words; where there is not even a word, the content as it is."""
    said = list(words(content))
    if len(said) > _PHRASE:
        return map(" ".join, zip(*(said[place:] for place in range(_PHRASE)), strict=False))
    return iter([" ".join(said) if said else content.strip()])
