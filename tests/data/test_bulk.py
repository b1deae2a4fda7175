"""Many conversations at once: each on record, none that was not seen as it stands, and all of them one undo."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from support import (
    Conninfo,
    add_vocabulary,
    approved,
    fetch,
    imported,
    logged_in,
    planned,
    said,
    scalar,
    seen,
    sqlstate,
    status,
)
from traintui.data import bulk, conversations, exports, reviews
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.filters import parse
from traintui.data.refusals import Refused
from traintui.data.reviews import new_key


async def internal(db: Database, names: Iterable[str]) -> list[int]:
    rows = await fetch(db, "SELECT id FROM conversations WHERE conversation_id = ANY(:names)", names=list(names))
    return [row[0] for row in rows]


async def everything(db: Database) -> list[int]:
    return [row[0] for row in await fetch(db, "SELECT id FROM conversations ORDER BY id")]


async def statuses(db: Database) -> dict[str, int]:
    rows = await fetch(db, "SELECT status, count(*) FROM conversations GROUP BY 1")
    return {row[0]: row[1] for row in rows}


async def decided(db: Database, action: reviews.Action = "approve") -> bulk.BulkResult:
    return await bulk.decide(db, await everything(db), action, seen=await bulk.snapshot(db))


async def test_each_decision_has_its_row_and_all_have_one_name(db: Database) -> None:
    ids = await imported(db, 5)
    result = await bulk.decide(
        db, await everything(db), "reject", seen=await bulk.snapshot(db), reason="too short", notes="all of them"
    )
    assert (result.done, result.skipped, await statuses(db)) == (5, {}, {"rejected": 5})
    log = await fetch(db, "SELECT * FROM review_logs WHERE action = 'reject' ORDER BY id")
    assert [row.conversation_id for row in log] == ids
    assert {(r.bulk_id, r.reviewer_id, r.reason, r.reviewer_notes, r.status_before, r.status_after) for r in log} == {
        (result.bulk_id, "ada", "too short", "all of them", "generated", "rejected")
    }
    assert await scalar(
        db,
        "SELECT bool_and(c.decision_id = log.id AND c.reviewed_at = log.timestamp AND log.content_sha256 IS NOT NULL)"
        " FROM conversations AS c JOIN review_logs AS log USING (conversation_id) WHERE log.action = 'reject'",
    )


async def test_what_cannot_be_decided_is_skipped_and_counted(db: Database) -> None:
    await add_vocabulary(db)
    done, trashed, *rest = await imported(db, 4)
    await planned(db, 2)
    await approved(db, done)
    await bulk.trash(db, await internal(db, [trashed]))
    ids = [*await everything(db), 999_999, 999_998]
    result = await bulk.decide(db, ids + ids, "approve", seen=await bulk.snapshot(db))
    assert (result.done, result.skipped) == (2, {"already": 1, "in_trash": 1, "no_text": 2, "missing": 2})
    assert [await status(db, one) for one in (trashed, *rest)] == ["generated", "approved", "approved"]


async def test_what_changed_since_it_was_seen_is_left_alone(db: Database, reviewer_db: Database) -> None:
    edited, rejected, same = await imported(db, 3)
    moment = await bulk.snapshot(db)
    await reviews.edit(
        reviewer_db, await seen(db, edited), system_prompt=None, turns=said("New?", "New."), key=new_key()
    )
    await reviews.decide(reviewer_db, await seen(db, rejected), "reject", key=new_key())
    result = await bulk.decide(db, await everything(db), "approve", seen=moment)
    assert (result.done, result.skipped) == (1, {"changed": 2})
    assert [await status(db, one) for one in (edited, rejected, same)] == ["generated", "rejected", "approved"]


async def test_what_was_committed_late_with_an_earlier_time_was_not_seen(db: Database, conninfo: Conninfo) -> None:
    (one,) = await imported(db)
    async with logged_in(conninfo("rita")) as rita:
        view = await seen(rita, one)
        async with rita.write() as connection:
            await connection.exec_driver_sql(
                "SELECT decide(%s, 'reject', %s, NULL, 'k')", (view.conversation_id, view.revision)
            )
            moment = await bulk.snapshot(db)  # the decision has its time, and nobody sees it yet
    result = await bulk.decide(db, await everything(db), "approve", seen=moment)
    assert (result.done, result.skipped, await status(db, one)) == (0, {"changed": 1}, "rejected")


async def test_a_bulk_is_one_undo(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 3)
    first, *_ = await imported(db, 8)
    await approved(db, first)
    before = await fetch(db, "SELECT id, status, flagged, revision FROM conversations ORDER BY id")
    told: list[tuple[int, int]] = []
    result = await bulk.decide(
        db, await everything(db), "reject", seen=await bulk.snapshot(db), progress=lambda *at: told.append(at)
    )
    assert (result.done, told) == (8, [(3, 8), (6, 8), (8, 8)])
    last = await bulk.last_bulk(db)
    assert last is not None
    assert (last.bulk_id, last.action, last.count, last.exported) == (result.bulk_id, "reject", 8, 0)
    back = await bulk.undo(db, last.bulk_id, total=last.count)
    assert (back.done, back.skipped) == (8, {})
    assert await fetch(db, "SELECT id, status, flagged, revision FROM conversations ORDER BY id") == before
    assert await scalar(
        db,
        "SELECT bool_and(log.action = 'undo') FROM conversations AS c"
        " JOIN review_logs AS log ON log.id = c.decision_id",
    )
    assert await bulk.last_bulk(db) is None
    assert (await bulk.undo(db, last.bulk_id)).done == 0
    await reviews.undo_last(db, key=new_key())
    assert await status(db, first) == "generated"


async def test_undo_leaves_alone_what_somebody_acted_on_since(db: Database, reviewer_db: Database) -> None:
    ids = await imported(db, 3)
    result = await decided(db)
    await reviews.decide(reviewer_db, await seen(db, ids[0]), "reject", key=new_key())
    last = await bulk.last_bulk(db)
    assert last is not None and last.count == 2
    back = await bulk.undo(db, result.bulk_id)
    assert (back.done, back.skipped) == (2, {"acted_since": 1})
    assert [await status(db, one) for one in ids] == ["rejected", "generated", "generated"]
    assert await bulk.last_bulk(db) is None


async def test_a_single_action_after_a_bulk_is_undone_first(db: Database) -> None:
    ids = await imported(db, 3)
    await decided(db)
    await reviews.decide(db, await seen(db, ids[0]), "reject", key=new_key())
    assert await bulk.last_bulk(db) is None
    await reviews.undo_last(db, key=new_key())
    last = await bulk.last_bulk(db)
    assert last is not None and last.count == 3


async def test_the_bulk_of_somebody_else_is_theirs(db: Database, reviewer_db: Database) -> None:
    await imported(db, 2)
    result = await decided(reviewer_db)
    assert await bulk.last_bulk(db) is None
    with pytest.raises(Refused, match="somebody else"):
        await bulk.undo(db, result.bulk_id)
    assert await statuses(db) == {"approved": 2}


async def test_a_bulk_that_is_stopped_keeps_what_is_done_and_is_undone_as_one(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    await imported(db, 5)
    told: list[int] = []
    result = await bulk.decide(
        db, await everything(db), "approve", seen=await bulk.snapshot(db),
        progress=lambda done, _: told.append(done), stop=lambda: bool(told),
    )  # fmt: skip
    assert (result.done, await statuses(db)) == (2, {"approved": 2, "generated": 3})
    assert (await bulk.undo(db, result.bulk_id)).done == 2


async def test_flags_and_trash_come_and_go_in_bulk(db: Database) -> None:
    await imported(db, 4)
    ids = await everything(db)
    assert (await bulk.flag(db, ids[:3], True)).done == 3
    flags = await bulk.flag(db, ids, True)
    assert (flags.done, flags.skipped) == (1, {"already": 3})
    assert (await bulk.undo(db, flags.bulk_id)).done == 1
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE flagged") == 3
    assert (await bulk.flag(db, ids[:2], False)).done == 2
    trashed = await bulk.trash(db, ids[:2])
    assert (trashed.done, await conversations.count(db)) == (2, 2)
    assert (await bulk.trash(db, ids)).skipped == {"already": 2}
    last = await bulk.last_bulk(db)
    assert last is not None and last.action == "delete"
    assert (await bulk.undo(db, last.bulk_id)).done == 2
    assert (await bulk.undo(db, trashed.bulk_id)).done == 2
    assert await conversations.count(db) == 4
    await bulk.trash(db, ids[:1])
    assert (await bulk.trash(db, ids, False)).done == 1


async def test_what_is_still_to_be_written_is_not_trashed(db: Database) -> None:
    await add_vocabulary(db)
    await planned(db, 2)
    assert (await bulk.trash(db, await everything(db))).skipped == {"under_way": 2}


async def test_undo_says_how_many_left_the_house_meanwhile(db: Database) -> None:
    await imported(db, 3)
    await decided(db)
    whole = {"count": 3, "filter_state": {}, "format": "openai", "metadata": {}}
    await exports.record(db, "e", "started", **whole)  # type: ignore[arg-type]
    async with exports.reading(db, parse(""), rehearsal=False) as reader:
        async for page in reader.pages():
            await exports.record_rows(db, "e", page)
    await exports.record(db, "e", "succeeded", **whole)  # type: ignore[arg-type]
    last = await bulk.last_bulk(db)
    assert last is not None and last.exported == 3


async def test_two_bulks_over_the_same_rows_never_block_each_other_for_good(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 20)
    await imported(db, 100)
    ids = await everything(db)

    async def person(login: str, order: list[int], action: reviews.Action) -> int:
        async with logged_in(conninfo(login)) as own:
            total = 0
            for _ in range(3):
                result = await bulk.decide(own, order, action, seen=await bulk.snapshot(own))
                total += result.done
                assert result.done + sum(result.skipped.values()) == 100
                await bulk.undo(own, result.bulk_id)
                await bulk.flag(own, order, action == "approve")
            return total

    await asyncio.wait_for(
        asyncio.gather(
            person("ada", ids, "approve"), person("arthur", ids[::-1], "reject"), person("rita", ids, "reject")
        ),
        timeout=60,
    )
    assert await scalar(
        db,
        "SELECT bool_and(c.status = (SELECT status_after FROM review_logs AS log"
        " WHERE log.conversation_id = c.conversation_id ORDER BY id DESC LIMIT 1)) FROM conversations AS c",
    )


async def test_only_those_who_may_act_in_bulk(db: Database, conninfo: Conninfo) -> None:
    await imported(db, 1)
    ids = await everything(db)
    async with logged_in(conninfo("audrey")) as auditor, logged_in(conninfo("rita")) as rita:
        for attempt in (decided(auditor), bulk.flag(auditor, ids, True), bulk.trash(rita, ids)):
            with pytest.raises(Refused) as refused:
                await attempt
            assert refused.value.title == "No right"
    assert await statuses(db) == {"generated": 1}


async def test_the_database_takes_a_thousand_at_once_and_no_long_note(db: Database, conninfo: Conninfo) -> None:
    call = "SELECT flag_many(ARRAY(SELECT generate_series(1, 1001)::bigint), true, 'b')"
    assert sqlstate(conninfo("rita"), call) == "TT003"
    assert sqlstate(conninfo("rita"), "SELECT flag_many(NULL, true, 'b')") == "TT003"
    assert sqlstate(conninfo("rita"), "SELECT decide_many(ARRAY[1], 'approve', NULL, 'b')") == "TT003"
    assert sqlstate(conninfo("rita"), "SELECT decide_many(ARRAY[1], 'edit', pg_current_snapshot(), 'b')") == "TT003"
    await imported(db, 1)
    with pytest.raises(Refused, match="500"):
        await bulk.decide(db, await everything(db), "approve", seen=await bulk.snapshot(db), notes="x" * 501)
    assert sqlstate(conninfo(SUPERUSER), "UPDATE conversations SET status = 'approved'") == "TT006"
    empty = await bulk.decide(db, [], "approve", seen=await bulk.snapshot(db))
    assert (empty.done, empty.skipped) == (0, {})
