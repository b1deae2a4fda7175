"""`traintui audit generations --archive` reads log and archive as one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aging import LONG_AGO, aged_exports
from commanded import Command, command_for
from support import Conninfo, logged_in
from traintui.audit import archive_listing, archiving
from traintui.audit.retiring import retire_due
from traintui.data import exports, retention
from traintui.data.embedded import SUPERUSER

ROWS = """
    INSERT INTO templates (name, version, system, user_prompt) VALUES ('calm', 1, '', 'x');
    INSERT INTO generation_logs (created_at, kind, state, requested_by, endpoint, is_rehearsal, model, parameters,
                                 request_payload, cost_usd, conversation_id, error_message, error_type, template_id)
    SELECT moment - n %% 3 * interval '1 hour' + n * interval '1 minute', 'generate',
           CASE n %% 4 WHEN 3 THEN 'error' ELSE 'ok' END, CASE n %% 2 WHEN 0 THEN 'arthur' ELSE 'ada' END, 'https://a',
           false, 'claude-haiku-5-5', '{"a": "\\\\"}', '{}', 0.01 * n, 'c-' || n,
           CASE n %% 4 WHEN 3 THEN E'=Overloaded\\t\\\\' END, CASE n %% 4 WHEN 3 THEN 'overloaded' END,
           CASE n WHEN 1 THEN (SELECT id FROM templates WHERE name = 'calm') END
    FROM (VALUES (%(old)s::timestamptz), (%(older)s), (clock_timestamp() - interval '5 hours')) AS weeks(moment),
         generate_series(1, 12) AS n
"""
Commands = Callable[[str], Command]
OLDER = date(2023, 12, 18)
FILTERS = (
    (), ("state:error",), ("overloaded",), ("--template", "calm"), ("cost>0.05", "--user", "arthur"),
    ("--conversation", "c-7"), ("created<2024-02-01",), ("--since", "-1d"), ("error:none cost<0.03",),
    ("cost>0 -state:ok",), ("model:another",),
)  # fmt: skip


@pytest.fixture
def traintui(conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command over two weeks of long ago and some rows of today, as the auditor."""
    monkeypatch.setattr(archiving, "ROWS", 3)
    monkeypatch.setattr(archive_listing, "AT_ONCE", 2)
    old, older = (f"{week} 12:00+00" for week in (LONG_AGO, OLDER))
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        for week in (old, older):
            connection.execute("SELECT make_generation_partitions(0, %s::timestamptz)", [week])
        connection.execute("SELECT make_generation_partitions(0, clock_timestamp() - interval '6 hours')")
        templates, calls = ROWS.split(";", 1)
        connection.execute(templates.encode())
        connection.execute(calls.encode(), {"old": old, "older": older})
    return command_for(conninfo("audrey"), monkeypatch, capsys)


@pytest.fixture
def traintui_of(conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    """The command as somebody."""
    return lambda login: command_for(conninfo(login), monkeypatch, capsys)


def retired(conninfo: str) -> int:
    """Moves what is due to the archive; how many weeks."""

    async def work() -> int:
        async with logged_in(conninfo) as db:
            return len((await retire_due(db, await retention.due(db))).retired)

    return asyncio.run(work())


def printed(traintui: Command, *words: str) -> Any:
    code, out, err = traintui("audit", "generations", *words, "--json", "--limit", "100")
    assert code == 0, err
    return json.loads(out)["rows"]


def test_what_is_listed_is_what_the_log_had(traintui: Command, conninfo: Conninfo, tmp_path: Path) -> None:
    def saved(name: str, *more: str) -> bytes:
        path = tmp_path / name
        code, out, _ = traintui("audit", "generations", "cost>0.02", "--csv", str(path), *more)
        assert code == 0 and out.endswith("  30 rows\n")
        return path.read_bytes()

    before = {words: printed(traintui, *words) for words in FILTERS}
    whole = saved("before.csv")
    assert len(before[()]) == 36 and len(before["state:error",]) == 9
    assert retired(conninfo("ada")) == 2
    assert len(printed(traintui)) == 12
    assert {words: printed(traintui, "--archive", *words) for words in FILTERS} == before
    assert saved("after.csv", "--archive") == whole


def test_a_limit_ends_the_reading(traintui: Command, conninfo: Conninfo) -> None:
    assert retired(conninfo("ada")) == 2
    code, out, err = traintui("audit", "generations", "--archive", "--limit", "13")
    assert code == 0 and len(out.splitlines()) == 14 and "There are more than 13" in err
    code, out, err = traintui("audit", "generations", "--archive", "state:sending")
    assert (code, out, err) == (0, "", "Nothing matches.\n")


def test_exports_of_the_archive_are_listed_with_those_of_the_log(
    traintui: Command, conninfo: Conninfo, tmp_path: Path
) -> None:
    async def work() -> None:
        async with logged_in(conninfo("ada")) as db:
            for name in ("e-old", "e-new"):
                await exports.record(
                    db, name, "started", count=2, filter_state={"filter": name}, format="trl", metadata={}
                )
                await exports.record(db, name, "cancelled", count=0, filter_state={"filter": name}, format="trl",
                                     metadata={})  # fmt: skip
                if name == "e-old":
                    aged_exports(conninfo)

    asyncio.run(work())
    assert retired(conninfo("ada")) == 3
    code, out, _ = traintui("audit", "exports", "--json")
    assert code == 0 and [row["export_id"] for row in json.loads(out)["rows"]] == ["e-new"]
    code, out, _ = traintui("audit", "exports", "--archive", "--json")
    assert code == 0 and [row["export_id"] for row in json.loads(out)["rows"]] == ["e-new", "e-old"]
    code, out, _ = traintui(
        "audit", "exports", "--archive", "--until", "2024-02-01", "--csv", str(tmp_path / "all.csv")
    )
    assert code == 0 and out.endswith("  1 rows\n") and '"e-old"' in (tmp_path / "all.csv").read_text()


def test_whether_what_is_due_goes_by_itself_is_said_and_changed(conninfo: Conninfo, traintui_of: Commands) -> None:
    assert json.loads(traintui_of("ada")("audit", "retention", "--json")[1])["automatic"] is False, "a shared server"
    code, out, _ = traintui_of("ada")("audit", "retention", "--automatic", "on")
    assert code == 0 and "automatic    on" in out
    code, _, err = traintui_of("audrey")("audit", "retention", "--automatic", "off")
    assert code == 1 and err
    assert json.loads(traintui_of("audrey")("audit", "retention", "--json")[1])["automatic"] is True
