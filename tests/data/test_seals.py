"""Seals: all that was written is under one, once, in its order; a workspace that moves to another server goes on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

import restoring
from export.test_again import once_more
from homes import furnished_home, quick_directory
from support import (
    ANSWERED,
    Conninfo,
    add_vocabulary,
    approved,
    fetch,
    generated,
    imported,
    logged_in,
    scalar,
    sqlstate,
    started,
    status,
)
from traintui.audit.anchors import note_restore
from traintui.audit.sealing import seal_and_anchor
from traintui.audit.verifying import verify
from traintui.data import attempts, backup, bulk, conversations, purging, reviews, seals, users
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.restore import Restored, restore
from traintui.data.reviews import new_key
from traintui.data.workspace import quiet
from traintui.export.request import ExportRequest
from traintui.export.write import run_export


async def called(db: Database, number: int = 1) -> None:
    for _ in range(number):
        await attempts.finish(db, await started(db, None, None, kind="probe"), ANSWERED)


async def test_every_finished_row_is_under_one_seal_once(db: Database) -> None:
    await add_vocabulary(db)
    await approved(db, *await generated(db, 2))
    under_way = await started(db, None, None, kind="probe")
    first = await seals.seal(db, everything=True)
    await attempts.finish(db, under_way, ANSWERED)
    await called(db)
    second = await seals.seal(db, everything=True)
    assert first is not None and second is not None and (first.number, second.number, second.sealed) == (1, 2, 2)
    rows = await scalar(
        db, "SELECT (SELECT count(*) FROM review_logs) + (SELECT count(*) FROM export_logs)"
            " + (SELECT count(*) FROM generation_logs)"
    )  # fmt: skip
    assert await scalar(db, "SELECT sum(row_count) FROM audit_seals") == rows
    assert await scalar(db, "SELECT sum(length(row_hashes) / 32) FROM audit_seal_leaves") == rows
    assert await seals.seal(db, everything=True) == replace(second, sealed=0), "nothing new is no seal"
    assert verify(db).holds


async def test_what_is_due_is_a_minutes_worth_or_a_thousand_rows(db: Database, conninfo: Conninfo) -> None:
    assert await seals.seal(db) is None, "nothing is sealed where nothing was written"
    await called(db)
    first = await seals.seal(db)
    assert first is not None and first.sealed == 1
    await called(db)
    waiting = await seals.seal(db)
    assert waiting is not None and (waiting.number, waiting.sealed) == (1, 0)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE audit_seals SET made_at = made_at - interval '61 seconds'")
    a_minute_later = await seals.seal(db)
    assert a_minute_later is not None and (a_minute_later.number, a_minute_later.sealed) == (2, 1)
    await imported(db, 1_000)
    many = await seals.seal(db)
    assert many is not None and (many.number, many.sealed) == (3, 1_000)


async def test_what_began_before_a_transaction_that_is_under_way_waits_for_it(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as slow:
        slow.execute("INSERT INTO review_logs (conversation_id, action, revision) VALUES ('c', 'flag', 1)")
        await called(db)
        assert await seals.seal(db, everything=True) is None
    later = await seals.seal(db, everything=True)
    assert later is not None and later.sealed == 2 and verify(db).holds


async def test_a_large_log_is_sealed_in_steps(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        for number in (15_000, 9_000, 2):
            connection.execute(
                "INSERT INTO review_logs (conversation_id, action, revision)"
                " SELECT 'c' || n, 'flag', 1 FROM generate_series(1, %s) AS n", [number],
            )  # fmt: skip
        connection.execute(
            "INSERT INTO review_logs (conversation_id, action, revision)"
            " SELECT 'd' || n, 'flag', 1 FROM generate_series(1, 41000) AS n"
        )
    made = []
    while (found := await seals.seal(db, everything=True)) is not None and found.sealed:
        made.append((found.sealed, found.remaining))
    assert made == [(15_000, True), (9_002, True), (41_000, True)], "a transaction is sealed as a whole"
    assert await scalar(db, "SELECT max(row_count) FROM audit_seal_parts") == 20_000
    assert verify(db).holds


async def test_everybody_may_seal_and_nobody_may_write_a_seal(db: Database, conninfo: Conninfo) -> None:
    await called(db)
    for login in ("rita", "arthur", "audrey", "ada"):
        async with logged_in(conninfo(login)) as someone:
            assert await seals.seal(someone, everything=True) is not None
    for statement in (
        "UPDATE audit_seals SET row_count = 0", "DELETE FROM audit_seal_parts", "TRUNCATE audit_seal_leaves",
    ):  # fmt: skip
        assert sqlstate(conninfo("ada"), statement) == "42501"
        assert sqlstate(conninfo(SUPERUSER), statement) == "TT005"


async def test_a_purge_leaves_seals_and_what_is_not_sealed_whole(db: Database) -> None:
    await add_vocabulary(db)
    one, two = await generated(db, 2)
    for sealed_before, conversation in ((False, one), (True, two)):
        if sealed_before:
            await seals.seal(db, everything=True)
        row = (await conversations.read(db, conversation)).row
        await bulk.trash(db, [row.id], True)
        await purging.purge(db, [row.id])
        verdict = verify(db)
        assert verdict.findings == [] and verdict.purged_payloads > 0


# On another server ---------------------------------------------------------------------------------------------------


@pytest.fixture
def moved() -> Iterator[EmbeddedServer]:
    """A server of its own, whose transactions have low numbers."""
    with tempfile.TemporaryDirectory(prefix="tm-", dir=quick_directory()) as directory:
        Path(directory).chmod(0o711)
        other = EmbeddedServer(furnished_home(Path(directory) / "home"), durable=False)
        other.start()
        users.add_user(other.conninfo(SUPERUSER), "ada", "admin", with_password=False)
        yield other
        other.stop()


def dumped(server: EmbeddedServer, conninfo: str, path: Path) -> Path:
    done = backup.run(server, "pg_dump", "--format=custom", f"--file={path}", f"--dbname={conninfo}")
    assert done.returncode == 0, done.stderr
    return path


def restored(server: EmbeddedServer, path: Path) -> Restored:
    return restore(server, path, progress=quiet)


def used_up(conninfo: str, number: int) -> None:
    """Transactions of a server that has been at work for longer."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        loop = f"DO $$ BEGIN FOR n IN 1..{number} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
        connection.execute(loop.encode())


