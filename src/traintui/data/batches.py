"""Batches: a plan made into planned conversations and a queue, and how far the queue is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import case, exists, func, insert, select, text, true, update

from traintui.data import judgements, metadata_schema, submissions, work
from traintui.data.batch_models import Batch, GenerationItem, GenerationStream, Plan
from traintui.data.engine import Database
from traintui.data.models import Conversation
from traintui.data.records import BatchProgress, StreamView
from traintui.data.refusals import Refused
from traintui.data.storable import as_json

ROWS_PER_STATEMENT = 5_000


class PlannedItem(Protocol):
    """One conversation of a plan. `chunk_id` is None when it is about no source."""

    @property
    def persona(self) -> str: ...
    @property
    def emotion(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def intent(self) -> str: ...
    @property
    def tone(self) -> str: ...
    @property
    def tier(self) -> str: ...
    @property
    def chunk_id(self) -> int | None: ...
    @property
    def exchanges(self) -> int: ...
    @property
    def variation(self) -> int: ...
    @property
    def metadata(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class BatchSetup:
    """What a worker needs to know of a batch. `judge_model` reads with the rubric `judge_template_id`, if there is one;
    `kind` says whether it generates or only judges."""

    id: int
    template_id: int
    model: str
    is_rehearsal: bool
    definition: Mapping[str, Any]
    judge_model: str | None = None
    judge_template_id: int | None = None
    kind: str = "generate"


ITEM_COLUMNS = ("chunk_id", "persona", "emotion", "topic", "intent", "tone", "tier", "exchanges", "variation")
STORE = text("""
    WITH planned AS (
        SELECT * FROM unnest(
            CAST(:chunk_id AS bigint[]), CAST(:persona AS text[]), CAST(:emotion AS text[]), CAST(:topic AS text[]),
            CAST(:intent AS text[]), CAST(:tone AS text[]), CAST(:tier AS text[]), CAST(:metadata AS text[]),
            CAST(:exchanges AS integer[]), CAST(:variation AS bigint[])
        ) WITH ORDINALITY AS item (chunk_id, persona, emotion, topic, intent, tone, tier, metadata, exchanges,
                                   variation, place)
    ), made AS (
        -- Numbers are given in the order of the rows, so the place of an item is the rank of its id.
        INSERT INTO conversations (document_id, chunk_id, persona, emotion, topic, intent, tone, tier, metadata, model,
                                   is_rehearsal)
        SELECT chunk.document_id, item.chunk_id, persona, emotion, topic, intent, tone, tier,
               CAST(item.metadata AS jsonb), :model, :is_rehearsal
        FROM planned AS item LEFT JOIN chunks AS chunk ON chunk.id = item.chunk_id
        ORDER BY item.place
        RETURNING id
    ), ranked AS (
        SELECT id, row_number() OVER (ORDER BY id) AS place FROM made
    )
    INSERT INTO generation_items (batch_id, conversation_id, exchanges, variation)
    SELECT :batch_id, ranked.id, item.exchanges, item.variation
    FROM ranked JOIN planned AS item USING (place) ORDER BY place
