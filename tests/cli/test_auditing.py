"""`traintui audit verify` as a person or a program meets it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from commanded import at_home
from homes import furnished_home
from traintui.data.embedded import SUPERUSER, EmbeddedServer

pytestmark = pytest.mark.xdist_group("homes")
TURNS = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello."}]


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    """The server of a home in which something was imported and exported."""
    with tempfile.TemporaryDirectory(prefix="tv-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        embedded = EmbeddedServer(furnished_home(Path(directory) / "home"), durable=False)
        embedded.start()
        (embedded.home / "chats.jsonl").write_text(json.dumps({"messages": TURNS}) + "\n")
        traintui(embedded.home, "import", "chats.jsonl")
        export = ("export", "--out", "out.jsonl", "--filter", "status:generated is:seed")
        assert traintui(embedded.home, *export).returncode == 0
        yield embedded
        embedded.stop()


def traintui(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return at_home(home, *arguments)


def verified(home: Path) -> tuple[int, dict[str, Any]]:
    result = traintui(home, "audit", "verify", "--json")
    return result.returncode, json.loads(result.stdout)


def tampered(server: EmbeddedServer, *statements: str) -> None:
    with psycopg.connect(server.conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            connection.execute(statement.encode())


def test_an_export_seals_what_was_recorded_and_its_manifest_is_an_anchor(server: EmbeddedServer) -> None:
    seal = json.loads((server.home / "out.manifest.json").read_text())["seal"]
    assert set(seal) == {"workspace", "number", "hash", "made_at"} and seal["number"] >= 1
    line = orjson.loads((server.home / "anchors.jsonl").read_bytes().splitlines()[-1])
    assert (line["workspace"], line["seal"], line["hash"]) == (seal["workspace"], seal["number"], seal["hash"])
    code, told = verified(server.home)
    assert (code, told["holds"], told["manifests"]) == (0, True, 1) and told["anchors"] >= 1 and told["findings"] == []
    shown = traintui(server.home, "audit", "verify")
    assert shown.returncode == 0 and shown.stdout.startswith("holds ")


def test_the_first_row_that_was_touched_is_named_with_what_it_means_and_what_to_do(server: EmbeddedServer) -> None:
    tampered(
        server, "UPDATE review_logs SET reviewer_id = 'nobody'",
        "UPDATE review_logs SET row_hash = review_log_digest(review_logs)",
    )  # fmt: skip
    code, told = verified(server.home)
    assert (code, told["first"]["kind"], told["first"]["log"], told["first"]["id"]) == (1, "changed", "review_logs", 1)
    shown = traintui(server.home, "audit", "verify")
    assert shown.returncode == 1
    assert "first: changed: row 1 of the review log: it is not what seal 1 has." in shown.stdout
    assert "Compare the row with a backup" in shown.stdout


def test_a_history_that_was_rewritten_as_a_whole_disagrees_with_the_manifest_of_an_export(
    server: EmbeddedServer,
) -> None:
    (server.home / "anchors.jsonl").unlink()
    tampered(
        server, "DELETE FROM audit_seals", "DELETE FROM audit_seal_parts", "DELETE FROM audit_seal_leaves",
        "UPDATE review_logs SET reviewer_id = 'nobody'",
        "UPDATE review_logs SET row_hash = review_log_digest(review_logs)",
    )  # fmt: skip
    tampered(server, "SELECT seal_logs(true)")
    code, told = verified(server.home)
    assert code == 1 and {finding["kind"] for finding in told["findings"]} == {"anchor"}
    assert "out.manifest.json" in told["findings"][0]["where"]


def test_a_restore_is_noted_beside_the_anchors(server: EmbeddedServer) -> None:
    assert traintui(server.home, "db", "backup", "a.dump").returncode == 0
    more = [{"role": "user", "content": "And?"}, {"role": "assistant", "content": "That is all."}]
    (server.home / "more.jsonl").write_text(json.dumps({"messages": more}) + "\n")
    traintui(server.home, "import", "more.jsonl")
    export = ("export", "--out", "more-out.jsonl", "--filter", "status:generated")
    assert traintui(server.home, *export).returncode == 0
    result = traintui(server.home, "db", "restore", "a.dump", "--yes")
    assert result.returncode == 0, result.stderr
    code, told = verified(server.home)
    assert (code, told["findings"]) == (0, []) and "were taken back" in told["notes"][0]
