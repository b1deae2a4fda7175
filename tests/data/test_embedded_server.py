"""The server that comes with Traintui: shared by the processes of one home, and stopped by the last one to leave."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from homes import quick_directory
from traintui.data import conversations, workspace
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer, quoted
from traintui.data.engine import label_of, parsed_url
from traintui.data.refusals import NotReached, answered
from traintui.errors import TraintuiError
from traintui.settings import Settings

pytestmark = pytest.mark.xdist_group("embedded")

CHILD = """
import sys
from pathlib import Path
from traintui.data.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), durable=False)
server.start()
print("ready", flush=True)
sys.stdin.readline()
server.stop()
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A home whose cluster is made already, to be copied."""
    with new_home() as home:
        server = EmbeddedServer(home, durable=False)
        server.start()
        server.stop()
        assert not server.running()
        yield home


@pytest.fixture
def home(made: Path) -> Iterator[Path]:
    with new_home() as home:
        subprocess.run(["/bin/cp", "-a", f"{made}/.", str(home)], check=True)
        yield home
        stop_for_good(home)


@contextmanager
def new_home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="tt-", dir=quick_directory()))
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def stop_for_good(home: Path) -> None:
    """No server of a test outlives it."""
    server = EmbeddedServer(home, durable=False)
    if server.running():
        server.start()
        server.stop()


def answers(server: EmbeddedServer) -> bool:
    try:
        with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), connect_timeout=5) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def until(holds: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)


def child(home: Path) -> subprocess.Popen[str]:
    """A process of its own that uses the server of a home until it is told to leave."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def leave(process: subprocess.Popen[str]) -> None:
    process.communicate("leave\n", timeout=180)
    assert process.returncode == 0


def postmaster(server: EmbeddedServer) -> int:
    return int((server.data / "postmaster.pid").read_text().split()[0])


def test_the_last_process_to_leave_stops_the_server(home: Path) -> None:
    server = EmbeddedServer(home, durable=False)
    first, second = child(home), child(home)
    pid = postmaster(server)
    leave(first)
    assert answers(server) and postmaster(server) == pid
    server.start()
    server.start()
    leave(second)
    assert answers(server) and postmaster(server) == pid
    server.stop()
    server.stop()
    assert not server.running() and not answers(server)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_server_left_by_a_killed_process_is_used_again_and_later_stopped(home: Path) -> None:
    server = EmbeddedServer(home, durable=False)
    killed = child(home)
    pid = postmaster(server)
    killed.kill()
    killed.communicate(timeout=180)
    assert answers(server)
    server.start()
    assert postmaster(server) == pid and answers(server)
    server.stop()
    assert not server.running()
    assert list((home / "clients").iterdir()) == []


def test_a_killed_server_starts_again_with_what_was_committed(home: Path) -> None:
    server = EmbeddedServer(home, durable=False)
    server.start()
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (id int)")
        connection.execute("CHECKPOINT")
    os.kill(postmaster(server), signal.SIGKILL)
    until(lambda: not answers(server))
    other = EmbeddedServer(home, durable=False)
    other.start()
    with psycopg.connect(other.conninfo(SUPERUSER, "postgres")) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    server.stop()
    assert other.running()
    other.stop()
    assert not other.running()


def test_a_server_that_was_killed_is_revived_once_for_all_that_use_it(home: Path) -> None:
    server, other = EmbeddedServer(home, durable=False), EmbeddedServer(home, durable=False)
    assert server.revive() == "stopped" and not server.running()  # nobody uses it
    server.start()
    other.start()
    assert server.revive() == "runs"
    os.kill(postmaster(server), signal.SIGKILL)
    until(lambda: not answers(server))
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(EmbeddedServer.revive, (server, other)))
    assert sorted(found) == ["runs", "started"] and answers(server)
    server.stop()
    assert answers(other)
    other.stop()
    assert not other.running() and other.revive() == "stopped"


def test_a_server_that_was_stopped_in_order_or_whose_data_is_gone_is_not_revived(home: Path) -> None:
    server = EmbeddedServer(home, durable=False)
    server.start()
    server._pg_ctl("stop", "-m", "fast", "-w")
    assert server.revive() == "stopped" and not server.running()
    server.stop()
    server.start()
    os.kill(postmaster(server), signal.SIGKILL)
    until(lambda: not answers(server))
    server.data.rename(server.data.with_name("elsewhere"))
    assert server.revive() == "stopped" and not server.data.exists()
    server.stop()


