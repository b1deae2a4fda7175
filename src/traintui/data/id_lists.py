"""Internal ids of conversations, many at once."""

from __future__ import annotations

from collections.abc import Sequence

Ids = Sequence[int]


def listed(ids: Ids) -> str:
    """Ids as PostgreSQL reads an array; the driver would make and look at a number for each."""
    return f"{{{','.join(map(str, ids))}}}"
