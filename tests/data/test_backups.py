"""Backups: made before anything that could lose a workspace, restored whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from homes import quick_directory
from restoring import restore_as_it_was
from support import logged_in, sqlstate
from traintui import clock
from traintui.data import backup, conversations, reviews, schema, schema_history, users, workspace
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.data.restore import REPLACED, RESTORING, Restored, restore
from traintui.data.reviews import Seen, new_key
from traintui.errors import TraintuiError
from traintui.settings import Settings

pytestmark = pytest.mark.xdist_group("homes")

Columns = dict[str, list[str]]
UPGRADED = "upgraded"
# Conditions of triggers are written out differently once they were read back, and mean the same.
RIGHTS = """
    SELECT 'database', '', d.datdba::regrole::text, acl::text FROM pg_database AS d, unnest(datacl) AS acl
    WHERE datname = current_database()
    UNION ALL SELECT 'schema', nspname, nspowner::regrole::text, acl::text FROM pg_namespace, unnest(nspacl) AS acl
    WHERE nspname = 'public'
    UNION ALL SELECT 'relation', relname, relowner::regrole::text, acl::text
    FROM pg_class, unnest(coalesce(relacl,
                                   acldefault(CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, relowner))) AS acl
    WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'column', attrelid::regclass || '.' || attname, '', acl::text
    FROM pg_attribute, unnest(attacl) AS acl
    WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    UNION ALL SELECT 'function', oid::regprocedure::text || prosecdef || coalesce(proconfig::text, ''),
                     proowner::regrole::text, acl::text
    FROM pg_proc LEFT JOIN LATERAL unnest(proacl) AS acl ON true WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger', tgrelid::regclass || '.' || tgname, tgenabled::text,
                     tgfoid::regprocedure || ' ' || tgtype
    FROM pg_trigger WHERE NOT tgisinternal
    ORDER BY 1, 2, 3, 4
"""


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """The server of a home of its own."""
    with tempfile.TemporaryDirectory(prefix="tk-", dir=quick_directory()) as directory:
        home = Path(directory)
        home.chmod(0o711)
        embedded = EmbeddedServer(home, durable=False)
        embedded.start()
        workspace.make_embedded_workspace(embedded)
        assert not backup.directory(home).exists(), "an empty workspace is not backed up"
        users.add_user(embedded.conninfo(SUPERUSER), "rita", "reviewer", with_password=False)
        yield embedded
        embedded.stop()


@pytest.fixture
def old(server: EmbeddedServer) -> EmbeddedServer:
    """The server with a workspace as the first revision left it, and no backup of it."""
    make_old(server)
    return server


def make_old(server: EmbeddedServer) -> None:
    emptied(server)
    restore_as_it_was(server, DATABASE, "0001")


def emptied(server: EmbeddedServer) -> None:
    """Takes the workspace and its backups away."""
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
    for path in backup.made_directory(server.home).iterdir():
        path.unlink()


@pytest.fixture(scope="module")
def upgraded(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That workspace, upgraded, is a template database; the backup that was made before."""
    make_old(server)
    workspace.make_embedded_workspace(server)
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(copying(DATABASE, UPGRADED))
        connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(sql.Identifier(UPGRADED)))
    (made,) = backup.directory(server.home).iterdir()
    return Path(shutil.copy2(made, tmp_path_factory.mktemp("upgraded")))


@pytest.fixture
def new(server: EmbeddedServer, upgraded: Path) -> EmbeddedServer:
    """The server with that workspace, upgraded, and the backup that was made before."""
    emptied(server)
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(copying(UPGRADED, DATABASE))
    schema.bootstrap(server.conninfo(SUPERUSER))  # rights on a database are not copied with it
    shutil.copy2(upgraded, backup.directory(server.home))
    return server


def copying(database: str, name: str) -> sql.Composed:
    return sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
        sql.Identifier(name), sql.Identifier(database)
    )


def backups(server: EmbeddedServer) -> list[str]:
    return sorted(path.name for path in backup.directory(server.home).iterdir())


def columns(server: EmbeddedServer) -> Columns:
    """The columns of each table. What feeds copies in memory, and the order of transactions, belong to the server and
    not to the workspace; seals go on behind those of the backup."""
    with psycopg.connect(server.conninfo(SUPERUSER)) as connection:
        found: Columns = {}
        for table, column in connection.execute(
            "SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND a.attnum > 0 AND NOT a.attisdropped AND c.relname NOT IN"
            " ('conversation_changes', 'alembic_version', 'log_order', 'audit_seals', 'audit_seal_parts',"
            " 'audit_seal_leaves')"
            " ORDER BY 1, a.attnum"
        ):
            found.setdefault(table, []).append(column)
    return found


