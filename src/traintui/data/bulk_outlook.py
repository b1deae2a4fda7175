"""What a bulk would do: the exact number, why others would be left alone, and some of those that it would change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from sqlalchemy import BigInteger, ColumnElement, and_, case, exists, func, literal, null, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from traintui.data.batch_models import GenerationItem
from traintui.data.engine import Database
from traintui.data.models import Conversation as C
from traintui.data.models import ConversationTurn as T
from traintui.data.reservation_models import ReservationRow as R
from traintui.data.second_review_models import SecondReviewRow as S

BulkAction = Literal["approve", "reject", "reopen", "flag", "unflag", "delete", "restore", "purge"]
EXAMPLES = 10
AT_ONCE = 50_000
"""Ids of one statement."""
BEGINNING = 200
"""Characters of an example's first turn."""
TARGET: Mapping[str, str] = {"approve": "approved", "reject": "rejected", "reopen": "generated"}

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Example:
    """One that would be changed: its score is 0 to 10, `says` the beginning of what is said first."""

    conversation_id: str
    status: str
    score: Decimal | None
    says: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """How many would be changed, how many left alone for each reason (those of `bulk.BulkResult`), and at most ten of
    the first, from all over the set."""

    number: int
    left_alone: Mapping[str, int]
    examples: tuple[Example, ...]


def reason(action: BulkAction) -> ColumnElement[str | None]:
    """Why an action leaves a conversation alone; null where it does not. The functions of the database decide alike."""
    trash = C.deleted_at.is_not(None)
    if action in TARGET:
        held = exists().where(
            R.conversation_id == C.id, R.reviewer_id != text("session_user"), R.lease_until > func.clock_timestamp()
        )
        open_ones = exists().where(
            S.conversation_id == C.conversation_id, S.revision == C.revision, S.state.in_(("open", "disputed"))
        )
        several = open_ones | func.decisions_asked(C.conversation_id).is_not(None)
        return case(
            (trash, "trash"),
            (C.status.not_in(("generated", "approved", "rejected")), "no text"),
            (C.status == TARGET[action], "already"),
            (and_(literal(action == "approve"), C.tier == "edge_case"), "edge case"),
            (held, "reserved"),
            (and_(literal(action != "reopen"), C.status == "generated", several), "second review"),
            else_=null(),
        )
    if action in ("flag", "unflag"):
        return case((trash, "trash"), (C.flagged == (action == "flag"), "already"), else_=null())
    to_be_written = exists().where(
        GenerationItem.conversation_id == C.id, GenerationItem.state.in_(("queued", "running"))
    )
    if action == "restore":
        return case((~trash, "already"), else_=null())
    elsewhere = (trash, "already") if action == "delete" else (~trash, "kept")
    return case((to_be_written, "batch"), elsewhere, else_=null())


async def outlook(db: Database, ids: Sequence[int], action: BulkAction, *, progress: Progress | None = None) -> Outlook:
    """What an action would do to conversations by their internal ids, of this moment. Nothing is changed.

    A million take some seconds; `progress` is told how many are looked at.
    """
    ordered = sorted(set(ids))
    why = reason(action)
    counted: Counter[str | None] = Counter()
    examples: list[Example] = []
    async with db.read() as connection:
        for start in range(0, len(ordered), AT_ONCE):
            part = ordered[start : start + AT_ONCE]
            found = await connection.execute(select(why, func.count()).where(_among(part)).group_by(why))
            before = counted.total()
            counted.update({name: number for name, number in found})
            counted["gone"] += len(part) - (counted.total() - before)
            if progress is not None:
                progress(start + len(part), len(ordered))
        for candidates in _spread(ordered):
            first = (
                select(func.left(T.content, BEGINNING))
                .where(T.conversation_id == C.id, T.turn_number == 1)
                .scalar_subquery()
            )
            rows = await connection.execute(
                select(C.conversation_id, C.status, C.quality_score, first)
                .where(_among(candidates), why.is_(None))
                .order_by(C.id)
                .limit(EXAMPLES * 2)
            )
            there = {example.conversation_id for example in examples}
            examples += [
                Example(one, status, score, says or "") for one, status, score, says in rows if one not in there
            ]
            if len(examples) >= EXAMPLES or not counted[None]:
                break
    number = counted.pop(None, 0)
    return Outlook(number, {str(name): count for name, count in counted.items() if count}, tuple(examples[:EXAMPLES]))


def _among(ids: Sequence[int]) -> ColumnElement[bool]:
    return C.id == func.any(literal(list(ids), ARRAY(BigInteger())))


def _spread(ordered: Sequence[int]) -> list[Sequence[int]]:
    """Ids to look for examples among: some from all over the set, then all of them, in parts."""
    step = max(1, len(ordered) // (EXAMPLES * 2))
    parts = [ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE)]
    return [ordered[::step][: EXAMPLES * 2 + 1], *parts]
