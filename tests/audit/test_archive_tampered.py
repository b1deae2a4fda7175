"""What was done to rows in the archive by who has a superuser's access is named, as it is for rows in the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aging import LONG_AGO, aged, aged_exports, calls_of
from support import ANSWERED, Conninfo, imported, started
from traintui.audit import archiving
from traintui.audit.frames import COLUMNS, pack, unpack
from traintui.audit.retiring import retire_due
from traintui.audit.row_hashes import row_hash
from traintui.audit.sealing import seal_and_anchor
from traintui.audit.verifying import verify
from traintui.audit.walking import WIDTH
from traintui.data import attempts, exports, retention
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database

Rows = list[list[bytes | None]]
NAMES = COLUMNS["generation_logs"]
COST, ID, XID8, HASH = (NAMES.index(name) for name in ("cost_usd", "id", "xid8", "row_hash"))


@pytest.fixture
async def kept(db: Database, conninfo: Conninfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A workspace whose six oldest calls are in the archive, in frames of three."""
    monkeypatch.setattr(archiving, "ROWS", 3)
    for number in range(6):
        outcome = replace(ANSWERED, response_payload={"text": f"Answer {number}"})
        await attempts.finish(db, await started(db, None, None, kind="probe"), outcome)
    aged(conninfo)
    home = replace(db, home=tmp_path)
    await seal_and_anchor(home, everything=True)
    await retire_due(home, await retention.due(home))
    assert verify(home).findings == []
    return home


def forged(conninfo: Conninfo, place: int, change: Callable[[Rows], None], *, covered: bool) -> None:
    """Changes the rows of a frame, as a superuser whom no trigger stops; one who covers his traces computes all hashes
    anew that stand in the database."""
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        (content,) = connection.execute("SELECT content FROM archive_frames WHERE place = %s", [place]).fetchone() or (
            b"",
        )
        names, rows = unpack(content)
        change(rows)
        if covered:
            for row in rows:
                row[HASH] = row_hash("generation_logs", row[: WIDTH["generation_logs"]]).hex().encode()
        written, size = pack(names, rows)
        connection.execute(
            "UPDATE archive_frames SET content = %s, raw_bytes = %s, row_count = %s WHERE place = %s",
            [written, size, len(rows), place],
        )
        if covered:
            first, last = ([(row[column] or b"").decode() for column in (XID8, ID)] for row in (rows[0], rows[-1]))
            payloads = sum(field is not None for row in rows for field in row[-2:])
            connection.execute(
                "UPDATE archive_frames SET first_xid8 = %s::text::xid8, first_id = %s::bigint, last_xid8 ="
                " %s::text::xid8, last_id = %s::bigint, payload_count = %s WHERE place = %s",
                [*first, *last, payloads, place],
            )
            connection.execute("UPDATE archive_frames SET sha256 = sha256(content)")
            connection.execute(
                "UPDATE retirements AS r SET row_count = (SELECT sum(row_count) FROM archive_frames), archive_sha256 ="
                " (SELECT sha256(string_agg(sha256, '' ORDER BY place)) FROM archive_frames)"
            )
            connection.execute("UPDATE retirements AS r SET row_hash = retirement_digest(r)")


def cheaper(rows: Rows) -> None:
    rows[1][COST] = b"0.000001"


def shorter(rows: Rows) -> None:
    del rows[1]


def crossed(rows: Rows) -> None:
    rows[0], rows[1] = rows[1], rows[0]


def doubled(rows: Rows) -> None:
    another = list(rows[1])
    another[ID] = b"1000000"
    rows.insert(2, another)


def exchanged(rows: Rows) -> None:
    one, two = rows[0], rows[2]
    rows[0], rows[2] = [*two], [*one]
    for column in (ID, XID8):
        rows[0][column], rows[2][column] = one[column], two[column]


FORGERIES = {
    "changed": (cheaper, "changed"), "removed": (shorter, "removed"), "reordered": (crossed, "reordered"),
    "inserted": (doubled, "inserted"), "exchanged": (exchanged, "reordered"),
}  # fmt: skip


@pytest.mark.parametrize("covered", [False, True], ids=["plainly", "with all hashes"])
@pytest.mark.parametrize("place", [1, 2])
@pytest.mark.parametrize("forgery", FORGERIES)
async def test_an_archived_row_that_was_touched_is_named(
    kept: Database, conninfo: Conninfo, forgery: str, place: int, covered: bool
) -> None:
    change, kind = FORGERIES[forgery]
    forged(conninfo, place, change, covered=covered)
    found = verify(kept).findings
    rows = [each for each in found if each.log == "generation_logs"]
    assert {each.kind for each in rows} == {kind} and all("in the archive" in each.where for each in rows)
    whose = {"inserted": 1_000_000}.get(kind)
    assert whose is None or [each.id for each in rows] == [whose]
    assert ("archive" in {each.kind for each in found}) == (not covered or forgery in ("removed", "inserted"))