def contents(server: EmbeddedServer, of: Columns) -> dict[str, list[Any]]:
    """Every row of every table."""
    with psycopg.connect(server.conninfo(SUPERUSER)) as connection:
        return {
            table: connection.execute(
                sql.SQL("SELECT ROW({})::text FROM {} ORDER BY 1").format(
                    sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(table)
                )
            ).fetchall()
            for table, names in of.items()
        }


def value(server: EmbeddedServer, query: str) -> object:
    with psycopg.connect(server.conninfo(SUPERUSER)) as connection:
        return (connection.execute(query.encode()).fetchone() or (None,))[0]


def rights(server: EmbeddedServer) -> list[object]:
    with psycopg.connect(server.conninfo(SUPERUSER)) as connection:
        return list(connection.execute(RIGHTS.encode()))


def databases(server: EmbeddedServer) -> set[str]:
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres")) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")}


async def decide_one(server: EmbeddedServer, login: str) -> str:
    """A decision by a person, through the app's verbs; the conversation's id."""
    async with logged_in(server.conninfo(login)) as db:
        whole = await conversations.read(db, (await reviews.queue(db))[0])
        await reviews.decide(db, Seen.of(whole.row), "approve", key=new_key())
        return whole.row.conversation_id


def restored(server: EmbeddedServer, path: Path) -> Restored:
    said: list[str] = []
    done = restore(server, path, progress=said.append)
    assert said[0] == "Backing up what is there now"
    return done


# Made before changes ----------------------------------------------------------------------------------------------


def test_an_old_workspace_is_backed_up_before_it_is_upgraded_and_a_current_one_is_not(old: EmbeddedServer) -> None:
    said: list[str] = []
    workspace.make_embedded_workspace(old, progress=said.append)
    assert (said[0], said[2]) == ("Backing up before the upgrade", "Upgrading the database")
    assert [word.split()[1] for word in said[3:]] == [one.number for one in schema_history.revisions()[1:]]
    (name,) = backups(old)
    assert name.startswith(f"before-0001-to-{schema.HEAD}-2") and name.endswith("Z.dump")
    made = backup.directory(old.home) / name
    assert made.stat().st_mode & 0o777 == 0o600 and made.parent.stat().st_mode & 0o777 == 0o700
    assert backup.revision_of(old, made) == "0001"
    workspace.make_embedded_workspace(old)
    assert workspace.change_schema(old.conninfo(SUPERUSER), old) is None
    assert backups(old) == [name]


def test_going_back_backs_up_too_and_an_unknown_revision_does_not(new: EmbeddedServer) -> None:
    conninfo = new.conninfo(SUPERUSER)
    made = workspace.change_schema(conninfo, new, "-1", down=True)
    assert made is not None and made.revision == schema.HEAD and schema.current_revision(conninfo) != schema.HEAD
    assert backup.revision_of(new, made.path) == schema.HEAD
    before = backups(new)
    with pytest.raises(TraintuiError, match="Revision not known"):
        workspace.change_schema(conninfo, new, "nonsense")
    assert backups(new) == before


def test_without_its_backup_an_upgrade_does_not_begin(old: EmbeddedServer) -> None:
    place = backup.directory(old.home)
    place.rmdir()
    place.write_text("in the way")
    try:
        with pytest.raises(TraintuiError) as refused:
            workspace.make_embedded_workspace(old)
    finally:
        place.unlink()
    assert refused.value.title == "Backup not written" and "as it was" in refused.value.remedy
    assert schema.current_revision(old.conninfo(SUPERUSER)) == "0001"


def test_a_disk_without_room_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(TraintuiError, match="may take 1,000,000,000,050 MB"):
        backup.check_room(tmp_path, 10**18, "backup")


def test_an_upgrade_that_fails_names_the_backup_and_leaves_it(old: EmbeddedServer) -> None:
    with psycopg.connect(old.conninfo(SUPERUSER)) as connection:
        connection.execute("CREATE TABLE conversation_changes (in_the_way int)")
    with pytest.raises(TraintuiError) as refused:
        workspace.make_embedded_workspace(old)
    (name,) = backups(old)
    assert refused.value.title == "Upgrade not done" and name in refused.value.remedy
    assert schema.current_revision(old.conninfo(SUPERUSER)) == "0001"
    assert backup.revision_of(old, backup.directory(old.home) / name) == "0001"


