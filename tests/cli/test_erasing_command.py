"""`traintui audit erase` as an administrator meets it, and who may not."""

from __future__ import annotations

import json

import psycopg
import pytest

from commanded import Command, command_for
from support import Conninfo

CALLS = """
    INSERT INTO generation_logs (created_at, kind, state, requested_by, endpoint, is_rehearsal, model, parameters,
                                 request_payload, response_payload)
    SELECT clock_timestamp(), 'probe', 'ok', 'ada', '', true, 'm', '{}', jsonb_build_object('ask', said),
           jsonb_build_object('answer', 'Yes') FROM unnest(ARRAY['Jane Doe', 'JANE DOE', 'John Roe']) AS said
    RETURNING id
"""


@pytest.fixture
def ids(conninfo: Conninfo) -> list[int]:
    """Three calls, two of which name the same person."""
    from traintui.data.embedded import SUPERUSER

    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        return [row[0] for row in connection.execute(CALLS).fetchall()]


@pytest.fixture
def traintui(conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command, as an administrator."""
    return command_for(conninfo("ada"), monkeypatch, capsys)


def test_a_dry_run_names_the_calls_and_erases_nothing(traintui: Command, ids: list[int]) -> None:
    code, out, _ = traintui("audit", "erase", "--holding", "jane doe", "--dry-run", "--json")
    told = json.loads(out)
    assert code == 0 and list(told) == ["calls"]
    assert [(each["call"], each["parts"], each["archived"]) for each in told["calls"]] == [
        (id, ["request"], False) for id in ids[:2]
    ]
    code, out, _ = traintui("audit", "erase", "--holding", "jane doe", "--dry-run")
    assert code == 0 and out.endswith("2 calls; nothing was erased\n") and f"call {ids[0]}" in out
    assert json.loads(traintui("audit", "generations", "is:erased", "--json")[1])["rows"] == []


def test_what_is_erased_is_said_and_the_listing_says_why(traintui: Command, ids: list[int]) -> None:
    words = ("audit", "erase", "--holding", "Jane Doe", "--reason", "ann@example.org asked", "--json")
    code, out, _ = traintui(*words)
    told = json.loads(out)
    assert code == 0 and (told["erased"], told["left"], told["pending"]) == (2, 0, 0)
    rows = json.loads(traintui("audit", "generations", "is:erased", "--json")[1])["rows"]
    assert sorted(row["call"] for row in rows) == ids[:2]
    said = {(row["erased"], row["erased_by"], row["erased_reason"]) for row in rows}
    assert said == {("request", "ada", "[e-mail 1] asked")} and all(row["erased_at"] for row in rows)
    assert traintui("audit", "erase", "--call", str(ids[2]), "--reason", "ask", "--part", "response")[0] == 0
    assert traintui("audit", "verify")[0] == 0


def test_what_was_erased_before_is_said_with_who_when_and_why(traintui: Command, ids: list[int]) -> None:
    words = ("audit", "erase", "--call", str(ids[0]), "--reason", "she asked")
    assert traintui(*words)[1] == "erased from  1 of 1 call\n"
    code, out, _ = traintui(*words)
    assert code == 0 and out.startswith("erased from  0 of 1 call, 1 had nothing of it any more\nerased before: ")
    assert "request, response by ada on 20" in out and out.endswith(": she asked\n")


WRONG = {
    "neither": ((), 2, "give one of them"),
    "both": (("--call", "1", "--holding", "Jane Doe"), 2, "give one of them"),
    "no reason": (("--call", "1"), 2, "without a reason"),
    "a blank one": (("--call", "1", "--reason", " "), 1, "A reason is missing"),
    "too short": (("--holding", "ab", "--reason", "x"), 1, "Too short"),
    "no such call": (("--call", "999999", "--reason", "x"), 1, "neither in the log nor in the archive"),
    "no such part": (("--call", "1", "--reason", "x", "--part", "model"), 2, "is none of"),
    "nothing that holds": (("--call", "1", "--reason", "x", "--part", "holding"), 2, "is none of"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_makes_no_sense_is_answered(traintui: Command, what: str) -> None:
    words, wanted, says = WRONG[what]
    code, _, err = traintui("audit", "erase", *words)
    assert code == wanted and says in " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize("login", ["rita", "arthur", "audrey"])
def test_nobody_else_erases_or_looks(
    conninfo: Conninfo, ids: list[int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], login: str
) -> None:
    traintui = command_for(conninfo(login), monkeypatch, capsys)
    for more in ((), ("--dry-run",)):
        code, out, err = traintui("audit", "erase", "--call", str(ids[0]), "--reason", "x", *more)
        assert (code, out) == (1, "") and "No right to erase" in err