def test_nobody_at_the_socket_is_said_without_the_words_of_the_operating_system(home: Path) -> None:
    server = EmbeddedServer(home, durable=False)
    with pytest.raises(NotReached) as away, answered():
        psycopg.connect(server.conninfo(SUPERUSER))
    assert away.value.message == f"no server runs in {server.socket_dir}."


def test_a_process_number_that_belongs_to_another_by_now_does_not_count_as_a_server(home: Path) -> None:
    server = EmbeddedServer(home, durable=False)
    server.start()
    lines = (server.data / "postmaster.pid").read_text()
    server.stop()
    stale = server.data / "postmaster.pid"
    stale.write_text(lines.replace(lines.split("\n", 1)[0], str(os.getpid()), 1))
    assert not server.running()
    server.start()
    assert answers(server)
    server.stop()


def test_a_cluster_that_was_made_half_way_is_made_anew() -> None:
    with new_home() as home:
        half = home / "postgres" / "18.partial"
        half.mkdir(parents=True)
        (half / "PG_VERSION").write_text("18\n")
        server = EmbeddedServer(home, durable=False)
        server.start()
        assert answers(server) and not half.exists()
        server.stop()


def test_the_socket_and_the_data_are_private(home: Path) -> None:
    server = EmbeddedServer(home, durable=False)
    server.start()
    for private in (server.data, server.socket_dir):
        assert private.stat().st_mode & 0o077 == 0
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres")) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    server.stop()


@pytest.mark.parametrize("name", ["x" * 120, "a home, with 'quotes' and \\"])
def test_a_home_with_a_long_or_odd_path_gets_its_socket_elsewhere(made: Path, name: str) -> None:
    with new_home() as parent:
        home = parent / name
        subprocess.run(["/bin/cp", "-a", str(made), str(home)], check=True)
        server = EmbeddedServer(home, durable=False)
        assert home not in server.socket_dir.parents
        try:
            server.start()
            assert answers(server)
        finally:
            server.stop()
            shutil.rmtree(server.socket_dir, ignore_errors=True)
        assert not server.running()


def test_a_relative_home_stays_where_it_was_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert EmbeddedServer(Path("here")).data == tmp_path / "here" / "postgres" / "18"


@pytest.mark.parametrize("home", [Path("/dev/null/home"), Path("/proc/traintui"), Path("/sys/traintui/home")])
def test_a_home_that_cannot_be_written_is_an_answer(home: Path) -> None:
    with pytest.raises(TraintuiError) as refused:
        EmbeddedServer(home).start()
    assert (refused.value.title, "TRAINTUI_HOME" in refused.value.remedy) == ("Home not usable", True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another account")
def test_a_root_users_home_in_a_closed_directory_is_refused_and_nothing_is_opened() -> None:
    with new_home() as parent:
        parent.chmod(0o700)
        with pytest.raises(TraintuiError, match="closed to the account"):
            EmbeddedServer(parent / "home").start()
        assert parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another account")
def test_the_rights_of_an_existing_home_are_only_added_to(home: Path) -> None:
    home.chmod(0o1777)
    server = EmbeddedServer(home, durable=False)
    server.start()
    assert home.stat().st_mode & 0o7777 == 0o1777
    server.stop()


def test_somebody_elses_socket_directory_is_not_used(home: Path) -> None:
    server = EmbeddedServer(home, durable=False)
    shutil.rmtree(server.socket_dir)
    server.socket_dir.symlink_to("/tmp")  # noqa: S108
    with pytest.raises(TraintuiError, match="Home not usable"):
        server.start()


# Opening a workspace ----------------------------------------------------------------------------------------------


def settings(**values: object) -> Settings:
    return Settings(**values)  # type: ignore[arg-type]


async def test_the_embedded_workspace_opens_ready_to_work_and_closes(home: Path) -> None:
    said: list[str] = []
    async with workspace.open_workspace(settings(home=home), progress=said.append, durable=False) as db:
        assert (db.label, db.role) == ("embedded", "admin")
        assert await conversations.count(db) == 0
    assert said[:2] == ["Starting the database", "Preparing the database"]
    assert said[2:] and all(each.startswith("Applied ") for each in said[2:])  # a revision each
    assert not EmbeddedServer(home).running()
    said.clear()
    async with workspace.open_workspace(settings(home=home), progress=said.append, durable=False):
        pass
    assert said == ["Starting the database"]


def test_two_first_starts_at_once_make_one_workspace() -> None:
    code = (
        "import sys; from traintui.data import workspace; from traintui.settings import Settings\n"
        "from traintui.data.embedded import EmbeddedServer; from pathlib import Path\n"
        "server = EmbeddedServer(Path(sys.argv[1]), durable=False)\n"
        "print(workspace.prepare(Settings(home=server.home), server, print)[1]); server.stop()"
    )
    with new_home() as home:
        children = [
            subprocess.Popen([sys.executable, "-c", code, str(home)], stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        for each in children:
            _, said = each.communicate(timeout=180)
            assert each.returncode == 0, said
        assert not EmbeddedServer(home).running()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "no scheme"),
        ("localhost/db", "no scheme"),
        ("mysql://localhost/db", "mysql://"),
        ("postgresql://localhost", "names no database"),
        ("postgresql://localhost:port/db", "Database URL not understood"),
        ("postgresql://[::1/db", "Database URL not understood"),
        ("postgresql://u:secret%zz@localhost/db", "Database URL not understood"),
    ],
)
def test_a_wrong_url_is_an_answer_without_the_password(url: str, says: str) -> None:
    with pytest.raises(TraintuiError) as refused:
        parsed_url(url)
    assert says in str(refused.value) and "secret" not in str(refused.value)
    assert "postgresql://USER@HOST/DATABASE" in refused.value.remedy


