"""With --json a command prints one object, whatever becomes of it: a program need not read prose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commanded import Command, at_home, command_for
from homes import furnished_home
from support import Conninfo
from traintui.cli import people
from traintui.data.refusals import Refused
from traintui.quality import signing


@pytest.fixture
def traintui(conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return command_for(conninfo("ada"), monkeypatch, capsys)


def error_of(out: str) -> dict[str, str]:
    """The answer in what was printed: one object, on one line."""
    (line,) = out.splitlines()
    error = json.loads(line)["error"]
    assert set(error) == {"title", "message", "remedy"} and all(error.values())
    return dict(error)


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (("import", "no-such-file.jsonl"), "Not imported"),
        (("export", "--out", "x.jsonl", "--filter", "colour:red"), "Unknown"),
        (("audit", "generations", "score:x"), "Unknown"),
        (("metadata", "schema", "--remove"), "No schema"),
        (("db", "indexes", "--rebuild", "ix_nothing"), "Not"),
    ],
)
def test_what_is_refused_is_an_object_with_the_words_and_the_exit_code_that_a_person_gets(
    traintui: Command, words: tuple[str, ...], title: str
) -> None:
    code, out, said = traintui(*words)
    assert (code, out) == (1, "") and said.startswith("traintui: ")
    code, out, same = traintui(*words, "--json")
    error = error_of(out)
    assert code == 1 and same == said
    assert said == f"traintui: {error['title']}: {said_of(said)}\n{error['remedy']}\n"
    assert said_of(said)[1:] == error["message"][1:]


def said_of(said: str) -> str:
    """What happened, in words: behind the title."""
    return said.splitlines()[0].removeprefix("traintui: ").partition(": ")[2]


def test_wrong_usage_and_a_question_that_nobody_answered_are_objects_too(traintui: Command) -> None:
    code, out, said = traintui("export", "--no-such-option", "--json")
    assert code == 2 and "--no-such-option" in error_of(out)["message"] and "Usage" in said
    code, out, _ = traintui("metadata", "schema", "--json")
    assert code == 2 and "--history" in error_of(out)["message"]


def test_a_schema_that_is_not_registered_says_so_beside_what_does_not_fit(traintui: Command, tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes."}]
    (tmp_path / "one.jsonl").write_text(json.dumps({"messages": turns, "source": "webb"}) + "\n")
    (tmp_path / "schema.json").write_text(json.dumps({"properties": {"source": {"enum": ["web"]}}}))
    assert traintui("import", str(tmp_path / "one.jsonl"))[0] == 0
    code, out, _ = traintui("metadata", "schema", str(tmp_path / "schema.json"), "--json")
    told = json.loads(out)
    assert code == 1 and told["error"]["title"] == "Schema not registered"
    assert (told["looked"], told["misfits"], len(told["first"]), told["version"]) == (1, 1, 1, None)


def test_who_stops_a_command_is_told_what_stands(traintui: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(people, "run", stopped, raising=False)
    monkeypatch.setattr(people, "administrative", stopped, raising=False)
    code, out, said = traintui("user", "list")
    assert (code, out) == (130, "") and "Stopped. What was finished until then stands" in said
    code, out, _ = traintui("user", "list", "--json")
    assert code == 130 and error_of(out)["title"] == "Stopped"


def test_a_workspace_that_needs_no_newer_server_is_told_so_and_that_is_no_failure(tmp_path: Path) -> None:
    home = furnished_home(tmp_path / "home")
    done = at_home(home, "db", "upgrade-server")
    assert done.returncode == 0 and "Nothing to do" in done.stderr and done.stdout == ""
    done = at_home(home, "db", "upgrade-server", "--json")
    assert done.returncode == 0 and json.loads(done.stdout) == {"upgraded": False, "home": str(home)}


def test_an_import_is_told_as_stored_where_the_server_was_too_busy_for_what_follows(
    traintui: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def busy(*_: object) -> int:
        raise Refused("Server busy", "The server has no room for another lock.", "Try again.", code="53200")

    monkeypatch.setattr(signing, "sign_imported", busy)
    turns = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes."}]
    (tmp_path / "one.jsonl").write_text(json.dumps({"messages": turns}) + "\n")
    code, out, said = traintui("import", str(tmp_path / "one.jsonl"), "--json")
    assert code == 0 and json.loads(out)["conversations"][0]["imported"] == 1
    assert "They are stored" in said and "no room for another lock" in said and "a worker compares them" in said
