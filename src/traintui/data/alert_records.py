"""What is known about alerts, and what they are judged by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Severity = Literal["urgent", "warning"]
AlertState = Literal["open", "acknowledged", "cleared"]


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that is, or was, wrong: what it is about, its newest figures, and what changed before it opened."""

    id: int
    kind: str
    subject: str
    severity: Severity
    state: AlertState
    says: str
    evidence: dict[str, Any]
    around: list[dict[str, Any]]
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    cleared_at: datetime | None


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """What became of an alert, when, and at whose login."""

    at: datetime
    event: str
    login: str
    said: str


@dataclass(frozen=True, slots=True)
class TakenHook:
    """That an alert opened, or cleared, which this process is to run the hook for. `id` is what its end is noted by."""

    id: int
    alert_id: int
    event: Literal["opened", "cleared"]


@dataclass(frozen=True, slots=True)
class OpenAlerts:
    """How many alerts are not over, how many of these nobody acknowledged, and the worst of those."""

    number: int
    unseen: int
    worst: Severity


@dataclass(frozen=True, slots=True)
class CallWindow:
    """The statements of a label in a quarter of an hour: how many, how many of these failed, and the milliseconds that
    95 of 100 were within."""

    begins_at: datetime
    calls: int
    errors: int
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Transaction:
    """One that is open and waits for nobody: it keeps dead rows from being removed, or `waiting` others, who are not
    among these. `pid` is 0 for a prepared one."""

    pid: int
    login: str
    application: str
    state: str
    seconds: float
    waiting: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Sessions that wait for one that waits for nobody: its process, how many wait, and the longest for how long; the
    relation is one of those that are waited for."""

    pid: int
    login: str
    application: str
    state: str
    number: int
    seconds: float
    relation: str


@dataclass(frozen=True, slots=True)
class DeadRows:
    """A table, or a part of one, with more dead rows than autovacuum lets stand."""

    name: str
    dead: int
    live: int
    due: float
    vacuumed_at: datetime | None


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """How the server stands at a moment, as far as alerts are about it. `sees_all` says whether transactions of others
    are among it; `unsealed_since` is the oldest row of the logs without a seal."""

    at: datetime
    sees_all: bool
    connections: int
    most_connections: int
    transactions: tuple[Transaction, ...]
    chains: tuple[Chain, ...]
    dead: tuple[DeadRows, ...]
    xid_age: int
    freeze_age: int
    partitions_missing: tuple[str, ...]
    retention_due_at: datetime | None
    retention_under_way: bool
    sampled_since: datetime | None
    unsealed_since: datetime | None


@dataclass(frozen=True, slots=True)
class DiskAt:
    """The size of the database at a moment, and the bytes of its disk that are free and that there are; None where that
    is not known."""

    at: datetime
    database_bytes: int
    free_bytes: int | None
    disk_bytes: int | None
