"""The archive is read as the log was: newest first, by time, by conversation, by whatever a call says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aging import LONG_AGO, aged
from support import ANSWERED, Conninfo, add_vocabulary, fetch, generated, started
from traintui.audit import archiving
from traintui.audit.archive import archived_calls
from traintui.audit.archive_erasing import finish_erasing
from traintui.audit.retiring import retire_due
from traintui.audit.sealing import seal_and_anchor
from traintui.audit.verifying import verify
from traintui.data import attempts, bulk, purging, retention
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.errors import TraintuiError

NEXT = date(2024, 1, 15)


@pytest.fixture
async def logged(db: Database, conninfo: Conninfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Seven calls of two weeks of long ago, not in the order in which they ended; nothing is removed yet."""
    monkeypatch.setattr(archiving, "ROWS", 2)
    await add_vocabulary(db)
    await generated(db, 2)
    for number in range(5):
        payload = {"text": f"Größe {number}\n"}
        outcome = replace(ANSWERED, response_payload=payload, cost_usd=Decimal(number), error_message="a\tb")
        await attempts.finish(db, await started(db, None, None, kind="probe"), outcome)
    aged(conninfo)
    aged(conninfo, NEXT, where="id > (SELECT max(id) - 3 FROM generation_logs)")
    with psycopg.connect(conninfo(SUPERUSER)) as connection:  # one that took longer than those beside it
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE generation_logs SET created_at = created_at - interval '1 hour' WHERE id = (SELECT max(id) - 1"
            " FROM generation_logs)"
        )
        connection.execute("UPDATE generation_logs SET row_hash = generation_log_digest(generation_logs)")
    home = replace(db, home=tmp_path)
    await seal_and_anchor(home, everything=True)
    return home


async def retired(db: Database) -> None:
    assert not (await retire_due(db, await retention.due(db))).left


async def ids(db: Database, **given: Any) -> list[int]:
    return [call.values["id"] async for call in archived_calls(db, **given)]


async def test_calls_come_newest_first_with_the_types_that_the_log_has(logged: Database) -> None:
    async with logged.read() as connection:
        rows = await connection.exec_driver_sql("SELECT * FROM generation_logs ORDER BY created_at DESC, id DESC")
        before = [dict(row) for row in rows.mappings()]
    assert await ids(logged) == [], "what stands in the log is not in the archive yet"
    await retired(logged)
    after = [dict(call.values) async for call in archived_calls(logged)]
    for row in before:
        row["xid8"] = str(row["xid8"])
    assert after == before and len(after) == 7


async def test_time_conversation_and_what_a_call_says_are_asked_for(logged: Database) -> None:
    every = "SELECT id, created_at, conversation_id, cost_usd FROM generation_logs ORDER BY created_at DESC, id DESC"
    rows = await fetch(logged, every)
    await retired(logged)
    border = datetime(NEXT.year, NEXT.month, NEXT.day, tzinfo=UTC)
    assert await ids(logged, since=border) == [row[0] for row in rows if row[1] >= border]
    assert await ids(logged, until=border) == [row[0] for row in rows if row[1] < border]
    conversation = next(row[2] for row in rows if row[2] is not None)
    assert await ids(logged, conversation=conversation) == [row[0] for row in rows if row[2] == conversation]
    dear = [row[0] for row in rows if row[3] is not None and row[3] > 2]
    assert await ids(logged, matching=lambda call: (call["cost_usd"] or 0) > 2) == dear
    assert await ids(logged, conversation="nobody") == []


async def test_a_frame_that_cannot_be_read_is_an_answer(logged: Database, conninfo: Conninfo) -> None:
    await retired(logged)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE archive_frames SET content = 'x' WHERE place = 1")
    with pytest.raises(TraintuiError) as damaged:
        await ids(logged)
    assert f"frame 1 of the week of {NEXT}" in damaged.value.message and "verify" in damaged.value.remedy


async def test_what_is_purged_later_leaves_its_digests_in_the_archive(logged: Database) -> None:
    await retired(logged)
    one, other = [call async for call in archived_calls(logged) if call.values["conversation_id"] is not None]
    assert one.week == other.week == LONG_AGO and one.values["request_payload"]
    purged = one.values["conversation_id"]
    (found,) = await fetch(logged, "SELECT id FROM conversations WHERE conversation_id = :id", id=purged)
    await bulk.trash(logged, [found[0]], True)
    await purging.purge(logged, [found[0]])
    assert (await finish_erasing(logged), await finish_erasing(logged)) == (1, 0)
    after = {call.values["conversation_id"]: call.values async for call in archived_calls(logged)}
    assert (after[purged]["request_payload"], after[purged]["response_payload"]) == (None, None)
    assert after[purged]["request_sha256"] == one.values["request_sha256"]
    assert after[other.values["conversation_id"]] == other.values
    verdict = verify(logged)
    assert verdict.findings == [] and any("erased from 1 frame of the archive" in note for note in verdict.notes)
