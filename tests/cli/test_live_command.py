"""`traintui db live` as a person or a program meets it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO

import psycopg
import pytest

from commanded import Command, command_for
from support import Conninfo


@pytest.fixture
def as_login(
    conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Command]:
    return lambda login: command_for(conninfo(login), monkeypatch, capsys)


@contextmanager
def sleeping(conninfo: str) -> Iterator[psycopg.Connection]:
    """A session whose statement is under way."""
    with psycopg.connect(conninfo, application_name="by hand", autocommit=True) as connection:
        connection.pgconn.send_query(b"SELECT pg_sleep(60), 'a secret'")
        connection.pgconn.flush()
        yield connection
        connection.pgconn.finish()


def sessions(run: Command) -> dict[str, dict[str, object]]:
    """What it tells, by program."""
    code, out, _ = run("db", "live", "--json")
    assert code == 0
    return {each["application"]: each for each in json.loads(out)["sessions"]}


def test_who_runs_what_is_told_as_far_as_ones_rights_reach(
    conninfo: Conninfo, as_login: Callable[[str], Command]
) -> None:
    with sleeping(conninfo("ron")):
        told = sessions(as_login("ada"))["by hand"]
        assert told["statement"] == "SELECT pg_sleep(?), '?'" and told["login"] == "ron" and told["state"] == "active"
        hidden = sessions(as_login("rita"))["by hand"]
        assert hidden["hidden"] and hidden["statement"] is None and hidden["login"] == "ron"
        code, out, err = as_login("ada")("db", "live")
        assert code == 0 and "ron by hand" in out and "a secret" not in out and "full:" in err
        assert 'GRANT pg_read_all_stats, pg_signal_backend TO "rita";' in as_login("rita")("db", "live")[2]


def test_a_statement_is_cancelled_by_who_has_the_right(conninfo: Conninfo, as_login: Callable[[str], Command]) -> None:
    with sleeping(conninfo("ron")) as connection:
        pid = str(connection.info.backend_pid)
        sessions(as_login("ada"))
        code, _, err = as_login("rita")("db", "live", "--cancel", pid, "--yes")
        assert code == 1 and "rita may not end what ron runs" in err and "GRANT pg_read_all_stats" in err
        code, _, err = as_login("ada")("db", "live", "--cancel", pid, "--yes")
        assert code == 0 and f"Cancelled: ron, by hand ({pid})" in err
        result = connection.pgconn.get_result()
        assert result is not None and b"canceling statement" in result.error_message


def test_what_runs_nothing_is_not_cancelled_and_an_end_says_who_waits_and_what_is_undone(
    conninfo: Conninfo, as_login: Callable[[str], Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("n\n"))
    with psycopg.connect(conninfo("ron")) as resting, psycopg.connect(conninfo("ron"), autocommit=True) as waiting:
        lock = "SELECT pg_advisory_xact_lock(47)"
        resting.execute(lock)
        waiting.pgconn.send_query(lock.encode())
        waiting.pgconn.flush()
        pid = str(resting.info.backend_pid)
        run = as_login("ada")
        while "1 wait for it" not in run("db", "live")[1]:
            pass
        code, _, err = run("db", "live", "--cancel", pid)
        assert code == 1 and f"{pid} runs nothing at the moment" in err and f"--end {pid}" in err
        code, _, err = run("db", "live", "--end", pid)
        assert code == 1 and "1 session waits for it. The connection closes: what it has not committed is undone" in err
        assert resting.execute("SELECT 1").fetchone() == (1,)
        waiting.pgconn.finish()


def test_a_number_that_is_no_session_is_refused(as_login: Callable[[str], Command]) -> None:
    code, _, err = as_login("ada")("db", "live", "--end", "1", "--yes")
    assert code == 1 and "Session not found" in err
    assert as_login("ada")("db", "live", "--cancel", "1", "--end", "1")[0] == 2
