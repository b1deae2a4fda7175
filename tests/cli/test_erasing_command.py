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
    assert code == 0 and list(told) == ["calls", "aside"] and told["aside"] == {}
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


ASIDE = """
    SET ROLE traintui_owner;
    CREATE TABLE put_aside_0006_saved_views AS SELECT name, filter, owner FROM saved_views WITH NO DATA;
    CREATE TABLE put_aside_0032_import_items AS SELECT import_id, turns FROM import_items WITH NO DATA;
    INSERT INTO put_aside_0006_saved_views VALUES ('Hers', '"jane  doe"', 'rita'), ('Others', 'is:flagged', 'rita');
    INSERT INTO put_aside_0032_import_items VALUES ('i-1', '[{"role": "user", "content": "I am Jane\\nDoe"}]')
"""


def test_what_was_put_aside_and_holds_the_text_goes_too_and_is_on_record(
    traintui: Command, ids: list[int], conninfo: Conninfo
) -> None:
    from traintui.data.embedded import SUPERUSER

    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(ASIDE)
    held = {"put_aside_0006_saved_views": 1, "put_aside_0032_import_items": 1}
    code, out, _ = traintui("audit", "erase", "--holding", "Jane Doe", "--dry-run")
    assert code == 0 and "1 row put aside in put_aside_0006_saved_views" in out
    code, _, err = traintui("audit", "erase", "--call", str(ids[0]), "--reason", "she asked")
    assert code == 0 and "Not looked through: put_aside_0006_saved_views, put_aside_0032_import_items" in err
    code, out, _ = traintui("audit", "erase", "--holding", "Jane Doe", "--reason", "she asked", "--json")
    assert code == 0 and json.loads(out)["aside"] == held
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        assert connection.execute("SELECT name FROM put_aside_0006_saved_views").fetchall() == [("Others",)]
        assert connection.execute("SELECT to_regclass('put_aside_0032_import_items')").fetchone() == (None,)
        said = connection.execute(
            "SELECT place, row_count, octet_length(rows_sha256), reason, erased_by FROM aside_erasures ORDER BY id"
        ).fetchall()
    assert said == [(place, 1, 32, "she asked", "ada") for place in held]
    # No call holds it any more, and neither does what is aside.
    code, out, _ = traintui("audit", "erase", "--holding", "Jane Doe", "--reason", "she asked")
    assert code == 0 and out == "0 calls; nothing was erased\n"


def test_what_only_stands_aside_is_erased_without_a_call(traintui: Command, conninfo: Conninfo) -> None:
    from traintui.data.embedded import SUPERUSER

    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(ASIDE)
    code, out, _ = traintui("audit", "erase", "--holding", "Jane Doe", "--reason", "she asked")
    assert code == 0 and "erased from  put_aside_0032_import_items: 1 row\n" in out
    for login in ("rita", "arthur", "audrey"):
        with psycopg.connect(conninfo(login)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM aside_holding('Hers')")
