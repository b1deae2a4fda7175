"""A bulk action decides what was seen, says what it left alone, and is taken back as one."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import psycopg
import pytest

from support import (
    Conninfo,
    Wanted,
    add_vocabulary,
    approved,
    beside,
    eventually,
    fetch,
    generated,
    imported,
    logged_in,
    planned,
    said,
    scalar,
    seen,
    sqlstate,
)
from traintui.data import bulk, bulk_outlook, exports, metadata, reservations, reviews, second_review, vocabulary
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.export_reading import Scope, reading
from traintui.data.filters import parse
from traintui.data.refusals import Refused
from traintui.data.reviews import new_key

MANY = 64


async def ids_of(db: Database, public: Sequence[str]) -> list[int]:
    found = await fetch(
        db, "SELECT id FROM conversations WHERE conversation_id = ANY(:public) ORDER BY id", public=[*public]
    )
    return [row[0] for row in found]


async def some(db: Database, number: int = MANY) -> list[int]:
    return await ids_of(db, await imported(db, number))


async def decided(db: Database, ids: Sequence[int], action: reviews.Action = "approve", **more: Any) -> bulk.BulkResult:
    return await bulk.decide(db, ids, action, seen=await bulk.snapshot(db), **more)


async def statuses(db: Database, ids: Sequence[int]) -> dict[str, int]:
    found = await fetch(
        db, "SELECT status, count(*) FROM conversations WHERE id = ANY(:ids) GROUP BY 1", ids=[*ids]
    )  # fmt: skip
    return {status: number for status, number in found}


async def standing(db: Database, ids: Sequence[int]) -> list[Any]:
    return await fetch(
        db, "SELECT id, status, flagged, deleted_at, revision FROM conversations WHERE id = ANY(:ids) ORDER BY id",
        ids=[*ids],
    )  # fmt: skip


async def whole(db: Database) -> bool:
    """Whether each conversation stands as the newest row of its log says, and names the one that moved it."""
    wrong = await scalar(
        db,
        "SELECT count(*) FROM conversations AS c WHERE status <> (SELECT status_after FROM review_logs AS log"
        " WHERE log.conversation_id = c.conversation_id ORDER BY id DESC LIMIT 1)"
        " OR decision_id IS DISTINCT FROM (SELECT max(id) FROM review_logs AS log WHERE"
        " log.conversation_id = c.conversation_id AND status_before <> status_after)",
    )
    return bool(wrong == 0)


async def test_each_row_of_a_bulk_has_its_decision_with_reason_text_and_reviewer(
    reviewer_db: Database, db: Database
) -> None:
    ids = await some(db)
    result = await decided(reviewer_db, ids, "reject", reason="too short", notes="all of them")
    assert (result.done, result.skipped, result.left) == (MANY, {}, 0)
    assert await statuses(db, ids) == {"rejected": MANY} and await whole(db)
    rows = await fetch(
        db,
        "SELECT action, reviewer_id, reason, reviewer_notes, bulk_id, status_before,"
        " log.content_sha256 = r.content_sha256 AND log.row_hash = review_log_digest(log) AND"
        " c.reviewed_at = log.timestamp, count(*)"
        " FROM conversations AS c JOIN review_logs AS log ON log.id = c.decision_id"
        " JOIN conversation_revisions AS r ON (r.conversation_id, r.revision) = (log.conversation_id, log.revision)"
        " GROUP BY 1, 2, 3, 4, 5, 6, 7",
    )
    assert rows == [("reject", "rita", "too short", "all of them", result.bulk_id, "generated", True, MANY)]


async def test_what_is_left_alone_is_counted_by_its_reason(db: Database) -> None:
    await add_vocabulary(db)
    fine, in_trash, done, changed = [await some(db) for _ in range(4)]
    await planned(db, MANY)
    no_text = [row[0] for row in await fetch(db, "SELECT id FROM conversations WHERE status = 'planned'")]
    await bulk.trash(db, in_trash, True)
    await decided(db, done)
    snapshot = await bulk.snapshot(db)
    await bulk.flag(db, changed, True)
    everything = [*fine, *in_trash, *done, *changed, *no_text, 2_000_000_000]
    result = await bulk.decide(db, everything, "approve", seen=snapshot)
    assert (result.done, result.left) == (MANY, 0)
    assert result.skipped == {"trash": MANY, "already": MANY, "changed": MANY, "no text": MANY, "gone": 1}
    assert await statuses(db, fine) == {"approved": MANY} and await statuses(db, changed) == {"generated": MANY}
    assert await whole(db)


async def test_a_bulk_is_one_undo_whatever_it_did(db: Database) -> None:
    ids = await some(db)
    await decided(db, ids[:10], "reject")
    await bulk.flag(db, ids[:20], True)
    await bulk.trash(db, ids[50:], True)
    works: tuple[Callable[[], Awaitable[bulk.BulkResult]], ...] = (
        lambda: decided(db, ids, "approve"), lambda: decided(db, ids, "reopen"), lambda: bulk.flag(db, ids, True),
        lambda: bulk.flag(db, ids, False), lambda: bulk.trash(db, ids, True), lambda: bulk.trash(db, ids, False),
    )  # fmt: skip
    for work in works:
        before = await standing(db, ids)
        result = await work()
        last = await bulk.last_bulk(db)
        assert last is not None and (last.bulk_id, last.rows) == (result.bulk_id, result.done) and result.done
        undone = await bulk.undo(db, result.bulk_id)
        assert (undone.undone, undone.kept, undone.remaining) == (result.done, 0, 0)
        assert await standing(db, ids) == before and await whole(db)


async def test_what_somebody_acted_on_since_stays(db: Database, reviewer_db: Database) -> None:
    public = await imported(db, MANY)
    ids = await ids_of(db, public)
    result = await decided(reviewer_db, ids)
    await reviews.decide(db, await seen(db, public[0]), "reject", key=new_key())
    await reviews.set_flag(db, public[1], True, key=new_key())
    await bulk.trash(db, ids[2:3], True)
    await reviews.edit(db, await seen(db, public[3]), system_prompt="S", turns=said("Q?", "A."), key=new_key())
    undone = await bulk.undo(reviewer_db, result.bulk_id)
    assert (undone.undone, undone.kept, undone.remaining) == (MANY - 4, 4, 0)
    assert await statuses(db, ids) == {"generated": MANY - 3, "rejected": 1, "approved": 2} and await whole(db)
    assert await statuses(db, ids[:3]) == {"rejected": 1, "approved": 2}
    assert await bulk.last_bulk(reviewer_db) is None
    assert (await bulk.undo(reviewer_db, result.bulk_id)).undone == 0


async def test_a_call_whose_answer_was_lost_does_nothing_twice(db: Database) -> None:
    ids = await some(db)
    snapshot = await bulk.snapshot(db)
    first = await bulk.decide(db, ids[:40], "approve", seen=snapshot, bulk_id="again")
    again = await bulk.decide(db, [*ids, *ids], "approve", seen=snapshot, bulk_id="again")
    assert (first.done, again.done, again.skipped) == (40, MANY, {})
    assert await scalar(db, "SELECT count(*) FROM review_logs WHERE bulk_id = 'again'") == MANY
    last = await bulk.last_bulk(db)
    assert last is not None and last.rows == MANY
    assert (await bulk.undo(db, "again")).undone == MANY
    with pytest.raises(Refused, match="taken back"):
        await bulk.decide(db, ids, "approve", seen=snapshot, bulk_id="again")


async def test_two_bulks_on_overlapping_sets_both_end_and_each_row_is_decided_once_by_each_at_most(
    db: Database, conninfo: Conninfo
) -> None:
    ids = await some(db, 192)
    snapshot = await bulk.snapshot(db)
    async with logged_in(conninfo("rita")) as rita, logged_in(conninfo("ron")) as ron:
        one, two = await asyncio.wait_for(
            asyncio.gather(
                bulk.decide(rita, ids[:128], "approve", seen=snapshot),
                bulk.decide(ron, ids[64:][::-1], "reject", seen=snapshot),
            ),
            timeout=120,
        )
        assert one.done + two.done == 192
        assert one.done + sum(one.skipped.values()) == 128 and set(one.skipped) <= {"changed"}
        assert await whole(db)
        first, second, flagged = await asyncio.wait_for(
            asyncio.gather(bulk.undo(rita, one.bulk_id), bulk.undo(ron, two.bulk_id), bulk.flag(db, ids[::-1], True)),
            timeout=120,
        )
        assert (first.undone + first.kept, second.undone + second.kept, flagged.done) == (one.done, two.done, 192)
    assert await whole(db)


async def test_a_bulk_stops_between_two_transactions_and_its_undo_goes_on_where_it_stopped(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "SIZE", 16)
    ids = await some(db)
    stop = asyncio.Event()
    told: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        told.append((done, total))
        if done >= 32:
            stop.set()

    result = await decided(db, ids, progress=progress, stop=stop)
    assert (result.done, result.left, told) == (32, 32, [(16, MANY), (32, MANY)])
    assert await statuses(db, ids) == {"approved": 32, "generated": 32}
    first = await bulk.undo(db, result.bulk_id, stop=stop)
    assert (first.undone, first.remaining) == (16, 16)
    last = await bulk.last_bulk(db)
    assert last is not None and last.rows == 16
    second = await bulk.undo(db, result.bulk_id)
    assert (second.undone, second.remaining) == (16, 0) and await statuses(db, ids) == {"generated": MANY}


async def test_the_last_action_is_a_bulk_only_until_something_else_is_done(db: Database) -> None:
    public = await imported(db, 4)
    ids = await ids_of(db, public)
    last = await bulk.last_bulk(db)
    assert last is not None and last.action == "import"
    await approved(db, public[0])
    first = await decided(db, ids[1:])
    second = await bulk.flag(db, ids, True)
    await decided(db, ids[1:])  # does nothing, so there is nothing to take back
    last = await bulk.last_bulk(db)
    assert last is not None and (last.bulk_id, last.action, last.rows) == (second.bulk_id, "flag", 4)
    await reviews.set_flag(db, public[2], False, key=new_key())
    assert await bulk.last_bulk(db) is None
    assert (await reviews.undo_last(db, key=new_key())).conversation_id == public[2]
    await bulk.undo(db, second.bulk_id)
    last = await bulk.last_bulk(db)
    assert last is not None and last.bulk_id == first.bulk_id
    await bulk.undo(db, first.bulk_id)
    assert await bulk.last_bulk(db) is None
    assert (await reviews.undo_last(db, key=new_key())).conversation_id == public[0]


async def test_a_bulk_says_how_many_of_it_were_exported_since(db: Database) -> None:
    public = await imported(db, 4)
    ids = await ids_of(db, public)
    await approved(db, public[3])
    await decided(db, ids[:2])
    record = {"count": 3, "filter_state": {}, "format": "messages", "metadata": {}}
    await exports.record(db, "e", "started", **record)  # type: ignore[arg-type]
    async with reading(db, Scope(parse(""))) as reader:
        async for page in reader.pages():
            await exports.record_rows(db, "e", page)
    before = await bulk.last_bulk(db)
    await exports.record(db, "e", "succeeded", **record)  # type: ignore[arg-type]
    after = await bulk.last_bulk(db)
    assert before is not None and after is not None and (before.exported, after.exported, after.rows) == (0, 2, 2)


async def test_only_those_who_may_do_it_do_and_only_ones_own_bulk_is_taken_back(
    db: Database, reviewer_db: Database, conninfo: Conninfo
) -> None:
    ids = await some(db, 2)
    mine = await decided(db, ids)
    for work in (bulk.undo(reviewer_db, mine.bulk_id), bulk.trash(reviewer_db, ids, True)):
        with pytest.raises(Refused) as refused:
            await work
        assert refused.value.title == "No right"
    with pytest.raises(Refused) as taken:
        await decided(reviewer_db, ids, bulk_id=mine.bulk_id)
    assert taken.value.code == "TT010"
    async with logged_in(conninfo("audrey")) as auditor:
        for statement in (
            "SELECT decide_many('{1}', 'approve', pg_current_snapshot(), 'b')", "SELECT flag_many('{1}', true, 'b')",
            "SELECT trash_many('{1}', true, 'b')", "SELECT undo_bulk('b', 1)", "SELECT begin_bulk('b', 'flag')",
        ):  # fmt: skip
            assert sqlstate(auditor.conninfo, statement) == "42501"
    for login in ("rita", "arthur", "ada"):
        assert sqlstate(conninfo(login), "SELECT log_bulk('b', 'approve', '{1}')") == "42501"
        assert sqlstate(conninfo(login), "UPDATE bulk_actions SET user_id = 'x'") == "42501"
    assert await statuses(db, ids) == {"approved": 2}


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT decide_many('{}', 'praise', pg_current_snapshot(), 'b')", "TT003"),
        ("SELECT decide_many('{}', 'approve', NULL, 'b')", "TT003"),
        ("SELECT decide_many('{}', 'approve', pg_current_snapshot(), 'b', repeat('x', 501))", "TT003"),
        ("SELECT decide_many('{}', 'approve', pg_current_snapshot(), '')", "TT003"),
        ("SELECT decide_many('{}', 'approve', pg_current_snapshot(), NULL)", "TT003"),
        ("SELECT flag_many(array(SELECT generate_series(1, 1001)), true, 'b')", "TT003"),
        ("SELECT undo_bulk('b', 0)", "TT003"),
        ("SELECT undo_bulk('nothing', 10)", "TT007"),
        ("SELECT decide_many(NULL, 'approve', pg_current_snapshot(), 'b')", None),
        ("SELECT decide_many('{NULL,7,7}', 'approve', pg_current_snapshot(), 'b', '''; DROP')", None),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(conninfo: Conninfo, statement: str, code: str | None) -> None:
    assert sqlstate(conninfo("rita"), statement) == code


async def test_what_a_batch_is_about_to_write_is_not_thrown_away(db: Database) -> None:
    await add_vocabulary(db)
    written = await ids_of(db, await generated(db, 2))
    await planned(db, 2)
    waiting = [row[0] for row in await fetch(db, "SELECT id FROM conversations WHERE status = 'planned'")]
    result = await bulk.trash(db, [*written, *waiting], True)
    assert (result.done, result.skipped) == (2, {"batch": 2})


async def test_a_conversation_edited_while_a_bulk_waits_for_it_is_left_alone(db: Database, conninfo: Conninfo) -> None:
    """The lock is waited for, and the row is looked at again once it is there."""
    public = await imported(db, 3)
    ids = await ids_of(db, public)
    snapshot = await bulk.snapshot(db)
    view = await seen(db, public[1])
    async with logged_in(conninfo("rita")) as rita:
        async with db.write() as other:
            await other.exec_driver_sql(
                'SELECT edit(%s, %s, %s, \'S\', \'[{"role": "user", "content": "Q?"},'
                ' {"role": "assistant", "content": "A."}]\', \'k\')',
                (view.conversation_id, view.revision, view.decision_id),
            )
            waiting = asyncio.create_task(bulk.decide(rita, ids, "approve", seen=snapshot))
            blocked = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0)"
            await beside(waiting, eventually(lambda: scalar(db, blocked)))
        result = await waiting
    assert (result.done, result.skipped) == (2, {"changed": 1})
    assert await statuses(db, ids) == {"approved": 2, "generated": 1}


async def test_what_was_committed_late_with_an_earlier_time_was_not_seen(db: Database, conninfo: Conninfo) -> None:
    (one,) = await imported(db)
    async with logged_in(conninfo("rita")) as rita:
        view = await seen(rita, one)
        async with rita.write() as connection:
            await connection.exec_driver_sql(
                "SELECT decide(%s, 'reject', %s, NULL, 'k')", (view.conversation_id, view.revision)
            )
            snapshot = await bulk.snapshot(db)  # the decision has its time, and nobody sees it yet
    result = await bulk.decide(db, await ids_of(db, [one]), "approve", seen=snapshot)
    assert (result.done, result.skipped) == (0, {"changed": 1})


async def test_what_came_from_a_backup_of_another_server_is_decided_like_any(db: Database, conninfo: Conninfo) -> None:
    await imported(db, 2)
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE review_logs SET xid8 = '1000000000000'")  # that server had counted further
        connection.execute("TRUNCATE conversation_changes")  # as a restore does
    ids = [row[0] for row in await fetch(db, "SELECT id FROM conversations")]
    result = await bulk.decide(db, ids, "reject", seen=await bulk.snapshot(db))
    assert (result.done, result.skipped) == (2, {})


async def test_what_changed_before_the_feed_begins_is_known_from_the_log(db: Database, conninfo: Conninfo) -> None:
    one, two = await imported(db, 2)
    snapshot = await bulk.snapshot(db)
    await approved(db, one)
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("DELETE FROM conversation_changes")  # as a day later
    result = await bulk.decide(db, await ids_of(db, [one, two]), "reject", seen=snapshot)
    assert (result.done, result.skipped) == (1, {"changed": 1})


async def test_metadata_of_many_and_a_bulk_are_taken_back_in_their_order(db: Database) -> None:
    ids = await some(db, 3)
    first = await decided(db, ids)
    await metadata.merge(db, ids, {"source": "web"})
    second = await bulk.flag(db, ids, True)
    last = await bulk.last_bulk(db)
    assert last is not None and last.bulk_id == second.bulk_id
    await bulk.undo(db, second.bulk_id)
    assert await bulk.last_bulk(db) is None
    await reviews.undo_last(db, key=new_key())
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE metadata <> '{}'") == 0
    last = await bulk.last_bulk(db)
    assert last is not None and last.bulk_id == first.bulk_id


async def test_what_a_merge_of_values_moved_is_passed_over_by_undo(db: Database) -> None:
    await add_vocabulary(db)
    one, _ = await generated(db, wanted=[Wanted(tone="warm"), Wanted(tone="formal")])
    await approved(db, one)
    await vocabulary.merge(db, "tone", "formal", "warm")
    assert (await reviews.undo_last(db, key=new_key())).conversation_id == one


async def test_the_outlook_says_what_the_bulk_will_do_and_why_it_leaves_others(
    db: Database, conninfo: Conninfo
) -> None:
    public = await imported(db, 12)
    ids = await ids_of(db, public)
    await approved(db, public[0])
    await bulk.trash(db, ids[1:3], True)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE conversations SET tier = 'edge_case' WHERE id = ANY(%s)", [ids[3:7]])
    seen_before = await bulk_outlook.outlook(db, [*ids, 10**9], "approve")
    assert seen_before.number == 5
    assert seen_before.left_alone == {"already": 1, "trash": 2, "edge case": 4, "gone": 1}
    assert len(seen_before.examples) == 5 and all(example.says for example in seen_before.examples)
    result = await bulk.decide(db, [*ids, 10**9], "approve", seen=await bulk.snapshot(db))
    assert (result.done, result.skipped) == (seen_before.number, seen_before.left_alone)


@pytest.mark.parametrize("action", ["approve", "reject", "reopen", "flag", "unflag", "delete", "restore"])
async def test_outlook_and_bulk_agree_for_every_action(db: Database, action: Any) -> None:
    public = await imported(db, 30)
    ids = await ids_of(db, public)
    await approved(db, *public[:3])
    await bulk.flag(db, ids[5:9], True)
    await bulk.trash(db, ids[2:6], True)
    expected = await bulk_outlook.outlook(db, ids, action)
    assert expected.examples or not expected.number
    assert len(expected.examples) == min(expected.number, 10)
    match action:
        case "flag" | "unflag":
            result = await bulk.flag(db, ids, action == "flag")
        case "delete" | "restore":
            result = await bulk.trash(db, ids, action == "delete")
        case _:
            result = await bulk.decide(db, ids, action, seen=await bulk.snapshot(db))
    assert (result.done, result.skipped) == (expected.number, expected.left_alone)


async def test_what_somebody_else_has_open_is_left_to_them(db: Database, reviewer_db: Database) -> None:
    public = await imported(db, 3)
    ids = await ids_of(db, public)
    await reservations.reserve(reviewer_db, uuid.uuid4(), public[:1], 1, shown=public[0])
    await reservations.reserve(db, uuid.uuid4(), public[1:2], 1, shown=public[1])
    expected = await bulk_outlook.outlook(db, ids, "reject")
    result = await decided(db, ids, "reject")
    assert (result.done, result.skipped) == (expected.number, expected.left_alone) == (2, {"reserved": 1})


async def test_what_gets_several_decisions_gets_none_of_them_in_bulk(db: Database) -> None:
    ids = await some(db, 6)
    await second_review.ask(db, second_review.SecondReview(decisions=2, share=1.0))
    expected = await bulk_outlook.outlook(db, ids, "approve")
    result = await decided(db, ids)
    assert (result.done, result.skipped) == (expected.number, expected.left_alone) == (0, {"second review": 6})
