"""`traintui audit retire` as an administrator meets it, and what is left of it when it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aging import LONG_AGO
from commanded import at_home
from homes import furnished_home
from traintui.data.embedded import SUPERUSER, EmbeddedServer

pytestmark = pytest.mark.xdist_group("homes")
ROWS = 9_000
CALLS = """
    INSERT INTO generation_logs (created_at, kind, state, requested_by, endpoint, is_rehearsal, model, parameters,
                                 request_payload)
    SELECT %(moment)s::timestamptz + n * interval '1 second', 'probe', 'ok', 'ada', '', true, 'm', '{}',
           jsonb_build_object('said', repeat(md5(n::text), 20)) FROM generate_series(1, %(rows)s) AS n
"""


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    """The server of a home with some thousands of calls of long ago."""
    with tempfile.TemporaryDirectory(prefix="tr-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        embedded = EmbeddedServer(furnished_home(Path(directory) / "home"), durable=False)
        embedded.start()
        with psycopg.connect(embedded.conninfo(SUPERUSER)) as connection:
            moment = f"{LONG_AGO} 00:00+00"
            connection.execute("SELECT make_generation_partitions(0, %s::timestamptz)", [moment])
            connection.execute(CALLS, {"moment": moment, "rows": ROWS})
        yield embedded
        embedded.stop()


def begun(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "traintui", "audit", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, stdin=subprocess.DEVNULL, cwd=home, env={**os.environ, "TRAINTUI_HOME": str(home)},
    )  # fmt: skip


def said(home: Path, *arguments: str, code: int = 0) -> str:
    ended = at_home(home, "audit", *arguments)
    assert ended.returncode == code, ended.stderr
    return ended.stdout


def stands(server: EmbeddedServer) -> dict[str, int]:
    """How many calls are in the log and in the archive, and how many weeks were removed."""
    with psycopg.connect(server.conninfo(SUPERUSER)) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM generation_logs),"
            " (SELECT coalesce(sum(row_count), 0)::integer FROM archive_frames), (SELECT count(*) FROM retirements)"
        ).fetchone()
    return dict(zip(("log", "archive", "retired"), row or (), strict=True))


def until(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Waits for something that a process is to bring about."""
    until = time.monotonic() + 180
    while not holds():
        assert process.poll() is None and time.monotonic() < until, process.communicate()
        time.sleep(0.01)


def killed(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=180)


def verified(home: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(said(home, "verify", "--json"))
    assert told["holds"], told["findings"]
    return told


def test_what_is_due_is_said_then_removed_and_verify_says_so(server: EmbeddedServer) -> None:
    home = server.home
    assert said(home, "retire", "--dry-run").startswith(
        f"due          week of {LONG_AGO}, generation log: {ROWS:,} rows"
    )
    (due,) = json.loads(said(home, "retire", "--dry-run", "--json"))["due"]
    assert (due["week"], due["rows"], stands(server)) == (
        str(LONG_AGO),
        ROWS,
        {"log": ROWS, "archive": 0, "retired": 0},
    )
    assert said(home, "retire").startswith(f"removed      week of {LONG_AGO}, generation log: {ROWS:,} rows")
    assert stands(server) == {"log": 0, "archive": ROWS, "retired": 1}
    told = verified(home)
    assert told["archived_rows"] == ROWS and told["retired"][0]["week"] == str(LONG_AGO)
    assert "removed under policy, root known" in " ".join(told["notes"])
    assert said(home, "retire") == "nothing is due\n"


def test_days_are_shown_and_changed(server: EmbeddedServer) -> None:
    assert said(server.home, "retention").splitlines()[0].split() == ["generations", "90", "days"]
    said(server.home, "retention", "--generations", "none", "--exports", "400")
    told = json.loads(said(server.home, "retention", "--json"))
    assert told == {
        "generations_days": None, "exports_days": 400, "reviews_days": None, "automatic": True, "failure": None,
    }  # fmt: skip
    assert said(server.home, "retire", "--dry-run") == "nothing is due\n"
    # Of two, none is changed where one is nothing.
    for wrong in ("soon", "3", "36501"):
        said(server.home, "retention", "--generations", "30", "--exports", wrong, code=1)
    assert json.loads(said(server.home, "retention", "--json")) == told


def test_killed_while_it_archives_it_has_removed_nothing_and_goes_on(server: EmbeddedServer) -> None:
    with psycopg.connect(server.conninfo(SUPERUSER)) as reading:
        reading.execute("SELECT count(*) FROM generation_logs")  # however quick it is, it does not come to the removal
        process = begun(server.home, "retire")
        until(lambda: stands(server)["archive"] > 0, process)
        killed(process)
        left = stands(server)
    assert (left["log"], left["retired"]) == (ROWS, 0) and 0 < left["archive"] <= ROWS
    assert verified(server.home)["archived_rows"] == 0
    said(server.home, "retire")
    assert stands(server) == {"log": 0, "archive": ROWS, "retired": 1}
    assert verified(server.home)["archived_rows"] == ROWS


def test_killed_between_archive_and_removal_every_row_stands_in_one_of_both(server: EmbeddedServer) -> None:
    with psycopg.connect(server.conninfo(SUPERUSER)) as reading:
        reading.execute("SELECT count(*) FROM generation_logs")  # whoever reads the log keeps its weeks there
        process = begun(server.home, "retire")

        def removing() -> bool:
            with psycopg.connect(server.conninfo(SUPERUSER)) as connection:
                return bool(connection.execute(
                    "SELECT FROM pg_stat_activity"
                    " WHERE query LIKE '%SELECT id FROM retire_generations%' AND state = 'active'"
                    " AND pid <> pg_backend_pid()"
                ).fetchall())  # fmt: skip

        until(removing, process)
        assert stands(server)["archive"] == ROWS
        killed(process)
    # The server may have gone on with what it was asked for; either it did all of it, or nothing.
    told = verified(server.home)
    assert told["archived_rows"] in (0, ROWS)
    said(server.home, "retire")
    assert stands(server) == {"log": 0, "archive": ROWS, "retired": 1}
    assert verified(server.home)["archived_rows"] == ROWS


def test_who_reads_the_log_all_the_time_keeps_a_week_there_and_is_told_of(server: EmbeddedServer) -> None:
    with psycopg.connect(server.conninfo(SUPERUSER)) as reading:
        reading.execute("SELECT count(*) FROM generation_logs")
        pid = reading.info.backend_pid
        process = begun(server.home, "retire")
        _, err = process.communicate(timeout=180)
    assert process.returncode == 1 and f"week of {LONG_AGO}, generation log, stays: " in err
    assert f"pid {pid})" in err
    assert stands(server) == {"log": ROWS, "archive": ROWS, "retired": 0}
    said(server.home, "retire")
    assert stands(server)["retired"] == 1
