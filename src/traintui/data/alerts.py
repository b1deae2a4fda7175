"""Alerts: which are open, what became of those that were, and writing them. The process that samples opens and clears
them; administrators acknowledge them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import func, select, text

from traintui.data.alert_models import Alert as A
from traintui.data.alert_models import AlertEvent as E
from traintui.data.alert_records import Alert, AlertEvent, OpenAlerts, Severity, TakenHook
from traintui.data.engine import Database
from traintui.data.query_labels import UNLOGGED

OPEN = """
    SELECT open_alert(:holder, :kind, :subject, :severity, :says, CAST(:evidence AS jsonb), CAST(:around AS jsonb))
"""
COLUMNS = [getattr(A, name) for name in Alert.__slots__]


async def read(db: Database, *, cleared: bool = False, limit: int = 500) -> tuple[Alert, ...]:
    """The alerts that are not over: those that nobody acknowledged first, the urgent ones of these, and the newest.
    `cleared` are those that are over, the newest first, `limit` of them, behind these. By uq_alerts_one_open and
    ix_alerts_opened_at."""
    over = A.cleared_at.is_not(None)
    order = (A.state == "acknowledged", A.severity, A.opened_at.desc(), A.id.desc())
    async with db.read() as connection:
        found = [*await connection.execute(select(*COLUMNS).where(~over).order_by(*order))]
        if cleared:
            ended = select(*COLUMNS).where(over).order_by(A.opened_at.desc(), A.id.desc()).limit(limit)
            found += await connection.execute(ended)
    return tuple(Alert(*row) for row in found)


async def between(db: Database, since: datetime, until: datetime) -> tuple[Alert, ...]:
    """The alerts that were open at some moment from `since` to before `until`, in the order in which they opened. By
    ix_alerts_opened_at."""
    over = A.cleared_at.is_not(None) & (A.cleared_at < since)
    statement = select(*COLUMNS).where(A.opened_at < until, ~over).order_by(A.opened_at, A.id)
    async with db.read() as connection:
        return tuple(Alert(*row) for row in await connection.execute(statement))


async def standing(db: Database) -> OpenAlerts | None:
    """How many are not over, and the worst; None where there is none. By uq_alerts_one_open."""
    unseen = func.count().filter(A.state == "open")
    urgent = func.count().filter(A.state == "open", A.severity == "urgent")
    statement = select(func.count(), unseen, urgent).where(A.cleared_at.is_(None))
    async with db.read(UNLOGGED) as connection:
        number, fresh, worst = (await connection.execute(statement)).one()
    return OpenAlerts(number, fresh, "urgent" if worst else "warning") if number else None


async def events(db: Database, alert_id: int) -> tuple[AlertEvent, ...]:
    """What became of an alert, in its order. By ix_alert_events_alert_id."""
    statement = select(E.at, E.event, E.login, E.said).where(E.alert_id == alert_id).order_by(E.id)
    async with db.read() as connection:
        return tuple(AlertEvent(*row) for row in await connection.execute(statement))


async def open_one(
    db: Database,
    holder: str,
    kind: str,
    subject: str,
    severity: Severity,
    says: str,
    evidence: dict[str, Any],
    around: Sequence[dict[str, Any]],
) -> int | None:
    """Opens an alert; its id, or None where one of this kind and subject is open. Raises `Refused` for who does not
    hold the lease of the sampler."""
    values = {
        "holder": holder, "kind": kind, "subject": subject, "severity": severity, "says": says,
        "evidence": orjson.dumps(evidence).decode(), "around": orjson.dumps(list(around)).decode(),
    }  # fmt: skip
    opened: int | None = (await db.call(OPEN, values, UNLOGGED)).scalar_one()
    return opened


async def keep(db: Database, holder: str, alert_id: int, says: str, evidence: dict[str, Any]) -> None:
    """Gives an alert that is not over its newest figures. Raises as `open_one` does."""
    values = {"holder": holder, "id": alert_id, "says": says, "evidence": orjson.dumps(evidence).decode()}
    await db.call("SELECT keep_alert(:holder, :id, :says, CAST(:evidence AS jsonb))", values, UNLOGGED)


async def clear(db: Database, holder: str, alert_id: int) -> bool:
    """Says that an alert is over; whether it was open. Raises as `open_one` does."""
    values = {"holder": holder, "id": alert_id}
    return bool((await db.call("SELECT clear_alert(:holder, :id)", values, UNLOGGED)).scalar_one())


async def take_hooks(db: Database) -> tuple[TakenHook, ...]:
    """What the hook was not run for yet, in its order; this process is to run it within a minute, and to note that."""
    found = await db.call("SELECT * FROM take_hooks()", {}, UNLOGGED)
    return tuple(sorted((TakenHook(row.taken, row.of_alert, row.of_event) for row in found), key=lambda each: each.id))


async def note_hook(db: Database, taken: int, said: str) -> None:
    """Writes down what became of a hook that was taken. Raises `Refused` where another process took it meanwhile."""
    await db.call("SELECT note_hook(:taken, :said)", {"taken": taken, "said": said[:1_000]}, UNLOGGED)


async def of_ids(db: Database, ids: Collection[int]) -> dict[int, Alert]:
    """These alerts, by id. By the key of alerts."""
    async with db.read(UNLOGGED) as connection:
        found = await connection.execute(select(*COLUMNS).where(A.id.in_(ids)))
        return {row.id: Alert(*row) for row in found}


async def acknowledge(db: Database, alert_id: int) -> None:
    """Says that this person looks after an alert. Raises `Refused` for who is no administrator, and for one that is
    over."""
    await db.call("SELECT acknowledge_alert(:id)", {"id": alert_id})


async def sees_all(db: Database) -> bool:
    """Whether transactions of others are seen: the owner of the schema looks for them."""
    asked = "SELECT pg_has_role('traintui_owner', 'pg_read_all_stats', 'USAGE')"
    async with db.read() as connection:
        return bool(await connection.scalar(text(asked)))


async def note_versions(db: Database, traintui: str) -> None:
    """Notes which versions of Traintui, of the schema and of PostgreSQL are at work."""
    await db.call("SELECT note_versions(:traintui)", {"traintui": traintui}, UNLOGGED)


async def workspace_id(db: Database) -> str:
    """What this workspace is told apart from others by."""
    async with db.read(UNLOGGED) as connection:
        return str(await connection.scalar(text("SELECT workspace_id::text FROM log_order")) or "")