""")


async def create(
    db: Database,
    items: Sequence[PlannedItem],
    *,
    name: str,
    definition: Mapping[str, Any],
    template_id: int,
    model: str,
    is_rehearsal: bool,
    budget_usd: Decimal | None = None,
    priority: int = 0,
    judge: tuple[str, int] | None = None,
    progress: Callable[[int], None] = lambda stored: None,
) -> int:
    """Stores the plan, a batch of it, and one planned conversation with its place in the queue per item.

    All of it or nothing. `judge` is the model that judges what is written, and the id of its rubric. `progress` gets
    how many are stored, after each statement. Returns the id of the batch, which is queued until a worker takes it up.
    Raises `Refused` when one may not, a value is not in the vocabulary, or metadata does not fit the schema.
    """
    rules = await metadata_schema.rules(db)
    if rules:
        found = await asyncio.to_thread(
            rules.misfits, ((f"conversation {place}", item.metadata) for place, item in enumerate(items, 1))
        )
        if found:
            raise metadata_schema.misfit(found, len(items))
    async with db.write() as connection:
        await connection.execute(metadata_schema.LOOKED_AT_BY, {"version": rules.version})
        plan_id = await connection.scalar(
            insert(Plan).values(name=name, definition=dict(definition)).returning(Plan.id)
        )
        batch_id = await connection.scalar(
            insert(Batch)
            .values(
                plan_id=plan_id, template_id=template_id, name=name, model=model, total=len(items),
                is_rehearsal=is_rehearsal, budget_usd=budget_usd, priority=priority,
                judge_model=judge[0] if judge else None, judge_template_id=judge[1] if judge else None,
            )
            .returning(Batch.id)
        )  # fmt: skip
        shared = {"batch_id": batch_id, "model": model, "is_rehearsal": is_rehearsal}
        for start in range(0, len(items), ROWS_PER_STATEMENT):
            part = items[start : start + ROWS_PER_STATEMENT]
            columns = {column: [getattr(item, column) for item in part] for column in ITEM_COLUMNS}
            await connection.execute(STORE, shared | columns | {"metadata": [as_json(item.metadata) for item in part]})
            progress(start + len(part))
    return int(batch_id or 0)


async def setup(db: Database, batch_id: int) -> BatchSetup:
    """What a worker needs to know of a batch."""
    statement = (
        select(
            Batch.id,
            Batch.template_id,
            Batch.model,
            Batch.is_rehearsal,
            Plan.definition,
            Batch.judge_model,
            Batch.judge_template_id,
            Batch.kind,
        )
        .join(Plan, Plan.id == Batch.plan_id)
        .where(Batch.id == batch_id)
    )
    async with db.read() as connection:
        return BatchSetup(*(await connection.execute(statement)).one())


PROGRESS = text("""
    WITH figures AS (
        -- Of a batch that generates, what its judge does counts by itself (`judgements.progress`); calls are of both.
        SELECT coalesce(sum(done) FILTER (WHERE of_batch), 0)::bigint AS done,
               coalesce(sum(failed) FILTER (WHERE of_batch), 0)::bigint AS failed,
               coalesce(sum(running) FILTER (WHERE of_batch), 0)::bigint AS running,
               coalesce(sum(queued) FILTER (WHERE of_batch), 0)::bigint AS queued,
               coalesce(sum(calls), 0)::bigint AS calls, coalesce(sum(failed_calls), 0)::bigint AS failed_calls,
               coalesce(sum(estimated_calls), 0) > 0 AS cost_is_estimate,
               coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
               coalesce(sum(output_tokens), 0)::bigint AS output_tokens
        FROM batch_figures AS figure,
             LATERAL (SELECT figure.kind = (SELECT kind FROM batches WHERE id = :batch_id) AS of_batch) AS mine
        WHERE batch_id = :batch_id
    ), paid AS (
        SELECT coalesce(sum(spent_usd), 0) AS cost_usd, coalesce(sum(unpriced_calls), 0)::bigint AS unpriced_calls
        FROM spending WHERE run_id = :batch_id
    ), minute AS (
        -- Not clock_timestamp(): what changes within a statement no index answers.
        SELECT count(*) AS lately, extract(epoch FROM statement_timestamp() - min(finished_at))::float AS lately_seconds
        FROM generation_items
        WHERE finished_at > statement_timestamp() - interval '60 seconds' AND batch_id = :batch_id
          AND kind = (SELECT kind FROM batches WHERE id = :batch_id)
    )
    SELECT batch.id, name, model, state, state_reason, total, is_rehearsal, requested_by, created_at, started_at,
           finished_at, priority, mode, batch.kind, batch.judge_model, figures.*, paid.*, minute.*
    FROM batches AS batch, figures, paid, minute WHERE batch.id = :batch_id
