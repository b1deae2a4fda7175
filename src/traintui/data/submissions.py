"""Submissions to a provider's Message Batches API: committed before they are sent, looked after, stored one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.attempts import OpenAttempt
from traintui.data.batch_models import Batch
from traintui.data.batch_models import GenerationItem as I
from traintui.data.engine import Database
from traintui.data.storable import as_json, storable
from traintui.data.submission_models import BatchSubmission as S
from traintui.data.submission_models import BatchSubmissionItem as M
from traintui.data.work import ClaimedItem, Scoring, items_where, note_model, take_items, write

Finish = tuple[str, Mapping[str, Any]]
"""The statement of `attempts.finishing` and its values."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission that is ours to look after, as long as nobody counts its fence up. `age` is in seconds."""

    id: int
    batch_id: int
    key: str
    state: str
    provider_id: str | None
    requests: int
    fence: int
    looks: int
    ruled_out: tuple[str, ...]
    created_at: datetime
    age: float
    cancelling: bool
    unwanted: bool
    """Somebody called it off, or its batch was cancelled or paused by a person: what has not begun need not begin."""

    def custom_id(self, item_id: int) -> str:
        """What the provider calls a request: our key and the item, at most 64 letters, digits and underscores."""
        return f"{self.key}_{item_id}"

    def item_of(self, custom_id: str) -> int | None:
        """The item of a result, or None when it is not of this submission."""
        key, _, number = custom_id.rpartition("_")
        return int(number) if key == self.key and number.isascii() and number.isdigit() else None


@dataclass(frozen=True, slots=True)
class SubmissionRequest:
    """One request as the ledger keeps it: redacted, with what it may cost at most among its parameters."""

    item: ClaimedItem
    model: str
    payload: Mapping[str, Any]
    parameters: Mapping[str, Any]
    redactions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Member:
    """A request that has no result yet. `item` is None when the conversation was purged meanwhile."""

    item_id: int
    attempt: OpenAttempt
    item: ClaimedItem | None


async def claim_items(
    db: Database, worker_id: int, limit: int, *, is_rehearsal: bool, batch_id: int | None = None
) -> tuple[ClaimedItem, ...]:
    """Up to `limit` items of one batch that is to be submitted, or of that one, now ours."""
    return await take_items(
        db,
        text("SELECT id FROM claim_for_submission(:worker_id, :limit, :is_rehearsal, :batch_id)"),
        {"worker_id": worker_id, "limit": limit, "is_rehearsal": is_rehearsal, "batch_id": batch_id},
    )


