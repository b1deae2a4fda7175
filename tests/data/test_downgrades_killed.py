"""A downgrade that is killed, or whose putting aside fails, leaves the one revision or the other, and all that people
entered: the same command goes on, and the upgrade gives back each row once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from data.test_put_aside import MORE, aside, changed, let_go
from data.test_revisions_failing import FAILING, Looking
from data.test_upgrades_killed import kill, waits_for
from data.test_upgrading import defined
from restoring import restore
from traintui.data import put_aside, revising, schema, schema_check, schema_history, upgrading
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.errors import TraintuiError
from workspace_contents import data

NAME = "test_downgrades_killed"
NUMBERS = [one.number for one in schema_history.revisions()]
DOWNGRADE = (
    "import sys; from traintui.data import schema;"
    "schema.downgrade(sys.argv[1], sys.argv[2], progress=lambda word: print(word, flush=True))"
)
KILLED_AT = (
    "Put aside rows of promoted_values", "Took back 0051", "Put aside rows of alerts", "Put aside rows of import_items",
    "Put aside rows of batches where kind = 'judge'", "Took back 0018", "Put aside rows of metadata_keys",
)  # fmt: skip
"""What a downgrade says last before it is killed, one after another; each inside of the transaction of a revision."""
FAILED = ("0051", "0032", "0018")
"""Revisions whose putting aside fails at each of its statements: rows of tables that go, of such that stay, and values
of columns."""
STRIDE = 8
"""Which of the statements fail in the downgrade and the upgrade themselves, each of which is then begun anew."""


@pytest.fixture
def whole(server: EmbeddedServer) -> Iterator[str]:
    """The superuser's connection string to a workspace with something in every table that people fill."""
    restore(server, NAME, "0045")
    conninfo = server.conninfo(SUPERUSER, NAME)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(MORE.encode())
    yield conninfo
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)".encode())


def begun(conninfo: str, revision: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DOWNGRADE, conninfo, revision], stdout=subprocess.PIPE, text=True
    )  # fmt: skip


def below(number: str) -> str:
    return NUMBERS[NUMBERS.index(number) - 1]


