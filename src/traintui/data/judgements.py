"""Judges' opinions: batches that only judge, what a judge is shown, and what it said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    bindparam,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.batch_models import Batch, BatchFigures, GenerationItem, Plan
from traintui.data.conversation_text import source_of, turns_of
from traintui.data.engine import Database
from traintui.data.judgement_models import JudgementRow as J
from traintui.data.judgement_records import Judgement, JudgeProgress, Judging, Span, ToJudge, judgement_of
from traintui.data.models import DIMENSIONS
from traintui.data.models import Conversation as C
from traintui.data.storable import as_json
from traintui.data.work import ClaimedItem
from traintui.errors import TraintuiError

WITH_TEXT = C.status.in_(("generated", "approved", "rejected")) & C.deleted_at.is_(None)
"""What can be judged."""
COLUMNS = tuple(getattr(J, name) for name in (*(n for n in Judgement.__slots__ if n != "criteria"), "scores", "spans"))


def among(ids: Sequence[int]) -> ColumnElement[bool]:
    """The condition that names conversations by their internal ids."""
    named: ColumnElement[bool] = C.id == func.any(literal(list(ids), ARRAY(BigInteger())))
    return named


@dataclass(frozen=True, slots=True)
class Readable:
    """Which of some conversations can be judged, by their internal ids; how many others there are, without their text
    and `real` ones, which no rehearsal judges; and how many characters one has on average together with its chunk."""

    ids: tuple[int, ...]
    unreadable: int
    real: int
    characters: float


async def readable(db: Database, wanted: ColumnElement[bool], *, is_rehearsal: bool) -> Readable:
    """Of the conversations that are wanted, what can be judged. A rehearsal invents its opinions, and so is asked for
    none of what is real. The characters are those of a sample of a hundred."""
    among = and_(wanted, WITH_TEXT)
    statement = select(C.id).where(and_(among, C.is_rehearsal) if is_rehearsal else among).order_by(C.id)
    async with db.read() as connection:
        ids = tuple((await connection.scalars(statement)).all())
        total = await connection.scalar(select(func.count()).select_from(C).where(wanted)) or 0
        written = await connection.scalar(select(func.count()).select_from(C).where(among)) or 0
        sample = ids[:: -(-len(ids) // 100) or 1]
        length = await connection.scalar(LENGTH, {"ids": list(sample)})
    return Readable(ids, total - written, written - len(ids), float(length or 0))


LENGTH = text("""
    SELECT avg(coalesce(length(chunk.content), 0) + (
        SELECT coalesce(sum(length(content)), 0) FROM conversation_turns AS turn WHERE turn.conversation_id = one.id))
    FROM conversations AS one LEFT JOIN chunks AS chunk ON chunk.id = one.chunk_id WHERE one.id = ANY(:ids)
""")

# One statement, so that the number of the batch is that of its items, whatever is moved to the trash meanwhile.
BEGIN = text("""
    WITH chosen AS (
        SELECT id, turn_count FROM conversations
        WHERE id = ANY(CAST(:ids AS bigint[])) AND status IN ('generated', 'approved', 'rejected')
          AND deleted_at IS NULL AND (is_rehearsal OR NOT :is_rehearsal)
    ), batch AS (
        INSERT INTO batches (plan_id, template_id, judge_template_id, name, model, judge_model, kind, total,
                             is_rehearsal, budget_usd, priority)
        SELECT :plan_id, :rubric_id, :rubric_id, :name, :model, :model, 'judge', count(*), :is_rehearsal, :budget_usd,
               :priority
        FROM chosen HAVING count(*) > 0 RETURNING id
    ), item AS (
        INSERT INTO generation_items (batch_id, conversation_id, kind, exchanges, variation)
        SELECT batch.id, chosen.id, 'judge', chosen.turn_count / 2, 0 FROM chosen, batch ORDER BY chosen.id
    )
    SELECT id FROM batch
