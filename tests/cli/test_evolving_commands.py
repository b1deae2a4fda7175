"""`traintui db upgrade`, `history` and `check` on a workspace."""

from __future__ import annotations

import json
import sys
from io import StringIO

import psycopg
import pytest

from commanded import Command, command_for
from support import Conninfo, imported
from traintui.data import schema, schema_history, seals
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database


@pytest.fixture
def traintui(conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return command_for(conninfo(SUPERUSER), monkeypatch, capsys)


def make_turns_many(conninfo: str) -> None:
    """What the server believes about the table, as after an import."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("UPDATE pg_class SET reltuples = 2000000 WHERE relname = 'conversation_turns'")


def test_an_upgrade_is_told_before_it_is_made_and_a_dry_run_makes_none(traintui: Command, conninfo: Conninfo) -> None:
    schema.downgrade(conninfo(SUPERUSER), "0032")
    make_turns_many(conninfo(SUPERUSER))
    code, out, _ = traintui("db", "upgrade", "--dry-run")
    assert code == 0 and "0033  Whether an export needs weights is known at once." in out
    assert "conversation_turns, some 2,000,000 rows: who writes waits for about 4 s (SHARE lock)  !" in out
    assert "locked for a moment: " in out and "Others wait for about " in out
    code, out, _ = traintui("db", "upgrade", "--dry-run", "--json")
    (turns,) = (table for table in json.loads(out)["steps"][0]["tables"] if table["table"] == "conversation_turns")
    assert code == 0 and (turns["rows"], turns["lock"], turns["asks"]) == (2_000_000, "SHARE", True)
    assert schema.current_revision(conninfo(SUPERUSER)) == "0032"


def test_a_strong_lock_on_a_large_table_is_asked_about(
    traintui: Command, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema.downgrade(conninfo(SUPERUSER), "0032")
    make_turns_many(conninfo(SUPERUSER))
    monkeypatch.setattr(sys, "stdin", StringIO())
    code, out, said = traintui("db", "upgrade", "0033")
    assert (code, out.strip()) == (1, "") and "Others wait while conversation_turns is locked. Go on?" in said
    assert schema.current_revision(conninfo(SUPERUSER)) == "0032"
    code, out, said = traintui("db", "upgrade", "0033", "--yes")
    assert (code, out.strip()) == (0, "0033") and "Applied 0033 in " in said


def test_an_upgrade_where_there_is_nothing_to_do_says_so(traintui: Command) -> None:
    assert traintui("db", "upgrade") == (0, f"{schema.HEAD}\n", "")
    assert traintui("db", "upgrade", "--dry-run")[1] == f"Nothing to do: the database is at {schema.HEAD}\n"
    told = json.loads(traintui("db", "upgrade", "--json")[1])
    assert told == {"before": schema.HEAD, "steps": [], "current": schema.HEAD, "backup": None}


def test_a_revision_that_is_not_there_is_looked_up_in_the_history(traintui: Command) -> None:
    code, out, said = traintui("db", "upgrade", "nonsense", "--yes")
    assert (code, out) == (1, "") and "Revision not known: Can't locate revision identified by 'nonsense'" in said
    assert "`traintui db history` lists" in said


@pytest.mark.parametrize(
    ("revision", "answer"),
    [
        ("0099", "Revision not known: No such revision or branch '0099'"),
        ("40", "Revision not known: No such revision or branch '40'"),
        ("w0003", "w0003 is none of Traintui's"),
    ],
)
def test_a_way_back_that_leads_nowhere_is_refused_before_it_is_asked_about(
    traintui: Command, revision: str, answer: str
) -> None:
    code, out, said = traintui("db", "downgrade", revision)
    assert (code, out) == (1, "") and answer in said and "Go on?" not in said


async def test_that_seals_would_go_is_said_before_it_is_asked_about(traintui: Command, db: Database) -> None:
    await imported(db, 1)
    await seals.seal(db, everything=True)
    code, out, said = traintui("db", "downgrade", "0035")
    assert (code, out) == (1, "") and "Seals would go" in said and "Go on?" not in said


def test_a_way_back_says_what_it_takes_back_and_how_many_rows_it_puts_aside(
    traintui: Command, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert traintui("db", "downgrade", schema.HEAD) == (
        0, f"{schema.HEAD}\n", f"Nothing to do: the database is at {schema.HEAD}\n"
    )  # fmt: skip
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("INSERT INTO promoted_values (key, value, added_by) VALUES ('source', 'letter', 'ada')")
    taken = [promised for promised in schema_history.revisions() if promised.number > "0053"]
    code, told, _ = traintui("db", "downgrade", "0053", "--dry-run")
    lines = told.splitlines()
    assert (code, lines[0]) == (0, f"{len(taken)} revisions taken back, from {schema.HEAD} to 0053")
    place = lines.index(f"0054  {taken[0].what}")
    assert lines[place + 1 :] == ["      puts aside rows of promoted_values: 1"]
    monkeypatch.setattr(sys, "stdin", StringIO())
    code, out, said = traintui("db", "downgrade", "0053")
    assert (code, out.strip()) == (1, "") and said.startswith(told) and "Go on?" in said
    assert schema.current_revision(conninfo(SUPERUSER)) == schema.HEAD
    code, out, said = traintui("db", "downgrade", "--yes", "--", f"-{len(taken)}")
    assert (code, out) == (0, "0053\n") and said.startswith(told)
    code, _, said = traintui("db", "downgrade", schema.HEAD, "--yes")
    assert code == 1 and f"Not below: {schema.HEAD} is above 0053, which the database is at." in said


def test_the_history_says_why_and_how_to_go_back_and_when_it_was_applied_here(traintui: Command) -> None:
    code, out, _ = traintui("db", "history")
    assert code == 0 and "Going back: The two tables go." in out and f"by {SUPERUSER} in " in out
    told = json.loads(traintui("db", "history", "--json")[1])
    assert [one["number"] for one in told["revisions"]] == [one.number for one in schema_history.revisions()]
    newest = told["revisions"][-1]
    assert newest["applied"] and newest["here"][-1]["direction"] == "up" and newest["here"][-1]["seconds"] > 0
    assert traintui("db", "history", "--markdown")[1] == schema_history.document()


def test_a_check_ends_with_one_where_something_differs_and_says_what(traintui: Command, conninfo: Conninfo) -> None:
    assert traintui("db", "check") == (0, f"All as revision {schema.HEAD} makes it\n", "")
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("REVOKE SELECT ON documents FROM traintui_auditor")
    code, out, said = traintui("db", "check")
    assert (code, out) == (1, "traintui_auditor may not SELECT on table documents any more\n") and "Grant again" in said
    told = json.loads(traintui("db", "check", "--json")[1])
    assert [one["kind"] for one in told["differences"]] == ["missing"] and told["models"] == []
