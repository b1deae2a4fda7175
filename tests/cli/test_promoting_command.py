"""`traintui db promote` and `demote` as a person or a program meets them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from commanded import at_home, command_for
from homes import furnished_home
from support import Conninfo
from traintui.data import schema
from traintui.data.embedded import SUPERUSER, EmbeddedServer

pytestmark = pytest.mark.xdist_group("homes")
STORE = (
    "INSERT INTO conversations (is_seed, metadata)"
    " SELECT true, jsonb_build_object('page', i, 'source', CASE i % 2 WHEN 0 THEN 'web' ELSE 'phone' END)"
    " FROM generate_series(1, 10) AS i"
)


@pytest.fixture
def home() -> Iterator[Path]:
    """A home with a few conversations, its server running."""
    with tempfile.TemporaryDirectory(prefix="tp-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        embedded = EmbeddedServer(furnished_home(Path(directory) / "home"), durable=False)
        embedded.start()
        with psycopg.connect(embedded.conninfo(SUPERUSER)) as connection:
            connection.execute(STORE.encode())
            connection.execute('UPDATE conversations SET metadata = \'{"page": "four"}\' WHERE id = 4')
        yield embedded.home
        embedded.stop()


def told(home: Path, *words: str) -> Any:
    """What the command says to a program."""
    done = at_home(home, "db", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_key_is_promoted_with_its_sql_said_first_and_goes_back(home: Path) -> None:
    refused = at_home(home, "db", "promote", "page", "--type", "integer", "--yes")
    assert refused.returncode == 1 and not (home / "migrations").exists()
    assert "9 are of the type integer, 1 are not" in refused.stderr and ': "four"' in refused.stderr
    assert "--leave-unfitting" in refused.stderr
    asked = at_home(home, "db", "promote", "page", "--type", "integer", "--leave-unfitting")
    assert asked.returncode == 1 and "ADD COLUMN IF NOT EXISTS key_page bigint" in asked.stderr
    assert not (home / "migrations").exists()
    done = told(home, "promote", "page", "--type", "integer", "--leave-unfitting", "--yes")
    assert (done["state"], done["column"], done["filled"], done["unfitting"]) == ("promoted", "key_page", 9, 1)
    assert done["looked"]["examples"][0][1] == '"four"'
    assert [Path(each).read_text().count("key_page bigint") for each in done["files"]] == [1]
    again = told(home, "promote", "page", "--type", "integer", "--yes")
    assert (again["revision"], again["files"]) == ("w0001", [])
    listed = at_home(home, "db", "promote").stdout
    assert "9 values filled in; 1 stay in metadata alone (has:meta.page -has:page finds them)" in listed
    (made,) = (home / "migrations").glob("*.py")
    text, ran = made.read_text(), home / "ran"
    made.write_text(f"{text}open({str(ran)!r}, 'w')\n")
    changed = at_home(home, "db", "promote", "page", "--type", "integer")
    assert changed.returncode == 1 and "+open(" in changed.stderr and "as they are?" in changed.stderr
    assert not ran.exists()
    made.write_text(text)
    back = told(home, "demote", "page", "--yes")
    assert (back["state"], back["demoted_in"]) == ("demoted", "w0002")
    assert [each["state"] for each in told(home, "promote")["promotions"]] == ["demoted"]
    nothing = at_home(home, "db", "demote", "page", "--yes")
    assert nothing.returncode == 1 and "no column of its own" in nothing.stderr


def test_what_was_taken_back_by_a_downgrade_is_promoted_when_it_is_asked_for(home: Path) -> None:
    told(home, "promote", "source", "--type", "text", "--yes")
    told(home, "demote", "source", "--yes")
    gone = "2 migrations of this workspace were taken back, so promoted keys have no column"
    assert at_home(home, "db", "downgrade", "0053", "--yes").returncode == 0
    up = at_home(home, "db", "upgrade")
    assert up.returncode == 0 and gone in up.stderr and gone not in at_home(home, "db", "upgrade").stderr
    assert at_home(home, "db", "downgrade", "0053", "--yes").returncode == 0
    looked = at_home(home, "db", "promote")
    assert looked.returncode == 0 and looked.stdout == "no metadata key has a column of its own\n"
    assert f"Upgraded the workspace from 0053 to {schema.HEAD}, backed up first to {home}" in looked.stderr
    assert gone in looked.stderr and at_home(home, "db", "promote").stderr == ""
    asked = at_home(home, "db", "promote", "source", "--type", "text")
    names = [f"w000{number}_{what}_key_source.py" for number, what in ((1, "promote"), (2, "demote"), (3, "promote"))]
    assert asked.returncode == 1 and f"and run {names[0]}, {names[1]} and {names[2]}?" in asked.stderr
    done = told(home, "promote", "source", "--type", "text", "--yes")
    assert (done["state"], done["revision"], done["filled"]) == ("promoted", "w0003", 9)
    assert [Path(each).name for each in done["files"]] == names


def test_an_embedded_workspace_that_promoted_nothing_is_upgraded_with_a_word_and_none_on_columns(home: Path) -> None:
    assert at_home(home, "db", "downgrade", "0053", "--yes").returncode == 0
    looked = at_home(home, "db", "stats")
    assert looked.returncode == 0 and "Upgraded the workspace from 0053" in looked.stderr
    assert "no column" not in looked.stderr


def test_a_shared_workspace_whose_keys_were_taken_back_names_them_after_the_upgrade(
    conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    traintui = command_for(conninfo(SUPERUSER), monkeypatch, capsys)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("INSERT INTO promoted_values (key, value, added_by) VALUES ('source', 'letter', 'ada')")
    assert traintui("db", "downgrade", "0053", "--yes")[0] == 0
    code, _, said = traintui("db", "upgrade")
    assert code == 0 and "were taken back, so source has no column; `traintui db promote KEY" in said


def test_a_vocabulary_is_shown_and_grows(home: Path) -> None:
    done = told(home, "promote", "source", "--type", "text", "--vocabulary", "--yes")
    assert done["listed"] == ["phone", "web"] and done["looked"]["values"] == ["phone", "web"]
    assert at_home(home, "db", "promote", "source", "--add", "letter").stdout == "source may be letter, phone, web\n"
    empty = at_home(home, "db", "promote", "source", "--add", " ")
    assert empty.returncode == 1 and "1 to 100 characters" in empty.stderr
    unknown = at_home(home, "db", "promote", "page", "--add", "5")
    assert unknown.returncode == 1 and "no promoted key with a vocabulary" in unknown.stderr


def test_a_shared_workspace_names_the_folder(
    conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, said = command_for(conninfo("ada"), monkeypatch, capsys)("db", "promote", "page", "--type", "integer")
    assert code == 1 and "--out DIRECTORY" in said
