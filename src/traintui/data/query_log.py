"""The query log of this process: each statement is counted in memory under its label, and added up on the server once
a minute. It never fails whom it counts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from sqlalchemy import Connection, ExceptionContext, event
from sqlalchemy.ext.asyncio import AsyncEngine

from traintui import clock
from traintui.data import histograms
from traintui.data.query_labels import OTHER, UNLOGGED, comment_of
from traintui.data.query_records import Asked, QueryTimes, Slow
from traintui.data.refusals import NO_COLUMN, refusal

SLOW_MS = 500
"""Milliseconds from which on a statement is slow, where the workspace says nothing else."""
MOST_SLOW = 50
"""Slow statements that are kept one by one until they are taken: a server that is slow as a whole makes thousands."""
PLAN_SECONDS = 600.0
"""Seconds between two looks at the plan of the same statement."""
MOST_SHAPES = 8
"""Statements of a label whose plans are looked at."""
MOST_UNSAID = 5_000
"""Minutes of labels that are kept while the database is away: an hour of all labels."""
RETRIED = frozenset({"40001", "40P01", "55P03", NO_COLUMN})
"""What the database says of two who want the same rows, or of a promoted key that went back: an answer, and it is asked
again."""
MINUTE = 60
UNSAID = frozenset({OTHER, UNLOGGED})
"""Labels that tell the server nothing."""

_logs: WeakKeyDictionary[AsyncEngine, QueryLog] = WeakKeyDictionary()


class Tally:
    """What was counted of a label in a minute."""

    __slots__ = ("calls", "errors", "histogram", "most_us", "rows", "slow", "total_us")

    def __init__(self) -> None:
        self.calls = self.errors = self.slow = self.rows = self.total_us = self.most_us = 0
        self.histogram: histograms.Histogram = {}

    def add(self, us: int, rows: int) -> None:
        """Counts a statement that took so long and returned or changed so many rows."""
        self.calls += 1
        if rows > 0:
            self.rows += rows
        self.total_us += us
        if us > self.most_us:
            self.most_us = us
        bucket = histograms.bucket_of(us)
        self.histogram[bucket] = self.histogram.get(bucket, 0) + 1


class QueryLog:
    """Counts the statements of an engine. `slow_us` are the microseconds from which on one is slow."""

    def __init__(self) -> None:
        self.slow_us = SLOW_MS * 1_000
        self._tallies: dict[str, Tally] = {}
        self._begins_at = clock.now()
        self._until = 0.0
        self._done: deque[QueryTimes] = deque(maxlen=MOST_UNSAID)
        self._slow: deque[Slow] = deque(maxlen=MOST_SLOW)
        self._asked: dict[str, dict[str, float]] = {}
        self._plans: dict[str, Asked] = {}

    # What the engine says

    def began(self, connection: Connection, _cur: object, _s: str, _p: object, context: Any, _m: bool) -> None:
        """A statement is about to be sent."""
        context.traintui_label = connection.info.get("label", OTHER)
        context.traintui_began = perf_counter()

    @staticmethod
    def sent(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        """Sends a statement under its label, which the server's list of sessions shows; all else here has it without.
        What the dialect asks for itself at first was not heard to begin."""
        label = getattr(context, "traintui_label", UNLOGGED)
        cursor.execute(statement if label in UNSAID else comment_of(label) + statement, parameters)
        return True

    def ended(
        self, _connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, _many: bool
    ) -> None:
        """A statement was answered."""
        ended = perf_counter()
        label = context.traintui_label
        if label == UNLOGGED:
            return
        us = int((ended - context.traintui_began) * 1_000_000)
        self.count(label, us, cursor.rowcount, ended=ended)
        if us >= self.slow_us:
            rows = cursor.rowcount if cursor.rowcount >= 0 else None
            self._note_slow(label, us, rows, statement, parameters)
        due = self._asked.get(label)
        if due is None:
            due = self._asked[label] = {}
        next_look = due.get(statement)
        if next_look is None or next_look <= ended:
            self._look_at(label, due, statement, parameters, ended)

    def failed(self, met: ExceptionContext) -> None:
        """A statement failed. What the database refuses is an answer, and counts as one."""
        context: Any = met.execution_context
        began = getattr(context, "traintui_began", None)
        if began is None or met.connection is None:
            return
        label = met.connection.info.get("label", OTHER) if not met.connection.invalidated else OTHER
        if label == UNLOGGED:
            return
        us = int((perf_counter() - began) * 1_000_000)
        tally = self.count(label, us, 0)
        error = met.original_exception
        said = refusal(error) if isinstance(error, psycopg.Error) else None
        if said is None or (said.passing and said.code not in RETRIED):
            tally.errors += 1
        if us >= self.slow_us and met.statement is not None:
            self._note_slow(label, us, None, met.statement, met.parameters, error=error)

    def count(self, label: str, us: int, rows: int, *, ended: float | None = None) -> Tally:
        """Counts a statement under a label, `us` microseconds long; returns what the minute has of the label."""
        if (perf_counter() if ended is None else ended) >= self._until:
            self._turn()
        tally = self._tallies.get(label)
        if tally is None:
            tally = self._tallies[label] = Tally()
        tally.add(us, rows)
        if us >= self.slow_us:
            tally.slow += 1
        return tally

    def _turn(self) -> None:
        """Begins a new minute, and puts aside what the last one counted."""
        self._done.extend(
            QueryTimes(
                label, self._begins_at, MINUTE, tally.calls, tally.errors, tally.slow, tally.rows, tally.total_us,
                tally.most_us, tally.histogram,
            )
            for label, tally in self._tallies.items()
        )  # fmt: skip
        self._tallies = {}
        now = clock.now()
        self._begins_at = now.replace(second=0, microsecond=0)
        self._until = perf_counter() + MINUTE - (now - self._begins_at).total_seconds()

    def _note_slow(
        self, label: str, us: int, rows: int | None, statement: str, parameters: Any, error: BaseException | None = None
    ) -> None:
        said = getattr(getattr(error, "diag", None), "message_primary", None) or (str(error) if error else None)
        self._slow.append(Slow(clock.now(), label, us, rows, said, statement, parameters))

    def _look_at(self, label: str, due: dict[str, float], statement: str, parameters: Any, now: float) -> None:
        if statement not in due and len(due) >= MOST_SHAPES:
            oldest = min(due, key=due.__getitem__)
            if due[oldest] > now:
                return  # it has enough to look at; a label whose statements all differ is met by some of them
            del due[oldest]
        due[statement] = now + PLAN_SECONDS
        if can_be_explained(statement, parameters):
            self._plans[label] = Asked(label, statement, parameters)

    @contextmanager
    def timed(self, label: str) -> Iterator[None]:
        """Counts the block as one statement: for what is sent past the engine, such as COPY."""
        began = perf_counter()
        try:
            yield
        except psycopg.Error:
            self.count(label, int((perf_counter() - began) * 1_000_000), 0).errors += 1
            raise
        self.count(label, int((perf_counter() - began) * 1_000_000), 0)

    # What is taken out

    def taken(self) -> tuple[QueryTimes, ...]:
        """What was counted since it was last asked for, by minute and label; nothing of it is said twice."""
        self._turn()
        said = tuple(self._done)
        self._done.clear()
        return said

    def given_back(self, times: Iterable[QueryTimes]) -> None:
        """Takes back what could not be kept, so that it is said the next time."""
        self._done.extend(times)

    def next_slow(self) -> Slow | None:
        """The oldest slow statement that was not asked for yet, if there is one; it is said once."""
        return self._slow.popleft() if self._slow else None

    def to_explain(self) -> Asked | None:
        """A statement whose plan is to be looked at, if there is one; it is said once."""
        if not self._plans:
            return None
        return self._plans.pop(next(iter(self._plans)))


def can_be_explained(statement: str, parameters: Any) -> bool:
    """Whether a plan can be asked for: of a query, sent once."""
    return isinstance(parameters, dict) and statement.lstrip(" \n(")[:6].upper().startswith(("SELECT", "WITH"))


def watch(engine: AsyncEngine) -> QueryLog:
    """Counts what an engine sends from now on."""
    log = _logs[engine] = QueryLog()
    event.listen(engine.sync_engine, "before_cursor_execute", log.began)
    event.listen(engine.sync_engine, "do_execute", log.sent)
    event.listen(engine.sync_engine, "after_cursor_execute", log.ended)
    event.listen(engine.sync_engine, "handle_error", log.failed)
    return log


def log_of(engine: AsyncEngine) -> QueryLog:
    """The log of an engine that is watched. Raises `KeyError` for another."""
    return _logs[engine]
