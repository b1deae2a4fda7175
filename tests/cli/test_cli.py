"""The command line as a person or a program meets it: a process of its own, its output and its exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from commanded import at_home
from homes import furnished_home
from support import Conninfo, logged_in
from traintui.cli import traceback_of
from traintui.data import schema, users
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer

DIMENSIONS = ("persona", "emotion", "topic", "intent", "tone")
pytestmark = pytest.mark.xdist_group("homes")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home of its own, with a server that this test keeps running, so that each command finds it."""
    with tempfile.TemporaryDirectory(prefix="tc-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        path = furnished_home(Path(directory) / "home")
        server = EmbeddedServer(path, durable=False)
        server.start()
        yield path
        server.stop()


def process(home: Path, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-m", "traintui", *arguments],
        capture_output=True,
        text=True,
        timeout=180,
        stdin=subprocess.DEVNULL,
        cwd=home,
        env={**os.environ, "TRAINTUI_HOME": str(home), **environment},
        check=False,
    )
    return looked_at(result, check=check)


def traintui(home: Path, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command where it makes no difference in which process it runs."""
    return looked_at(at_home(home, *arguments, **environment), check=check)


def looked_at(result: subprocess.CompletedProcess[str], *, check: bool) -> subprocess.CompletedProcess[str]:
    assert "Traceback" not in result.stdout + result.stderr
    if check:
        assert result.returncode == 0, result.stderr
    return result


def refused(result: subprocess.CompletedProcess[str]) -> str:
    """The answer of a command that failed: one line that says what happened, one that says what to do; the same as an
    object where JSON was asked for."""
    lines = result.stderr.strip().splitlines()
    assert result.returncode == 1 and len(lines) == 2 and lines[0].startswith("traintui: "), result.stderr
    if result.stdout:
        error = json.loads(result.stdout)["error"]
        assert "--json" in result.args and lines[0].startswith(f"traintui: {error['title']}: ")
        assert lines[1] == error["remedy"]
    else:
        assert "--json" not in result.args
    return result.stderr


def test_the_whole_loop_runs_from_the_command_line(home: Path) -> None:
    document = home / "fees.md"
    document.write_text("# Fees\n\n## Late payment\n\nA payment that is ten days late costs $25, once a month.\n")
    assert "fees: new" in process(home, "import", "fees.md").stdout
    assert "fees: unchanged" in process(home, "import", "fees.md").stdout
    chats = home / "chats.jsonl"
    turns = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello."}]
    chats.write_text(json.dumps({"messages": turns}) + "\n")
    summary = json.loads(process(home, "import", "chats.jsonl", "--json").stdout)
    assert summary["conversations"][0]["imported"] == 1
    assert summary["conversations"][0]["read_as"]["turns"] == "a list “messages”"
    read = process(home, "import", "chats.jsonl", "--dry-run").stderr
    assert "read as: turns from a list “messages”; --format or --mapping say otherwise" in read
    (home / "theirs.json").write_text(
        json.dumps([{"log": [{"by": "client", "says": "Hi?"}, {"by": "bot", "says": "Yes."}]}])
    )
    proposed = process(home, "import", "theirs.json", check=False)
    assert proposed.returncode == 1 and proposed.stdout == "" and "say --mapping" in proposed.stderr
    (home / "theirs.toml").write_text(proposed.stderr.partition("\n\n")[2].partition("\ntraintui: ")[0])
    by_it = process(home, "import", "theirs.json", "--mapping", "theirs.toml", "--dry-run")
    assert "a list “log” of “by” and “says”" in by_it.stderr
    as_json = process(home, "import", "theirs.json", "--json", check=False)
    told = json.loads(as_json.stdout)
    assert as_json.returncode == 1 and "[turns]" in told["guessed_mapping"]
    assert told["error"]["title"] == "Format not recognised" and "--mapping" in told["error"]["remedy"]
    result = process(home, "export", "--out", "seeds.jsonl", "--filter", "status:generated is:seed", "--json")
    assert json.loads(result.stdout)["count"] == 1
    assert json.loads((home / "seeds.jsonl").read_text()) == {"messages": turns}
    scope = ("--filter", "status:generated", "--out", "trl.jsonl", "--format", "trl", "--limit", "5")
    told = process(home, "export", *scope, "--dry-run")
    assert "cut by default" in told.stdout and "1 of 1 is written; TRL cuts it to 5 tokens" in told.stderr
    assert not (home / "trl.jsonl").exists()
    (listed,) = json.loads((home / "seeds.manifest.json").read_text())["conversations"]
    (home / "ids.txt").write_text(f"{listed[0]}\n")
    assert json.loads(process(home, "export", *scope, "--ids", "ids.txt", "--json").stdout)["count"] == 1
    stopped = process(home, "export", *scope, "--overwrite", "--if-cut", "stop", "--json", check=False)
    assert stopped.returncode == 1 and json.loads(stopped.stdout)["problems"][0]["conversation_id"] == listed[0]


def test_an_export_into_a_directory_is_named_and_written_again_with_the_same_bytes(home: Path) -> None:
    chats = home / "again.jsonl"
    turns = [{"role": "user", "content": "Once more?"}, {"role": "assistant", "content": "Yes."}]
    chats.write_text(json.dumps({"messages": turns}) + "\n")
    traintui(home, "import", "again.jsonl")
    scope = ("--filter", "status:generated is:seed")
    first = traintui(home, "export", "--out", "out/", *scope, "--json")
    summary = json.loads(first.stdout)
    path = Path(summary["path"])
    assert path.parent == home / "out" and path.name.startswith("traintui-export-openai-generated-")
    assert summary["statuses"] == {"generated": summary["count"]}
    told = json.loads(path.with_name(f"{path.stem}.manifest.json").read_text())
    assert told["counts"]["status"] == summary["statuses"] and "status:generated" in told["filter"]["words"]
    again = ("--again", summary["export_id"])
    said = traintui(home, "export", *again, "--out", "again-out.jsonl").stderr
    assert f"The same bytes as {summary['export_id']}." in said and "not approved, for the filter names" in said
    assert (home / "again-out.jsonl").read_bytes() == path.read_bytes()
    whole = json.loads(traintui(home, "export", "--out", "whole.json", *scope, "--json").stdout)
    # A directory that is there is one without a slash too: what goes into it is of the same kind.
    (home / "there").mkdir()
    same = json.loads(traintui(home, "export", "--again", whole["export_id"], "--out", "there", "--json").stdout)
    assert same["path"].endswith(".json") and same["again"]["same_bytes"]
    now = json.loads(traintui(home, "export", *again, "--as-of", "now", "--out", "now.jsonl", "--json").stdout)
    assert now["again"] == {"export": summary["export_id"], "same_bytes": True, "reasons": []}
    assert "there already" in refused(traintui(home, "export", *again, "--out", "now.jsonl", check=False))
    assert "no export" in refused(traintui(home, "export", "--again", "e-none", "--out", "x.jsonl", check=False))
    wrong = traintui(home, "export", *again, "--format", "trl", "--out", "x.jsonl", check=False)
    assert wrong.returncode == 2 and "--again" in wrong.stderr


def test_what_the_rehearsal_wrote_is_exported_from_a_demos_home_and_else_only_when_asked() -> None:
    with tempfile.TemporaryDirectory(prefix="td-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        place, home = Path(directory), Path(directory) / "home"
        said = process(place, "demo", "--headless", "--home", str(home)).stdout
        assert str(home / "exports" / "traintui-demo.jsonl") in said
        asked = ("export", "--json", "--out")
        taken = json.loads(process(place, *asked, "one.jsonl", TRAINTUI_HOME=str(home)).stdout)
        assert taken["rehearsal"] == taken["count"] == 40
        without = ("--rehearsal", "exclude")
        left = refused(process(place, *asked[:1], "--out", "x.jsonl", *without, check=False, TRAINTUI_HOME=str(home)))
        assert "written by the rehearsal" in left
        (home / "demo").unlink()
        left = refused(process(place, *asked[:1], "--out", "x.jsonl", check=False, TRAINTUI_HOME=str(home)))
        assert "Include what the rehearsal wrote (--rehearsal include)" in left


def test_the_headless_demo_ends_with_a_file_that_a_trainer_accepts(tmp_path: Path) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    here.mkdir()
    result = process(here, "demo", "--headless", "--json", TRAINTUI_HOME=str(home))
    summary = json.loads(result.stdout)
    # The demo's own workspace is thrown away, and whoever stands in a folder finds nothing new in it.
    assert Path(summary["path"]).parent == home / "exports" and list(here.iterdir()) == []
    assert list(home.iterdir()) == [home / "exports"]
    assert summary["generated"] == 40 and summary["failed"] == 0 and summary["exported"] == summary["approved"] > 0
    for line in Path(summary["path"]).read_text(encoding="utf-8").splitlines():
        roles = [message["role"] for message in json.loads(line)["messages"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2)


def test_a_plan_is_generated_against_a_rehearsal_of_its_own(home: Path) -> None:
    command = [sys.executable, "-m", "traintui", "rehearsal", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as rehearsal:
        try:
            assert rehearsal.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+", rehearsal.stdout.readline())
            assert found is not None
            plan = home / "plan.toml"
            words = "\n".join(f'{name} = ["v"]' for name in DIMENSIONS)
            plan.write_text(f'name = "Trial"\ncount = 2\nexchanges = [1, 1]\n[dimensions]\n{words}\n')
            generate = ("generate", "--plan", "plan.toml", "--wait", "--json")
            answer = refused(process(home, *generate, check=False, TRAINTUI_API_BASE_URL=found[0]))
            assert "not an active persona" in answer
            (home / "words.toml").write_text("".join(f'[[{name}]]\nvalue = "v"\nlabel = "V"\n' for name in DIMENSIONS))
            assert "5 values" in process(home, "import", "words.toml").stdout
            result = process(home, *generate, TRAINTUI_API_BASE_URL=found[0])
            assert json.loads(result.stdout)["done"] == 2
            absent = process(home, *generate, "--model", "no-such-model", check=False, TRAINTUI_API_BASE_URL=found[0])
            stopped = json.loads(absent.stdout)
            assert absent.returncode == 1 and (stopped["state"], stopped["done"], stopped["queued"]) == ("paused", 0, 2)
            assert "no-such-model" in stopped["state_reason"] and "another batch" in absent.stderr
            (home / "rows.csv").write_text("persona;Source;exchanges\nv;mail;1\nw;mail;1\n")
            listed = ("generate", "--plan", "rows.csv", "--model", "claude-haiku-5-5", "--budget", "5")
            wrong = process(home, *listed, check=False, TRAINTUI_API_BASE_URL=found[0])
            assert wrong.returncode == 1 and "row 3, persona: 'w' is not an active persona" in wrong.stderr
            (home / "rows.csv").write_text("persona;Source;exchanges\nv;mail;1\nv;chat;1\n")
            dry = process(home, *listed, "--dry-run", "--json", TRAINTUI_API_BASE_URL=found[0])
            estimate = json.loads(dry.stdout)
            assert (estimate["conversations"], estimate["basis"], estimate["is_rehearsal"]) == (2, "counted", True)
            assert "9 in 10 below" in process(home, *listed, "--dry-run", TRAINTUI_API_BASE_URL=found[0]).stdout
            result = process(home, *listed, "--wait", "--json", TRAINTUI_API_BASE_URL=found[0])
            summary = json.loads(result.stdout)
            assert (summary["name"], summary["done"], summary["total"]) == ("rows", 2, 2)
            ask = ("judge", "--filter", "persona:v", "--model", "claude-opus-5-5")
            first = process(home, *ask, "--dry-run", "--json", TRAINTUI_API_BASE_URL=found[0])
            estimate = json.loads(first.stdout)
            # Left out are the two that wait for a model that there is not.
            assert (estimate["conversations"], estimate["left_out"], estimate["is_rehearsal"]) == (4, 2, True)
            assert estimate["cost_usd"][1] > 0 and "4 conversations by claude-opus-5-5: $" in first.stderr
            wrong = process(home, *ask, "--budget", "much", check=False, TRAINTUI_API_BASE_URL=found[0])
            assert "no amount in USD" in refused(wrong)
            waiting = json.loads(process(home, *listed, "--json", TRAINTUI_API_BASE_URL=found[0]).stdout)["id"]
            result = process(home, *ask, "--budget", "5", "--wait", "--json", TRAINTUI_API_BASE_URL=found[0])
            summary = json.loads(result.stdout)
            assert (summary["done"], summary["failed"], summary["total"], summary["calls"]) == (4, 0, 4, 4)
            with psycopg.connect(EmbeddedServer(home).conninfo(users.own_login())) as connection:
                state = connection.execute("SELECT state FROM batches WHERE id = %s", [waiting]).fetchone()
            assert state == ("queued",), "it does not pay for what others queued"
            nobody = (*ask[:2], "judge>10", *ask[3:])
            assert "no conversation" in refused(process(home, *nobody, check=False, TRAINTUI_API_BASE_URL=found[0]))
        finally:
            rehearsal.send_signal(signal.SIGINT)
        assert rehearsal.wait(60) in (0, 130)


def test_users_are_made_listed_and_shut_out(home: Path) -> None:
    traintui(home, "user", "add", "rosa", "--role", "reviewer")
    listed: list[dict[str, Any]] = json.loads(traintui(home, "user", "list", "--json").stdout)["users"]
    assert {"name": "rosa", "role": "reviewer", "active": True} in listed
    traintui(home, "user", "disable", "rosa")
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        psycopg.connect(EmbeddedServer(home).conninfo("rosa"))
    assert "not" in refused(traintui(home, "user", "disable", "nobody_here", check=False)).lower()


def test_ones_own_login_of_an_embedded_workspace_is_not_changed(home: Path) -> None:
    assert "embedded" in refused(traintui(home, "user", "disable", users.own_login(), check=False))
    assert "embedded" in refused(traintui(home, "user", "add", users.own_login(), "--role", "reviewer", check=False))


def test_going_back_asks_first(home: Path) -> None:
    assert traintui(home, "db", "downgrade", "0001-1", check=False).returncode == 1
    assert json.loads(traintui(home, "db", "current", "--json").stdout)["up_to_date"]


def test_the_database_says_which_revision_it_is_at(home: Path) -> None:
    traintui(home, "db", "upgrade")
    found = json.loads(traintui(home, "db", "current", "--json").stdout)
    assert found == {"current": schema.HEAD, "needed": schema.HEAD, "up_to_date": True}


def test_the_roles_are_printed_as_sql_that_can_be_run_again(home: Path) -> None:
    printed = traintui(home, "db", "roles").stdout
    with psycopg.connect(EmbeddedServer(home).conninfo(SUPERUSER, DATABASE), autocommit=True) as connection:
        connection.execute(printed.encode())


def test_the_doctor_looks_at_everything_and_fails_only_where_nothing_can_work(home: Path) -> None:
    result = process(home, "doctor", "--json")
    states = {finding["name"]: finding["state"] for finding in json.loads(result.stdout)["findings"]}
    assert states["Database"] == states["Schema"] == states["Role"] == "ok"
    assert states["Terminal"] == states["Provider"] == "warning"
    statement = "SELECT note_capability('h', %s, %s, %s, 'probe', 'HTTP 404', NULL, NULL)"
    with psycopg.connect(EmbeddedServer(home).conninfo(SUPERUSER, DATABASE), autocommit=True) as connection:
        for found in (("m", "structured_output", True), ("", "batches", False)):
            connection.execute(statement, found)
    seen = {
        finding["name"]: finding["message"]
        for finding in json.loads(process(home, "doctor", "--json").stdout)["findings"]
    }
    assert seen["Model"].startswith("m at h: structured output ✓ · count_tokens ? · caching ? · batches ✗")
    broken = process(home, "doctor", check=False, TRAINTUI_DATABASE_URL="postgresql://127.0.0.1:1/none")
    assert broken.returncode == 1 and "Database" in broken.stdout


def test_without_a_terminal_the_app_says_so(home: Path) -> None:
    assert "terminal" in refused(process(home, check=False)).lower()
    assert "terminal" in refused(process(home, "demo", check=False)).lower()


def test_a_real_generation_without_a_key_says_what_to_do(home: Path) -> None:
    (home / "p.toml").write_text('name = "x"\ncount = 1\n')
    assert "ANTHROPIC_API_KEY" in refused(process(home, "generate", "--plan", "p.toml", check=False))
    assert "ANTHROPIC_API_KEY" in refused(process(home, "worker", check=False))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://localhost/x", "mysql://"),
        ("localhost", "no scheme"),
        ("postgresql://127.0.0.1:1/none", "127.0.0.1"),
        ("postgresql://127.0.0.1", "no database"),
        ("postgresql://u:tops3cret@127.0.0.1:1/none", "127.0.0.1"),
    ],
)
def test_a_database_that_cannot_be_had_is_an_answer_without_the_password(home: Path, url: str, said: str) -> None:
    answer = refused(traintui(home, "export", "--out", "x.jsonl", check=False, TRAINTUI_DATABASE_URL=url))
    assert said in answer and "tops3cret" not in answer


def test_a_home_that_cannot_be_written_is_named(home: Path) -> None:
    (home / "file").write_text("not a directory")
    answer = refused(traintui(home, "db", "upgrade", check=False, TRAINTUI_HOME=str(home / "file" / "home")))
    assert "TRAINTUI_HOME" in answer


def test_a_port_in_use_is_named(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert str(port) in refused(process(home, "rehearsal", "--port", str(port), check=False))


def test_a_settings_file_with_a_mistake_is_named(home: Path) -> None:
    (home / "bad.toml").write_text("theme = ")
    assert "bad.toml" in refused(traintui(home, "db", "current", check=False, TRAINTUI_CONFIG=str(home / "bad.toml")))
    (home / "bad.toml").write_text('theme = "purple"\n')
    assert "theme" in refused(traintui(home, "db", "current", check=False, TRAINTUI_CONFIG=str(home / "bad.toml")))


def test_thresholds_are_listed_set_and_taken_back_and_a_bad_one_is_named(home: Path) -> None:
    listed = json.loads(traintui(home, "threshold", "list", "--json").stdout)["thresholds"]
    assert listed["usual_turns"] == {"value": [2, 20], "default": [2, 20]}
    traintui(home, "threshold", "set", "usual_turns", "4..8")
    traintui(home, "threshold", "set", "closeness_good", "0.4")
    lines = traintui(home, "threshold", "list").stdout.splitlines()
    assert "closeness_good          0.4             default 0.5" in lines
    assert "usual_turns             4..8            default 2..20" in lines
    traintui(home, "threshold", "reset", "closeness_good")
    traintui(home, "threshold", "reset", "usual_turns")
    assert json.loads(traintui(home, "threshold", "list", "--json").stdout)["thresholds"] == listed
    assert "Did you mean closeness_good?" in refused(
        traintui(home, "threshold", "set", "closenes_good", "0.4", check=False)
    )
    assert "valid number" in refused(traintui(home, "threshold", "set", "closeness_good", "much", check=False))


def test_training_targets_are_chosen_listed_and_taken_back_and_a_bad_one_is_named(home: Path) -> None:
    assert "cuts beyond 1,024 tokens" in traintui(home, "targets", "set", "trl", "mistral:8192").stdout
    lines = traintui(home, "targets", "list").stdout.splitlines()
    assert lines[1].split() == ["mistral", "8,192", "tokens", "trains", "on", "answers;", "knows", "marks"]
    nowhere = str(home / "llama" / "tokenizer.json")
    assert "is not on this machine" in refused(traintui(home, "targets", "set", "--tokenizer", nowhere, check=False))
    set_ = traintui(home, "targets", "set", "--tokenizer", nowhere, "--elsewhere", "--json")
    assert json.loads(set_.stdout) == {
        "targets": [
            {"format": "trl", "limit": None, "tokens": 1024}, {"format": "mistral", "limit": 8192, "tokens": 8192}
        ],
        "tokenizer": nowhere,
        "counted_by": "estimate",
        "estimated_because": "Tokens are estimated: the workspace's tokenizer, llama, is not on this machine.",
    }  # fmt: skip
    assert json.loads(traintui(home, "targets", "set", "--estimate", "--json").stdout)["tokenizer"] is None
    assert "Did you mean openai?" in refused(traintui(home, "targets", "set", "openia", check=False))
    assert traintui(home, "targets", "set", check=False).returncode == 2
    traintui(home, "targets", "clear")
    assert json.loads(traintui(home, "targets", "list", "--json").stdout)["targets"] == []


def test_kinds_of_redaction_are_listed_and_switched_and_a_card_never_is(home: Path) -> None:
    assert "ip_address" in traintui(home, "redaction", "list").stdout
    traintui(home, "redaction", "set", "ip_address", "off")
    listed = json.loads(traintui(home, "redaction", "list", "--json").stdout)["kinds"]
    assert not listed["ip_address"]["on"] and listed["card"] == {"on": True, "always": True}
    traintui(home, "redaction", "set", "ip_address", "on")
    assert json.loads(traintui(home, "redaction", "list", "--json").stdout)["kinds"]["ip_address"]["on"]
    assert "cannot be switched off" in refused(traintui(home, "redaction", "set", "card", "off", check=False))


def test_an_import_is_scored_among_what_is_there_and_scored_anew_by_other_thresholds(home: Path) -> None:
    said = [
        {"role": "user", "content": "What does a card cost that was lost abroad on a Sunday?"},
        {"role": "assistant", "content": "A card that was lost abroad costs nothing, whatever day of the week it was."},
    ]
    systems = ("Be kind.", "Be brief.")
    records = [{"messages": [{"role": "system", "content": system}, *said]} for system in systems]
    (home / "twins.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    traintui(home, "import", "twins.jsonl")
    number = json.loads(traintui(home, "threshold", "rescore", "--dry-run", "--json").stdout)["number"]
    assert number >= 2
    traintui(home, "threshold", "set", "closeness_worst", "0.51")
    done = json.loads(traintui(home, "threshold", "rescore", "--json").stdout)
    # The twin has no point for its closeness either way, so nothing changes: it was measured when it was imported.
    assert (done["done"], done["changed"]) == (number, 0)
    traintui(home, "threshold", "set", "closeness_weight", "0")
    assert json.loads(traintui(home, "threshold", "rescore", "--json").stdout)["changed"] >= 2
    traintui(home, "threshold", "reset", "closeness_worst")
    traintui(home, "threshold", "reset", "closeness_weight")


@pytest.mark.parametrize("arguments", [["nonsense"], ["export"], ["user", "add", "x", "--role", "king"], ["import"]])
def test_wrong_usage_exits_2_and_names_the_mistake(home: Path, arguments: list[str]) -> None:
    result = process(home, *arguments, check=False)
    assert result.returncode == 2 and result.stderr


def test_a_mistake_in_a_filter_is_answered_with_the_nearest_name(home: Path) -> None:
    answer = refused(traintui(home, "export", "--out", "x.jsonl", "--filter", "personna:x", check=False))
    assert "persona" in answer


def test_a_value_that_no_dimension_has_is_answered_with_the_nearest_value(home: Path) -> None:
    (home / "tones.toml").write_text('[[tone]]\nvalue = "down_to_earth"\nlabel = "Down to earth"\n')
    traintui(home, "import", "tones.toml")
    answer = refused(
        traintui(home, "export", "--out", "v.jsonl", "--filter", "tone:down_to_earh status:generated", check=False)
    )
    assert 'no value "down_to_earh"' in answer and "Did you mean down_to_earth?" in answer
    assert not (home / "v.jsonl").exists()


async def test_what_was_not_expected_is_written_down_without_anybodys_data(conninfo: Conninfo) -> None:
    values = {"quoted": "@".join(["ann", "example.org"]), "told": " ".join(["Her", "name", "is", "Ann."])}
    with pytest.raises(DBAPIError) as caught:
        async with logged_in(conninfo("ada")) as db, db.engine.begin() as connection:
            statement = text("SELECT CAST(:quoted AS int), CAST(:told AS text)")
            await connection.execute(statement, values)
    written = traceback_of(caught.value)
    assert "Traceback" in written and 'integer: "[e-mail 1]"' in written
    assert values["quoted"] not in written and values["told"] not in written
