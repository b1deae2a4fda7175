"""The queue: every item is one worker's at a time, every call is on record, and what a dead worker held is found."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import psycopg
import pytest

from support import (
    ANSWERED,
    Conninfo,
    Wanted,
    add_document,
    add_vocabulary,
    eventually,
    fetch,
    generated,
    imported,
    logged_in,
    newest_calls,
    planned,
    scalar,
    sqlstate,
    started,
    stored,
)
from traintui.data import attempts, batches, conversations, documents, work
from traintui.data.attempts import Outcome
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.data.work import ClaimedItem
from traintui.errors import TraintuiError


async def queued(db: Database, number: int = 1) -> int:
    """A batch of `number` that workers may claim; its id."""
    await add_vocabulary(db)
    batch_id = await planned(db, number)
    await work.take_up_batches(db, is_rehearsal=False)
    return batch_id


async def claimed(db: Database, worker_id: int) -> ClaimedItem:
    (item,) = await work.claim(db, worker_id, 1, is_rehearsal=False)
    return item


async def end_lease(db: Database, worker_id: int) -> None:
    async with db.write() as connection:
        await connection.exec_driver_sql(
            f"UPDATE workers SET lease_until = now() - interval '1 second', holds_lock = false WHERE id = {worker_id}"
        )


async def test_a_claim_brings_all_that_a_prompt_needs(db: Database) -> None:
    await add_vocabulary(db)
    await add_document(db)
    chunk = (await documents.chunks(db))[1]
    await planned(db, wanted=[Wanted(tone="warm", chunk_id=chunk.id, exchanges=3, variation=77)])
    async with work.registered(db) as worker_id:
        assert await work.claim(db, worker_id, 5, is_rehearsal=False) == ()
        await work.take_up_batches(db, is_rehearsal=False)
        item = await claimed(db, worker_id)
    assert (item.persona, item.tone, item.tier) == ("anxious_planner", "warm", "scenario")
    assert (item.document, item.heading, item.source) == (chunk.title, chunk.heading, chunk.content)
    assert (item.exchanges, item.variation, item.fence, item.attempts) == (3, 77, 1, 0)


async def test_two_workers_never_claim_the_same_item(db: Database, conninfo: Conninfo) -> None:
    await queued(db, 60)

    async def work_through(login: str) -> list[int]:
        mine: list[int] = []
        async with logged_in(conninfo(login)) as handle, work.registered(handle) as worker_id:
            while items := await work.claim(handle, worker_id, 3, is_rehearsal=False):
                mine.extend(item.id for item in items)
                for item in items:
                    assert await stored(handle, item, await started(handle, item, worker_id))
        return mine

    first, second = await asyncio.gather(work_through("arthur"), work_through("ada"))
    assert len(first) + len(second) == 60 == len({*first, *second})
    assert await conversations.count(db, "status:generated") == 60


async def test_real_and_rehearsal_batches_are_claimed_apart(db: Database) -> None:
    await add_vocabulary(db)
    await planned(db, is_rehearsal=True)
    await planned(db)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=True)
        assert await work.claim(db, worker_id, 5, is_rehearsal=False) == ()
        assert len(await work.claim(db, worker_id, 5, is_rehearsal=True)) == 1
        assert await work.open_batches(db, is_rehearsal=False) == 1
        assert [row[0] for row in await fetch(db, "SELECT state FROM batches ORDER BY id")] == ["running", "queued"]


async def test_what_is_stored_is_one_transaction_from_text_to_ledger(db: Database) -> None:
    batch_id = await queued(db)
    async with work.registered(db) as worker_id:
        item = await claimed(db, worker_id)
        assert (await conversations.read(db, item.conversation_id)).row.status == "generating"
        attempt = await started(db, item, worker_id)
        assert await stored(db, item, attempt)
        assert not await work.release(db, item, "failed")
    read = await conversations.read(db, item.conversation_id)
    assert (read.row.status, read.row.quality_score, read.row.turn_count) == ("generated", Decimal("7.5"), 2)
    (call,) = await newest_calls(db)
    assert (call.state, call.cost_usd, call.run_id, call.attempt) == ("ok", Decimal("0.01"), batch_id, 1)
    assert call.conversation_id == item.conversation_id
    detail = await attempts.detail(db, call)
    assert (detail.request_payload, detail.response_payload) == ({"prompt": "Write."}, {"text": "Written."})
    assert await fetch(db, "SELECT author, origin FROM conversation_revisions") == [("ada", "generated")]


async def test_a_reply_that_is_no_conversation_leaves_everything_as_it_was(db: Database) -> None:
    await queued(db)
    async with work.registered(db) as worker_id:
        item = await claimed(db, worker_id)
        attempt = await started(db, item, worker_id)
        with pytest.raises(Refused) as refused:
            await work.store(
                db, item, [("user", "Q?"), ("user", "Q?")], signature=bytes(240),
                scoring=lambda _: (Decimal(5), []), finish=attempts.finishing(attempt, ANSWERED),
            )  # fmt: skip
        assert refused.value.code == "TT008"
        assert [row[0] for row in await fetch(db, "SELECT state FROM generation_logs")] == ["sending"]
        await attempts.finish(db, attempt, Outcome("error", error_message="invalid"))
        assert await stored(db, item, await started(db, item, worker_id))


async def test_the_row_of_a_call_is_committed_before_it_is_sent(db: Database, conninfo: Conninfo) -> None:
    await queued(db)
    async with work.registered(db) as worker_id:
        await started(db, await claimed(db, worker_id), worker_id)
        async with logged_in(conninfo("audrey")) as auditor:
            (call,) = await newest_calls(auditor)
    assert (call.state, call.requested_by, call.attempt) == ("sending", "ada", 1)


async def test_a_call_is_finished_once(db: Database) -> None:
    attempt = await started(db, None, None, kind="probe")
    await attempts.finish(db, attempt, Outcome("error", http_status=529, error_message="overloaded"))
    with pytest.raises(Refused) as refused:
        await attempts.finish(db, attempt, ANSWERED)
    assert refused.value.code == "TT005"
    (call,) = await newest_calls(db)
    assert (call.state, call.http_status, call.error_message) == ("error", 529, "overloaded")


@pytest.mark.parametrize("end", [ANSWERED, Outcome("error", http_status=529), Outcome("unknown", error_type="lost")])
async def test_an_end_that_is_said_again_stands_once(db: Database, end: Outcome) -> None:
    attempt = await started(db, None, None, kind="probe")
    for _ in range(3):
        await attempts.finish(db, attempt, end)
    (call,) = await newest_calls(db)
    assert call.state == end.state
    assert await fetch(db, "SELECT calls, under_way_usd, spent_usd FROM spending") == [(1, 0, call.cost_usd or 0)]


@pytest.mark.parametrize("end", [ANSWERED, Outcome("unknown", error_type="lost", duration_ms=5)])
async def test_a_late_reply_that_is_said_again_stands_once(db: Database, end: Outcome) -> None:
    async with work.registered(db) as worker_id:
        attempt = await started(db, None, worker_id, kind="probe")
    assert [call.state for call in await newest_calls(db)] == ["unknown"]
    for _ in range(3):
        await attempts.finish(db, attempt, end)
    late, lost = await newest_calls(db)
    assert (late.state, lost.state) == (end.state, "unknown")
    assert await scalar(db, "SELECT sum(spent_usd) FROM spending") == late.cost_usd
    with pytest.raises(Refused) as refused:
        await attempts.finish(db, attempt, Outcome("error", http_status=529))
    assert refused.value.code == "TT005"


async def test_counts_of_what_was_redacted_add_up(db: Database) -> None:
    attempt = await started(db, None, None, kind="probe", redactions={"email": 1, "iban": 2})
    await attempts.finish(db, attempt, Outcome("ok", redactions={"email": 3, "phone": 1}))
    (call,) = await newest_calls(db)
    assert (await attempts.detail(db, call)).redactions == {"email": 4, "iban": 2, "phone": 1}


async def test_a_payload_that_json_columns_refuse_is_kept_without_what_they_refuse(db: Database) -> None:
    attempt = await started(db, None, None, kind="probe", request_payload={"a\x00": ["\ud800", "ä", "\\u0000"]})
    await attempts.finish(db, attempt, Outcome("error", response_payload={"b": "\x00"}, error_message="a\x00b"))
    (call,) = await newest_calls(db)
    detail = await attempts.detail(db, call)
    assert detail.request_payload == {"a\N{REPLACEMENT CHARACTER}": ["\N{REPLACEMENT CHARACTER}", "ä", "\\u0000"]}
    assert call.error_message == "a\N{REPLACEMENT CHARACTER}b"


async def test_a_released_item_waits_its_turn_and_its_late_store_changes_nothing(db: Database) -> None:
    await queued(db)
    async with work.registered(db) as worker_id:
        item = await claimed(db, worker_id)
        attempt = await started(db, item, worker_id)
        assert await work.release(db, item, "queued", delay=3600, error="overloaded")
        assert not await work.release(db, item, "queued")
        assert await work.claim(db, worker_id, 1, is_rehearsal=False) == ()
        assert not await stored(db, item, attempt)
        with pytest.raises(Refused) as refused:
            await started(db, item, worker_id)
        assert refused.value.code == "TT011"
    assert (await conversations.read(db, item.conversation_id)).row.status == "planned"
    # The call was answered all the same, and is on record as it ended.
    assert [call.state for call in await newest_calls(db)] == ["ok"]


async def test_an_attempt_that_counts_for_nothing_is_given_back(db: Database) -> None:
    await queued(db)
    async with work.registered(db) as worker_id:
        for counts, left in ((True, 1), (False, 1), (True, 2)):
            item = await claimed(db, worker_id)
            await attempts.finish(db, await started(db, item, worker_id), Outcome("error"))
            await work.release(db, item, "queued", counts=counts)
            assert await scalar(db, "SELECT attempts FROM generation_items") == left


async def test_a_failed_item_says_why(db: Database) -> None:
    batch_id = await queued(db, 3)
    async with work.registered(db) as worker_id:
        for error in ("refused", "refused", "cancelled"):
            item = await claimed(db, worker_id)
            await work.release(db, item, "failed" if error == "refused" else "cancelled", error=error)
        await work.finish_batches(db)
    assert await batches.failures(db, batch_id) == (("refused", 2),)
    assert await conversations.status_counts(db) == {"failed": 2, "planned": 1}
    progress = await batches.progress(db, batch_id)
    assert (progress.state, progress.failed, progress.queued) == ("finished", 2, 0)


async def test_only_planned_conversations_are_queued(db: Database, conninfo: Conninfo) -> None:
    await queued(db)
    await imported(db)
    statement = (
        "INSERT INTO generation_items (batch_id, conversation_id, exchanges, variation)"
        " SELECT batches.id, conversations.id, 1, 1 FROM batches, conversations WHERE is_seed"
    )
    assert sqlstate(conninfo("arthur"), statement) == "TT003"


# Workers that die -------------------------------------------------------------------------------------------------


async def test_a_worker_leaves_nothing_open_when_it_ends(db: Database) -> None:
    batch_id = await queued(db, 2)
    with pytest.raises(ZeroDivisionError):
        async with work.registered(db) as worker_id:
            item = await claimed(db, worker_id)
            await started(db, item, worker_id)
            await work.write_stream(db, item, "Once upon")
            raise ZeroDivisionError
    assert await fetch(db, "SELECT ended_at IS NULL FROM workers") == [(False,)]
    assert [row[0] for row in await fetch(db, "SELECT state FROM generation_items")] == ["queued", "queued"]
    assert await conversations.status_counts(db) == {"planned": 2}
    assert (await batches.progress(db, batch_id)).state == "interrupted"
    assert await fetch(db, "SELECT FROM generation_streams") == []
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7454 AND database = " \
            "(SELECT oid FROM pg_database WHERE datname = current_database())"  # fmt: skip

    async def free() -> bool:
        return bool(await scalar(db, locks) == 0)

    await eventually(free)


async def test_the_death_of_a_worker_is_seen_at_once_and_everything_it_held_is_found(
    db: Database, conninfo: Conninfo
) -> None:
    batch_id = await queued(db, 3)
    async with work.registered(db) as worker_id:
        item = await claimed(db, worker_id)
        attempt = await started(db, item, worker_id)
        assert await batches.recover(db) == 0
        with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'traintui worker' AND datname = current_database()"
            )

        async def noticed() -> bool:
            return await batches.recover(db) == 1

        await eventually(noticed)
        (call,) = await newest_calls(db)
        assert (call.state, call.cost_usd, call.cost_is_estimate) == ("unknown", Decimal("0.25"), True)
        assert call.error_type == "worker_lost"
        assert [row[0] for row in await fetch(db, "SELECT DISTINCT state FROM generation_items")] == ["queued"]
        assert await conversations.status_counts(db) == {"planned": 3}
        progress = await batches.progress(db, batch_id)
        assert (progress.state, progress.cost_usd, progress.failed_calls) == ("interrupted", Decimal("0.25"), 1)

        # It was not dead after all: its reply is kept as a row of its own, and its text is not.
        assert not await stored(db, item, attempt)
        late, lost = await newest_calls(db)
        assert (late.state, late.cost_usd, lost.state) == ("ok", Decimal("0.01"), "unknown")
        assert await scalar(db, "SELECT late_reply_to FROM generation_logs WHERE id = :id", id=late.id) == lost.id
        assert await scalar(db, "SELECT request_sha256 = (SELECT request_sha256 FROM generation_logs WHERE id = :lost)"
                                " FROM generation_logs WHERE id = :late", late=late.id, lost=lost.id)  # fmt: skip
        # From here on the real cost counts, and the estimate does not.
        assert (await batches.progress(db, batch_id)).cost_usd == Decimal("0.01")
        assert await conversations.count(db, "cost:0.01") == 1

        # And it may go on: its next claim brings it back, by its lease from now on.
        await batches.resume(db, batch_id)
        await work.take_up_batches(db, is_rehearsal=False)
        again = await claimed(db, worker_id)
        assert again.fence == item.fence + 2
        assert await batches.recover(db) == 0
        assert await stored(db, again, await started(db, again, worker_id))


async def test_a_lease_that_ran_out_ends_a_worker_too(db: Database) -> None:
    batch_id = await queued(db, 2)
    async with work.registered(db) as worker_id:
        item = await claimed(db, worker_id)
        await started(db, item, worker_id)
        await end_lease(db, worker_id)
        assert await batches.recover(db) == 1
        assert await batches.recover(db) == 0
        assert (await batches.progress(db, batch_id)).state == "interrupted"
        assert not await work.release(db, item, "failed")


async def test_a_new_worker_takes_over_what_a_dead_one_left(db: Database, conninfo: Conninfo) -> None:
    batch_id = await queued(db, 2)
    async with logged_in(conninfo("arthur")) as other, work.registered(other) as dead:
        item = await claimed(other, dead)
        await started(other, item, dead)
        await end_lease(db, dead)
        async with work.registered(db) as worker_id:
            assert (await batches.progress(db, batch_id)).state == "running"
            taken = await work.claim(db, worker_id, 5, is_rehearsal=False)
            assert item.id in {each.id for each in taken} and len(taken) == 2


async def test_an_estimate_that_is_no_number_does_not_keep_lost_work_from_being_found(db: Database) -> None:
    await queued(db)
    for estimate in (None, "cheap", "1e99999", "-3"):
        async with work.registered(db) as worker_id:
            await started(db, None, worker_id, parameters={"estimated_cost_usd": estimate})
    calls = await newest_calls(db)
    assert [(call.state, call.cost_usd) for call in calls] == [("unknown", None)] * 4


async def test_reviewers_find_lost_work_too(db: Database, reviewer_db: Database) -> None:
    await queued(db)
    async with work.registered(db) as worker_id:
        await claimed(db, worker_id)
        await end_lease(db, worker_id)
        assert await batches.recover(reviewer_db) == 1


async def test_a_worker_outlives_a_database_that_is_away_for_a_moment(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "LEASE_SECONDS", 0.15)
    calls = 0
    real = work.recover

    async def failing(handle: Database) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise TraintuiError("Database not reached", "it is away.", "Wait.")
        return await real(handle)

    monkeypatch.setattr(work, "recover", failing)

    async def renewed() -> bool:
        return calls >= 4

    async with work.registered(db):
        await eventually(renewed)


# Batches ----------------------------------------------------------------------------------------------------------


async def test_a_batch_runs_and_finishes(db: Database) -> None:
    batch_id = await queued(db, 2)
    async with work.registered(db) as worker_id:
        for _ in range(2):
            await work.finish_batches(db)
            assert (await batches.progress(db, batch_id)).state == "running"
            item = await claimed(db, worker_id)
            assert await stored(db, item, await started(db, item, worker_id))
        await work.finish_batches(db)
        progress = await batches.progress(db, batch_id)
        assert (progress.state, progress.done, progress.queued, progress.calls) == ("finished", 2, 0, 2)
        assert progress.started_at is not None and progress.finished_at is not None
        assert (progress.input_tokens, progress.output_tokens, progress.cost_usd) == (20, 40, Decimal("0.02"))
    assert await work.open_batches(db, is_rehearsal=False) == 0
    assert (await batches.progress(db, batch_id)).state == "finished"
    assert await batches.newest_id(db) == batch_id
    assert [batch.id for batch in await batches.recent(db)] == [batch_id]


async def test_tokens_are_counted_where_some_kinds_are_not_known(db: Database) -> None:
    batch_id = await queued(db)
    async with work.registered(db) as worker_id:
        item = await claimed(db, worker_id)
        outcome = Outcome("ok", input_tokens=10, output_tokens=5)
        assert await stored(db, item, await started(db, item, worker_id), outcome=outcome)
    progress = await batches.progress(db, batch_id)
    assert (progress.input_tokens, progress.output_tokens, progress.unpriced_calls) == (10, 5, 1)


async def test_a_paused_batch_is_not_claimed_and_what_is_under_way_finishes(db: Database) -> None:
    batch_id = await queued(db, 2)
    async with work.registered(db) as worker_id:
        item = await claimed(db, worker_id)
        begun = await started(db, item, worker_id)
        await batches.hold(db, batch_id, "Budget")
        assert await work.claim(db, worker_id, 1, is_rehearsal=False) == ()
        with pytest.raises(Refused) as refused:
            await started(db, item, worker_id)
        assert refused.value.code == "TT012"
        assert await stored(db, item, begun)
        progress = await batches.progress(db, batch_id)
        assert (progress.state, progress.state_reason, progress.done) == ("paused", "Budget", 1)
        with pytest.raises(Refused):
            await batches.pause(db, batch_id)
        await batches.resume(db, batch_id)
        assert (await batches.progress(db, batch_id)).state == "queued"
        await work.take_up_batches(db, is_rehearsal=False)
        assert len(await work.claim(db, worker_id, 1, is_rehearsal=False)) == 1


async def test_a_cancelled_batch_stays_cancelled(db: Database) -> None:
    batch_id = await queued(db, 2)
    async with work.registered(db) as worker_id:
        await claimed(db, worker_id)
        await batches.cancel(db, batch_id)
        assert await work.claim(db, worker_id, 1, is_rehearsal=False) == ()
        for change in (batches.pause, batches.resume, batches.cancel):
            with pytest.raises(Refused) as refused:
                await change(db, batch_id)
            assert refused.value.code == "TT003"
    assert (await batches.progress(db, batch_id)).state == "cancelled"


async def test_a_plan_is_stored_whole_or_not_at_all(db: Database, reviewer_db: Database) -> None:
    await add_vocabulary(db)
    with pytest.raises(Refused):
        await planned(reviewer_db)
    batch_id = await planned(db, 2_500)
    assert (await batches.progress(db, batch_id)).queued == 2_500 == await conversations.count(db, "status:planned")
    setup = await batches.setup(db, batch_id)
    assert (setup.definition, setup.is_rehearsal) == ({"name": "A batch"}, False)


async def test_what_is_being_written_is_shown_until_it_is_stored(db: Database) -> None:
    batch_id = await queued(db, 2)
    async with work.registered(db) as worker_id:
        first, second = await work.claim(db, worker_id, 2, is_rehearsal=False)
        await work.write_stream(db, second, "B")
        await work.write_stream(db, first, "A")
        await work.write_stream(db, first, "A longer\x00")
        shown = await batches.streams(db, batch_id)
        assert [view.content for view in shown] == ["A longer\N{REPLACEMENT CHARACTER}", "B"]
        assert await stored(db, first, await started(db, first, worker_id))
        await work.release(db, second, "queued")
        await work.write_stream(db, second, "Too late")
        assert await batches.streams(db, batch_id) == ()
        assert await fetch(db, "SELECT FROM generation_streams") == []


async def test_generated_conversations_are_marked_with_model_and_rehearsal(db: Database) -> None:
    await add_vocabulary(db)
    (one,) = await generated(db, is_rehearsal=True)
    read = await conversations.read(db, one)
    assert (read.row.is_rehearsal, read.row.is_seed, read.model) == (True, False, "claude-haiku-5-5")


async def test_what_failed_without_a_reason_is_tried_again_by_that_and_nothing_else_is(db: Database) -> None:
    batch_id = await queued(db, 2)
    async with work.registered(db) as worker_id:
        items = await work.claim(db, worker_id, 2, is_rehearsal=False)
        for error, item in zip((None, "It declined."), items, strict=True):
            await work.release(db, item, "failed", error=error)
    assert dict(await batches.failures(db, batch_id)) == {"": 1, "It declined.": 1}
    assert await batches.retry(db, batch_id, reason="") == 1
    assert dict(await batches.failures(db, batch_id)) == {"It declined.": 1}
    assert await batches.retry(db, batch_id) == 1