""")


async def progress(db: Database, batch_id: int) -> BatchProgress:
    """How far a batch is, from the database, so that every machine says the same. It costs as much at the end of a
    large batch as at its beginning: sums that triggers keep (`batch_figures`, `spending` by `ix_spending_run_id`), and
    what was finished in the last minute, by `ix_generation_items_finished_at`."""
    async with db.read() as connection:
        values = dict((await connection.execute(PROGRESS, {"batch_id": batch_id})).mappings().one())
        model = values.pop("judge_model")
        reads = model is not None and values["kind"] == "generate"
        judge = await judgements.progress(connection, batch_id, model) if reads else None
    lately, seconds = values.pop("lately"), values.pop("lately_seconds")
    # A rate over less than a few seconds says nothing yet.
    rate = lately / max(seconds, 2.0) * 60 if lately and values["state"] == "running" else None
    return BatchProgress(rate_per_minute=rate, judge=judge, **values)


async def newest_id(db: Database, kind: str | None = None) -> int | None:
    """The batch that was made last, of all or of those that `generate` or `judge`; or None."""
    among = true() if kind is None else Batch.kind == kind
    async with db.read() as connection:
        return await connection.scalar(select(func.max(Batch.id)).where(among))


async def recent(db: Database, *, limit: int = 20) -> tuple[BatchProgress, ...]:
    """The newest batches, newest first. What was written anew in part is none of them once it is over."""
    async with db.read() as connection:
        listed = (Batch.kind != "regenerate") | Batch.state.not_in(("finished", "cancelled"))
        ids = (await connection.scalars(select(Batch.id).where(listed).order_by(Batch.id.desc()).limit(limit))).all()
    return tuple([await progress(db, batch_id) for batch_id in ids])


async def to_do(db: Database) -> tuple[BatchProgress, ...]:
    """The batches that a worker works on or takes up next, newest first, however many are newer. Served by
    `ix_batches_state`."""
    waiting = select(Batch.id).where(Batch.state.in_(("queued", "running")))
    async with db.read() as connection:
        ids = (await connection.scalars(waiting.order_by(Batch.id.desc()))).all()
    return tuple([await progress(db, batch_id) for batch_id in ids])


async def anything_left(db: Database, *, endpoint: str, is_rehearsal: bool, batch_id: int | None = None) -> bool:
    """Whether there is something to do for a worker of such a provider: a batch that is not over, of all or that one,
    or a submission that is out, whose results are imported although its batch was paused or ended."""
    if await work.open_batches(db, is_rehearsal=is_rehearsal, batch_id=batch_id):
        return True
    return bool(await submissions.out(db, endpoint=endpoint, is_rehearsal=is_rehearsal, batch_id=batch_id))


async def any_queued(db: Database, *, is_rehearsal: bool) -> bool:
    """Whether a batch waits that no worker has taken up yet, or that somebody resumed."""
    statement = select(exists().where(Batch.state == "queued", Batch.is_rehearsal == is_rehearsal))
    async with db.read() as connection:
        return bool(await connection.scalar(statement))


async def change_state(
    db: Database,
    batch_id: int,
    state: str,
    *,
    allowed: Sequence[str],
    reason: str | None = None,
    paused_by: str | None = None,
) -> None:
    """Moves a batch to a state from one of those allowed. Raises `Refused` (TT003) when it is in another."""
    async with db.write() as connection:
        changed = await connection.execute(
            update(Batch)
            .where(Batch.id == batch_id, Batch.state.in_(allowed))
            .values(
                state=state,
                state_reason=reason,
                paused_by=paused_by,
                started_at=case(
                    (Batch.started_at.is_(None) & (state == "running"), func.now()), else_=Batch.started_at
                ),
                finished_at=func.now() if state in {"finished", "cancelled"} else None,
            )
        )
        if changed.rowcount == 0:
            raise Refused(
                "Not possible now",
                f"Batch {batch_id} cannot become {state} now.",
                "Look at how it stands, then try again.",
                code="TT003",
            )


async def pause(db: Database, batch_id: int) -> None:
    """Stops new calls of a batch, as its person wants; those under way finish, and what is out at half price is called
    off. Raises `Refused` (TT003) when it does not run."""
    await change_state(
        db, batch_id, "paused", allowed=("queued", "running"), reason=f"Paused by {db.login}.", paused_by=db.login
    )


async def hold(db: Database, batch_id: int, reason: str) -> None:
    """Stops new calls of a batch for a reason that a worker met; what is under way or out finishes, and is kept. Raises
    as `pause` does."""
    await change_state(db, batch_id, "paused", allowed=("queued", "running"), reason=reason)


async def note(db: Database, reason: str | None, *, is_rehearsal: bool, batch_id: int | None = None) -> None:
    """Says why nothing new of the batches that run is begun, of all for such a provider or of that one; None takes it
    back."""
    among = true() if batch_id is None else Batch.id == batch_id
    async with db.write() as connection:
        await connection.execute(
            update(Batch)
            .where(Batch.state == "running", Batch.is_rehearsal == is_rehearsal, among)
            .values(state_reason=reason)
        )


async def resume(db: Database, batch_id: int) -> None:
    """Puts a paused or interrupted batch back into the queue; a worker takes it up."""
    await change_state(db, batch_id, "queued", allowed=("paused", "interrupted"))


async def change_priority(db: Database, batch_id: int, by: int) -> int:
    """Raises the priority of a batch by so much, or lowers it, from -1,000 to 1,000; what it is then. From their next
    call on workers take those of a higher one first. Raises `Refused` when it is over (TT003), or one may not."""
    async with db.write() as connection:
        changed = await connection.scalar(
            text("SELECT change_priority(:batch_id, :by)"), {"batch_id": batch_id, "by": by}
        )
    return int(changed or 0)


async def cancel(db: Database, batch_id: int) -> None:
    """Ends a batch. What is planned of it and not begun fails with that reason, as does, within seconds, what is under
    way and brings nothing; `retry` plans it anew."""
    await change_state(db, batch_id, "cancelled", allowed=("queued", "running", "paused", "interrupted"))


async def retry(db: Database, batch_id: int, *, reason: str | None = None, conversation_id: str | None = None) -> int:
    """Puts what failed of a batch back into the queue: what failed for one `reason`, one conversation, or all of it.

    Returns how many. A batch that was cancelled goes on with what is tried again, and with nothing else.
    """
    async with db.write() as connection:
        number = await connection.scalar(
            text("SELECT retry_items(:batch_id, :reason, :conversation_id)"),
            {"batch_id": batch_id, "reason": reason, "conversation_id": conversation_id},
        )
    return int(number or 0)


async def recover(db: Database) -> int:
    """Retires workers that are gone and marks their batches as interrupted. Returns how many workers were retired."""
    return await work.recover(db)


async def streams(db: Database, batch_id: int, *, limit: int = 4) -> tuple[StreamView, ...]:
    """What of a batch is being written before somebody's eyes, the longest under way first, so that each keeps its
    place."""
    S, C = GenerationStream, Conversation
    statement = (
        select(S.item_id, C.conversation_id, C.persona, C.emotion, C.topic, C.tier, S.content, S.updated_at)
        .join(GenerationItem, (GenerationItem.id == S.item_id) & (GenerationItem.fence == S.fence))
        .join(C, C.id == GenerationItem.conversation_id)
        .where(GenerationItem.batch_id == batch_id, GenerationItem.state == "running")
        .order_by(S.item_id)
        .limit(limit)
    )
    async with db.read() as connection:
        return tuple(StreamView(*row) for row in await connection.execute(statement))


async def failures(db: Database, batch_id: int) -> tuple[tuple[str, int], ...]:
    """Why items of a batch failed, '' where no reason was recorded, and how many of each, most often first."""
    I = GenerationItem  # noqa: E741 - a table's alias
    statement = (
        select(I.last_error, func.count())
        .where(I.batch_id == batch_id, I.state == "failed")
        .group_by(I.last_error)
        .order_by(func.count().desc())
    )
    async with db.read() as connection:
        return tuple((str(reason or ""), int(number)) for reason, number in await connection.execute(statement))