async def test_a_shared_server_that_does_not_answer_is_an_answer() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    url = f"postgresql://ann:secret@127.0.0.1:{port}/training"
    with pytest.raises(TraintuiError) as refused:
        async with workspace.open_workspace(settings(database_url=url)):
            pass
    assert refused.value.title == "Database not reached" and "secret" not in str(refused.value)
    assert refused.value.message == f"Connection refused (127.0.0.1, port {port})." and refused.value.remedy


async def test_a_database_that_is_not_there_or_not_made_is_an_answer(server: EmbeddedServer) -> None:
    host = str(server.socket_dir).replace("/", "%2F")
    for database, title in (("nowhere", "Database not reached"), ("postgres", "No workspace here")):
        url = f"postgresql://{SUPERUSER}@{host}/{database}"
        with pytest.raises(TraintuiError) as refused:
            async with workspace.open_workspace(settings(database_url=url)):
                pass
        assert refused.value.title == title


async def test_a_shared_workspace_opens_under_its_host_and_name(server: EmbeddedServer, database_name: str) -> None:
    host = str(server.socket_dir).replace("/", "%2F")
    url = f"postgresql://rita@{host}/{database_name}"
    async with workspace.open_workspace(settings(database_url=url)) as db:
        assert (db.label, db.login, db.role) == (f"{server.socket_dir}/{database_name}", "rita", "reviewer")
    parts = parsed_url("postgresql://ann:secret@one,two:6432/training?target_session_attrs=read-write")
    assert label_of(parts) == "one/training"


def lock_setting(home: Path) -> str:
    """What a home's server has, started for it."""
    server = EmbeddedServer(home, durable=False)
    server.start()
    try:
        with psycopg.connect(server.conninfo(SUPERUSER, "postgres")) as connection:
            return str(connection.execute("SHOW max_locks_per_transaction").fetchone()[0])  # type: ignore[index]
    finally:
        server.stop()


def test_a_cluster_of_an_earlier_traintui_has_room_for_locks_too_unless_somebody_set_it(home: Path) -> None:
    assert lock_setting(home) == "512"
    configuration = EmbeddedServer(home).data / "postgresql.conf"
    written = configuration.read_text()
    assert "max_locks_per_transaction = 512\n" in written
    configuration.write_text(written.replace("max_locks_per_transaction = 512\n", ""))
    assert lock_setting(home) == "512"
    configuration.write_text(written.replace("max_locks_per_transaction = 512", "max_locks_per_transaction = 96"))
    assert lock_setting(home) == "96"


def test_a_name_with_quotes_and_blanks_is_one_value() -> None:
    assert quoted("a'b \\c") == r"'a\'b \\c'"
    assert psycopg.conninfo.conninfo_to_dict(f"user={quoted(DATABASE + ' x')}")["user"] == "traintui x"
