"""What a revision of the schema is made of: SQL scripts beside the migrations, one folder for each revision; and rows
that are filled afterwards, in batches."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from alembic import op
from psycopg import sql
from psycopg.rows import tuple_row
from sqlalchemy.exc import DBAPIError

from traintui import clock
from traintui.data import put_aside
from traintui.data.schema import OWNER, migrations_directory
from traintui.data.statements import STRENGTH, Effect, Lock, effects, first_line, split, strongest
from traintui.errors import TraintuiError

LOCK_SECONDS = 1.0
"""How long a revision may wait for locks in one try, with all of its statements: who comes behind waits as long."""
LEAST_WAIT = 0.1
"""Seconds that each statement may wait, however long those before it took."""
LOCK_MOMENT, LOCK_TRIES = 0.4, 3
"""Seconds that each lock is waited for when all are taken together, and how often that is tried."""
BATCH_SECONDS = 0.25
"""What a batch may take: whoever wants one of its rows waits as long."""
FIRST_BATCH, LARGEST_BATCH = 500, 20_000
PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds between tries that met a lock."""
HINDERED = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)

Filled = Callable[[int, int], None]
"""Is told how many rows are filled, and of about how many."""


class StatementFailed(Exception):
    """A statement of a script failed: which script, which statement of how many, and what it begins with."""

    def __init__(self, script: str, number: int, total: int, statement: str) -> None:
        super().__init__(script, number, total, statement)
        self.where = f"statement {number} of {total} in {script}: {first_line(statement)}"


def run_script(revision: str, name: str) -> None:
    """Runs `migrations/sql/REVISION/NAME.sql` statement by statement as it stands: no placeholders, no colons read as
    parameters. What "down" takes away is put aside before. Raises `StatementFailed` from the error of the one that
    fails."""
    script = (migrations_directory() / "sql" / revision / f"{name}.sql").read_text(encoding="utf-8")
    connection, statements = op.get_bind(), split(script)
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    config = op.get_context().config
    if not driver.autocommit:
        take_locks(driver, statements, put_aside.tables_of(revision) if name == "down" else ())
    if name == "down" and config is not None:
        config.attributes["run"].put_aside(op.get_context(), revision)
    began, allowed = clock.ticks(), LOCK_SECONDS
    for number, statement in enumerate(statements, 1):
        left = max(LOCK_SECONDS - (clock.ticks() - began), LEAST_WAIT)
        if allowed - left >= LEAST_WAIT:
            allowed = left
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(left * 1_000)}")
        try:
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        except DBAPIError as error:
            raise StatementFailed(f"sql/{revision}/{name}.sql", number, len(statements), statement) from error


def take_locks(connection: psycopg.Connection[Any], statements: Sequence[str], kept: Iterable[str] = ()) -> None:
    """Takes the strong locks of a script before its first statement, all or none: whoever writes takes tables in an
    order of its own, and would meet a script that has some of them and wants more. It lets go and tries again where one
    is not to be had in a moment. Nobody writes to tables of which rows are `kept`. Raises
    `psycopg.errors.LockNotAvailable` after some tries."""
    keeping = [Effect(table, "SHARE ROW EXCLUSIVE", False) for table in kept]
    wanted = strongest([*keeping, *(effect for statement in statements for effect in effects(statement))])
    found = connection.execute(
        "SELECT wanted, coalesce(i.indrelid, c.oid)::regclass::text FROM unnest(%s::text[]) AS wanted"
        " JOIN pg_class AS c ON c.oid = to_regclass('public.' || quote_ident(wanted))"
        " LEFT JOIN pg_index AS i ON i.indexrelid = c.oid"
        " WHERE c.relkind IN ('r', 'p', 'i', 'I')", [list(wanted)],
    ).fetchall()  # fmt: skip
    locks: dict[str, Lock] = {}
    for name, table in found:
        locks[table] = max(locks.get(table, wanted[name]), wanted[name], key=STRENGTH.index)
    strong = sorted(
        (table for table, lock in locks.items() if STRENGTH.index(lock) > 1),
        key=lambda table: (table != "conversations", table.endswith("_logs"), table),
    )
    if not strong:
        return
    lock = sql.SQL("LOCK TABLE {} IN {} MODE")
    every = sql.SQL("; ").join(lock.format(sql.Identifier("public", table), sql.SQL(locks[table])) for table in strong)
    before = connection.execute("SHOW lock_timeout").fetchone()
    for left in reversed(range(LOCK_TRIES)):
        try:
            with connection.transaction():  # what it has is let go with the savepoint
                connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(round(LOCK_MOMENT * 1_000)))
                connection.execute(every)
                connection.execute("SELECT set_config('lock_timeout', %s, true)", before)
            return
        except psycopg.errors.LockNotAvailable:
            if not left:
                raise
            time.sleep(random.uniform(0.5, 1.5) * LOCK_MOMENT)  # noqa: S311 - not to meet the same ones again