async def failures_of(db: Database, item_ids: Collection[int]) -> dict[int, Counter[str]]:
    """How items fared in earlier submissions: how often with which kind of failure."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    async with db.read() as connection:
        for row in await connection.execute(
            select(M.item_id, M.failure).where(M.item_id.in_(item_ids), M.failure.is_not(None))
        ):
            found[row.item_id][row.failure] += 1
    return found


async def start(
    db: Database,
    worker_id: int,
    key: str,
    requests: Sequence[SubmissionRequest],
    *,
    endpoint: str,
    is_rehearsal: bool,
    parameters: Mapping[str, Any],
) -> tuple[Submission, frozenset[int], OpenAttempt]:
    """Commits a submission, a row for each request, and the row of the call that will carry them.

    Returns it, the items that are in it (the budget may leave some out), and that call. Raises `Refused` with TT011,
    TT012 or TT013 as `attempts.start` does.
    """
    listed = [
        {
            "item_id": request.item.id, "fence": request.item.fence, "model": request.model,
            "payload": request.payload, "parameters": request.parameters, "redactions": request.redactions,
        }
        for request in requests
    ]  # fmt: skip
    async with db.write() as connection:
        made = (
            await connection.execute(
                text(
                    "SELECT * FROM start_submission(:worker_id, :key, :endpoint, :is_rehearsal,"
                    " CAST(:requests AS jsonb))"
                ),
                {
                    "worker_id": worker_id, "key": key, "endpoint": endpoint, "is_rehearsal": is_rehearsal,
                    "requests": as_json(listed),
                },
            )
        ).one()  # fmt: skip
        taken = await connection.scalars(select(M.item_id).where(M.submission_id == made.submission_id))
        items = frozenset(taken.all())
        call = await _start_call(
            connection, made.submission_id, "batch_submit", worker_id, {"key": key, "requests": made.taken}, parameters
        )
        submission = await _read(connection, made.submission_id)
    return submission, items, call


async def seconds_since_start(db: Database, submission: Submission) -> float | None:
    """Seconds since it was committed, by the database's clock; None when it is another's by now."""
    age = func.extract("epoch", func.clock_timestamp() - S.created_at)
    mine = (S.id == submission.id, S.fence == submission.fence, S.closed_at.is_(None))
    async with db.read() as connection:
        seconds = await connection.scalar(select(age).where(*mine))
    return None if seconds is None else float(seconds)


async def start_call(
    db: Database, submission: Submission, worker_id: int, payload: Mapping[str, Any], parameters: Mapping[str, Any]
) -> OpenAttempt:
    """Commits the row of a call that asks after a submission; it costs nothing."""
    async with db.write() as connection:
        return await _start_call(connection, submission.id, "batch_poll", worker_id, payload, parameters)


async def _start_call(
    connection: AsyncConnection,
    submission_id: int,
    kind: str,
    worker_id: int,
    payload: Mapping[str, Any],
    parameters: Mapping[str, Any],
) -> OpenAttempt:
    row = (
        await connection.execute(
            text(
                "SELECT * FROM start_submission_call(:id, :kind, :worker_id, CAST(:payload AS jsonb),"
                " CAST(:parameters AS jsonb))"
            ),
            {
                "id": submission_id, "kind": kind, "worker_id": worker_id, "payload": as_json(payload),
                "parameters": as_json(parameters),
            },
        )
    ).one()  # fmt: skip
    return OpenAttempt(row.id, row.created_at)


async def claim(
    db: Database, worker_id: int, *, endpoint: str, is_rehearsal: bool, batch_id: int | None = None
) -> Submission | None:
    """A submission that is due to be looked at, of all batches or of that one, now ours; None when none is."""
    async with db.write() as connection:
        taken = await connection.scalar(
            text("SELECT id FROM claim_submission(:worker_id, :endpoint, :is_rehearsal, :batch_id)"),
            {"worker_id": worker_id, "endpoint": endpoint, "is_rehearsal": is_rehearsal, "batch_id": batch_id},
        )
        return None if taken is None else await _read(connection, taken)


async def _read(connection: AsyncConnection, submission_id: int) -> Submission:
    unwanted = or_(
        Batch.state == "cancelled", (Batch.state == "paused") & Batch.paused_by.is_not(None), S.unwanted_at.is_not(None)
    )
    age = func.extract("epoch", func.clock_timestamp() - S.created_at)
    statement = (
        select(S, age.label("age"), unwanted.label("unwanted"))
        .join(Batch, Batch.id == S.batch_id)
        .where(S.id == submission_id)
    )
    row = (await connection.execute(statement)).mappings().one()
    same = ("id", "batch_id", "key", "state", "provider_id", "requests", "fence", "looks", "created_at", "unwanted")
    return Submission(
        **{name: row[name] for name in same},
        ruled_out=tuple(row["ruled_out"]),
        age=float(row["age"]),
        cancelling=row["cancelling_at"] is not None,
    )


async def note(
    db: Database,
    submission: Submission,
    *,
    state: str | None = None,
    provider_id: str | None = None,
    expires_at: datetime | None = None,
    counts: Mapping[str, int] | None = None,
    ruled_out: str | None = None,
    cancelling: bool = False,
    error: str | None = None,
    delay: float | None = None,
    finish: Finish | None = None,
) -> None:
    """Notes what was learned, together with the end of the call that told it. With `delay` it is looked at again after
    so many seconds, by whoever comes. Raises `Refused` (TT011) when it is another's."""
    async with db.write() as connection:
        await connection.execute(
            text(
                "SELECT note_submission(:id, :fence, :state, :provider_id, :expires_at, CAST(:counts AS jsonb),"
                " :ruled_out, :cancelling, :error, CAST(:delay AS double precision))"
            ),
            {
                "id": submission.id, "fence": submission.fence, "state": state, "provider_id": provider_id,
                "expires_at": expires_at, "counts": None if counts is None else as_json(counts),
                "ruled_out": ruled_out, "cancelling": cancelling, "error": storable(error), "delay": delay,
            },
        )  # fmt: skip
        if finish is not None:
            await connection.execute(text(finish[0]), dict(finish[1]))


