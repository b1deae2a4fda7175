"""Submissions in the database: committed before they leave, one worker's at a time, each result stored once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from support import ANSWERED, MODEL, Conninfo, Wanted, add_vocabulary, fetch, logged_in, scalar
from traintui.data import attempts, batches, submissions, templates, work
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.data.submissions import Submission, SubmissionRequest

ENDPOINT = "api.example.org"
TURNS = (("user", "What does it cost?"), ("assistant", "Twelve a month."))


async def queued(db: Database, number: int = 2, **given: Any) -> int:
    """A running batch whose plan wants it submitted; its id."""
    await add_vocabulary(db)
    template = await templates.store(db, "conversation", system="You write.", user_prompt="About {{ topic }}.")
    values: dict[str, Any] = {"definition": {"mode": "batches"}, "is_rehearsal": False} | given
    batch_id = await batches.create(
        db, [Wanted() for _ in range(number)], name="A batch", template_id=template.id, model=MODEL, **values
    )
    await work.take_up_batches(db, is_rehearsal=False)
    return batch_id


async def started(db: Database, worker_id: int, *, estimate: str = "0.25", key: str = "tt1") -> Submission:
    items = await submissions.claim_items(db, worker_id, 10, is_rehearsal=False)
    requests = [
        SubmissionRequest(item, MODEL, {"prompt": "Write."}, {"estimated_cost_usd": estimate}, {}) for item in items
    ]
    submission, _, _ = await submissions.start(
        db, worker_id, key, requests, endpoint=ENDPOINT, is_rehearsal=False, parameters={}
    )
    return submission


def scored(_: object) -> tuple[Decimal, list[Any]]:
    return Decimal("7.5"), []


async def store(db: Database, submission: Submission, item_id: int) -> bool:
    member = (await submissions.members(db, submission))[item_id]
    return await submissions.store(
        db, submission, member, TURNS, signature=bytes(240), scoring=scored,
        finish=attempts.finishing(member.attempt, ANSWERED),
    )  # fmt: skip


async def ended(db: Database, worker_id: int) -> None:
    async with db.write() as connection:
        await connection.execute(text("SELECT retire_worker(:id)"), {"id": worker_id})


async def test_items_are_claimed_only_in_the_way_that_their_plan_says(db: Database) -> None:
    await queued(db)
    async with work.registered(db) as worker_id:
        assert await work.claim(db, worker_id, 10, is_rehearsal=False) == ()
        assert await submissions.claim_items(db, worker_id, 10, is_rehearsal=True) == ()
        items = await submissions.claim_items(db, worker_id, 10, is_rehearsal=False)
        assert len(items) == 2 and all(item.topic == "overdraft_fees" for item in items)


async def test_a_batch_takes_its_mode_from_its_plan_and_keeps_it(db: Database) -> None:
    submitted = await queued(db)
    called = await batches.create(
        db, [Wanted()], name="Calls", definition={}, template_id=1, model=MODEL, is_rehearsal=False
    )
    modes = dict([tuple(row) for row in await fetch(db, "SELECT id, mode FROM batches")])
    assert modes == {submitted: "batches", called: "calls"}
    with pytest.raises(IntegrityError, match="ck_batches_mode"):
        await batches.create(
            db, [Wanted()], name="?", definition={"mode": "post"}, template_id=1, model=MODEL, is_rehearsal=False
        )


async def test_the_death_of_a_worker_leaves_what_is_out_where_it_is(db: Database) -> None:
    await queued(db)
    async with work.registered(db) as worker_id:
        await started(db, worker_id)
        await ended(db, worker_id)
        assert await fetch(db, "SELECT state, worker_id FROM generation_items") == [("running", None)] * 2
        assert await scalar(db, "SELECT count(*) FROM generation_logs WHERE state = 'sending'") == 2
        assert await scalar(db, "SELECT state FROM generation_logs WHERE kind = 'batch_submit'") == "unknown"


async def test_a_worker_that_did_not_hear_of_its_submission_cannot_take_it_back(db: Database) -> None:
    await queued(db)
    async with work.registered(db) as worker_id:
        items = await submissions.claim_items(db, worker_id, 10, is_rehearsal=False)
        requests = [SubmissionRequest(item, MODEL, {}, {"estimated_cost_usd": "0.25"}, {}) for item in items]
        submission, _, _ = await submissions.start(
            db, worker_id, "tt1", requests, endpoint=ENDPOINT, is_rehearsal=False, parameters={}
        )
        assert not any([await work.release(db, item, "queued") for item in items])
        assert await submissions.seconds_since_start(db, submission) is not None
        again = await submissions.claim(db, worker_id, endpoint=ENDPOINT, is_rehearsal=False)
        assert again is not None and again.id == submission.id
        assert await submissions.seconds_since_start(db, submission) is None


async def test_a_living_worker_keeps_its_submission_and_a_dead_ones_goes_to_the_next(
    db: Database, conninfo: Conninfo
) -> None:
    await queued(db)
    async with logged_in(conninfo("arthur")) as other, work.registered(db) as first, work.registered(other) as second:
        before = await started(db, first)
        assert await submissions.claim(other, second, endpoint=ENDPOINT, is_rehearsal=False) is None
        await ended(db, first)
        after = await submissions.claim(other, second, endpoint=ENDPOINT, is_rehearsal=False)
        assert after is not None and (after.id, after.state) == (before.id, "submitting")
        assert after.fence == before.fence + 1
        for late in (
            submissions.note(db, before, provider_id="msgbatch_1", delay=0.0),
            submissions.close(db, before, "refused"),
        ):
            with pytest.raises(Refused) as refused:
                await late
            assert refused.value.code == "TT011"
        item_id = next(iter(await submissions.members(db, before)))
        with pytest.raises(Refused, match="another worker"):
            await store(db, before, item_id)
        assert await store(other, after, item_id)


async def test_a_submission_of_another_provider_is_left_alone(db: Database) -> None:
    await queued(db)
    async with work.registered(db) as worker_id:
        submission = await started(db, worker_id)
        await submissions.note(db, submission, provider_id="msgbatch_1", state="in_progress", delay=0.0)
        assert await submissions.claim(db, worker_id, endpoint="another.example.org", is_rehearsal=False) is None
        assert await submissions.claim(db, worker_id, endpoint=ENDPOINT, is_rehearsal=False) is not None


async def test_a_result_is_stored_once_with_its_cost(db: Database) -> None:
    await queued(db)
    async with work.registered(db) as worker_id:
        submission = await started(db, worker_id)
        (first, member), (second, _) = (await submissions.members(db, submission)).items()
        finish = attempts.finishing(member.attempt, ANSWERED)
        for expected in (True, False):
            stored = await submissions.store(
                db, submission, member, TURNS, signature=bytes(240), scoring=scored, finish=finish
            )
            assert stored is expected
        assert not await submissions.release(
            db, submission, member, "failed", failure="lost", error="Too late.", delay=0, counts=True, finish=finish
        )
        assert list(await submissions.members(db, submission)) == [second]
        states = await fetch(db, "SELECT id, state FROM generation_items ORDER BY id")
        assert [tuple(row) for row in states] == [(first, "done"), (second, "running")]
        assert await scalar(db, "SELECT sum(cost_usd) FROM generation_logs WHERE state = 'ok'") == Decimal("0.01")


async def test_an_import_is_not_over_before_each_request_has_its_result(db: Database) -> None:
    batch_id = await queued(db)
    async with work.registered(db) as worker_id:
        submission = await started(db, worker_id)
        first, second = await submissions.members(db, submission)
        assert await store(db, submission, first)
        with pytest.raises(Refused, match="without a result"):
            await submissions.close(db, submission, "imported")
        assert await store(db, submission, second)
        await submissions.close(db, submission, "imported")
        assert (await batches.progress(db, batch_id)).state == "finished"


async def test_what_was_never_submitted_goes_back_without_cost_and_without_an_attempt(db: Database) -> None:
    await queued(db)
    async with work.registered(db) as worker_id:
        submission = await started(db, worker_id)
        await submissions.close(db, submission, "refused", error="The provider said no.")
        rows = await fetch(db, "SELECT state, attempts, last_error FROM generation_items")
        assert [tuple(row) for row in rows] == [("queued", 0, "The provider said no.")] * 2
        rows = await fetch(db, "SELECT state, cost_usd FROM generation_logs WHERE kind = 'batch_item'")
        assert [tuple(row) for row in rows] == [("error", Decimal(0))] * 2
        assert await scalar(db, "SELECT DISTINCT status FROM conversations") == "planned"
        again = await submissions.claim_items(db, worker_id, 10, is_rehearsal=False)
        assert len(again) == 2


async def test_the_budget_lets_in_as_many_requests_as_it_has_room_for(db: Database) -> None:
    await queued(db, 5, budget_usd=Decimal("0.60"))
    async with work.registered(db) as worker_id:
        submission = await started(db, worker_id)
        assert submission.requests == len(await submissions.members(db, submission)) == 2
        await ended(db, worker_id)  # what there was no room for is in the queue again
        with pytest.raises(Refused) as refused:
            await started(db, worker_id, key="tt2")
        assert refused.value.code == "TT013"
        assert await scalar(db, "SELECT count(*) FROM batch_submissions") == 1


async def test_one_batch_of_the_provider_belongs_to_one_submission(db: Database) -> None:
    await queued(db)
    await queued(db)
    async with work.registered(db) as worker_id:
        first, second = await started(db, worker_id), await started(db, worker_id, key="tt2")
        await submissions.note(db, first, provider_id="msgbatch_1")
        with pytest.raises(Exception, match="uq_batch_submissions_provider_id"):
            await submissions.note(db, second, provider_id="msgbatch_1")
        assert await submissions.known(db, ["msgbatch_1", "msgbatch_2"]) == {"msgbatch_1"}


async def test_a_pause_has_what_is_out_looked_at_at_once(db: Database) -> None:
    batch_id = await queued(db)
    async with work.registered(db) as worker_id:
        submission = await started(db, worker_id)
        await submissions.note(db, submission, provider_id="msgbatch_1", state="in_progress", delay=3600.0)
        assert await submissions.claim(db, worker_id, endpoint=ENDPOINT, is_rehearsal=False) is None
        await batches.pause(db, batch_id)
        assert await scalar(db, "SELECT state_reason FROM batches") == "Paused by ada."
        seen = await submissions.claim(db, worker_id, endpoint=ENDPOINT, is_rehearsal=False)
        assert seen is not None and seen.unwanted and not seen.cancelling


async def test_a_pause_for_a_reason_lets_what_is_out_go_on(db: Database) -> None:
    batch_id = await queued(db)
    async with work.registered(db) as worker_id:
        submission = await started(db, worker_id)
        await submissions.note(db, submission, provider_id="msgbatch_1", state="in_progress", delay=0.0)
        await batches.hold(db, batch_id, "The key is refused.")
        seen = await submissions.claim(db, worker_id, endpoint=ENDPOINT, is_rehearsal=False)
        assert seen is not None and not seen.unwanted


async def test_a_reviewer_sees_submissions_and_makes_none(db: Database, reviewer_db: Database) -> None:
    await queued(db)
    async with work.registered(db) as worker_id:
        submission = await started(db, worker_id)
        assert await scalar(reviewer_db, "SELECT count(*) FROM batch_submission_items") == 2
        for forbidden in (
            submissions.close(reviewer_db, submission, "refused"),
            submissions.claim_items(reviewer_db, worker_id, 1, is_rehearsal=False),
            submissions.note(reviewer_db, submission, delay=0.0),
        ):
            with pytest.raises(Refused, match="Permission denied"):
                await forbidden
