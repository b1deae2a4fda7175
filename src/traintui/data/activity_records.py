"""Sessions of the server, and what became of those that somebody ended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Ending = Literal["cancel", "end"]
"""The end of a statement, or of the whole session."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session of this database. Of others, who may not see them knows only `pid`, `login`, `application`, and by its
    locks what it `wants`, whom it waits for and which tables it `holds` for itself: all else is None, and `hidden` says
    so. `machine` is None over a socket of the server's machine. `label` is what a statement of ours is for, `statement`
    its text without the values in it; of an idle session both are of the last one. `waits_for` are the pids that it
    waits for, 0 is a prepared transaction. `seen_at` is by the clock of the server, as all moments are."""

    pid: int
    login: str | None
    application: str
    machine: str | None
    kind: str
    state: str | None
    connected_at: datetime | None
    transaction_at: datetime | None
    statement_at: datetime | None
    changed_at: datetime | None
    wait_type: str | None
    wait_event: str | None
    label: str | None
    statement: str | None
    wants: str | None
    holds: str | None
    waits_for: tuple[int, ...]
    hidden: bool
    seen_at: datetime

    @property
    def runs(self) -> bool:
        """Whether a statement of it runs, or waits."""
        return self.state in {"active", "fastpath function call"}

    @property
    def holds_open(self) -> bool:
        """Whether it is in a transaction in which nothing runs."""
        return self.state is not None and self.state.startswith("idle in transaction")

    @property
    def idle(self) -> bool:
        """Whether it has nothing to do."""
        return self.state == "idle"

    @property
    def since(self) -> datetime | None:
        """Since when it does what it does: its statement, its transaction, or its rest."""
        if self.runs:
            return self.statement_at
        return self.transaction_at if self.holds_open else self.changed_at

    @property
    def seconds(self) -> float | None:
        """For how many seconds it does so."""
        return None if self.since is None else max(0.0, (self.seen_at - self.since).total_seconds())

    @property
    def about(self) -> str:
        """What its statement is for, or its text; nothing where it is not known."""
        return self.label or self.statement or ""


@dataclass(frozen=True, slots=True)
class Ended:
    """Somebody cancelled a statement (`cancel`) or ended a session (`end`): whose, which program's, what it did."""

    at: datetime
    ended_by: str
    kind: str
    pid: int
    login: str
    application: str
    statement: str


def named(session: Session) -> str:
    """The program of a session in a word or two: our own by what they do, others by the name that they give."""
    own = {"traintui": "app", "traintui worker": "worker", "traintui command": "command"}
    if session.kind != "client backend":
        return session.kind
    return own.get(session.application) or re.sub(r"\s+", " ", session.application).strip() or "no name"
