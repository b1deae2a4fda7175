"""`traintui metadata schema`, and what imports and plans say of what does not fit."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from commanded import Command, command_for
from support import Conninfo, turns_of

SCHEMA = {"type": "object", "properties": {"source": {"enum": ["web", "book"]}}}


@pytest.fixture
def traintui(conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return command_for(conninfo("ada"), monkeypatch, capsys)


@pytest.fixture
def wanted(tmp_path: Path) -> str:
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(SCHEMA))
    return str(path)


def seeds(path: Path, *sources: str) -> str:
    file = path / f"seeds-{'-'.join(sources)}.jsonl"
    lines = (
        {"messages": turns_of(f"Question {n} {source}?", "Yes."), "source": source} for n, source in enumerate(sources)
    )
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(file)


def test_a_schema_is_registered_shown_listed_and_taken_away(traintui: Command, wanted: str) -> None:
    assert traintui("metadata", "schema", wanted)[:2] == (0, "Version 1 is in force.\n")
    code, out, said = traintui("metadata", "schema", "--show")
    assert (code, json.loads(out)) == (0, SCHEMA) and "Version 1, registered by ada" in said
    assert traintui("metadata", "schema", "--remove")[0] == 0
    code, out, _ = traintui("metadata", "schema", "--history", "--json")
    assert [(v["version"], v["by"], v["schema"]) for v in json.loads(out)["versions"]] == [
        (2, "ada", None), (1, "ada", SCHEMA),
    ]  # fmt: skip
    _, out, _ = traintui("metadata", "schema", "--history")
    assert "taken away" in out and "1 keys: source" in out
    code, _, said = traintui("metadata", "schema", "--remove")
    assert code == 1 and "No schema" in said


def test_what_is_there_and_does_not_fit_is_listed_and_stays_if_it_may(
    traintui: Command, wanted: str, tmp_path: Path
) -> None:
    assert traintui("import", seeds(tmp_path, "web", "webb"))[0] == 0
    code, out, said = traintui("metadata", "schema", wanted)
    assert code == 1 and "Looked at 2 conversations: 1 does not fit." in said and "--anyway" in said
    assert out.endswith('  meta.source: "webb" is not one of web, book\n')
    assert traintui("metadata", "schema", "--show", "--json")[1] == '{"version": 0, "schema": null}\n'
    assert traintui("metadata", "schema", wanted, "--check")[0] == 1
    assert traintui("metadata", "schema", wanted, "--anyway")[0] == 0
    code, out, _ = traintui("metadata", "schema", "--check", "--json")
    found = json.loads(out)
    assert (code, found["looked"], found["misfits"]) == (1, 2, 1)
    assert found["first"][0]["why"] == 'meta.source: "webb" is not one of web, book'


def test_all_that_does_not_fit_is_written_into_a_file_where_it_is_more_than_is_named(
    traintui: Command, wanted: str, tmp_path: Path
) -> None:
    assert traintui("import", seeds(tmp_path, "web", *(["=webb"] * 23)))[0] == 0
    file = tmp_path / "misfits.csv"
    code, out, _ = traintui("metadata", "schema", wanted, "--check")
    assert code == 1 and "and 3 more; --check --csv FILE writes all of them" in out
    code, out, said = traintui("metadata", "schema", wanted, "--check", "--csv", str(file))
    assert (code, out) == (1, f"{file}  23 rows\n") and "23 do not fit" in said
    with file.open(newline="") as rows:
        heading, *listed = csv.reader(rows)
    assert heading == ["conversation_id", "why"] and len({row[0] for row in listed}) == 23
    assert {row[1] for row in listed} == {'meta.source: "=webb" is not one of web, book'}
    code, out, _ = traintui("metadata", "schema", wanted, "--check", "--csv", str(file), "--json")
    told = json.loads(out)
    assert (code, told["csv"], told["misfits"], len(told["first"])) == (1, str(file), 23, 20)
    assert traintui("metadata", "schema", wanted, "--csv", str(file))[0] == 2
    code, _, said = traintui("metadata", "schema", wanted, "--check", "--csv", str(tmp_path / "no" / "x.csv"))
    assert code == 1 and "File not written" in said
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_an_import_says_which_rows_do_not_fit(traintui: Command, wanted: str, tmp_path: Path) -> None:
    assert traintui("metadata", "schema", wanted)[0] == 0
    file = seeds(tmp_path, "web", "webb", "book")
    code, _, said = traintui("import", file)
    assert code == 1 and 'line 2: meta.source: "webb" is not one of web, book' in said
    code, out, _ = traintui("import", file, "--keep-going", "--json")
    (stored,) = json.loads(out)["conversations"]
    assert (code, stored["imported"], stored["bad"]) == (0, 2, 1)
    assert [(problem["line"], problem["what"]) for problem in stored["problems"]] == [(2, "metadata does not fit")]


@pytest.mark.parametrize("words", [(), ("--show", "--check"), ("--anyway", "--show"), ("x.json", "--remove")])
def test_words_that_say_two_things_are_wrong_usage(traintui: Command, words: tuple[str, ...]) -> None:
    assert traintui("metadata", "schema", *words)[0] == 2


def test_a_file_that_is_no_schema_says_why(traintui: Command, tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_bytes(b"\xff\xfe")
    assert "is no text in UTF-8" in traintui("metadata", "schema", str(path))[2]
    path.write_text('{"type": 3}')
    assert "Schema not usable: at type: 3 is not" in traintui("metadata", "schema", str(path))[2]
    assert "cannot be read" in traintui("metadata", "schema", str(tmp_path / "none.json"))[2]