async def members(db: Database, submission: Submission) -> dict[int, Member]:
    """The requests of a submission that have no result yet, by the id of their item."""
    async with db.read() as connection:
        rows = await connection.execute(
            select(M.item_id, M.fence, M.attempt_id, M.attempt_at).where(
                M.submission_id == submission.id, M.settled_at.is_(None)
            )
        )
        open_rows = rows.all()
        inside = select(M.item_id).where(M.submission_id == submission.id, M.settled_at.is_(None))
        items = {row.id: ClaimedItem(*tuple(row)) for row in await connection.execute(items_where(I.id.in_(inside)))}
    return {
        row.item_id: Member(
            row.item_id,
            OpenAttempt(row.attempt_id, row.attempt_at),
            replace(items[row.item_id], fence=row.fence) if row.item_id in items else None,
        )
        for row in open_rows
    }


async def store(
    db: Database,
    submission: Submission,
    member: Member,
    turns: Sequence[tuple[str, str]],
    *,
    signature: bytes,
    scoring: Scoring,
    finish: Finish,
    model: str | None = None,
) -> bool:
    """Stores what was written for a request and the end of its call, in one transaction and once.

    `model` wrote it, where that is not the one of the plan. False when that was done before, or the item is gone: then
    only the call is completed. Raises `Refused` (TT011) when the submission is another's.
    """
    async with db.write() as connection:
        if not await _settle(connection, submission, member, None):
            return False
        stored = member.item is not None and await write(
            connection, member.item, turns, signature=signature, scoring=scoring
        )
        if stored and member.item is not None and model is not None:
            await note_model(connection, member.item, model)
        await connection.execute(text(finish[0]), dict(finish[1]))
    return stored


async def release(
    db: Database,
    submission: Submission,
    member: Member,
    state: str,
    *,
    failure: str,
    error: str,
    delay: float,
    counts: bool,
    finish: Finish,
) -> bool:
    """Puts the item of a request back into the queue, or ends it, with the end of its call: in one transaction, once.

    False when that was done before. Raises as `store` does.
    """
    async with db.write() as connection:
        if not await _settle(connection, submission, member, failure):
            return False
        if member.item is not None:
            await connection.execute(
                text("SELECT release_item(:id, :fence, :state, :delay, :error, :counts)"),
                {
                    "id": member.item_id, "fence": member.item.fence, "state": state, "delay": delay,
                    "error": storable(error), "counts": counts,
                },
            )  # fmt: skip
        await connection.execute(text(finish[0]), dict(finish[1]))
    return True


async def _settle(connection: AsyncConnection, submission: Submission, member: Member, failure: str | None) -> bool:
    return bool(
        await connection.scalar(
            text("SELECT settle_submission_item(:id, :fence, :item_id, :failure)"),
            {"id": submission.id, "fence": submission.fence, "item_id": member.item_id, "failure": failure},
        )
    )


async def close(
    db: Database,
    submission: Submission,
    state: str,
    *,
    error: str | None = None,
    delay: float = 0.0,
    finish: Finish | None = None,
) -> None:
    """Ends a submission: `imported`, `cancelled`, `refused` or `lost`; what has no result follows it. Raises `Refused`
    (TT011) when it is another's."""
    async with db.write() as connection:
        await connection.execute(
            text("SELECT close_submission(:id, :fence, :state, :error, :delay)"),
            {
                "id": submission.id, "fence": submission.fence, "state": state, "error": storable(error),
                "delay": delay,
            },
        )  # fmt: skip
        if finish is not None:
            await connection.execute(text(finish[0]), dict(finish[1]))


async def known(db: Database, provider_ids: Collection[str]) -> frozenset[str]:
    """Which of these batches of the provider belong to a submission of this workspace."""
    async with db.read() as connection:
        found = await connection.scalars(select(S.provider_id).where(S.provider_id.in_(provider_ids)))
        return frozenset(provider_id for provider_id in found if provider_id is not None)


async def out(db: Database, *, endpoint: str, is_rehearsal: bool, batch_id: int | None = None) -> int:
    """How many submissions are not closed that a worker for this provider looks after."""
    statement = select(func.count()).select_from(S).join(Batch, Batch.id == S.batch_id)
    statement = statement.where(S.closed_at.is_(None), Batch.is_rehearsal == is_rehearsal)
    if not is_rehearsal:
        statement = statement.where(S.endpoint == endpoint)
    if batch_id is not None:
        statement = statement.where(S.batch_id == batch_id)
    async with db.read() as connection:
        return await connection.scalar(statement) or 0
