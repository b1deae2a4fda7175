"""`traintui db stats` as a person or a program meets it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from commanded import at_home
from homes import furnished_home
from traintui.data.embedded import SUPERUSER, EmbeddedServer

pytestmark = pytest.mark.xdist_group("homes")
TURNS = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello."}]


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """The server of a home in which something was imported."""
    with tempfile.TemporaryDirectory(prefix="ts-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        embedded = EmbeddedServer(furnished_home(Path(directory) / "home"), durable=False)
        embedded.start()
        (embedded.home / "chats.jsonl").write_text(json.dumps({"messages": TURNS}) + "\n")
        assert stats(embedded.home, "import", "chats.jsonl").returncode == 0
        yield embedded
        embedded.stop()


def stats(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return at_home(home, *arguments)


def test_what_a_command_asked_is_on_record_when_it_has_ended(server: EmbeddedServer) -> None:
    told = json.loads(stats(server.home, "db", "stats", "--json").stdout)
    labels = {each["label"]: each for each in told["queries"]}
    assert labels["imports.copy"]["calls"] == 1 and labels["imports.copy"]["errors"] == 0
    assert labels["imports.copy"]["about"] and all("about" in each for each in told["queries"])
    said = stats(server.home, "db", "stats").stdout
    shown = [label for label in labels if f"\n  {label:<38.38}" in said]  # those that took longest
    assert len(shown) > 5 and all(f"    {labels[label]['about']:.110}" in said for label in shown)
    assert " 0 failed; a label is" in said
    assert sum(each["share"] for each in told["queries"]) == pytest.approx(1, abs=0.05)
    assert 0 < labels["imports.copy"]["p50_ms"] <= labels["imports.copy"]["most_ms"]
    assert told["server"]["connections"] >= 1 and told["indexes"] == []
    tables = {each["name"]: each for each in told["tables"]}
    assert tables.keys() >= {"conversations", "generation_logs"} and told["held"] == []
    assert (
        tables["conversations"]["growth"].startswith("not known yet") and len(tables["generation_logs"]["parts"]) >= 5
    )
    assert tables["generation_logs"]["parts"][0]["begins"] < tables["generation_logs"]["parts"][0]["ends"]
    assert (
        set(told["live"]) == {"running", "waiting", "in_transaction", "idle", "hidden"} and not told["live"]["waiting"]
    )


def test_people_read_what_to_mend_and_by_which_statement(server: EmbeddedServer) -> None:
    assert "nothing to mend" in stats(server.home, "db", "stats").stdout
    with psycopg.connect(server.conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("DROP INDEX ix_review_logs_xid8")
        said = stats(server.home, "db", "stats").stdout
        assert "ix_review_logs_xid8 is not there, and Traintui relies on it: what it serves reads whole tables" in said
        assert "CREATE INDEX CONCURRENTLY ix_review_logs_xid8 ON review_logs (xid8);" in said and "p95" in said
        connection.execute("CREATE INDEX ix_review_logs_xid8 ON review_logs (xid8)")


def test_a_time_without_statements_says_so(server: EmbeddedServer) -> None:
    with psycopg.connect(server.conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("UPDATE query_times SET begins_at = begins_at - interval '3 hours'")
    assert "none is on record" in stats(server.home, "db", "stats", "--hours", "1").stdout
    assert stats(server.home, "db", "stats", "--hours", "0").returncode == 2


def test_a_label_of_somebody_else_tells_a_terminal_nothing(server: EmbeddedServer) -> None:
    with psycopg.connect(server.conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO query_times VALUES (60, date_trunc('minute', now()), %s, 1, 0, 0, 1, 9000000000, 9, %s)",
            ("x\x1b]0;y\x07\u202e", '{"0": 1}'),
        )
        said = stats(server.home, "db", "stats").stdout
        connection.execute("DELETE FROM query_times WHERE label LIKE 'x%'")
    assert "x\ufffd]0;y\ufffd\ufffd" in said
    assert not [sign for sign in said if not sign.isprintable() and sign != "\n"]


def test_the_report_of_a_month_is_printed_saved_and_told_to_programs(server: EmbeddedServer, tmp_path: Path) -> None:
    printed = stats(server.home, "db", "report").stdout
    assert "## Recommendations" in printed and "| new conversations | 1 |" in printed
    told = json.loads(stats(server.home, "db", "report", "--json", "--out", str(tmp_path)).stdout)
    assert told["work"]["conversations"] == 1 and told["recommendations"] == []
    assert [Path(path).suffix for path in told["files"]] == [".md", ".html"]
    assert all(Path(path).read_text() for path in told["files"])
    refused = stats(server.home, "db", "report", "--month", "soon")
    assert refused.returncode == 1 and "Write year and month: 2026-11." in refused.stderr
