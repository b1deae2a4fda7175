"""`traintui db alerts` as a person or a program meets it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from commanded import command_for
from support import Conninfo
from traintui.data import alerts, samples
from traintui.data.engine import Database
from traintui.observing.alert_kinds import KINDS

FIGURES = {"connections": 90, "most": 97, "share": 0.928}


async def planted(db: Database) -> int:
    """An alert."""
    await samples.hold(db, "one", 600)
    says = "90 of 97 connections are taken (93%)"
    opened = await alerts.open_one(db, "one", "connections", "", "urgent", says, FIGURES, [])
    assert opened is not None
    return opened


async def test_alerts_are_told_acknowledged_and_over(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = command_for(conninfo("ada"), monkeypatch, capsys)

    def told(*words: str) -> tuple[int, str, str]:
        return run("db", "alerts", *words)

    code, out, _ = await asyncio.to_thread(told)
    assert (code, out) == (0, "Nothing is wrong\n")
    opened = await planted(db)
    _, out, _ = await asyncio.to_thread(told)
    assert "90 of 97 connections are taken" in out and "no worker starts" in out and "PgBouncer" in out
    _, out, _ = await asyncio.to_thread(told, "--acknowledge", str(opened), "--json")
    (found,) = json.loads(out)["alerts"]
    assert (found["state"], found["acknowledged_by"], found["evidence"]) == ("acknowledged", "ada", FIGURES)
    _, out, _ = await asyncio.to_thread(run, "db", "stats", "--json")
    assert [each["id"] for each in json.loads(out)["alerts"]] == [opened]
    await alerts.clear(db, "one", opened)
    assert (await asyncio.to_thread(told))[1] == "Nothing is wrong\n"
    assert "(cleared, since " in (await asyncio.to_thread(told, "--all"))[1]
    code, _, err = await asyncio.to_thread(told, "--acknowledge", str(opened))
    assert code == 1 and "is over" in err


async def test_a_hook_is_set_confirmed_elsewhere_and_taken_away(
    conninfo: Conninfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(login: str, machine: str, *words: str) -> tuple[int, str, str]:
        monkeypatch.setenv("TRAINTUI_CONFIG", str(tmp_path / machine / "config.toml"))
        return command_for(conninfo(login), monkeypatch, capsys)("db", "alerts", *words)

    assert "runs nothing" in (await asyncio.to_thread(told, "ada", "one", "--confirm-hook", "--yes"))[2]
    code, _, err = await asyncio.to_thread(told, "rita", "one", "--hook", "true")
    assert code == 1 and "administrator" in err
    _, out, _ = await asyncio.to_thread(told, "ada", "one", "--hook", "true team", "--json")
    assert json.loads(out)["hook"] == {"command": "true team", "confirmed_here": True}
    _, out, _ = await asyncio.to_thread(told, "rita", "two", "--json")
    assert json.loads(out)["hook"] == {"command": "true team", "confirmed_here": False}
    _, out, _ = await asyncio.to_thread(told, "rita", "two", "--confirm-hook", "--yes", "--json")
    assert json.loads(out)["hook"]["confirmed_here"]
    _, out, _ = await asyncio.to_thread(told, "ada", "one", "--no-hook", "--json")
    assert json.loads(out)["hook"] == {"command": None, "confirmed_here": False}
    assert (await asyncio.to_thread(told, "ada", "one", "--no-hook", "--hook", "x"))[0] == 2


def test_operations_says_when_and_what_to_do_for_every_kind() -> None:
    told = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    assert [kind.title for kind in KINDS.values() if f"| {kind.title} |" not in told] == []
