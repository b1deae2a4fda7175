"""Turns that are written anew: asking for them, what a worker is given, what it stores, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select, text

from traintui.data import judgements
from traintui.data.batch_models import Batch, GenerationItem
from traintui.data.engine import Database
from traintui.data.judgement_records import ToJudge
from traintui.data.models import Conversation as C
from traintui.data.records import Turn
from traintui.data.reviews import Seen
from traintui.data.storable import as_json, storable
from traintui.data.work import ClaimedItem

Stored = Literal["stored", "moved_on", "lost"]
"""Whether a revision was made; or the conversation is another by now, or the item another worker's."""


async def begin(
    db: Database,
    seen: Seen,
    *,
    first: int,
    last: int,
    name: str,
    definition: Mapping[str, Any],
    template_id: int,
    model: str,
    is_rehearsal: bool,
) -> int:
    """Asks for the turns from `first` to `last`, counted from 1, of a conversation as it was seen. Returns the id of
    the batch, which waits for a worker.

    Raises `Refused`: stale when it moved on, TT003 while it is being written anew already, and when one may not.
    """
    async with db.write() as connection:
        batch_id = await connection.scalar(
            text(
                "SELECT begin_regeneration(:conversation_id, :revision, :decision_id, :first, :last, :name,"
                " CAST(:definition AS jsonb), :template_id, :model, :is_rehearsal)"
            ),
            {
                "conversation_id": seen.conversation_id, "revision": seen.revision, "decision_id": seen.decision_id,
                "first": first, "last": last, "name": name, "definition": as_json(definition),
                "template_id": template_id, "model": model, "is_rehearsal": is_rehearsal,
            },
        )  # fmt: skip
    return int(batch_id or 0)


async def to_rewrite(db: Database, item: ClaimedItem, seen: Seen) -> ToJudge | None:
    """The conversation of an item with its source and dimensions, as it was when its turns were asked for; None where
    it moved on since, was moved to the trash, or was purged."""
    async with db.read() as connection:
        decision = await connection.scalar(select(C.decision_id).where(C.conversation_id == item.conversation_id))
    found = await judgements.to_judge(db, item)
    if found is None or found.is_deleted or (found.revision, decision) != (seen.revision, seen.decision_id):
        return None
    return found


async def store(
    db: Database,
    item: ClaimedItem,
    seen: Seen,
    turns: Sequence[Turn],
    *,
    first: int,
    reason: str | None,
    note: str | None,
    log_id: int,
    finish: tuple[str, Mapping[str, Any]],
) -> Stored:
    """Stores the turns whole as a revision, together with the end of the call `log_id`, in one transaction. `finish` is
    the statement of `attempts.finishing`; it is run whatever becomes of the rest."""
    statement, values = finish
    written = [{"role": turn.role, "content": turn.content, "train": turn.train} for turn in turns]
    async with db.write() as connection:
        stored: Stored = await connection.scalar(
            text(
                "SELECT store_regenerated(:id, :fence, :revision, :decision_id, :first, CAST(:turns AS jsonb), :reason,"
                " :note, :log_id)"
            ),
            {
                "id": item.id, "fence": item.fence, "revision": seen.revision, "decision_id": seen.decision_id,
                "first": first, "turns": as_json(written), "reason": storable(reason), "note": storable(note),
                "log_id": log_id,
            },
        )  # fmt: skip
        await connection.execute(text(statement), dict(values))
    return stored


@dataclass(frozen=True, slots=True)
class Regeneration:
    """How far a request for turns is. `reason` says why it failed, or what its batch waits for."""

    batch_id: int
    conversation_id: str
    state: Literal["waits", "paused", "done", "failed"]
    reason: str


async def outcomes(db: Database, batch_ids: Collection[int]) -> tuple[Regeneration, ...]:
    """What became of some requests; of a conversation that was purged nothing is known. Served by
    `ix_generation_items_batch_id_state`."""
    I, B = GenerationItem, Batch  # noqa: E741 - aliases of tables
    statement = (
        select(B.id, C.conversation_id, I.state, I.last_error, B.state, B.state_reason)
        .join(I, I.batch_id == B.id)
        .join(C, C.id == I.conversation_id)
        .where(B.id.in_(list(batch_ids)), I.kind == "regenerate")
        .order_by(B.id)
    )
    async with db.read() as connection:
        return tuple(_outcome(*row) for row in await connection.execute(statement))


def _outcome(
    batch_id: int, conversation_id: str, item: str, error: str | None, batch: str, batch_reason: str | None
) -> Regeneration:
    if item == "done":
        return Regeneration(batch_id, conversation_id, "done", "")
    if item in {"failed", "cancelled"}:
        return Regeneration(batch_id, conversation_id, "failed", error or "No reason was recorded.")
    if batch == "paused":
        return Regeneration(batch_id, conversation_id, "paused", batch_reason or "")
    return Regeneration(batch_id, conversation_id, "waits", error or "")
