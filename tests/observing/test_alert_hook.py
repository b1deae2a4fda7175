"""A command is run when an alert opens or clears: where an administrator set it and this machine confirmed it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import psycopg
import pytest

from support import Conninfo
from traintui.data import alerts, samples
from traintui.data.alert_records import Alert
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.keeping_up import raise_fault
from traintui.data.refusals import Refused
from traintui.errors import TraintuiError
from traintui.observing import alert_hook, alert_kinds, sampling
from traintui.observing.alerting import Alerting, tell

LATE = "INSERT INTO retention_rounds (due_at) VALUES (now() - interval '3 days')"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that keeps settings."""
    monkeypatch.setenv("TRAINTUI_CONFIG", str(tmp_path / "config.toml"))
    return tmp_path


def program(directory: Path, body: str) -> str:
    """The command that runs a program."""
    path = directory / "a hook.py"
    path.write_text(body)
    return f"'{sys.executable}' '{path}'"


async def open_one(db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch) -> Alert:
    """An alert that a sampler opened."""
    kind = alert_kinds.KINDS["retention"]
    at_once = alert_kinds.AlertKind(kind.name, kind.title, kind.sentence, kind.means, kind.to_do)
    monkeypatch.setattr(alert_kinds, "KINDS", {**alert_kinds.KINDS, "retention": at_once})
    monkeypatch.setattr("traintui.observing.alert_watch.KINDS", alert_kinds.KINDS)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(LATE.encode())
    await samples.hold(db, "one", 600)
    await Alerting(db).look("one")
    (alert,) = await alerts.read(db)
    return alert


