"""A revision that fails at any of its statements, on its way up or down, leaves everything as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, Engine, event

from support import Conninfo, add_document, add_vocabulary, approved, generated, imported
from traintui.data import revising, schema, schema_check, schema_history
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.statements import bare
from traintui.data.upgrading import autonomous

NUMBERS = [one.number for one in schema_history.revisions()]
BESIDE = {"0036", "0037", "0039"}
"""Revisions that build indexes beside the writing: what was built stays, and is found when they are run again."""
FAILING = "DO 'BEGIN RAISE lock_not_available; END'"
"""Fails as a lock does that is not to be had, so that the upgrade begins the revision anew."""
FAILS_AT, FAILS_BESIDE = 8, 25
"""The statement of each revision, beside its last one, that fails in the upgrade itself; and every which of those that
are transactions of their own."""
READING = ("SELECT alembic", "SELECT pg_catalog", "SELECT inhrelid", "SELECT indexrelid", "SELECT pg_backend_pid")
CATALOGS = {
    "pg_class": "oid", "pg_attribute": "attrelid", "pg_attrdef": "oid", "pg_proc": "oid", "pg_constraint": "oid",
    "pg_index": "indexrelid", "pg_trigger": "oid", "pg_policy": "oid", "pg_type": "oid", "pg_enum": "oid",
    "pg_rewrite": "oid", "pg_sequence": "seqrelid", "pg_inherits": "inhrelid", "pg_description": "objoid",
    "pg_namespace": "oid", "pg_authid": "oid", "pg_default_acl": "oid",
}  # fmt: skip
"""What PostgreSQL knows of a schema, and the column that tells whose that is."""
OURS = 16384
"""From here on ids are not PostgreSQL's own."""

Objects = dict[tuple[str, str], str]


