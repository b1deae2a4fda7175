"""What may have been meant by a word that nobody knows, as the end of a sentence."""

from __future__ import annotations

from collections.abc import Iterable

from traintui.data.nearest import nearest as nearest_name


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.55) -> str:
    """The end of a sentence about a word nobody knows: `, did you mean 'x'?` if one comes near, else `.`"""
    close = nearest_name(word, known, cutoff=cutoff)
    return f", did you mean {close!r}?" if close else "."
