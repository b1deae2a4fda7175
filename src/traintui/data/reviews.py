"""Reviewing: what waits, and the actions that the database records as one's own."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Subquery, and_, exists, func, literal, or_, select, text
from sqlalchemy.orm import aliased

from traintui.data import metadata, metadata_schema, second_review
from traintui.data.engine import Database
from traintui.data.filters import Filter, parse
from traintui.data.log_models import SINGLE, ExportLog, ExportRow
from traintui.data.log_models import ReviewLog as L
from traintui.data.models import Conversation as C
from traintui.data.models import WorkspaceSetting
from traintui.data.records import ConversationRow, ReviewEntry, Turn
from traintui.data.refusals import ANSWERS, Refused
from traintui.data.review_log import ENTRY_COLUMNS, entry_of, fetch
from traintui.data.storable import as_json, storable
from traintui.data.targets import Progress

Action = Literal["approve", "reject", "reopen"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reviewer had before their eyes: a decision on anything newer is refused."""

    conversation_id: str
    revision: int
    decision_id: int | None

    @classmethod
    def of(cls, row: ConversationRow) -> Seen:
        """What a row shows."""
        return cls(row.conversation_id, row.revision, row.decision_id)


def new_key() -> str:
    """A key for one press: sent again, it is still one action."""
    return uuid.uuid4().hex


async def queue(db: Database, wanted: Filter | None = None, *, limit: int = 500) -> tuple[str, ...]:
    """Ids of the conversations that wait for a decision of this person and match a filter, lowest score first.

    Served by `ix_conversations_status_quality_score_id`.
    """
    wanted = parse("") if wanted is None else wanted
    statement = (
        select(C.conversation_id)
        .where(C.status == "generated", wanted.where, second_review.waits_for_me(disputes=wanted.asks_for_disputes))
        .order_by(C.quality_score, C.id)
        .limit(limit)
    )
    async with db.read() as connection:
        return tuple(await connection.scalars(statement))


async def call(db: Database, statement: str, **values: Any) -> ReviewEntry:
    """Runs a function of the database that answers with a row of the log."""
    return entry_of((await db.call(statement, values)).one()._mapping)


async def decide(
    db: Database,
    seen: Seen,
    action: Action,
    *,
    key: str,
    reason: str | None = None,
    notes: str | None = None,
    turn_number: int | None = None,
    duration_ms: int | None = None,
) -> ReviewEntry:
    """Records a decision of the person logged in. One statement, one transaction.

    Returns its row of the log, the same one for the same key; where a second review waits for others, it leads to
    `generated`. Raises `Refused`: stale when the conversation moved on,
    and with the reason in every other case; nothing is changed then.
    """
    return await call(
        db,
        "SELECT * FROM decide(:conversation_id, :action, :revision, :decision_id, :key, p_reason => :reason,"
        " p_notes => :notes, p_turn_number => :turn_number, p_duration_ms => :duration_ms)",
        conversation_id=seen.conversation_id,
        action=action,
        revision=seen.revision,
        decision_id=seen.decision_id,
        key=key,
        reason=storable(reason),
        notes=storable(notes),
        turn_number=turn_number,
        duration_ms=duration_ms,
    )


async def set_flag(db: Database, conversation_id: str, flagged: bool, *, key: str) -> ReviewEntry:
    """Flags or unflags a conversation. Raises `Refused` when it is so already, or one may not."""
    return await call(
        db, "SELECT * FROM set_flag(:conversation_id, :flagged, :key)",
        conversation_id=conversation_id, flagged=flagged, key=key,
    )  # fmt: skip