""")


async def begin(
    db: Database,
    ids: Sequence[int],
    *,
    name: str,
    definition: Mapping[str, Any],
    rubric_id: int,
    model: str,
    is_rehearsal: bool,
    budget_usd: Decimal | None = None,
    priority: int = 0,
) -> int:
    """Stores a batch that judges the conversations with these internal ids, whole or not at all; its id.

    Raises `TraintuiError` where none of them can be judged, and `Refused` when one may not.
    """
    async with db.write() as connection:
        plan_id = await connection.scalar(
            insert(Plan).values(name=name, definition=dict(definition)).returning(Plan.id)
        )
        values = {
            "ids": list(ids), "plan_id": plan_id, "rubric_id": rubric_id, "name": name, "model": model,
            "is_rehearsal": is_rehearsal, "budget_usd": budget_usd, "priority": priority,
        }  # fmt: skip
        batch_id = await connection.scalar(BEGIN, values)
        if batch_id is None:
            raise TraintuiError(
                "Nothing to judge", "no conversation that was asked for can be judged.", "Change the filter."
            )
        return int(batch_id)


async def to_judge(db: Database, item: ClaimedItem) -> ToJudge | None:
    """The conversation of an item as it is now; None when it was purged."""
    columns = (*(getattr(C, name) for name in DIMENSIONS), C.id, C.revision, C.system_prompt, C.chunk_id, C.deleted_at)
    async with db.read() as connection:
        row = (
            await connection.execute(select(*columns).where(C.conversation_id == item.conversation_id))
        ).one_or_none()
        if row is None:
            return None
        return ToJudge(
            item.conversation_id, row.revision, row.system_prompt,
            {name: row._mapping[name] for name in DIMENSIONS}, await turns_of(connection, row.id),
            await source_of(connection, row.chunk_id), row.deleted_at is not None,
        )  # fmt: skip


async def store(
    db: Database,
    item: ClaimedItem,
    *,
    revision: int,
    model: str,
    scores: Mapping[str, Mapping[str, Any]],
    spans: Sequence[Span],
    spans_dropped: int,
    call: tuple[int, Any],
    finish: tuple[str, Mapping[str, Any]],
) -> bool:
    """Stores an opinion of a revision together with the end of its `call` (id and time), in one transaction.

    `scores` has `score` and `sentence` for each criterion; `finish` is the statement of `attempts.finishing`. False
    when the item is not ours any more: then only the call is completed.
    """
    statement, values = finish
    pointed = [{name: getattr(span, name) for name in Span.__slots__} for span in spans]
    async with db.write() as connection:
        stored = await connection.scalar(
            text(
                "SELECT store_judgement(:id, :fence, :revision, :model, CAST(:scores AS jsonb), CAST(:spans AS jsonb),"
                " :dropped, :log_id, :logged_at)"
            ),
            {
                "id": item.id, "fence": item.fence, "revision": revision, "model": model, "scores": as_json(scores),
                "spans": as_json(pointed), "dropped": spans_dropped, "log_id": call[0], "logged_at": call[1],
            },
        )  # fmt: skip
        await connection.execute(text(statement), dict(values))
    return bool(stored)


_ITEM = GenerationItem
_NEWEST = (
    select(*COLUMNS)
    .where(
        J.conversation_id == bindparam("one"), J.revision == bindparam("revision"),
        or_(bindparam("is_rehearsal"), ~J.is_rehearsal),
    )
    .order_by(J.id.desc())
    .limit(1)
    .lateral()
)  # fmt: skip
_ASKED = (
    select(_ITEM.state.label("asked_state"), _ITEM.last_error.label("asked_error"))
    .join(Batch, Batch.id == _ITEM.batch_id)
    .where(_ITEM.conversation_id == bindparam("key"), _ITEM.kind == "judge", Batch.state != "cancelled")
    .order_by(_ITEM.id.desc())
    .limit(1)
    .lateral()
)
# Of nothing, so that there is a row where there is neither; VALUES would be compiled anew each time.
_NOTHING = select(literal_column("1").label("one")).subquery()
_JUDGING = select(*_NEWEST.c, *_ASKED.c).select_from(_NOTHING.outerjoin(_NEWEST, true()).outerjoin(_ASKED, true()))


async def of_conversation(
    connection: AsyncConnection, key: int, conversation_id: str, revision: int, *, is_rehearsal: bool
) -> Judging:
    """The opinion that counts of a conversation, the newest of its present revision, and what became of a newer place
    in the queue. What a rehearsal says counts for what a rehearsal wrote. Served by
    `ix_judgements_conversation_id_revision_id` and `uq_generation_items_conversation_id_batch_id_kind`."""
    given = {"one": conversation_id, "key": key, "revision": revision, "is_rehearsal": is_rehearsal}
    row = (await connection.execute(_JUDGING, given)).one()
    judgement = None if row.id is None else judgement_of(dict(row._mapping))
    if row.asked_state not in {"queued", "running", "failed"}:
        return Judging(judgement)
    return Judging(judgement, row.asked_state, row.asked_error)


async def progress(connection: AsyncConnection, batch_id: int, model: str) -> JudgeProgress:
    """How far the judge of a batch that writes is, from the sums that triggers keep in `batch_figures`."""
    F = BatchFigures
    sums = [func.coalesce(func.sum(figure), 0) for figure in (F.done, F.failed, F.queued + F.running)]
    statement = select(*sums).where(F.batch_id == batch_id, F.kind == "judge")
    row = (await connection.execute(statement)).one()
    return JudgeProgress(model, *(int(figure) for figure in row))