@pytest.mark.xdist_group("homes")
async def test_a_workspace_that_moves_to_a_server_with_lower_transactions_is_sealed_on_and_verifies(
    db: Database, conninfo: Conninfo, server: EmbeddedServer, moved: EmbeddedServer, tmp_path: Path
) -> None:
    used_up(conninfo(SUPERUSER), 3_000)
    await add_vocabulary(db)
    one, two = await generated(db, 2)
    await approved(db, one)
    before = await seals.seal(db, everything=True)
    await approved(db, two)  # not sealed when it moves
    highest = await scalar(db, "SELECT max(xid8::text::bigint) FROM review_logs")
    path = dumped(server, conninfo(SUPERUSER), tmp_path / "moved.dump")
    done = restored(moved, path)
    assert before is not None and (done.workspace_id, done.sealed) == (before.workspace, 1)

    async with logged_in(moved.conninfo("ada")) as there:
        assert await scalar(there, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint") < highest
        assert verify(there).findings == [] and verify(there).seals == 2
        await reviews.undo_last(there, key=new_key())
        assert await status(there, two) == "generated"
        await approved(there, two)
        (three,) = await imported(there)
        # What was written is in the order in which it was written, also beside what came along.
        await called(there)
        row = (await conversations.read(there, three)).row
        taken = await bulk.decide(there, [row.id], "approve", seen=await bulk.snapshot(there))
        assert (taken.done, await status(there, three)) == (1, "approved")
        rows = await fetch(there, "SELECT id, xid8::text::bigint FROM review_logs ORDER BY id")
        assert [xid8 for _, xid8 in rows] == sorted(xid8 for _, xid8 in rows) and rows[-1][1] > highest
        assert verify(there).findings == []
        after = await seals.seal(there, everything=True)
        assert after is not None and after.number == 3
        assert verify(there).findings == [] and verify(there).seals == 3


@pytest.mark.xdist_group("homes")
async def test_what_an_export_held_is_known_where_a_workspace_has_moved_to(
    db: Database, conninfo: Conninfo, server: EmbeddedServer, moved: EmbeddedServer, tmp_path: Path
) -> None:
    used_up(conninfo(SUPERUSER), 3_000)
    (one,) = await imported(db)
    restored(moved, dumped(server, conninfo(SUPERUSER), tmp_path / "moved.dump"))
    async with logged_in(moved.conninfo("ada")) as there:
        await approved(there, one)
        first = await run_export(there, ExportRequest(tmp_path / "first.jsonl"))
        await reviews.undo_last(there, key=new_key())
        second = await once_more(there, first, tmp_path / "second.jsonl")
        assert second.again is not None and second.again.same
        assert second.statuses == first.statuses == {"approved": 1}


@pytest.mark.xdist_group("homes")
async def test_a_restore_that_is_on_record_takes_back_seals_without_an_alarm(
    moved: EmbeddedServer, tmp_path: Path
) -> None:
    async with logged_in(moved.conninfo("ada")) as there:
        at_home = replace(there, home=moved.home)
        await called(there)
        await seal_and_anchor(at_home, everything=True)
        made = backup.back_up(moved, tmp_path)
        await called(there)
        await seal_and_anchor(at_home, everything=True)
    done = restored(moved, made.path)
    async with logged_in(moved.conninfo("ada")) as there:
        at_home = replace(there, home=moved.home)
        assert [each.kind for each in verify(at_home).findings] == ["anchor"], "a restore that nobody noted"
        note_restore(moved.home, done.path, done.workspace_id, done.sealed)
        verdict = verify(at_home)
        assert verdict.findings == [] and "were taken back" in verdict.notes[0]
        await called(there)
        await seal_and_anchor(at_home, everything=True)
        assert verify(at_home).findings == []


@pytest.mark.parametrize("revision", ["0001", "0007"])
async def test_a_workspace_of_an_earlier_revision_is_sealed_as_it_is(server: EmbeddedServer, revision: str) -> None:
    name = f"sealed_{revision}"
    restoring.restore(server, name, revision)
    async with logged_in(server.conninfo("ada", name)) as old:
        before = verify(old)
        assert before.findings == [] and before.rows > 0
        sealed = await seals.seal(old, everything=True)
        assert sealed is not None and sealed.sealed == before.rows
        assert verify(old).findings == []
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