async def edit(
    db: Database,
    seen: Seen,
    *,
    system_prompt: str | None,
    turns: Sequence[Turn],
    key: str,
    notes: str | None = None,
    turn_number: int | None = None,
) -> ReviewEntry:
    """Stores a new revision; a conversation that was decided is open again. `turn_number` is the one that was edited,
    for the log.

    Raises `Refused`: stale when it moved on, TT008 when the turns would not alternate, TT003 when nothing changed.
    """
    written = [{"role": turn.role, "content": turn.content, "train": turn.train} for turn in turns]
    return await call(
        db,
        "SELECT * FROM edit(:conversation_id, :revision, :decision_id, :system_prompt, CAST(:turns AS jsonb), :key,"
        " p_notes => :notes, p_turn_number => :turn_number)",
        conversation_id=seen.conversation_id,
        revision=seen.revision,
        decision_id=seen.decision_id,
        system_prompt=storable(system_prompt),
        turns=as_json(written),
        key=key,
        notes=storable(notes),
        turn_number=turn_number,
    )


UNDOABLE = ("approve", "reject", "reopen", "edit", "flag", "unflag", "metadata")
UNDO_DEPTH = 1_000
"""Actions of one's own among which the last to take back is looked for: all of them would be more with every day."""


def _can_be_undone(row: Subquery) -> ColumnElement[bool]:
    """What `undo` asks of a row of the log, and `undo_metadata` of an edit of metadata.

    The later action is looked up row by row, which ends with the first row that is found; a join would read the log.
    """
    later, undo = aliased(L), aliased(L)
    is_metadata = row.c.action == "metadata"
    counts = or_(
        and_(is_metadata, later.action == "metadata"),
        and_(~is_metadata, later.action.not_in(("undo", "takeover")), ~later.details.has_key("blind")),
    )
    newest = select(func.max(later.id)).where(
        later.conversation_id == row.c.conversation_id, later.id > row.c.id, counts,
        ~exists(select(literal(1)).where(undo.undoes == later.id)),
    )  # fmt: skip
    there = exists(select(literal(1)).where(C.conversation_id == row.c.conversation_id, C.deleted_at.is_(None)))
    return and_(newest.scalar_subquery().is_(None), or_(~is_metadata, there))


async def last_undoable(db: Database) -> ReviewEntry | None:
    """One's own newest action that can be taken back, on one conversation or on the metadata of many: it was not yet,
    and nobody has acted there since, as `undo` asks. What a worker stored under one's login is somebody's request.

    `bulk.last_bulk` knows whether a decision, a flag or the trash for many is newer.
    Served by `ix_review_logs_single`, and each row that it gives by `ix_review_logs_conversation_id_id`.
    """
    recent = (
        select(*ENTRY_COLUMNS)
        .where(
            text(SINGLE), L.reviewer_id == db.login, L.action.in_(UNDOABLE),
            L.details["origin"].astext.is_distinct_from("regenerated"),
        )
        .order_by(L.id.desc())
        .limit(UNDO_DEPTH)
        .subquery()
    )  # fmt: skip
    statement = (
        select(recent)
        .where(~exists(select(literal(1)).where(L.undoes == recent.c.id)), _can_be_undone(recent))
        .order_by(recent.c.id.desc())
        .limit(1)
    )
    async with db.read() as connection:
        found = await fetch(connection, statement)
    return found[0] if found else None


def nothing_to_undo() -> Refused:
    """The answer where one has done nothing that could be taken back."""
    return Refused(
        ANSWERS["TT007"][0], "All that you did here is undone, or somebody has acted on it since.",
        "Decide something first.", code="TT007",
    )  # fmt: skip


async def undo_last(db: Database, *, key: str) -> ReviewEntry:
    """Takes back one's own last action, as `last_undoable` names it.

    Returns the row of the undo, the same one for the same key. Raises `Refused` (TT007) when there is none, or somebody
    acted on it since.
    """
    before = await pressed(db, key)
    if before is not None and before.action == "undo":
        return before
    last = await last_undoable(db)
    if last is None:
        raise nothing_to_undo()
    if last.action == "metadata":
        return (await undo_metadata(db, last, key=key)).entry
    return await undo(db, last.id, key=key)