async def opened(db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the history of an alert says of the hook that its opening ran."""
    alert = await open_one(db, conninfo, monkeypatch)
    await tell(db)
    return [each.said for each in await alerts.events(db, alert.id) if each.event == "hook"]


async def test_a_hook_gets_the_alert_as_json_and_nothing_of_a_shell(
    db: Database, conninfo: Conninfo, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    told = config / "told.json"
    body = f"import os, sys; open({str(told)!r}, 'w').write(sys.stdin.read() + str(sys.argv) + str(dict(os.environ)))"
    await alert_hook.choose(db, program(config, body) + " '$(touch evil)' ; rm")
    (said,) = await opened(db, conninfo, monkeypatch)
    assert said.startswith("opened: the hook ran on ")
    text = told.read_text()
    got, end = json.JSONDecoder().raw_decode(text)
    assert (got["event"], got["alert"]["kind"], got["alert"]["state"]) == ("opened", "retention", "open")
    assert "due since 3.0 days" in got["alert"]["says"] and got["alert"]["to_do"]
    assert "'$(touch evil)', ';', 'rm'" in text[end:] and "sk-ant-secret" not in text


async def test_a_program_that_is_not_there_or_may_not_be_run_is_refused_with_what_to_do(
    db: Database, config: Path
) -> None:
    with pytest.raises(TraintuiError, match="tell-nobody is not on this machine") as refused:
        await alert_hook.choose(db, "tell-nobody --loud")
    assert "whole path" in refused.value.remedy
    program(config, "pass")
    with pytest.raises(TraintuiError, match="may be run") as refused:
        await alert_hook.choose(db, f"'{config / 'a hook.py'}'")
    assert "chmod +x '" in refused.value.remedy
    assert await alert_hook.of_workspace(db) is None


async def test_a_machine_runs_nothing_that_was_not_confirmed_there(
    db: Database, conninfo: Conninfo, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched = config / "touched"
    await alert_hook.choose(db, "true")
    with psycopg.connect(conninfo(SUPERUSER)) as connection:  # another command than the one that was confirmed
        connection.execute(
            "UPDATE workspace_settings SET value = to_jsonb(%s::text) WHERE key = 'alert_hook'", [f"touch {touched}"]
        )
    assert await opened(db, conninfo, monkeypatch) == [] and not touched.exists()


async def test_any_process_on_a_machine_that_confirmed_it_tells_what_the_sampler_could_not(
    db: Database, reviewer_db: Database, conninfo: Conninfo, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sampler is on another machine, or it died between the alert and its hook."""
    told = config / "told.json"
    await alert_hook.choose(db, program(config, f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read())"))
    alert = await open_one(db, conninfo, monkeypatch)
    monkeypatch.setenv("TRAINTUI_CONFIG", str(config / "elsewhere" / "config.toml"))
    assert await tell(db) == 0
    monkeypatch.setenv("TRAINTUI_CONFIG", str(config / "config.toml"))
    sampler = sampling.Sampler(reviewer_db, "another", raise_fault)  # which does not hold the lease
    await sampler.turn()
    assert json.loads(told.read_text())["event"] == "opened"
    await sampler.turn()
    assert json.loads(told.read_text())["event"] == "opened"  # once
    assert [each.event for each in await alerts.events(db, alert.id)] == ["opened", "hook"]


async def test_a_hook_is_told_when_an_alert_cleared(
    db: Database, conninfo: Conninfo, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = config / "told.json"
    await alert_hook.choose(db, program(config, f"import sys; open({str(told)!r}, 'w').write(sys.stdin.read())"))
    await opened(db, conninfo, monkeypatch)
    assert json.loads(told.read_text())["alert"]["cleared_at"] is None
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("DELETE FROM retention_rounds")
    await Alerting(db).look("one")
    assert await tell(db) == 1
    got = json.loads(told.read_text())
    (alert,) = await alerts.read(db, cleared=True)
    assert (got["event"], got["alert"]["state"]) == ("cleared", "cleared") and alert.cleared_at is not None
    assert got["alert"]["cleared_at"] == alert.cleared_at.isoformat()


async def test_what_was_over_before_anybody_could_tell_is_told_whole(
    db: Database, conninfo: Conninfo, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = config / "told.json"
    body = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + chr(10))"
    await alert_hook.choose(db, program(config, body))
    alert = await open_one(db, conninfo, monkeypatch)
    await alerts.clear(db, "one", alert.id)
    assert await tell(db) == 2
    got = [json.loads(line) for line in told.read_text().splitlines()]
    assert [(each["event"], each["alert"]["state"], each["alert"]["cleared_at"] is None) for each in got] == [
        ("opened", "open", True), ("cleared", "cleared", False),
    ]  # fmt: skip


async def test_what_a_hook_failed_with_stands_in_the_history_without_secrets(
    db: Database, conninfo: Conninfo, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "import sys; sys.stderr.write('no mail for ann.lee@example.com'); sys.exit(3)"
    await alert_hook.choose(db, program(config, body))
    (said,) = await opened(db, conninfo, monkeypatch)
    assert "failed: it ended with 3 and said" in said and "ann.lee" not in said


async def test_a_hook_that_takes_long_is_ended_with_what_it_started(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_hook, "SECONDS", 0.5)
    child = config / "child"
    body = f"import subprocess, time; subprocess.Popen(['sh', '-c', 'sleep 2; touch {child}']); time.sleep(60)"
    said = await alert_hook.run(program(config, body), {})
    assert "failed: it took longer than" in said
    await asyncio.sleep(2.2)
    assert not child.exists()


async def test_a_command_that_is_none_is_refused_and_a_missing_one_is_told(db: Database, config: Path) -> None:
    for command, says in (("'open", "no closing quotation"), ("  ", "nothing in it")):
        with pytest.raises(TraintuiError, match=says):
            await alert_hook.choose(db, command)
    assert "failed: /no/such cannot be run" in await alert_hook.run("/no/such", {})
    assert await alert_hook.of_workspace(db) is None


async def test_only_an_administrator_sets_it_and_no_hook_is_off(
    db: Database, reviewer_db: Database, config: Path
) -> None:
    with pytest.raises(Refused):
        await alert_hook.choose(reviewer_db, "true")
    assert await alert_hook.of_workspace(db) is None
    await alert_hook.choose(db, "true")
    assert await alert_hook.is_confirmed(reviewer_db, "true")  # it is the same machine
    await alert_hook.choose(db, None)
    assert await alert_hook.of_workspace(db) is None and not await alert_hook.is_confirmed(db, "true")


async def test_a_machine_without_settings_confirms_nothing(db: Database) -> None:
    with pytest.raises(TraintuiError, match="keeps no settings"):
        await alert_hook.confirm(db, "true")
    assert not await alert_hook.is_confirmed(db, "true")