def test_the_newest_three_automatic_backups_are_kept_and_a_persons_own_ones_stay(new: EmbeddedServer) -> None:
    first = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
    with clock.fixed(first):
        own = backup.back_up(new).path
    for hour in range(5):
        with clock.fixed(first + timedelta(hours=hour)):
            backup.before(new, "trial")
            again = backup.before(new, "trial")
    assert again is not None and again.path.name == "before-trial-20270101T030000Z-2.dump"
    kept = [name for name in backups(new) if name.startswith("before-")]
    assert kept == [
        "before-trial-20270101T020000Z-2.dump", "before-trial-20270101T030000Z-2.dump",
        "before-trial-20270101T030000Z.dump",
    ]  # fmt: skip
    assert own.name == f"traintui-{schema.HEAD}-20261231T230000Z.dump" and own.exists()
    assert backup.standing(new.home)[0].path == again.path


def test_a_backup_that_was_killed_is_cleared_away_and_one_under_way_is_not(new: EmbeddedServer, tmp_path: Path) -> None:
    killed, under_way = tmp_path / ".a.1.traintui-partial", tmp_path / ".b.2.traintui-partial"
    killed.touch()
    with under_way.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        made = backup.back_up(new, tmp_path / "mine.dump")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".b.2.traintui-partial", "mine.dump"]
    with pytest.raises(TraintuiError, match="never replaced"):
        backup.back_up(new, made.path)
    with pytest.raises(TraintuiError, match="Backup not written"):
        backup.back_up(new, tmp_path / "nowhere" / "mine.dump")
    assert backup.back_up(new, tmp_path).path.parent == tmp_path


# Restored ---------------------------------------------------------------------------------------------------------


async def test_a_restored_workspace_has_the_same_rows_rights_and_hashes_and_is_worked_on(
    new: EmbeddedServer, tmp_path: Path
) -> None:
    await decide_one(new, "rita")
    of = columns(new)
    before, had = contents(new, of), rights(new)
    made = backup.back_up(new, tmp_path)
    changed = await decide_one(new, "rita")
    assert contents(new, of) != before

    done = restored(new, made.path)
    assert (done.revision_before, done.revision, done.conversations) == (
        schema.HEAD,
        schema.HEAD,
        len(before["conversations"]),
    )
    assert done.replaced is not None and done.replaced.path.name.startswith("before-restore-")
    assert contents(new, of) == before
    assert rights(new) == had
    # What belongs to the server is in no backup, and made anew.
    listed = backup.run(new, "pg_restore", "-l", str(made.path)).stdout
    assert schema.OF_SERVER not in listed and "leaf_density" not in listed
    assert value(new, "SELECT index_density('pk_conversations'::regclass) BETWEEN 0 AND 1") is True
    for table in ("review_logs", "export_logs", "generation_logs"):
        assert value(new, f"SELECT count(*) FROM {table} WHERE row_hash IS NOT NULL") != 0
        assert value(new, f"SELECT count(*) FROM {table} AS t WHERE row_hash <> {table[:-1]}_digest(t)") == 0
    assert value(new, "SELECT count(*) FROM conversation_changes") == 0
    assert databases(new) == {"postgres", DATABASE}

    assert await decide_one(new, "rita") == changed
    assert value(new, "SELECT bool_and(xid8 < pg_current_xact_id()) FROM conversation_changes") is True
    assert sqlstate(new.conninfo("rita"), "UPDATE conversations SET status = 'approved'") == "42501"
    assert sqlstate(new.conninfo(SUPERUSER), "UPDATE review_logs SET reason = 'x'") == "TT005"
    # What it replaced comes back in the same way.
    restored(new, done.replaced.path)
    assert value(new, f"SELECT status FROM conversations WHERE conversation_id = '{changed}'") == "approved"


def test_the_backup_before_an_upgrade_brings_the_old_rows_back_and_upgrades_them(old: EmbeddedServer) -> None:
    of = columns(old)
    of["generation_items"].remove("priority")  # which is that of its batch, and stands there
    before = contents(old, of)
    workspace.make_embedded_workspace(old)
    (name,) = backups(old)
    with psycopg.connect(old.conninfo(SUPERUSER)) as connection:
        connection.execute("DELETE FROM conversations WHERE turn_count = 0")
        connection.execute("UPDATE conversations SET metadata = '{}'")
    done = restored(old, backup.directory(old.home) / name)
    assert (done.revision_before, done.revision) == ("0001", schema.HEAD)
    assert contents(old, of) == before
    assert name in backups(old), "a backup that was just restored is not the one that makes room"