def nobody_is_at_it(conninfo: str) -> None:
    """Returns once the server has noticed that a downgrade died."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(7453, 0)")


def state(conninfo: str) -> tuple[object, ...]:
    """All that there is: the schema, the rows of all tables, and those that are aside; the history, which grows, is
    left out."""
    with psycopg.connect(conninfo) as connection:
        digest = sql.SQL("SELECT md5(string_agg(row, '|' ORDER BY row)) FROM (SELECT t::text AS row FROM {} AS t) AS t")
        rows = [connection.execute(digest.format(sql.Identifier(name))).fetchall() for name in aside(conninfo)
                if name != upgrading.HISTORY_ASIDE]  # fmt: skip
    return defined(conninfo), data(conninfo), aside(conninfo), rows


def test_a_downgrade_that_is_killed_again_and_again_comes_to_the_same_end_and_loses_nothing(whole: str) -> None:
    top = data(whole)
    for moment in KILLED_AT:
        with begun(whole, "0003") as child:
            assert child.stdout is not None
            while (word := child.stdout.readline()) and not word.startswith(moment):
                pass
            kill(child)  # it is said inside of the transaction: the revision may be there or not
        assert word, f"it ended before {moment}"
        nobody_is_at_it(whole)
        stands = schema.current_revision(whole) or ""
        kept = {one.place for number in NUMBERS if number > stands for one in put_aside.kept_by(number)}
        assert set(aside(whole)) <= kept, "what a revision puts aside that was not taken back is not aside"
    schema.downgrade(whole, "0003")
    assert schema.current_revision(whole) == "0003"
    schema.upgrade(whole)
    assert changed(top, data(whole)) <= set().union(*(let_go(number) for number in NUMBERS if number > "0003"))
    assert aside(whole) == [] and schema_check.check(whole) == ()


def test_a_downgrade_that_is_killed_while_it_waits_has_put_nothing_aside_and_keeps_nothing_locked(whole: str) -> None:
    schema.downgrade(whole, "0027")
    before = state(whole)
    with psycopg.connect(whole) as holder, begun(whole, "0026") as child:
        holder.execute("SELECT FROM templates LIMIT 1")
        holder.execute("LOCK TABLE templates IN ROW EXCLUSIVE MODE")
        waits_for(whole, "relation")
        kill(child)
    nobody_is_at_it(whole)
    assert state(whole) == before
    schema.downgrade(whole, "0026")
    schema.upgrade(whole, "0027")
    is_as_before(whole, before, "0027")


def is_as_before(conninfo: str, top: tuple[Any, ...], number: str) -> None:
    """After the way back from a revision and the way up to it all is there again, once."""
    after: tuple[Any, ...] = state(conninfo)
    assert schema_check.compare(top[0], after[0]) == ()
    assert changed(top[1], after[1]) <= let_go(number)
    assert after[2:] == top[2:]


class Between:
    """Stands between putting aside, or back, and the server; before one of the statements, counted from 1, something
    is done."""

    def __init__(self, connection: psycopg.Connection[Any], do: Callable[[psycopg.Connection[Any], int], None]) -> None:
        self._connection = connection
        self._do = do
        self._number = 0

    def execute(self, *statement: Any) -> psycopg.Cursor[Any]:
        self._number += 1
        self._do(self._connection, self._number)
        return self._connection.execute(*statement)

    def transaction(self) -> Any:
        return self._connection.transaction()


@pytest.fixture
def before_each(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[psycopg.Connection[Any], int], None]]:
    """The last of these is called before each statement that puts aside, or back."""
    hooks: list[Callable[[psycopg.Connection[Any], int], None]] = [lambda _connection, _number: None]
    for name in ("put_aside", "put_back"):
        real = getattr(put_aside, name)

        def wrapped(connection: Any, revision: str, real: Any = real) -> Any:
            return real(Between(connection, hooks[-1]), revision)

        monkeypatch.setattr(put_aside, name, wrapped)
    return hooks


class Failed(Exception):
    """Instead of a statement."""


def statements_of(conninfo: str, number: str, looking: Looking) -> int:
    """Lets putting aside fail at each of its statements, one after another, and looks whether all is as it was; how
    many there are."""
    failing_at = 0
    while True:
        failing_at += 1

        def fail(_connection: psycopg.Connection[Any], at: int) -> None:
            if at == failing_at:  # noqa: B023
                raise Failed

        with psycopg.connect(conninfo) as connection:
            try:
                put_aside.put_aside(Between(connection, fail), number)  # type: ignore[arg-type]
            except Failed:
                connection.rollback()
                assert looking.is_as_before(), f"statement {failing_at} of {number}"
            else:
                connection.rollback()
                return failing_at - 1


def test_putting_aside_and_back_that_fails_at_any_of_its_statements_leaves_all_as_it_was(
    whole: str, monkeypatch: pytest.MonkeyPatch, before_each: list[Any]
) -> None:
    monkeypatch.setattr(revising, "PAUSES", (0.0,) * 1_000)
    failed = 0

    def fail(connection: psycopg.Connection[Any], at: int) -> None:
        if at == failed * STRIDE + 1:
            connection.execute(FAILING)

    for number in FAILED:
        schema.downgrade(whole, number)
        top = state(whole)
        looking = Looking(whole)
        assert statements_of(whole, number, looking) >= 6 * len(put_aside.kept_by(number))
        looking.close()
        before_each.append(fail)
        for go, goal in ((schema.downgrade, below(number)), (schema.upgrade, number)):
            looking, odd, failed = Looking(whole), [], 0

            def told(word: str) -> None:
                nonlocal failed
                if word.startswith("Waiting for "):
                    failed += 1
                    if not looking.is_as_before():  # noqa: B023
                        odd.append(failed)  # noqa: B023

            go(whole, goal, progress=told)
            looking.close()
            assert odd == [] and failed > 0, f"{go.__name__} to {goal}"
        before_each.pop()
        is_as_before(whole, top, number)


def test_a_downgrade_whose_session_is_ended_between_any_two_statements_is_done_by_the_next(
    whole: str, before_each: list[Any]
) -> None:
    schema.downgrade(whole, "0018")
    top, ended = state(whole), 0

    def end(connection: psycopg.Connection[Any], at: int) -> None:
        if at == 1 + ended * STRIDE:
            with psycopg.connect(whole, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 10000)", [connection.info.backend_pid])

    before_each.append(end)
    while True:
        try:
            schema.downgrade(whole, "0017")
            break
        except TraintuiError:
            ended += 1
            assert state(whole) == top
    assert ended >= 4
    ended = 0
    lower = state(whole)
    while True:
        try:
            schema.upgrade(whole, "0018")
            break
        except TraintuiError:
            ended += 1
            assert state(whole) == lower
    assert ended >= 4
    is_as_before(whole, top, "0018")
