"""What the workspace's own migrations do: a column is added, filled while people work, indexed; or its values go back.

Each step can be cut off and is done again harmlessly: what was reached stands in `promotions`, in the transaction that
reached it. A migration ends, and Alembic writes that down, only when all of it is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from alembic import context, op
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from traintui.errors import TraintuiError

LOCK_MS = 200
"""Milliseconds that the table is waited for, while whoever comes later waits too."""
TRIES = 150
REST = 0.4
"""Seconds between two tries, in which those who waited go on."""
SHARE = 0.15
"""Of the time of a statement, how long the next is put off: reviewers have the rows and the processor meanwhile."""
BATCH = 1_000
"""Conversations that are passed before that is noted."""
PARTS = 4
"""Statements of a batch that fills, each of which takes every fourth conversation. Whoever decides on one of them waits
for the end of one statement, some hundredths of a second."""

Progress = Callable[[str, int, int], None]
"""Told what is done, and how far that is: conversations, of how many."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The SQL of a promotion and of its way back. `add` and `remove` are one transaction each; `fill` does a
    part of a batch of conversations, and `put_back` a batch."""

    revision: str
    key: str
    add: str
    fill: str
    index_name: str
    index: str
    finish: str
    go_back: str
    put_back: str
    remove: str


def promote(steps: Steps) -> None:
    """Makes the column, fills and indexes it. Called by a migration. Raises `TraintuiError` when somebody holds the
    table, or another key has this revision."""
    with alone() as connection:
        if state_of(connection, steps) in {None, "demoted"}:
            told("Adding the column", 0, 0)
            patiently(connection, steps.add)
        if state_of(connection, steps) == "filling":
            plain(connection, "SET traintui.filling = 'on'")
            in_batches(connection, steps, steps.fill, PARTS, "Filling the column")
            plain(connection, "RESET traintui.filling")
            plain(connection, f"UPDATE promotions SET state = 'indexing' WHERE revision = '{steps.revision}'")  # noqa: S608
        if state_of(connection, steps) == "indexing":
            told("Building the index", 0, 0)
            build_index(connection, steps)
            told("Finishing", 0, 0)
            plain(connection, "ANALYZE conversations")
            patiently(connection, steps.finish)


def demote(steps: Steps) -> None:
    """Puts back into metadata what the column alone has, and takes it away. Called by a migration; raises as `promote`
    does."""
    with alone() as connection:
        if state_of(connection, steps) not in {"demoting", "demoted"}:
            patiently(connection, steps.go_back)
        if state_of(connection, steps) == "demoting":
            in_batches(connection, steps, steps.put_back, 1, "Comparing with metadata")
            told("Taking the column away", 0, 0)
            patiently(connection, steps.remove)


@contextmanager
def alone() -> Iterator[Connection]:
    """The connection of the migration outside of any transaction: each statement commits by itself, and ends with this
    process. What is lost when the server falls is done again, so it waits for no disk."""
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        plain(connection, "SET client_connection_check_interval = 1000")
        plain(connection, "SET synchronous_commit = off")
        plain(connection, f"SET lock_timeout = {LOCK_MS}")
        yield connection
        # One that was stopped in the middle of a statement takes no other, and ends with its command.
        for setting in ("synchronous_commit", "lock_timeout", "traintui.filling"):
            plain(connection, f"RESET {setting}")


def plain(connection: Connection, statement: str) -> Any:
    """Runs SQL as it stands: several statements are one transaction, no sign is read as a parameter."""
    return connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def state_of(connection: Connection, steps: Steps) -> str | None:
    """How far the promotion is. Raises `TraintuiError` when its revision is that of another key."""
    row = plain(connection, f"SELECT key, state FROM promotions WHERE revision = '{steps.revision}'").one_or_none()  # noqa: S608 - our own number
    if row is not None and row.key != steps.key:
        raise TraintuiError(
            "Promoted by somebody else",
            f'revision {steps.revision} of this workspace is that of "{row.key}".',
            "Nothing was changed. Remove the file that was just written, and begin again.",
        )
    return None if row is None else str(row.state)


def patiently(connection: Connection, statement: str) -> None:
    """Runs a statement that waits for a lock no longer than others may wait for it, and tries again. Raises
    `TraintuiError` when that has not helped for a minute."""
    for _ in range(TRIES):
        try:
            plain(connection, f"SET LOCAL lock_timeout = {LOCK_MS};\n{statement}")
            return
        except DBAPIError as error:
            if not isinstance(error.orig, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
                raise
            time.sleep(REST)
    raise TraintuiError(
        "Table in use",
        f"somebody holds the conversations: {holders(connection)}.",
        "What was done so far stands. Wait until they have ended, or end them (traintui db live), and run it again.",
    )


def holders(connection: Connection) -> str:
    """Who has the conversations open in a transaction, the oldest first."""
    found = plain(
        connection,
        "SELECT DISTINCT a.usename, a.application_name, a.xact_start FROM pg_locks AS l JOIN pg_stat_activity AS a"
        " USING (pid) WHERE l.relation = 'conversations'::regclass AND l.granted AND a.pid <> pg_backend_pid()"
        " ORDER BY a.xact_start LIMIT 3",
    ).all()
    return ", ".join(f"{row[0]} ({row[1] or 'a program'})" for row in found) or "a transaction that has just ended"


def in_batches(connection: Connection, steps: Steps, statement: str, parts: int, words: str) -> None:
    """Runs a statement for a batch of conversations after another, with so many parts each, until all are passed. What
    was passed is noted; each batch goes on behind it."""
    of_it = f"WHERE revision = '{steps.revision}'"
    last = plain(connection, "SELECT coalesce(max(id), 0) FROM conversations").scalar_one()
    while True:
        passed = plain(connection, f"SELECT done_up_to FROM promotions {of_it}").scalar_one()  # noqa: S608 - our own number
        told(words, min(passed, last), last)
        following = f"SELECT id FROM conversations WHERE id > {passed} ORDER BY id LIMIT {BATCH}"  # noqa: S608
        upto = plain(connection, f"SELECT max(id) FROM ({following}) AS next").scalar_one()  # noqa: S608
        if upto is None:
            return
        for part in range(parts):
            began = time.monotonic()
            bounds = f"SET LOCAL traintui.upto = {upto}; SET LOCAL traintui.part = {part}"
            patiently(connection, f"{bounds};\n{statement}")
            time.sleep((time.monotonic() - began) * SHARE)
        plain(connection, f"UPDATE promotions SET done_up_to = {upto} {of_it} AND done_up_to < {upto}")  # noqa: S608


def build_index(connection: Connection, steps: Steps) -> None:
    """Builds the index beside the work of others. What a build left that was cut off is dropped before; one that the
    server has not given up yet is waited for, at the most a second."""
    valid = f"SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('public.{steps.index_name}')"  # noqa: S608
    # Nobody waits behind its locks, and it waits itself for transactions that are older.
    plain(connection, "SET lock_timeout = 0")
    while not (found := plain(connection, valid).scalar()):
        if found is False:
            plain(connection, f"DROP INDEX CONCURRENTLY IF EXISTS {steps.index_name}")
        plain(connection, steps.index)
    plain(connection, f"SET lock_timeout = {LOCK_MS}")


def told(words: str, done: int, total: int) -> None:
    """Says how far it is, where somebody asked for it."""
    if (progress := context.config.attributes.get("progress")) is not None:
        progress(words, done, total)