def test_a_workspace_is_restored_into_a_new_home_where_its_people_are_named(
    new: EmbeddedServer, tmp_path: Path
) -> None:
    with psycopg.connect(new.conninfo(SUPERUSER)) as connection:
        connection.execute('CREATE ROLE "report reader" LOGIN')
        connection.execute('GRANT SELECT ON conversations TO "report reader"')
    of = columns(new)
    before = contents(new, of)
    with psycopg.connect(new.conninfo(SUPERUSER)) as connection:
        people = {name for (name,) in connection.execute("SELECT DISTINCT reviewer_id FROM review_logs")}
    made = backup.back_up(new, tmp_path)
    with tempfile.TemporaryDirectory(prefix="tk-", dir=quick_directory()) as directory:
        Path(directory).chmod(0o711)
        other = EmbeddedServer(Path(directory), durable=False)
        other.start()
        try:
            workspace.make_embedded_workspace(other, upgrade=False)
            done = restored(other, made.path)
            assert done.replaced is None and set(done.strangers) == people - {users.own_login()}
            assert contents(other, of) == before
            assert value(other, "SELECT has_table_privilege('report reader', 'conversations', 'SELECT')") is True
            with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
                psycopg.connect(other.conninfo("report reader"))
            assert sqlstate(other.conninfo(users.own_login()), "SELECT count(*) FROM conversations") is None
        finally:
            other.stop()


