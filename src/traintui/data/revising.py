"""What a revision of the schema is made of: SQL scripts beside the migrations, one folder for each revision; and rows
that are filled afterwards, in batches."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from alembic import op
from psycopg import sql
from psycopg.rows import tuple_row
from sqlalchemy.exc import DBAPIError

from traintui import clock
from traintui.data.schema import OWNER, migrations_directory
from traintui.data.statements import first_line, split
from traintui.errors import TraintuiError

LOCK_SECONDS = 1.0
"""How long a revision may wait for locks in one try, with all of its statements: who comes behind waits as long."""
LEAST_WAIT = 0.1
"""Seconds that each statement may wait, however long those before it took."""
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
    connection, began, allowed = op.get_bind(), clock.ticks(), LOCK_SECONDS
    if name == "down" and (config := op.get_context().config) is not None:
        config.attributes["run"].put_aside(op.get_context(), revision)
    statements = split(script)
    for number, statement in enumerate(statements, 1):
        left = max(LOCK_SECONDS - (clock.ticks() - began), LEAST_WAIT)
        if allowed - left >= LEAST_WAIT:
            allowed = left
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(left * 1_000)}")
        try:
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        except DBAPIError as error:
            raise StatementFailed(f"sql/{revision}/{name}.sql", number, len(statements), statement) from error


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