class Looking:
    """Whether a database is as it was, seen over a connection of its own."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._connection = psycopg.connect(conninfo, autocommit=True, options="-c max_parallel_workers_per_gather=0")
        self.begin()

    def begin(self) -> None:
        """What is there now is what is to be there again. Each row is at a place where a transaction put it: whatever
        changes it leaves another place, or another transaction."""
        tables = self._connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        ).fetchall()
        marks = sql.SQL(
            "SELECT sum(hashtextextended(ctid::text || xmin::text, tableoid::bigint)) FROM {} WHERE {} >= {}"
        )
        every = [marks.format(sql.Identifier(name), sql.Identifier(key), OURS) for name, key in CATALOGS.items()]
        every += [marks.format(sql.Identifier(table), sql.Identifier("tableoid"), OURS) for (table,) in tables]
        self._query = sql.SQL(" UNION ALL ").join(every)
        self._before = self._state()
        self.objects = self.objects_now()

    def is_as_before(self) -> bool:
        return self._state() == self._before

    def objects_now(self) -> Objects:
        return schema_check.objects(self._conninfo)

    def _state(self) -> list[Any]:
        return self._connection.execute(self._query, prepare=True).fetchall()

    def close(self) -> None:
        self._connection.close()


class Failing:
    """Stands in front of every statement of an upgrade. What its transaction did until there is rolled back, as when
    that statement fails, looked at, and done again. Some statements fail indeed, so that the upgrade itself rolls back
    and begins anew."""

    def __init__(self, looking: Looking) -> None:
        self._looking = looking
        self.odd: list[str] = []
        """In front of which statements not all was as before."""
        self.looks = self.failures = 0
        self.passed: list[str] = []
        self.beside: set[str] = set()
        """Before which revisions statements were transactions of their own."""
        self.half_done: set[tuple[str, str]] = set()
        self._left: list[tuple[Objects, Objects]] = []
        self._done: list[str] = []
        self._place = self._looked = 0
        self._failed: set[int] = set()
        self._stale = self._in_between = False

    def about_to(
        self, connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> tuple[str, Any]:
        said = bare(statement)
        if said.startswith(READING):
            return statement, parameters
        if autonomous(connection):
            self._place += 1
            if not self._in_between and self._stale:
                self._looking.begin()
            self._in_between = self._stale = True
            self.beside.add(self.passed[-1])
            return FAILING if self._fails(self._place % FAILS_BESIDE == 0) else statement, parameters
        self._in_between = False
        if self._stale:
            self._looking.begin()
            self._compare(self._looking.objects)
            self._stale = False
        if not said.startswith("SET "):
            self._place += 1
        if self._place > self._looked:
            self._looked = self._place
            self._roll_back_and_look(connection, said)
        self._done.append(statement)
        is_last = "alembic_version" in said
        return FAILING if self._fails(is_last or self._place == FAILS_AT) else statement, parameters

    def _fails(self, is_to_fail: bool) -> bool:
        if not is_to_fail or self._place in self._failed:
            return False
        self._failed.add(self._place)
        return True

    def _roll_back_and_look(self, connection: Connection, statement: str) -> None:
        driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        driver.rollback()
        self._look(statement)
        driver.rollback()
        driver.execute(";".join(self._done).encode())

    def _look(self, where: str) -> None:
        self.looks += 1
        if not self._looking.is_as_before():
            self.odd.append(where)

    def over(self, _connection: Connection) -> None:
        """A transaction ends."""
        self._done.clear()

    def told(self, word: str) -> None:
        """Hears what the upgrade says: that it has met a lock, and rolled back; that a revision is done; or what was
        put aside for it."""
        if word.startswith("Put "):
            return
        self._place = 0
        if word.startswith("Waiting for "):
            self.failures += 1
            if self._in_between:
                left = self._looking.objects_now().items()  # an index whose build was cut off is built anew
                self._left.append((self._looking.objects, {key: said.removesuffix(" (invalid)") for key, said in left}))
            else:
                self._look(f"{word} behind {self.passed[-1:]}")
            return
        self.passed.append(word.split()[-4])
        self._failed.clear()
        self._looked, self._stale = 0, True

    def _compare(self, after: Objects) -> None:
        """What stood after a failure beside the writing is as before, or as it is when that is done."""
        for before, left in self._left:
            for key in before.keys() | left.keys():
                if left.get(key) not in {before.get(key), after.get(key)}:
                    self.half_done.add(key)
        self._left.clear()


@contextmanager
def failing(conninfo: str) -> Iterator[Failing]:
    """Upgrades and downgrades inside the block fail, and say so to what is given."""
    looking = Looking(conninfo)
    found = Failing(looking)
    listeners: dict[str, Any] = {"before_cursor_execute": found.about_to, "commit": found.over, "rollback": found.over}
    for name, listener in listeners.items():
        event.listen(Engine, name, listener, retval=name.startswith("before"))
    try:
        yield found
    finally:
        for name, listener in listeners.items():
            event.remove(Engine, name, listener)
        looking.close()


async def fill(db: Database) -> None:
    await add_vocabulary(db)
    await add_document(db)
    await approved(db, *await generated(db, 2), *await imported(db, 2, metadata={"source": "web"}))
    await db.close()


async def test_a_revision_that_fails_at_any_statement_on_its_way_up_leaves_all_as_it_was(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(db)
    monkeypatch.setattr(revising, "PAUSES", (0.0,) * 20)
    superuser = conninfo(SUPERUSER)
    schema.downgrade(superuser, NUMBERS[0])
    with failing(superuser) as failed:
        schema.upgrade(superuser, progress=failed.told)
    assert failed.odd == [] and failed.passed == NUMBERS[1:]
    # Only what is built beside the writing stands after a failure, and nothing of it is other than it will be.
    assert failed.beside == {NUMBERS[NUMBERS.index(number) - 1] for number in BESIDE}
    assert failed.half_done == set()
    assert failed.failures >= len(NUMBERS) and failed.looks > 700
    assert schema_check.check(superuser) == ()


async def test_a_revision_that_fails_at_any_statement_on_its_way_down_leaves_all_as_it_was(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(db)
    monkeypatch.setattr(revising, "PAUSES", (0.0,) * 20)
    superuser = conninfo(SUPERUSER)
    with failing(superuser) as failed:
        schema.downgrade(superuser, "base", progress=failed.told)
    assert failed.odd == [] and failed.passed == NUMBERS[::-1]
    assert failed.beside == set() and failed.failures >= len(NUMBERS) and failed.looks > 400


def test_the_first_revision_that_fails_in_any_of_its_scripts_leaves_an_empty_database(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revising, "PAUSES", (0.0,) * 20)
    schema.upgrade(empty, NUMBERS[0])
    schema.downgrade(empty, "base")  # what Alembic keeps for itself stays
    with failing(empty) as failed:
        schema.upgrade(empty, NUMBERS[0], progress=failed.told)
    assert failed.odd == [] and failed.passed == NUMBERS[:1] and failed.looks >= 8 and failed.failures == 1