def test_a_restore_waits_for_nobody_and_says_who_is_in_the_way(new: EmbeddedServer, tmp_path: Path) -> None:
    made = backup.back_up(new, tmp_path)
    before = contents(new, columns(new))
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(new.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    try:
        with pytest.raises(TraintuiError) as refused:
            restore(new, made.path, progress=workspace.quiet)
        assert refused.value.title == "Workspace in use"
        assert "rita" in refused.value.message and f"process {child.pid} (" in refused.value.message
    finally:
        child.communicate("leave\n", timeout=180)
    assert child.returncode == 0, "the one who was in the way worked on"
    assert contents(new, columns(new)) == before and databases(new) == {"postgres", DATABASE}
    assert not [name for name in backups(new) if "restore" in name]
    restored(new, made.path)


HOLDER = """
import sys
from pathlib import Path
import psycopg
from traintui.data.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), durable=False)
server.start()
with psycopg.connect(server.conninfo("rita")) as connection:
    connection.execute("SELECT 1")
    connection.commit()
    print("ready", flush=True)
    sys.stdin.readline()
    connection.execute("SELECT count(*) FROM conversations")
server.stop()
"""


def test_a_file_that_is_no_whole_backup_is_refused_and_nothing_is_lost(new: EmbeddedServer, tmp_path: Path) -> None:
    of = columns(new)
    before = contents(new, of)
    whole = backup.back_up(new, tmp_path / "whole.dump").path.read_bytes()
    (tmp_path / "text.dump").write_text("not a dump at all\n")
    (tmp_path / "empty.dump").touch()
    (tmp_path / "head.dump").write_bytes(whole[:2_000])
    (tmp_path / "cut.dump").write_bytes(whole[:-2_000])
    foreign = backup.run(
        new, "pg_dump", "-Fc", "-f", str(tmp_path / "foreign.dump"), "-d", new.conninfo(SUPERUSER, "postgres")
    )
    assert foreign.returncode == 0
    said = {}
    for name in ("text", "empty", "head", "cut", "foreign", "missing"):
        with pytest.raises(TraintuiError) as refused:
            restore(new, tmp_path / f"{name}.dump", progress=workspace.quiet)
        said[name] = refused.value.title
        assert "Nothing was changed" in refused.value.remedy or "as it was" in refused.value.remedy
    assert said == dict.fromkeys(("text", "empty", "head", "foreign"), "Not a backup") | {
        "cut": "Not restored", "missing": "Backup not found"
    }  # fmt: skip
    assert contents(new, of) == before and databases(new) == {"postgres", DATABASE}
    assert sqlstate(new.conninfo("rita"), "SELECT 1") is None


def test_a_backup_of_a_newer_traintui_is_refused(new: EmbeddedServer, tmp_path: Path) -> None:
    with psycopg.connect(new.conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    made = backup.back_up(new, tmp_path)
    assert made.revision == "9999"
    with pytest.raises(TraintuiError, match="of revision 9999"):
        restore(new, made.path, progress=workspace.quiet)


RESTORER = """
import sys, time
from pathlib import Path
from traintui.data import restore
from traintui.data.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), durable=False)
server.start()
def progress(message):
    if message.startswith(sys.argv[3]):
        print("there", flush=True)
        time.sleep(600)
if sys.argv[3] == "exchanged":
    clear, calls = restore.clear_leftovers, []
    def after_the_exchange(connection):
        calls.append(1)
        if len(calls) > 1:
            progress("exchanged")
        clear(connection)
    restore.clear_leftovers = after_the_exchange
restore.restore(server, Path(sys.argv[2]), progress=progress)
"""


def killed_restore(home: Path, path: Path, where: str) -> None:
    """A restore that is killed at a place."""
    child = subprocess.Popen(
        [sys.executable, "-c", RESTORER, str(home), str(path), where], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "there\n"
    child.kill()
    child.communicate(timeout=180)


@pytest.mark.parametrize(("where", "left", "is_new"), [("Bringing", RESTORING, False), ("exchanged", REPLACED, True)])
async def test_a_restore_that_is_killed_leaves_the_old_or_the_new_workspace_and_the_next_start_clears_up(
    new: EmbeddedServer, tmp_path: Path, where: str, left: str, is_new: bool
) -> None:
    of = columns(new)
    then = contents(new, of)
    made = backup.back_up(new, tmp_path)
    await decide_one(new, "rita")
    now = contents(new, of)
    killed_restore(new.home, made.path, where)
    assert left in databases(new)
    async with workspace.open_workspace(Settings(home=new.home), durable=False) as db:
        assert await conversations.count(db) == len(now["conversations"])
    new.start()
    assert contents(new, of) == (then if is_new else now)
    assert databases(new) == {"postgres", DATABASE}


# From the command line --------------------------------------------------------------------------------------------


def traintui(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "traintui", *arguments],
        capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL, check=False, cwd="/",
        env={**os.environ, "TRAINTUI_HOME": str(home), **environment},
    )  # fmt: skip


async def test_backups_are_made_and_restored_from_the_command_line(new: EmbeddedServer, tmp_path: Path) -> None:
    of = columns(new)
    before = contents(new, of)
    made = json.loads(traintui(new.home, "db", "backup", str(tmp_path / "mine.dump"), "--json").stdout)
    path = Path(made["path"])
    assert path == tmp_path / "mine.dump" and path.stat().st_size == made["bytes"] and made["revision"] == schema.HEAD
    assert made["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert str(path) in traintui(new.home, "db", "backup", str(path)).stderr
    await decide_one(new, "rita")
    asked = traintui(new.home, "db", "restore", str(path))
    assert asked.returncode == 1 and "Go on?" in asked.stderr
    assert contents(new, of) != before
    done = traintui(new.home, "db", "restore", str(path), "--yes", "--json")
    told = json.loads(done.stdout)
    assert told["conversations"] == len(before["conversations"]) and Path(told["replaced"]).is_file()
    assert contents(new, of) == before
    found = json.loads(traintui(new.home, "doctor", "--json").stdout)["findings"]
    assert [finding["name"] for finding in found if told["replaced"] in finding["message"]] == ["Backup"]


def test_an_upgrade_from_the_command_line_says_where_the_backup_is(new: EmbeddedServer) -> None:
    done = traintui(new.home, "db", "downgrade", "0001", "--yes")
    assert done.returncode == 0 and f"before-{schema.HEAD}-to-0001" in done.stderr
    done = traintui(new.home, "db", "upgrade")
    assert done.stdout.strip() == schema.HEAD and f"before-0001-to-{schema.HEAD}" in done.stderr
    assert traintui(new.home, "db", "upgrade").stderr == ""


@pytest.mark.parametrize(("verb", "says"), [("backup", "Database not reached"), ("restore", "pg_restore")])
def test_a_shared_database_that_is_away_is_not_backed_up_and_none_is_restored(
    tmp_path: Path, verb: str, says: str
) -> None:
    url = "postgresql://ann:secret@127.0.0.1:1/training"
    answer = traintui(tmp_path, "db", verb, str(tmp_path / "x.dump"), TRAINTUI_DATABASE_URL=url)
    assert answer.returncode == 1 and says in answer.stderr and "secret" not in answer.stderr
    assert list(tmp_path.glob("x*")) == []
