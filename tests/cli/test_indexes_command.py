"""`traintui db indexes` as a person or a program meets it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from commanded import at_home
from homes import furnished_home
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer

pytestmark = pytest.mark.xdist_group("homes")


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """The server of a home."""
    with tempfile.TemporaryDirectory(prefix="ti-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        embedded = EmbeddedServer(furnished_home(Path(directory) / "home"), durable=False)
        embedded.start()
        yield embedded
        embedded.stop()


def told(server: EmbeddedServer, *words: str) -> Any:
    """What the command says to a program."""
    done = at_home(server.home, "db", "indexes", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_index_is_rebuilt_dropped_and_brought_back_with_its_sql_said_first(server: EmbeddedServer) -> None:
    done = at_home(server.home, "db", "indexes", "--rebuild", "ix_review_logs_xid8", "--yes")
    assert done.returncode == 0 and "ix_review_logs_xid8: rebuilt, by " in done.stdout
    assert "REINDEX INDEX CONCURRENTLY ix_review_logs_xid8;" in done.stderr and "risks: nobody waits" in done.stderr
    (dropped,) = told(server, "--drop", "ix_review_logs_xid8", "--yes")["actions"]
    assert (dropped["kind"], dropped["state"]) == ("drop", "done")
    seen = at_home(server.home, "db", "indexes").stdout
    assert "ix_review_logs_xid8 is not there, and Traintui relies on it" in seen
    assert f"traintui db indexes --undo {dropped['id']} brings it back" in seen
    (made,) = told(server, "--undo", str(dropped["id"]), "--yes")["actions"]
    assert (made["kind"], made["state"], made["undoes"]) == ("create", "done", dropped["id"])
    again = at_home(server.home, "db", "indexes", "--undo", str(dropped["id"]), "--yes")
    assert again.returncode == 1 and "was undone already" in again.stderr


def test_what_is_missing_is_made(server: EmbeddedServer) -> None:
    with psycopg.connect(server.conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("DROP INDEX ix_review_logs_xid8")
    (made,) = told(server, "--create", "ix_review_logs_xid8", "--yes")["actions"]
    assert (made["kind"], made["state"], made["table_name"]) == ("create", "done", "review_logs")
    found = {each["name"]: each for each in told(server)["indexes"]}
    assert found["ix_review_logs_xid8"]["finding"] is None and found["ix_review_logs_xid8"]["bytes"] > 0


def test_the_name_of_an_index_tells_a_terminal_nothing(server: EmbeddedServer) -> None:
    with psycopg.connect(server.conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute('CREATE INDEX "ix_\x1b[2J" ON review_logs (xid8)')
        said = at_home(server.home, "db", "indexes").stdout
        connection.execute('DROP INDEX "ix_\x1b[2J"')
    assert "ix_\ufffd[2J" in said and "\x1b" not in said


def test_without_a_yes_nothing_is_done(server: EmbeddedServer) -> None:
    before = told(server)["actions"]
    asked = at_home(server.home, "db", "indexes", "--drop", "ix_review_logs_xid8")
    assert asked.returncode == 1 and "Do it?" in asked.stderr and told(server)["actions"] == before


def test_what_cannot_be_done_is_said(server: EmbeddedServer) -> None:
    for words, said in (
        (("--drop", "pk_conversations"), "not only there to be quick"),
        (("--rebuild", "ix_nowhere"), "there is not an index ix_nowhere"),
        (("--create", "ix_nowhere"), "there is not a finding about ix_nowhere"),
        (("--undo", "99999"), "there is not action 99999"),
        (("--quiet-hours", "25-7"), "are no hours of a day"),
    ):
        done = at_home(server.home, "db", "indexes", *words, "--yes")
        assert done.returncode == 1 and said in done.stderr, words
    assert at_home(server.home, "db", "indexes", "--clean", "--drop", "ix_a").returncode == 2
    assert at_home(server.home, "db", "indexes", "--clean", "--yes").stdout.strip() == "nothing to clean up"


def test_when_they_are_rebuilt_by_themselves_is_a_rule_of_the_workspace(server: EmbeddedServer) -> None:
    assert (told(server)["automatic"], told(server)["quiet_hours"]) == (True, None)
    assert told(server, "--automatic", "off", "--quiet-hours", "22-6")["quiet_hours"] == [22, 6]
    assert "Rebuilt by themselves: off (--automatic on)" in at_home(server.home, "db", "indexes").stdout
    (finding,) = [
        each for each in json.loads(at_home(server.home, "doctor", "--json").stdout)["findings"]
        if each["name"] == "Indexes"
    ]  # fmt: skip
    assert finding["state"] == "ok" and "nothing is rebuilt by itself" in finding["message"]
    assert told(server, "--automatic", "on", "--quiet-hours", "any")["automatic"] is True


def test_doctor_names_an_index_that_is_missing_and_an_alert_that_is_urgent(server: EmbeddedServer) -> None:
    name = "ix_review_logs_xid8"

    def found() -> dict[str, dict[str, str]]:
        said = json.loads(at_home(server.home, "doctor", "--json").stdout)["findings"]
        return {each["name"]: each for each in said}

    assert found()["Alerts"]["state"] == "ok"
    with psycopg.connect(server.conninfo(SUPERUSER, DATABASE), autocommit=True) as connection:
        (definition,) = connection.execute("SELECT pg_get_indexdef(%s::regclass)", [name]).fetchone() or ("",)
        connection.execute(f"DROP INDEX {name}".encode())
        connection.execute(
            "INSERT INTO alerts (kind, subject, severity, state, says, evidence, around, opened_at)"
            " VALUES ('blocking', 'ben', 'urgent', 'open', 'ben keeps 2 waiting', '{}', '[]', now())"
        )
        seen = found()
        assert (seen["Indexes"]["state"], seen["Alerts"]["state"]) == ("warning", "warning")
        assert f"{name} is not there, and Traintui relies on it" in seen["Indexes"]["message"]
        assert seen["Indexes"]["remedy"] == f"traintui db indexes --create {name}."
        assert seen["Alerts"]["message"] == "urgent: ben keeps 2 waiting."
        connection.execute("DELETE FROM alerts")
        connection.execute(definition.encode())
    assert found()["Indexes"]["state"] == "ok"
