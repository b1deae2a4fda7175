"""The archive is read as the log was: newest first, by time, by conversation, by whatever a call says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aging import LONG_AGO, aged
from support import ANSWERED, Conninfo, add_vocabulary, fetch, generated, scalar, started
from traintui.audit import archiving
from traintui.audit.archive_erasing import finish_erasing
from traintui.audit.archive_listing import rows_across
from traintui.audit.frames import COLUMNS as FRAMED
from traintui.audit.retiring import retire_due
from traintui.audit.sealing import seal_and_anchor
from traintui.audit.verifying import verify
from traintui.data import attempts, bulk, purging, retention
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.log_fields import GENERATIONS
from traintui.data.log_models import GenerationLog as L
from traintui.data.whole_record import record
from traintui.errors import TraintuiError

NEXT = date(2024, 1, 15)
NAMES = FRAMED["generation_logs"]
WHOSE, DIGEST = NAMES.index("conversation_id"), NAMES.index("request_sha256")


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


COLUMNS = [
    L.created_at, L.id, L.conversation_id, L.run_id, L.template_id, L.kind, L.state, L.requested_by, L.is_rehearsal,
    L.parameters, L.request_sha256, L.response_sha256, L.cost_usd, L.output_tokens, L.error_message, L.finished_at,
    L.row_hash,
]  # fmt: skip


async def across(db: Database, filter: str = "", columns: Any = COLUMNS) -> list[tuple[Any, ...]]:
    """Columns of all calls that a filter names, in the log and in the archive."""
    wanted = GENERATIONS.read(filter)
    return [tuple(row) async for rows in rows_across(db, columns, wanted) for row in rows]


async def test_calls_come_newest_first_with_the_types_that_the_log_has(logged: Database) -> None:
    await attempts.finish(logged, await started(logged, None, None, kind="probe"), ANSWERED)
    before = await across(logged)
    assert before == sorted(before, key=lambda row: row[:2], reverse=True) and len(before) == 8
    await retired(logged)
    assert await scalar(logged, "SELECT count(*) FROM generation_logs") == 1
    assert await across(logged) == before


@pytest.mark.parametrize(
    "filter", [f"created>={NEXT}", f"created<{NEXT}", "cost>2", "-cost>2", "kind:probe", "state:error", "a"]
)
async def test_a_filter_means_the_same_in_the_archive(logged: Database, filter: str) -> None:
    before = await across(logged, filter)
    await retired(logged)
    assert await across(logged, filter) == before


async def test_a_conversation_is_asked_for(logged: Database) -> None:
    name = await scalar(logged, "SELECT min(conversation_id) FROM generation_logs")
    before = await across(logged, f"conversation:{name}")
    await retired(logged)
    assert await across(logged, f"conversation:{name}") == before and len(before) == 1


async def test_a_frame_that_cannot_be_read_is_an_answer(logged: Database, conninfo: Conninfo) -> None:
    await retired(logged)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE archive_frames SET content = 'x' WHERE place = 1")
    with pytest.raises(TraintuiError) as damaged:
        await across(logged)
    assert f"frame 1 of the week of {NEXT}" in damaged.value.message and "verify" in damaged.value.remedy


async def test_what_is_purged_later_leaves_its_digests_in_the_archive(logged: Database) -> None:
    def kept() -> dict[bytes | None, tuple[Any, ...]]:
        with record(logged) as found:
            rows = list(archiving.unpacked(found, "generation_logs", LONG_AGO, NAMES))
        return {row[WHOSE]: (*row[-2:], row[DIGEST]) for row in rows if row is not None and row[WHOSE] is not None}

    await retired(logged)
    before = kept()
    one, other = before
    assert one is not None and before[one][0] is not None
    (found,) = await fetch(logged, "SELECT id FROM conversations WHERE conversation_id = :id", id=one.decode())
    await bulk.trash(logged, [found[0]], True)
    await purging.purge(logged, [found[0]])
    assert (await finish_erasing(logged), await finish_erasing(logged)) == (1, 0)
    after = kept()
    assert after[one] == (None, None, before[one][2]) and after[other] == before[other]
    verdict = verify(logged)
    assert verdict.findings == [] and any("erased from 1 frame of the archive" in note for note in verdict.notes)
