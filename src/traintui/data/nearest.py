"""What a person may have meant by a name that there is not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST = 200
"""Characters of a name that are compared; a longer one is no slip of the hand."""


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known name that is most like `name`, or None when none comes near: 1 for `cutoff` asks for the same."""
    return next(iter(difflib.get_close_matches(name[:LONGEST], list(known), 1, cutoff)), None)