WRONG = {
    "a frame is gone": ("DELETE FROM archive_frames WHERE place = 2", "removed"),
    "a frame is not to be read": ("UPDATE archive_frames SET content = 'x' WHERE place = 1", "removed"),
    "a week is said to be removed by another": ("UPDATE retirements SET retired_by = 'rita'", "changed"),
    "nothing says that a week was removed": ("DELETE FROM retirements", "removed"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_not_whole_is_said(kept: Database, conninfo: Conninfo, what: str) -> None:
    statement, kind = WRONG[what]
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement.encode())
    assert kind in {each.kind for each in verify(kept).findings}


async def test_a_payload_that_an_administrator_takes_out_of_the_archive_without_a_purge_is_named(
    kept: Database, conninfo: Conninfo
) -> None:
    with psycopg.connect(conninfo("ada")) as connection:
        (content, digest) = connection.execute(
            "SELECT content, sha256 FROM archive_frames WHERE place = 2"
        ).fetchone() or (b"", b"")
        names, rows = unpack(content)
        rows[1][-1] = None
        written, size = pack(names, rows)
        left = sum(field is not None for row in rows for field in row[-2:])
        connection.execute(
            "SELECT erase_from_archive('generation_logs', %s, 2, %s, %s, %s, %s)",
            [LONG_AGO, digest, left, size, written],
        )
    verdict = verify(kept)
    assert [(each.kind, each.id) for each in verdict.findings] == [("changed", int(rows[1][ID] or 0))]
    assert (
        "neither an erasure nor a purge" in verdict.findings[0].what and "in the archive" in verdict.findings[0].where
    )


async def test_what_was_written_into_a_week_that_was_removed_is_named(kept: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SELECT make_generation_partitions(0, %s::timestamptz)", [f"{LONG_AGO} 12:00+00"])
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "INSERT INTO generation_logs (created_at, kind, state, requested_by, sent_by, endpoint, is_rehearsal,"
            " model, parameters, request_sha256, row_hash, xid8) SELECT %s::timestamptz, 'probe', 'ok', 'ada', 'ada',"
            " '', false, '', '{}', '', '', min(first_xid8) FROM archive_frames",
            [f"{LONG_AGO} 13:00+00"],
        )
    assert "inserted" in {each.kind for each in verify(kept).findings}


async def test_a_conversation_that_is_taken_out_of_an_archived_export_is_noticed(
    db: Database, conninfo: Conninfo
) -> None:
    (one,) = await imported(db)
    held: Any = type("Held", (), {"conversation_id": one, "revision": 1})
    await exports.record(db, "e", "started", count=1, filter_state={}, format="trl", metadata={})
    await exports.record_rows(db, "e", [held])
    await exports.record(db, "e", "succeeded", count=1, filter_state={}, format="trl", metadata={})
    aged_exports(conninfo)
    await seal_and_anchor(db, everything=True)
    await retire_due(db, await retention.due(db))
    assert verify(db).findings == []
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        content, size = pack(("export_id", "conversation_id", "revision"), [[b"e", b"another", b"1"]])
        connection.execute(
            "UPDATE archive_frames SET content = %s, raw_bytes = %s, sha256 = %s WHERE log = 'export_rows'",
            [content, size, sha256(content).digest()],
        )
    found = verify(db).findings
    assert {each.kind for each in found} == {"archive"}
    assert any("conversations of export e are not those" in each.what for each in found)
    assert any("they are not those that were removed" in each.what for each in found)


FOUND_BY = {
    "conversations": ("UPDATE archive_frames SET conversation_ids = '{another}' WHERE place = 2", "conversations"),
    "no conversation": ("UPDATE archive_frames SET conversation_ids = '{}' WHERE place = 2", "conversations"),
    "an earlier beginning": ("UPDATE archive_frames SET first_at = '2024-01-01 00:00+00' WHERE place = 2", "times"),
    "an earlier end": ("UPDATE archive_frames SET last_at = first_at WHERE place = 2", "times"),
}  # fmt: skip


@pytest.mark.parametrize("what", FOUND_BY)
async def test_what_a_frame_is_found_by_is_what_stands_in_it(db: Database, conninfo: Conninfo, what: str) -> None:
    calls_of(conninfo, f"{LONG_AGO} 12:00+00", 500)
    await seal_and_anchor(db, everything=True)
    await retire_due(db, await retention.due(db))
    assert verify(db).findings == []
    statement, wrong = FOUND_BY[what]
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(statement.encode()).rowcount == 1
    (found,) = verify(db).findings
    assert (found.kind, f"frame 2: its {wrong} are not those that it is found by" in found.what) == ("archive", True)


SUMS = {
    "a call that nobody made": "INSERT INTO retired_sums VALUES (1, '{week}', 'm', '{week}', 10, NULL, 1, 1, 1)",
    "a sum that is another": "UPDATE retired_sums SET read = read + 1000000",
    "a refusal that is gone": "DELETE FROM retired_sums WHERE category IS NOT NULL",
    "a conversation that cost less": "UPDATE retired_calls SET cost_usd = 0 WHERE conversation_id = 'c-1'",
    "a batch that had more calls": "UPDATE retired_calls SET calls = calls + 1 WHERE conversation_id = 'c-2'",
}


@pytest.mark.parametrize("what", SUMS)
async def test_what_removed_calls_came_to_is_what_was_kept_of_them(db: Database, conninfo: Conninfo, what: str) -> None:
    calls_of(conninfo, f"{LONG_AGO} 12:00+00", 8)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE generation_logs SET run_id = 7, cache_read_tokens = 900 * (id % 3),"
            " error_type = CASE WHEN state = 'error' THEN 'refusal' END"
        )
        connection.execute("UPDATE generation_logs SET row_hash = generation_log_digest(generation_logs)")
    await seal_and_anchor(db, everything=True)
    await retire_due(db, await retention.due(db))
    assert verify(db).findings == []
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(SUMS[what].format(week=LONG_AGO).encode()).rowcount > 0
    assert [each.where for each in verify(db).findings] == [f"the sums of removed calls, week of {LONG_AGO}"]


async def test_sums_that_went_before_their_digest_was_kept_are_told_of(kept: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE retirements SET sums_sha256 = NULL, hash_version = 1")
        connection.execute("UPDATE retirements AS r SET row_hash = retirement_digest(r)")
    assert any("1 week of calls went before revision 0050" in note for note in verify(kept).notes)
