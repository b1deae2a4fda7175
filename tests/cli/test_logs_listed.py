"""`traintui audit generations`, `reviews` and `exports` print what the screen shows."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import psycopg
import pytest

from commanded import Command, command_for
from support import Conninfo
from traintui.data.embedded import SUPERUSER

ROWS = """
    INSERT INTO templates (name, version, system, user_prompt) VALUES ('calm', 1, '', 'x');
    INSERT INTO generation_logs (kind, state, requested_by, endpoint, is_rehearsal, model, parameters, request_payload,
                                 cost_usd, conversation_id, error_message, template_id)
    SELECT 'generate', CASE n WHEN 3 THEN 'error' ELSE 'ok' END, CASE n WHEN 2 THEN 'arthur' ELSE 'ada' END,
           'https://a', false, 'claude-haiku-5-5', '{}', '{}', 0.01 * n, 'c-' || n,
           CASE n WHEN 3 THEN E'Overloaded\\x1b[31m' END,
           CASE n WHEN 1 THEN (SELECT id FROM templates WHERE name = 'calm') END
    FROM generate_series(1, 4) AS n;
    INSERT INTO export_logs (export_id, conversation_count, filter_state, format, state)
    SELECT 'e-' || n, n, '{"filter": "tier:edge_case"}', 'trl', 'started' FROM generate_series(1, 3) AS n;
    INSERT INTO export_logs (export_id, conversation_count, filter_state, format, state, metadata)
    VALUES ('e-3', 3, '{}', 'trl', 'succeeded', '{"file": "out.jsonl", "directory": "/data/exports"}');
    INSERT INTO review_logs (conversation_id, action, revision, reason) VALUES ('c-1', 'flag', 1, 'Odd');
"""


@pytest.fixture
def traintui(conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command over some rows, as the auditor."""
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(ROWS.encode())
    return command_for(conninfo("audrey"), monkeypatch, capsys)


def found(traintui: Command, *words: str) -> list[str]:
    code, out, _ = traintui("audit", *words, "--json")
    assert code == 0
    told = json.loads(out)
    return [str(row.get("conversation_id") or row.get("export_id")) for row in told["rows"]]


def test_options_and_filter_say_the_same(traintui: Command) -> None:
    assert found(traintui, "generations") == ["c-4", "c-3", "c-2", "c-1"]
    assert found(traintui, "generations", "state:error") == ["c-3"] == found(traintui, "generations", "overloaded")
    assert found(traintui, "generations", "--template", "calm") == ["c-1"]
    assert found(traintui, "generations", "cost>0.01", "--user", "arthur", "--since", "-1d") == ["c-2"]
    assert found(traintui, "generations", "--until", "-1d") == []
    assert found(traintui, "reviews", "--conversation", "c-1") == ["c-1"]
    assert found(traintui, "exports", "--min-count", "2", "--max-count", "2") == ["e-2"]
    assert found(traintui, "exports", "count>=2") == ["e-3", "e-2"]


def test_lines_show_stored_text_as_data_and_say_that_there_is_more(traintui: Command) -> None:
    code, out, err = traintui("audit", "generations", "--limit", "2")
    assert code == 0 and len(out.splitlines()) == 3 and "There are more than 2" in err
    assert "\x1b" not in out and "Overloaded" in out
    code, out, err = traintui("audit", "generations", "model:none")
    assert (code, out, err) == (0, "", "Nothing matches.\n")


def test_csv_has_all_of_it(traintui: Command, tmp_path: Path) -> None:
    code, out, _ = traintui("audit", "generations", "--limit", "1", "--csv", str(tmp_path / "x.csv"))
    assert code == 0 and out == f"{tmp_path / 'x.csv'}  4 rows\n"
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as file:
        assert [row["conversation_id"] for row in csv.DictReader(file)] == ["c-4", "c-3", "c-2", "c-1"]


def test_a_filter_that_cannot_be_read_is_answered(traintui: Command) -> None:
    code, out, err = traintui("audit", "generations", "modl:x")
    assert code == 1 and out == "" and "Did you mean model?" in err


def test_a_table_has_headings_and_in_a_pipe_nothing_of_it_is_cut(traintui: Command, conninfo: Conninfo) -> None:
    long = "It says what no source says. " * 20
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO review_logs (conversation_id, action, revision, reason) VALUES ('c-2', 'reject', 1, %s)",
            [long[:400]],
        )
    _, out, _ = traintui("audit", "reviews", "action:reject")
    heading, line = out.splitlines()
    assert heading.split() == ["when", "row", "action", "conversation", "rev", "who", "reason", "note"]
    assert long[:400].strip() in line


def test_where_an_export_stands_is_printed_with_its_folder(traintui: Command) -> None:
    _, out, _ = traintui("audit", "exports", "state:succeeded")
    assert out.splitlines()[0].endswith("file") and out.splitlines()[1].endswith("/data/exports/out.jsonl")
    assert "out.jsonl" not in traintui("audit", "exports", "state:open")[1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("generations", "--template", "clam"), 'There is no template "clam" here. Did you mean calm?'),
        (("generations", "--user", "artur"), 'There is no user "artur" here. Did you mean arthur?'),
        (("exports", "user:xyzzy"), 'There is no user "xyzzy" here.'),
        (("reviews", "--conversation", "c-nowhere"), 'There is no conversation "c-nowhere" here.'),
    ],
)
def test_a_name_that_nothing_has_is_answered_with_the_nearest(
    traintui: Command, words: tuple[str, ...], says: str
) -> None:
    code, out, err = traintui("audit", *words)
    assert (code, out) == (0, "") and says in err and "Nothing matches." in err
    assert says in traintui("audit", *words, "--json")[2]


def test_calls_are_added_up_by_template_day_model_and_user(traintui: Command) -> None:
    code, out, err = traintui("audit", "generations", "--by", "template")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0 and err == ""
    assert lines[0] == ["template", "calls", "failed", "tokens", "cost", "uncertain", "not", "paid"]
    assert [line[:3] for line in lines[1:]] == [["none", "3", "1"], ["calm@1", "1", "0"], ["all", "4", "1"]]
    assert lines[-1][4:] == ["$0.10", "$0.00", "$0.00"]
    told = json.loads(traintui("audit", "generations", "state:ok", "--by", "user", "--json")[1])
    assert [(each["name"], each["calls"], each["cost_usd"]) for each in told["totals"]] == [
        ("ada", 2, "0.050000"), ("arthur", 1, "0.020000"),
    ]  # fmt: skip
    assert told["total"]["calls"] == 3
    assert json.loads(traintui("audit", "generations", "--by", "day", "--archive", "--json")[1])["total"]["calls"] == 4
    code, _, err = traintui("audit", "generations", "--by", "day", "--csv", "x.csv")
    assert code == 2 and "adds them up" in err


def test_a_rehearsals_cost_is_marked_as_not_paid(traintui: Command, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO generation_logs (kind, state, requested_by, endpoint, is_rehearsal, model, parameters,"
            " request_payload, cost_usd) VALUES ('generate', 'ok', 'ada', '', true, 'played', '{}', '{}', 0.17)"
        )
    assert "by the rehearsal, not paid" in traintui("audit", "generations", "model:played")[1]
    _, out, err = traintui("audit", "generations", "model:played", "--by", "model")
    assert out.splitlines()[1].split() == ["played", "1", "0", "0", "$0.00", "$0.00", "$0.17"]
    assert "nobody pays" in err