@dataclass(frozen=True, slots=True)
class Backfill:
    """Rows of a table that are filled in batches, beside those who work.

    A revision declares `backfills = (Backfill(...),)` beside its `upgrade()`, which only adds what is to be filled, and
    whatever keeps new rows right meanwhile (a default, a trigger). A row of `schema_backfills` is written in the
    revision's transaction. When that is committed `schema.upgrade` fills, before it begins the next revision: each
    batch in a transaction of its own, which also notes up to which key it came. One that was killed goes on from there
    with the next upgrade, which the embedded server makes at its start. What needs all rows to be filled (NOT NULL, a
    check) is for the revision after.

    `name` is unique among all; `key` is a column of whole numbers that an index serves and nothing changes; `statement`
    fills the rows whose key is above %(after)s and up to %(upto)s, and does no harm to one that is filled already.
    """

    name: str
    table: str
    key: str
    statement: str


def note_begun(connection: psycopg.Connection[tuple[object, ...]], revision: str, backfill: Backfill) -> None:
    """Writes that rows are to be filled, in the transaction of their revision."""
    connection.execute(
        "INSERT INTO schema_backfills (name, revision, table_name) VALUES (%s, %s, %s)",
        [backfill.name, revision, backfill.table],
    )


def fill(conninfo: str, backfill: Backfill, told: Filled) -> None:
    """Fills what is left of a backfill that was begun; nothing where it is finished. Blocks.

    Raises `TraintuiError` when rows were held by others for too long, `psycopg.Error` when the statement fails. What
    was filled until then stays.
    """
    size, hindered = FIRST_BATCH, 0
    with psycopg.connect(conninfo, row_factory=tuple_row) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OWNER)))
        row = connection.execute(
            "SELECT greatest(sum(reltuples), 0)::bigint FROM pg_class LEFT JOIN pg_inherits ON inhrelid = oid"
            " WHERE (oid = %(table)s::regclass OR inhparent = %(table)s::regclass) AND relkind = 'r'",
            {"table": backfill.table},
        ).fetchone()
        total = int(row[0] or 0) if row else 0
        connection.commit()
        while True:
            began = clock.ticks()
            try:
                done = _batch(connection, backfill, size)
            except HINDERED as error:
                if hindered == len(PAUSES):
                    raise TraintuiError(
                        "Rows not filled",
                        f"rows of {backfill.table} are held by somebody, so that {backfill.name} could not go on.",
                        "What was filled stays. Run `traintui db upgrade` when they are done: it goes on from there.",
                    ) from error
                time.sleep(PAUSES[hindered])
                hindered, size = hindered + 1, max(size // 4, 1)
                continue
            if done is None:
                return
            hindered = 0
            told(done, max(total, done))
            took = max(clock.ticks() - began, 0.001)
            size = max(1, min(round(size * min(BATCH_SECONDS / took, 2)), LARGEST_BATCH))


def _batch(connection: psycopg.Connection[tuple[object, ...]], backfill: Backfill, size: int) -> int | None:
    """Fills the next rows, up to so many. How many are filled now; None when there are no more."""
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(round(LOCK_SECONDS * 1_000)))
        row = connection.execute(
            "SELECT after_key, row_count FROM schema_backfills WHERE name = %s AND finished_at IS NULL FOR UPDATE",
            [backfill.name],
        ).fetchone()
        if row is None:
            return None
        after, before = row
        key, table = sql.Identifier(backfill.key), sql.Identifier(backfill.table)
        span = connection.execute(
            sql.SQL(
                "SELECT max(key), count(*) FROM (SELECT {key} AS key FROM {table}"
                " WHERE %(after)s::bigint IS NULL OR {key} > %(after)s ORDER BY {key} LIMIT %(size)s) AS next"
            ).format(key=key, table=table),
            {"after": after, "size": size},
        ).fetchone()
        upto, number = span or (None, 0)
        if upto is None:
            connection.execute("UPDATE schema_backfills SET finished_at = now() WHERE name = %s", [backfill.name])
            return None
        first = after if after is not None else -(2**63)
        connection.execute(sql.SQL(backfill.statement), {"after": first, "upto": upto})
        connection.execute(
            "UPDATE schema_backfills SET after_key = %s, row_count = row_count + %s WHERE name = %s",
            [upto, number, backfill.name],
        )
    return int(str(before)) + int(str(number))
