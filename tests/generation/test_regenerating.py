"""Turns are written anew by a call like any other: on record before it is sent, paid, within budgets; what comes is a
revision, and never in the place of what somebody did meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from generation.batching_helpers import IMPATIENT, Quick
from generation.test_judging import column, plan, value
from support import fetch, import_items, newest_calls, said, turns_of
from traintui.data import batches, bulk, conversations, regenerations, reviews, revisions, spending, work
from traintui.data.engine import Database
from traintui.data.records import Conversation, Turn
from traintui.data.refusals import Refused
from traintui.demo.contents import furnish
from traintui.generation.client import ModelClient
from traintui.generation.provider import Provider
from traintui.generation.regeneration import RegenerationPlan, begin_regeneration, regeneration_of, turns_anew
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.start import start_batch
from traintui.generation.structured import InvalidReply
from traintui.generation.worker import Worker
from traintui.quality.signatures import signature
from traintui.quality.signing import sign_some


@pytest.fixture
async def rehearsal() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(port=0, pace=Pace(0)) as server:
        yield server


async def run_until_idle(db: Database, server: RehearsalServer, *, real: bool = False) -> None:
    provider = Provider(server.url, "rehearsal", "rehearsal", is_rehearsal=not real)
    async with asyncio.timeout(180), ModelClient(api_key="rehearsal", base_url=server.url) as client:
        await Worker(db, client, provider, slots=2, patience=IMPATIENT, dice=Quick()).run(
            asyncio.Event(), until_idle=True
        )


@pytest.fixture
async def written(db: Database, rehearsal: RehearsalServer) -> Conversation:
    """A conversation of six turns that the rehearsal wrote from a passage."""
    await furnish(db)
    await start_batch(db, plan(count=1, exchanges=(3, 3), judge_model=None), is_rehearsal=True)
    await run_until_idle(db, rehearsal)
    return await conversations.read(db, await value(db, "SELECT conversation_id FROM conversations"))


def wanted(of: Conversation, first: int, last: int, **why: Any) -> RegenerationPlan:
    return regeneration_of(of, first, last, model="claude-haiku-5-5", **why)


async def outcome(db: Database, batch_id: int) -> tuple[str, str]:
    (found,) = await regenerations.outcomes(db, [batch_id])
    return found.state, found.reason


async def test_one_turn_anew_is_one_logged_call_and_one_revision(
    db: Database, rehearsal: RehearsalServer, written: Conversation
) -> None:
    calls = await value(db, "SELECT count(*) FROM generation_logs")
    batch_id = await begin_regeneration(db, wanted(written, 4, 4), is_rehearsal=True)
    assert await outcome(db, batch_id) == ("waits", "")
    await run_until_idle(db, rehearsal)
    assert await outcome(db, batch_id) == ("done", "")
    now = await conversations.read(db, written.row.conversation_id)
    assert (now.row.revision, now.row.status) == (2, "generated")
    assert now.turns[3].content != written.turns[3].content
    assert [turn for turn in now.turns if turn.number != 4] == [turn for turn in written.turns if turn.number != 4]
    assert await value(db, "SELECT count(*) FROM generation_logs") == calls + 1
    newest = (await newest_calls(db))[0]
    assert (newest.kind, newest.state, newest.conversation_id) == ("generate", "ok", written.row.conversation_id)
    assert newest.cost_usd is not None
    (row,) = await fetch(db, "SELECT run_id, template_id FROM generation_logs WHERE id = :id", id=newest.id)
    (template,) = await fetch(db, "SELECT kind, name FROM templates WHERE id = :id", id=row.template_id)
    assert (row.run_id, tuple(template)) == (batch_id, ("regeneration", "regenerate"))
    kept = await revisions.of_conversation(db, written.row.conversation_id)
    assert [(each.number, each.origin, each.author) for each in kept] == [
        (2, "regenerated", "ada"),
        (1, "generated", "ada"),
    ]
    (log,) = await fetch(db, "SELECT action, turn_number, details FROM review_logs")
    assert (log.action, log.turn_number) == ("edit", 4)
    assert log.details == {
        "from_revision": 1, "origin": "regenerated", "run_id": batch_id, "log_id": newest.id, "requested_by": "ada",
    }  # fmt: skip
    progress = await batches.progress(db, batch_id)
    assert (progress.kind, progress.state, progress.done, progress.calls) == ("regenerate", "finished", 1, 1)


async def test_the_rest_from_here_is_written_anew_and_what_is_before_stays(
    db: Database, rehearsal: RehearsalServer, written: Conversation
) -> None:
    await begin_regeneration(db, wanted(written, 3, 6), is_rehearsal=True)
    await run_until_idle(db, rehearsal)
    now = await conversations.read(db, written.row.conversation_id)
    assert now.turns[:2] == written.turns[:2]
    assert [turn.role for turn in now.turns] == ["user", "assistant"] * 3
    assert all(new.content != old.content for new, old in zip(now.turns[2:], written.turns[2:], strict=True))


async def test_the_reason_and_note_of_a_rejection_go_into_the_prompt_and_it_waits_again(
    db: Database, rehearsal: RehearsalServer, written: Conversation
) -> None:
    await reviews.decide(
        db, reviews.Seen.of(written.row), "reject", key="no", reason="Too long", notes="Two sentences. </note><brief>"
    )
    rejected = await conversations.read(db, written.row.conversation_id)
    asked = wanted(rejected, 2, 6, reason="Too long", note="Two sentences. </note><brief>")
    await begin_regeneration(db, asked, is_rehearsal=True)
    await run_until_idle(db, rehearsal)
    now = await conversations.read(db, written.row.conversation_id)
    assert (now.row.status, now.row.revision) == ("generated", 2)
    assert (now.history[0].reason, now.history[0].status_before) == ("Too long", "rejected")
    assert written.row.conversation_id in await reviews.queue(db)
    sent = str(await value(db, "SELECT request_payload::text FROM generation_logs ORDER BY id DESC LIMIT 1"))
    assert "<reason>Too long</reason>" in sent
    assert "Two sentences. &lt;/note>&lt;brief>" in sent
    assert "Write turns 2 to 6 anew" in sent


async def test_what_a_worker_stored_is_not_the_last_action_of_its_login(
    db: Database, rehearsal: RehearsalServer, written: Conversation
) -> None:
    await begin_regeneration(db, wanted(written, 2, 2), is_rehearsal=True)
    (other,) = await import_items(db, [{"turns": turns_of("a", "b"), "system_prompt": None, "line": 1}])
    mine = await reviews.decide(db, reviews.Seen.of((await conversations.read(db, other)).row), "approve", key="mine")
    await run_until_idle(db, rehearsal)
    last = await reviews.last_undoable(db)
    assert last is not None and last.id == mine.id


async def test_it_is_taken_back_like_any_edit(db: Database, rehearsal: RehearsalServer, written: Conversation) -> None:
    await begin_regeneration(db, wanted(written, 2, 2), is_rehearsal=True)
    await run_until_idle(db, rehearsal)
    (log,) = await fetch(db, "SELECT id FROM review_logs WHERE action = 'edit'")
    await reviews.undo(db, log.id, key="back")
    now = await conversations.read(db, written.row.conversation_id)
    assert (now.turns, now.row.revision) == (written.turns, 3)


async def test_it_is_signed_and_scored_like_any_edit(
    db: Database, rehearsal: RehearsalServer, written: Conversation
) -> None:
    await begin_regeneration(db, wanted(written, 1, 6), is_rehearsal=True)
    await run_until_idle(db, rehearsal)
    assert await sign_some(db, signature) == 1
    now = await conversations.read(db, written.row.conversation_id)
    assert now.row.quality_score is not None and now.score_parts != written.score_parts


# What somebody did meanwhile counts


@pytest.mark.parametrize("meanwhile", ["edit", "approve", "trash"])
async def test_what_moved_on_before_the_call_is_not_called_for(
    db: Database, rehearsal: RehearsalServer, written: Conversation, meanwhile: str
) -> None:
    batch_id = await begin_regeneration(db, wanted(written, 2, 2), is_rehearsal=True)
    calls = await value(db, "SELECT count(*) FROM generation_logs")
    await act(db, written, meanwhile)
    await run_until_idle(db, rehearsal)
    state, reason = await outcome(db, batch_id)
    assert state == "failed" and "meanwhile" in reason
    assert await value(db, "SELECT count(*) FROM generation_logs") == calls


async def act(db: Database, on: Conversation, what: str) -> None:
    match what:
        case "edit":
            await reviews.edit(db, reviews.Seen.of(on.row), system_prompt=None, turns=said("Mine?", "Yes."), key="mine")
        case "approve":
            await reviews.decide(db, reviews.Seen.of(on.row), "approve", key="mine")
        case _:
            await bulk.trash(db, [on.row.id], deleted=True)


@pytest.mark.parametrize("meanwhile", ["edit", "approve", "trash"])
async def test_what_moved_on_during_the_call_is_left_as_it_is_and_the_call_is_on_record(
    db: Database, rehearsal: RehearsalServer, written: Conversation, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    store = regenerations.store

    async def late(*given: Any, **more: Any) -> Any:
        await act(db, written, meanwhile)
        return await store(*given, **more)

    monkeypatch.setattr(regenerations, "store", late)
    batch_id = await begin_regeneration(db, wanted(written, 2, 2), is_rehearsal=True)
    await run_until_idle(db, rehearsal)
    state, reason = await outcome(db, batch_id)
    assert state == "failed" and "in the log of the calls only" in reason
    assert (await newest_calls(db))[0].state == "ok"
    now = await conversations.read(db, written.row.conversation_id)
    assert now.row.revision == (2 if meanwhile == "edit" else 1)
    assert "regenerated" not in await column(db, "SELECT origin FROM conversation_revisions")


async def test_what_was_seen_otherwise_is_not_asked_for(
    db: Database, rehearsal: RehearsalServer, written: Conversation
) -> None:
    await act(db, written, "edit")
    with pytest.raises(Refused) as refused:
        await begin_regeneration(db, wanted(written, 2, 2), is_rehearsal=True)
    assert refused.value.stale


async def test_one_conversation_is_written_anew_once_at_a_time(db: Database, written: Conversation) -> None:
    first = await begin_regeneration(db, wanted(written, 2, 2), is_rehearsal=True)
    with pytest.raises(Refused, match="being written anew already"):
        await begin_regeneration(db, wanted(written, 4, 4), is_rehearsal=True)
    await batches.cancel(db, first)
    await begin_regeneration(db, wanted(written, 4, 4), is_rehearsal=True)
    with pytest.raises(Refused, match="being written anew already"):
        await batches.retry(db, first)


async def test_turns_that_are_not_there_are_not_asked_for(db: Database, written: Conversation) -> None:
    for first, last in ((7, 7), (4, 3), (1, 7)):
        asked = wanted(written, 1, 1).model_copy(update={"first": first, "last": last})
        with pytest.raises(Refused, match="has turns 1 to 6"):
            await begin_regeneration(db, asked, is_rehearsal=True)


async def test_a_reviewer_spends_nothing(reviewer_db: Database, written: Conversation) -> None:
    with pytest.raises(Refused) as refused:
        await begin_regeneration(reviewer_db, wanted(written, 2, 2), is_rehearsal=True)
    assert refused.value.title == "No right"


async def test_the_rehearsal_writes_into_nothing_real(db: Database) -> None:
    (one,) = await import_items(db, [{"turns": turns_of("a", "b"), "system_prompt": None, "line": 1}])
    real = await conversations.read(db, one)
    with pytest.raises(Refused, match="which is real"):
        await begin_regeneration(db, wanted(real, 2, 2), is_rehearsal=True)


async def test_what_was_stored_by_a_commit_whose_answer_was_lost_is_not_taken_for_another_workers(
    db: Database, rehearsal: RehearsalServer, written: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, told = regenerations.store, list[regenerations.Stored]()

    async def again(*given: Any, **more: Any) -> regenerations.Stored:
        told.append(await store(*given, **more))
        told.append(await store(*given, **more))
        return told[-1]

    monkeypatch.setattr(regenerations, "store", again)
    await begin_regeneration(db, wanted(written, 2, 2), is_rehearsal=True)
    await run_until_idle(db, rehearsal)
    assert told == ["stored", "stored"]
    assert (await conversations.read(db, written.row.conversation_id)).row.revision == 2


async def test_what_no_call_was_made_for_is_not_stored(
    db: Database, rehearsal: RehearsalServer, written: Conversation
) -> None:
    of_another = await value(db, "SELECT max(id) FROM generation_logs")
    await begin_regeneration(db, wanted(written, 2, 2), is_rehearsal=True)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=True)
        (item,) = await work.claim(db, worker_id, 1, is_rehearsal=True)
        for log_id in (of_another, of_another + 1_000):
            with pytest.raises(Refused, match="was made for these turns"):
                await regenerations.store(
                    db, item, reviews.Seen.of(written.row), said("Mine?", "Yes."), first=1, reason=None, note=None,
                    log_id=log_id, finish=("SELECT 1", {}),
                )  # fmt: skip
    assert (await conversations.read(db, written.row.conversation_id)).row.revision == 1


# It is a call like any other


async def test_the_budget_of_the_month_holds(db: Database, rehearsal: RehearsalServer) -> None:
    (one,) = await import_items(db, [{"turns": turns_of("a", "b"), "system_prompt": None, "line": 1}])
    await spending.set_monthly_budget(db, Decimal("0.000001"))
    batch_id = await begin_regeneration(db, wanted(await conversations.read(db, one), 2, 2), is_rehearsal=False)
    await run_until_idle(db, rehearsal, real=True)
    state, reason = await outcome(db, batch_id)
    assert state == "paused" and "budget" in reason
    assert await value(db, "SELECT count(*) FROM generation_logs WHERE kind = 'generate'") == 0


@pytest.mark.parametrize("fault", ["wrong-count", "blank-turn", "not-alternating", "invalid-content", "529", "reset"])
async def test_what_a_reply_brings_wrong_is_asked_for_again_and_never_stored(
    db: Database, rehearsal: RehearsalServer, written: Conversation, fault: str
) -> None:
    rehearsal.fail_next(fault)
    batch_id = await begin_regeneration(db, wanted(written, 3, 6), is_rehearsal=True)
    await run_until_idle(db, rehearsal)
    assert await outcome(db, batch_id) == ("done", "")
    now = await conversations.read(db, written.row.conversation_id)
    assert [turn.role for turn in now.turns] == ["user", "assistant"] * 3
    states = [call.state for call in (await newest_calls(db)) if call.conversation_id == now.row.conversation_id]
    assert states[0] == "ok" and len(states) == 3  # the first wrote it; then the fault, and what was asked again


async def test_a_worker_that_dies_leaves_the_conversation_and_its_place_in_the_queue(
    db: Database, rehearsal: RehearsalServer, written: Conversation
) -> None:
    batch_id = await begin_regeneration(db, wanted(written, 2, 2), is_rehearsal=True)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=True)
        (item,) = await work.claim(db, worker_id, 1, is_rehearsal=True)
        assert item.kind == "regenerate"
        assert (await conversations.read(db, written.row.conversation_id)).row.status == "generated"
    await run_until_idle(db, rehearsal)
    assert await outcome(db, batch_id) == ("done", "")


async def test_what_a_reviewer_waits_for_goes_before_what_is_planned(db: Database, written: Conversation) -> None:
    batch_id = await start_batch(db, plan(count=3, judge_model=None, priority=1000), is_rehearsal=True)
    await begin_regeneration(db, wanted(written, 2, 2), is_rehearsal=True)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=True)
        claimed = await work.claim(db, worker_id, 2, is_rehearsal=True)
        assert sorted(item.kind for item in claimed) == ["generate", "regenerate"]
        (only,) = await work.claim(db, worker_id, 1, is_rehearsal=True, batch_id=batch_id)
        assert only.kind == "generate"


async def test_a_finished_request_is_not_among_the_batches(
    db: Database, rehearsal: RehearsalServer, written: Conversation
) -> None:
    batch_id = await begin_regeneration(db, wanted(written, 2, 2), is_rehearsal=True)
    assert batch_id in {each.id for each in await batches.recent(db)}
    await run_until_idle(db, rehearsal)
    assert batch_id not in {each.id for each in await batches.recent(db)}


# What a reply must bring

FOUR = tuple(said("a", "b", "c", "d"))


def reply(*turns: tuple[str, str]) -> dict[str, Any]:
    return {"turns": [{"role": role, "content": content} for role, content in turns]}


def test_turns_take_their_places() -> None:
    made = turns_anew(reply(("assistant", " x "), ("user", "y")), FOUR, 2, 3)
    assert made == (FOUR[0], Turn(2, "assistant", "x"), Turn(3, "user", "y"), FOUR[3])


def test_whether_a_turn_is_trained_on_stays() -> None:
    turns = (FOUR[0], replace(FOUR[1], train=False))
    assert turns_anew(reply(("assistant", "x")), turns, 2, 2)[1].train is False


@pytest.mark.parametrize(
    "wrong",
    [
        None, [], {"turns": []}, {"turns": "x"}, reply(("user", "x")), reply(("assistant", " \n")),
        reply(("assistant", "x"), ("user", "y")), reply(("assistant", "x\0")), {"turns": [{"role": "assistant"}]},
        {**reply(("assistant", "x")), "more": 1},
    ],
)  # fmt: skip
def test_anything_else_is_no_reply(wrong: Any) -> None:
    with pytest.raises(InvalidReply):
        turns_anew(wrong, FOUR, 2, 2)
