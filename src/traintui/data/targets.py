"""What a verb acts on: one conversation by its public id, those that a filter names, or a list of internal ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import select

from traintui.data.engine import Database
from traintui.data.filters import Filter
from traintui.data.models import Conversation as C
from traintui.data.refusals import ANSWERS, Refused

Target = str | Filter | Sequence[int]
Progress = Callable[[int, int], None]
"""Is told how many are done, of how many."""

AT_ONCE = 1_000
"""Conversations that one transaction changes."""


async def ids_of(db: Database, target: Target) -> list[int]:
    """The internal ids that a target means, ascending, each once. Raises `Refused` (TT002) for a public id that is not
    there; internal ids are not looked up."""
    if not isinstance(target, str | Filter):
        return sorted(set(target))
    wanted = C.conversation_id == target if isinstance(target, str) else target.where
    async with db.read() as connection:
        found = list(await connection.scalars(select(C.id).where(wanted).order_by(C.id)))
    if isinstance(target, str) and not found:
        title, remedy = ANSWERS["TT002"]
        raise Refused(title, f"There is no conversation {target}.", remedy, code="TT002")
    return found


def portions(ids: Sequence[int], size: int = AT_ONCE) -> Iterator[Sequence[int]]:
    """Ids in parts that one transaction takes."""
    return (ids[start : start + size] for start in range(0, len(ids), size))
