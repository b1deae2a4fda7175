"""Verified backups: restored on a server of their own and compared row by row, before they get their name."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from benchmarks.pooling import pgbouncer, pooled

from commanded import at_home
from homes import quick_directory
from older_server import BIN, is_there, older_server
from older_server import SUPERUSER as POSTGRES
from restoring import restore
from small_disks import mounted
from support import Conninfo
from traintui.audit.backed_up import record_of
from traintui.data import backup, backup_record, backup_source, schema, scratch, users, workspace
from traintui.data.backup_contents import Contents
from traintui.data.backup_proof import Prover
from traintui.data.backup_record import Proof
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.errors import TraintuiError

pytestmark = pytest.mark.xdist_group("homes")


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """The server of a home with the workspace of an older Traintui, upgraded."""
    with tempfile.TemporaryDirectory(prefix="tv-", dir=quick_directory()) as directory:
        Path(directory).chmod(0o711)
        embedded = EmbeddedServer(Path(directory) / "home", durable=False)
        embedded.start()
        schema.bootstrap(embedded.conninfo(SUPERUSER, "postgres"))
        restore(embedded, DATABASE, "0001")
        workspace.make_embedded_workspace(embedded)
        users.add_user(embedded.conninfo(SUPERUSER), "rita", "reviewer", with_password=False)
        yield embedded
        embedded.stop()


def left(home: Path) -> list[str]:
    """What a backup may have left in a home: scratch folders, and files that are not whole."""
    return [str(path.relative_to(home)) for path in home.rglob("*")
            if path.name.endswith("traintui-partial") or path.parent == scratch.place(home)]  # fmt: skip


def rows_of(conninfo: str) -> int:
    with psycopg.connect(conninfo) as connection:
        return int((connection.execute("SELECT count(*) FROM conversation_turns").fetchone() or (0,))[0])


def test_a_verified_backup_has_every_row_and_a_record_beside_it(server: EmbeddedServer, tmp_path: Path) -> None:
    done = at_home(server.home, "db", "backup", str(tmp_path / "mine.dump"), "--verify", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["verified"]
    assert told["differs"] == told["findings"] == [] and told["log_rows"] > 0
    proof = backup_record.read(tmp_path / "mine.dump")
    assert proof is not None and proof.sha256 == json.loads(done.stdout)["sha256"]
    assert proof.contents.tables["conversation_turns"][0] == rows_of(server.conninfo(SUPERUSER)) > 0
    assert told["rows"] == proof.contents.rows and "rita" in {person.name for person in proof.people}
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600, 0o600]
    assert left(server.home) == []
    with (tmp_path / "mine.dump").open("ab") as file:
        file.write(b"one byte more")
    refused = at_home(server.home, "db", "restore", str(tmp_path / "mine.dump"), "--yes")
    assert refused.returncode == 1 and "is not the file any more that was verified" in refused.stderr


def test_a_backup_that_lost_rows_is_not_verified_and_nothing_is_left(server: EmbeddedServer, tmp_path: Path) -> None:
    source = backup_source.embedded(server)
    lossy = replace(source, options=(*source.options, "--exclude-table-data=conversation_turns"))
    with pytest.raises(TraintuiError, match="table conversation_turns has 0 rows instead of") as refused:
        Prover(server, record_of).back_up(tmp_path / "lossy.dump", lossy)
    assert refused.value.title == "Backup not verified"
    assert list(tmp_path.iterdir()) == [] and left(server.home) == []


def test_a_record_that_does_not_hold_is_said_and_its_backup_is_kept(server: EmbeddedServer, tmp_path: Path) -> None:
    with psycopg.connect(server.conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        before = connection.execute("SELECT id, reviewer_notes FROM review_logs ORDER BY id LIMIT 1").fetchone()
        assert before is not None
        connection.execute("UPDATE review_logs SET reviewer_notes = 'not so' WHERE id = %s", [before[0]])
        connection.execute("GRANT DELETE ON conversations TO rita")
    try:
        done = at_home(server.home, "db", "backup", str(tmp_path), "--verify")
    finally:
        with psycopg.connect(server.conninfo(SUPERUSER)) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("UPDATE review_logs SET reviewer_notes = %s WHERE id = %s", before[::-1])
            connection.execute("REVOKE DELETE ON conversations FROM rita")
    assert done.returncode == 1 and Path(done.stdout.strip()).is_file()
    assert "The record does not hold, in the workspace as in the backup: row " in done.stderr
    assert "rita may DELETE on table conversations, which Traintui never granted" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_one_that_is_stopped_leaves_nothing_and_one_that_is_killed_is_cleared_by_the_next(
    server: EmbeddedServer, tmp_path: Path, number: signal.Signals
) -> None:
    command = subprocess.Popen(
        [sys.executable, "-m", "traintui", "db", "backup", str(tmp_path), "--verify"],
        env={**os.environ, "TRAINTUI_HOME": str(server.home)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert command.stderr is not None
    while not command.stderr.readline().startswith("Comparing"):
        pass
    (folder,) = scratch.place(server.home).iterdir()
    command.send_signal(number)
    command.communicate(timeout=120)
    if number is signal.SIGKILL:
        assert EmbeddedServer(folder).running()
        with scratch.scratch_server(server):
            pass
        backup.back_up(server, tmp_path / "next.dump")
        (tmp_path / "next.dump").unlink()
    else:
        assert command.returncode == 130
    assert list(tmp_path.iterdir()) == [] and left(server.home) == []
    assert not EmbeddedServer(folder).running()


def test_a_record_in_the_making_is_left_alone_by_another_backup(server: EmbeddedServer, tmp_path: Path) -> None:
    path, at = tmp_path / "mine.dump", datetime(2026, 11, 29, tzinfo=UTC)
    proof = Proof("ab", schema.HEAD, at, "18.1", Contents({"turns": (1, "c")}, {}), 7, 8, (), at, 0.5, 3)
    with backup_record.written(path, proof):
        backup.back_up(server, tmp_path / "another.dump")
        assert backup_record.read(path) is None, "it has no name before its backup has one"
    assert backup_record.read(path) == proof
    with pytest.raises(KeyboardInterrupt), backup_record.written(tmp_path / "given-up.dump", proof):
        raise KeyboardInterrupt
    assert {each.name for each in tmp_path.iterdir()} == {"another.dump", "mine.dump.verified.json"}


def test_a_home_without_room_says_so_before_anything_is_written(server: EmbeddedServer, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "size=100m") as place:
        programs = EmbeddedServer(place / "home")
        with pytest.raises(TraintuiError, match="a verified backup may take"):
            Prover(programs, record_of).back_up(tmp_path / "x.dump", backup_source.embedded(server))
    assert not (tmp_path / "x.dump").exists()


# Of a shared server -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def debian() -> Iterator[Conninfo]:
    """A PostgreSQL 15 with a workspace, and in it what Traintui did not make."""
    if not is_there():
        pytest.skip("PostgreSQL 15 is not installed (apt-get install postgresql-15)")
    with older_server({"olga": "admin", "rita": "reviewer"}) as found:
        with psycopg.connect(found(POSTGRES)) as connection:
            connection.execute("CREATE EXTENSION pgstattuple")
            connection.execute("GRANT EXECUTE ON FUNCTION pgstatindex(regclass) TO traintui_owner")
            connection.execute('CREATE SCHEMA "of others"')
            connection.execute('CREATE TABLE "of others".theirs (id int)')
            connection.execute("GRANT traintui_owner TO olga")
            connection.execute(
                "INSERT INTO documents (name, title, source_path, media_type, content, content_sha256)"
                " VALUES ('d', 'Düne \u5c71', '/d', 'text/plain', 'text', sha256('text'))"
            )
        yield found


def url_of(conninfo: Conninfo, login: str) -> str:
    host = conninfo(login).split()[0].removeprefix("host=")
    return f"postgresql://{login}@/traintui?host={host}"


def test_a_shared_database_of_an_older_server_is_backed_up_verified_and_restored_at_home(
    debian: Conninfo, server: EmbeddedServer, tmp_path: Path
) -> None:
    home = Path(tempfile.mkdtemp(prefix="tv-", dir=quick_directory()))
    home.chmod(0o711)
    url = url_of(debian, "olga")
    try:
        done = at_home(home, "db", "backup", str(tmp_path), "--verify", TRAINTUI_DATABASE_URL=url)
        assert done.returncode == 0, done.stderr
        path = Path(done.stdout.strip())
        proof = backup_record.read(path)
        assert proof is not None and proof.server.startswith("15.") and proof.differs == () and proof.people == ()
        restored = at_home(home, "db", "restore", str(path), "--yes")
        assert restored.returncode == 0, restored.stderr
    finally:
        shutil.rmtree(home, ignore_errors=True)


SECRETS = "sslpassword=ge%20heim&oauth_client_secret=heim'%5Clich%3D"


def test_what_is_secret_is_no_word_of_a_command_and_an_encrypted_connection_stays_one(
    debian: Conninfo, server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = url_of(debian, "olga").partition("host=")[2]
    (tmp_path / "services").write_text(f"[theirs]\nhost={host}\nuser=olga\ndbname=traintui\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    source = backup_source.shared(f"postgresql://:ge%20heim@/?service=theirs&{SECRETS}", server)
    assert source.variables == {"PGPASSWORD": "ge heim"} and "ge heim" in source.conninfo
    assert not any("heim" in word for word in source.options) and source.dump == server.program("pg_dump")
    assert backup.back_up(server, tmp_path / "by-service.dump", source=source).revision == schema.HEAD
    monkeypatch.setenv("PGSERVICE", "theirs")
    old = replace(backup_source.shared("postgresql://?sslpassword=x", server), dump=str(BIN / "pg_dump"))
    assert backup.run(server, old.dump, "--schema-only", *old.options, source=old).stderr == "", "its libpq is older"
    with backup_source.environment(source) as (variables, (handed,)):
        assert os.fstat(handed).st_mode & 0o777 == 0o600 and os.fstat(handed).st_nlink == 0
        said = Path(variables["PGSERVICEFILE"]).read_text()
        assert "\nsslpassword=ge heim\n" in said and "\noauth_client_secret=heim'\\lich=\n" in said
    assert backup_source.major_of(Path(backup_source.program_for(15, True, server))) == 15
    with pytest.raises(TraintuiError, match="PostgreSQL 19"):
        backup_source.program_for(19, False, server)


def test_who_may_not_read_everything_is_told_who_may(debian: Conninfo, tmp_path: Path) -> None:
    url = url_of(debian, "rita")
    done = at_home(tmp_path, "db", "backup", str(tmp_path / "x.dump"), TRAINTUI_DATABASE_URL=url)
    assert done.returncode == 1 and "rita is none" in done.stderr and "Ask olga" in done.stderr
    assert not (tmp_path / "x.dump").exists()


@pytest.mark.skipif(pgbouncer() is None, reason="PgBouncer is not installed (apt-get install pgbouncer)")
def test_through_a_pooler_no_backup_is_begun(debian: Conninfo, tmp_path: Path) -> None:
    with pooled(debian("olga")) as url:
        done = at_home(tmp_path, "db", "backup", str(tmp_path / "x.dump"), TRAINTUI_DATABASE_URL=url)
    assert done.returncode == 1 and "a pooler stands between" in done.stderr and not (tmp_path / "x.dump").exists()