async def undo(db: Database, log_id: int, *, key: str) -> ReviewEntry:
    """Takes back one's own action with this row of the log.

    Returns the row of the undo, the same one for the same key. Raises `Refused` (TT007) when somebody acted on it
    since.
    """
    return await call(db, "SELECT * FROM undo(:log_id, :key)", log_id=log_id, key=key)


async def pressed(db: Database, key: str) -> ReviewEntry | None:
    """The row that one's own press with this key wrote; None when it wrote none. Served by
    `uq_review_logs_decision_key`."""
    async with db.read() as connection:
        found = await fetch(
            connection, select(*ENTRY_COLUMNS).where(L.decision_key == key, L.reviewer_id == db.login)
        )  # fmt: skip
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class MetadataUndone:
    """A metadata edit taken back: a row of the undo; of a bulk edit, how many are as before and how many were kept."""

    entry: ReviewEntry
    bulk_id: str | None
    undone: int
    kept: int


async def undo_metadata(
    db: Database, last: ReviewEntry, *, key: str, progress: Progress | None = None
) -> MetadataUndone:
    """Takes back a metadata edit: all of a bulk edit, of which `last` is the newest row, but what was changed since.

    Raises `Refused`: TT007 when nothing of it can be taken back, TT014 where what was there before does not fit the
    schema of metadata as it is now.
    """
    async with db.read() as connection:
        bulk = await connection.scalar(select(L.bulk_id).where(L.id == last.id))
    refused: Refused | None = None
    entry: ReviewEntry | None = None
    try:
        entry = await _undo_edit(db, last.id, key)
    except Refused as error:
        if error.code != "TT007" or bulk is None:
            raise
        refused = error
    undone, kept = int(entry is not None), 0
    if bulk is not None:
        first = undone

        def counted(done: int, total: int) -> None:
            if progress is not None:
                progress(first + done, first + total)

        rest = await metadata.undo_bulk(db, bulk, progress=counted)
        undone, kept = undone + rest.undone, rest.kept
        if rest.undone and entry is None:
            newest = select(*ENTRY_COLUMNS).where(L.bulk_id == bulk, L.action == "undo").order_by(L.id.desc()).limit(1)
            async with db.read() as connection:
                entry = (await fetch(connection, newest))[0]
    if entry is None:
        raise refused or AssertionError(last)
    return MetadataUndone(entry, bulk, undone, kept)


async def _undo_edit(db: Database, log_id: int, key: str) -> ReviewEntry:
    """Takes back an edit of one conversation's metadata, where what it was before fits the schema."""
    rules = await metadata_schema.rules(db)
    undone = text("SELECT undone.* FROM undo_metadata(:log_id, :key) AS undone")
    async with db.write() as connection:
        await connection.execute(metadata_schema.LOOKED_AT_BY, {"version": rules.version})
        row = (await connection.execute(undone, {"log_id": log_id, "key": key})).one()
        if rules:
            await metadata_schema.refuse_misfits(connection, rules, log_ids=(log_id,))
    return entry_of(row._mapping)


async def exported_since(db: Database, entry: ReviewEntry) -> bool:
    """Whether a conversation left the house after an action on it."""
    statement = select(
        exists(
            select(literal(1))
            .select_from(ExportRow)
            .join(ExportLog, (ExportLog.export_id == ExportRow.export_id) & (ExportLog.state == "succeeded"))
            .where(ExportRow.conversation_id == entry.conversation_id, ExportLog.exported_at > entry.timestamp)
        )
    )
    async with db.read() as connection:
        return bool(await connection.scalar(statement))


async def reasons(db: Database) -> tuple[str, ...]:
    """The reasons for a rejection that the workspace offers, at most nine, one for each digit."""
    async with db.read() as connection:
        found = await connection.scalar(select(WorkspaceSetting.value).where(WorkspaceSetting.key == "reject_reasons"))
    return tuple(str(reason) for reason in found or [])[:9]
