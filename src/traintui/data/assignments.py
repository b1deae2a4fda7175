"""Assigned work: a share of conversations for each reviewer, given and taken back by authors, on record."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from sqlalchemy import func, select, text

from traintui.data.assignment_models import AssignmentLog as L
from traintui.data.assignment_models import AssignmentRow as A
from traintui.data.engine import Database
from traintui.data.models import Conversation as C
from traintui.data.retrying import one_row
from traintui.data.storable import storable
from traintui.data.targets import Progress, portions

UNDECIDED = ("planned", "generating", "generated")
"""The statuses of what can be assigned."""
SIZE = 5_000
"""Conversations of one transaction."""

REVIEWERS = text("""
    SELECT rolname::text FROM pg_roles
    WHERE rolcanlogin AND NOT rolsuper AND left(rolname, 9) <> 'traintui_'
      AND pg_has_role(oid, 'traintui_reviewer', 'MEMBER')
    ORDER BY rolname
""")


COUNTED = (
    select(
        A.reviewer_id,
        func.count().filter(C.status.in_(UNDECIDED)),
        func.count().filter(C.status.in_(("approved", "rejected"))),
    )
    .join(C, C.id == A.conversation_id)
    .where(C.deleted_at.is_(None))
    .group_by(A.reviewer_id)
)


@dataclass(frozen=True, slots=True)
class Share:
    """A person who may review, and of what is assigned to them: how many still have to be decided, and how many are
    (what failed or is in the trash counts as neither)."""

    reviewer_id: str
    waiting: int = 0
    decided: int = 0


@dataclass(frozen=True, slots=True)
class Shared:
    """What became of a sharing: how many conversations changed hands, why others did not (`gone`, `trash`, `decided`,
    `already`), and how many a stop `left`."""

    sharing_id: str
    done: int
    skipped: Mapping[str, int]
    left: int = 0


@dataclass(frozen=True, slots=True)
class SharingEntry:
    """A row of the record: `action` is assign or take_back; `filter_text` None where they were chosen one by one."""

    sharing_id: str
    action: str
    reviewer_id: str
    number: int
    filter_text: str | None
    assigned_by: str


async def shares(db: Database) -> tuple[Share, ...]:
    """Everybody who may review, by name, with what is assigned to them.

    Served by `ix_assignments_reviewer_id_conversation_id` and the primary key: it reads what is assigned and no more.
    """
    async with db.read() as connection:
        names = list(await connection.scalars(REVIEWERS))
        known = {name: Share(name, waiting, decided) for name, waiting, decided in await connection.execute(COUNTED)}
    # Who may not review any more still has what was theirs, until it is given to somebody else.
    return tuple(known.get(name, Share(name)) for name in sorted({*names, *known}))


async def reviewers(db: Database) -> tuple[str, ...]:
    """Who may review, by name."""
    async with db.read() as connection:
        return tuple(await connection.scalars(REVIEWERS))


async def share_of(db: Database) -> Share:
    """What is assigned to the person logged in. Served as `shares`."""
    async with db.read() as connection:
        row = (await connection.execute(COUNTED.where(A.reviewer_id == db.login))).one_or_none()
    return Share(db.login) if row is None else Share(*row)


def sizes(number: int, weights: Mapping[str, int]) -> dict[str, int]:
    """How many of so many each gets, as their weights say, to within one; in the order of their names."""
    total, passed, begin = sum(weights.values()), 0, 0
    found: dict[str, int] = {}
    for name in sorted(weights):
        passed += weights[name]
        end = number * passed // total if total else 0
        found[name], begin = end - begin, end
    return found


def divided(ids: Sequence[int], weights: Mapping[str, int], *, seed: int) -> list[tuple[int, str | None]]:
    """Who gets which: as many as their weights say, to within one, and a mix of all, the same for the same `seed`.

    Raises `ValueError` where nobody has a weight above 0.
    """
    if not any(weights.values()):
        raise ValueError("nobody has a weight")
    mixed = sorted(set(ids))
    Random(seed).shuffle(mixed)  # noqa: S311 - nobody gains by guessing it
    given: list[tuple[int, str | None]] = []
    for name, number in sizes(len(mixed), weights).items():
        begin = len(given)
        given += [(one, name) for one in mixed[begin : begin + number]]
    return sorted(given)


def new_sharing_id() -> str:
    """An id for one sharing."""
    return f"s_{uuid.uuid4().hex}"


async def assign(
    db: Database,
    given: Sequence[tuple[int, str | None]],
    *,
    filter_text: str | None = None,
    progress: Progress | None = None,
    stop: asyncio.Event | None = None,
) -> Shared:
    """Gives each conversation, by its internal id, to somebody, whoever had it; None takes it back.

    Only what is still to be decided changes hands. In transactions of `SIZE`; what is done before a stop stays. Raises
    `Refused` for who is no author (TT004), and for a name that may not review (TT003).
    """
    sharing_id, done, passed = new_sharing_id(), 0, 0
    skipped: Counter[str] = Counter()
    for portion in portions(range(len(given)), SIZE):
        if stop is not None and stop.is_set():
            break
        pairs = given[portion[0] : portion[-1] + 1]
        now, why = await one_row(
            db, "SELECT done, skipped FROM assign_many(:ids, CAST(:reviewers AS text[]), :sharing_id, :filter)",
            {
                "ids": [one for one, _ in pairs], "reviewers": [name for _, name in pairs], "sharing_id": sharing_id,
                "filter": storable(filter_text),
            },
        )  # fmt: skip
        done += now
        skipped.update(why)
        passed += len(pairs)
        if progress is not None:
            progress(passed, len(given))
    return Shared(sharing_id, done, dict(skipped), len(given) - passed)


async def record(db: Database, *, limit: int = 200) -> tuple[SharingEntry, ...]:
    """The newest rows of the record. Served by its primary key."""
    columns = (L.sharing_id, L.action, L.reviewer_id, L.conversation_count, L.filter, L.assigned_by)
    async with db.read() as connection:
        return tuple(
            SharingEntry(*row) for row in await connection.execute(select(*columns).order_by(L.id.desc()).limit(limit))
        )
