"""Several decide without seeing each other: the status waits, agreement settles, a disagreement goes to one more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import psycopg
import pytest
from sqlalchemy import select

from support import Conninfo, fetch, imported, logged_in, said, scalar, seen, sqlstate, status
from traintui.data import bulk, conversations, review_queues, reviews, second_review
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.filters import Filter, parse
from traintui.data.finding import find
from traintui.data.listing import NEWEST
from traintui.data.live import Live
from traintui.data.models import Conversation
from traintui.data.queue_orders import LOWEST, QueueOrders
from traintui.data.refusals import Refused
from traintui.data.review_queues import waiting
from traintui.data.reviews import new_key
from traintui.data.second_review import Released, SecondReview, Standing


@pytest.fixture
async def ron_db(conninfo: Conninfo) -> AsyncIterator[Database]:
    """The workspace as a second reviewer, ron."""
    async with logged_in(conninfo("ron")) as database:
        yield database


@pytest.fixture
async def twice(db: Database) -> str:
    """A conversation that gets two decisions."""
    await second_review.ask(db, SecondReview(2, 1.0))
    return (await imported(db))[0]


async def decide(db: Database, one: str, action: reviews.Action, **given: str) -> str | None:
    entry = await reviews.decide(db, await seen(db, one), action, key=new_key(), **given)  # type: ignore[arg-type]
    return entry.status_after


async def waits(db: Database) -> tuple[int, int]:
    """How many wait for another decision, and how many for one on a disagreement."""
    standing = await second_review.standing(db)
    return standing.open, standing.disputed


async def acts(db: Database, one: str) -> list[tuple[str, str]]:
    """What somebody sees of what was done to a conversation, oldest first."""
    return [(e.action, e.reviewer_id) for e in reversed((await conversations.read(db, one)).history)][1:]


async def test_two_that_agree_settle_it_and_neither_saw_the_other(
    db: Database, reviewer_db: Database, ron_db: Database, twice: str
) -> None:
    before = await seen(ron_db, twice)
    assert await decide(reviewer_db, twice, "approve") == "generated"
    assert await status(db, twice) == "generated" and await seen(ron_db, twice) == before
    for other in (ron_db, db):
        assert await acts(other, twice) == []
    assert await acts(reviewer_db, twice) == [("approve", "rita")]
    assert await decide(ron_db, twice, "approve") == "approved"
    for person in (ron_db, db, reviewer_db):
        assert await acts(person, twice) == [("approve", "rita"), ("approve", "ron")]


async def test_two_that_disagree_leave_it_to_a_third(
    db: Database, reviewer_db: Database, ron_db: Database, twice: str
) -> None:
    await decide(reviewer_db, twice, "approve")
    assert await decide(ron_db, twice, "reject", reason="Tone") == "generated"
    assert await waits(db) == (0, 1)
    assert await acts(db, twice) == []
    assert await reviews.queue(db) == () and await second_review.disputes(db) == (twice,)
    assert await second_review.disputes(reviewer_db) == () == await second_review.disputes(ron_db)
    assert await decide(db, twice, "reject", reason="Tone") == "rejected"
    assert len(await acts(ron_db, twice)) == 3 and await waits(db) == (0, 0)
    found = await second_review.independent(db)
    assert [(each.reviewer_id, each.action, each.reason) for each in found] == [
        ("rita", "approve", None), ("ron", "reject", "Tone"), ("ada", "reject", "Tone"),
    ]  # fmt: skip


async def test_what_reviewers_disagree_on_is_a_mark_that_the_copy_hears_of(
    db: Database, reviewer_db: Database, ron_db: Database, twice: str
) -> None:
    (other,) = await imported(db)
    live, disputed, rest = Live(db), parse("is:disputed"), parse("-is:disputed")
    await live.load()

    async def found(wanted: Filter) -> list[str]:
        if live.missing(wanted):
            async for _ in find(live, wanted, NEWEST):
                pass
        listing = live.listing(wanted, NEWEST)
        assert listing is not None
        by_copy = await named(db, listing.ids(0, 9))
        assert by_copy == sorted(await fetched(db, wanted))
        return by_copy

    assert await found(disputed) == [] and await found(rest) == sorted([twice, other])
    await decide(reviewer_db, twice, "approve")
    await decide(ron_db, twice, "reject")
    await live.refresh()
    assert await found(disputed) == [twice] and await found(rest) == [other]
    assert await found(parse("is:disputed,flagged")) == [twice]
    await reviews.undo_last(ron_db, key=new_key())
    await live.refresh()
    assert await found(disputed) == []
    await decide(ron_db, twice, "reject")
    await decide(db, twice, "approve")
    await live.refresh()
    assert await found(disputed) == [] and await found(rest) == sorted([twice, other])


async def named(db: Database, ids: Sequence[int]) -> list[str]:
    names = "SELECT conversation_id FROM conversations WHERE id = ANY(:ids) ORDER BY 1"
    return [row[0] for row in await fetch(db, names, ids=list(ids))]


async def fetched(db: Database, wanted: Filter) -> list[str]:
    async with db.read() as connection:
        return list(await connection.scalars(select(Conversation.conversation_id).where(wanted.where)))


async def test_a_queue_of_disputes_has_them_for_who_has_not_decided_there(
    db: Database, reviewer_db: Database, ron_db: Database, twice: str
) -> None:
    await decide(reviewer_db, twice, "approve")
    await decide(ron_db, twice, "reject")
    wanted = parse(waiting("is:disputed"))
    assert await reviews.queue(db, wanted) == (twice,)
    assert await reviews.queue(reviewer_db, wanted) == () == await reviews.queue(ron_db, wanted)
    for person, theirs in ((db, (twice,)), (ron_db, ())):
        live, orders = Live(person), QueueOrders(1)
        await live.load()
        await review_queues.prepare(person, live, wanted, LOWEST, orders)
        window = await review_queues.window(person, live, wanted, LOWEST, orders, near=None, rank=0)
        assert (window.ids, window.total) == (theirs, len(theirs))


async def test_nobody_decides_the_same_twice_and_the_queue_does_not_bring_it_back(
    reviewer_db: Database, ron_db: Database, twice: str
) -> None:
    assert await reviews.queue(reviewer_db) == (twice,)
    await decide(reviewer_db, twice, "approve")
    assert await reviews.queue(reviewer_db) == () and await reviews.queue(ron_db) == (twice,)
    with pytest.raises(Refused, match="decided on"):
        await decide(reviewer_db, twice, "reject")


async def test_the_same_key_is_one_decision(reviewer_db: Database, db: Database, twice: str) -> None:
    looked, key = await seen(reviewer_db, twice), new_key()
    first = await reviews.decide(reviewer_db, looked, "approve", key=key)
    assert await reviews.decide(reviewer_db, looked, "approve", key=key) == first
    assert await status(db, twice) == "generated"


async def test_three_are_asked_for_before_anything_is_settled(
    db: Database, reviewer_db: Database, ron_db: Database, conninfo: Conninfo
) -> None:
    await second_review.ask(db, SecondReview(3, 1.0))
    (one,) = await imported(db)
    await decide(reviewer_db, one, "approve")
    await decide(ron_db, one, "reject")
    assert await waits(db) == (1, 0)
    await decide(db, one, "approve")
    assert await waits(db) == (0, 1)
    async with logged_in(conninfo("arthur")) as arthur_db:
        assert await decide(arthur_db, one, "approve") == "approved"


async def test_an_open_decision_is_taken_back_without_a_word_to_others(
    db: Database, reviewer_db: Database, ron_db: Database, twice: str
) -> None:
    await decide(reviewer_db, twice, "approve")
    updated = await scalar(db, "SELECT updated_at FROM conversations")
    await decide(ron_db, twice, "reject")
    await reviews.undo_last(reviewer_db, key=new_key())
    assert await acts(db, twice) == [] and await scalar(db, "SELECT updated_at FROM conversations") == updated
    assert await waits(db) == (1, 0)
    assert await reviews.queue(reviewer_db) == (twice,)
    await reviews.undo_last(ron_db, key=new_key())
    assert await waits(db) == (0, 0)  # it waits for its first decision, like any
    await decide(ron_db, twice, "reject")
    assert await decide(reviewer_db, twice, "reject") == "rejected"


async def test_undoing_what_settled_it_opens_it_again_and_what_was_settled_stays_with_its_author(
    db: Database, reviewer_db: Database, ron_db: Database, twice: str
) -> None:
    await decide(reviewer_db, twice, "approve")
    await decide(ron_db, twice, "approve")
    with pytest.raises(Refused, match="Nothing to undo"):
        await reviews.undo_last(reviewer_db, key=new_key())
    await reviews.undo_last(ron_db, key=new_key())
    assert await status(db, twice) == "generated" and await waits(db) == (1, 0)
    assert ("approve", "rita") not in await acts(db, twice)
    assert await decide(db, twice, "approve") == "approved"


async def test_an_edit_ends_what_was_open_and_the_new_revision_begins_anew(
    db: Database, reviewer_db: Database, ron_db: Database, twice: str
) -> None:
    await decide(reviewer_db, twice, "approve")
    await reviews.edit(
        ron_db, await seen(ron_db, twice), system_prompt=None, turns=said("Other?", "Other."), key=new_key()
    )
    assert await waits(db) == (0, 0)
    assert await acts(db, twice) == [("approve", "rita"), ("edit", "ron")]
    assert await decide(reviewer_db, twice, "approve") == "generated"


@pytest.mark.parametrize(("last", "then"), [("approve", "reject"), ("reject", "approve")])
async def test_who_saw_by_the_status_what_the_other_said_decides_anew_but_not_independently(
    db: Database, reviewer_db: Database, ron_db: Database, twice: str, last: reviews.Action, then: reviews.Action
) -> None:
    await decide(reviewer_db, twice, "approve")
    await decide(ron_db, twice, last)
    await reviews.undo_last(ron_db, key=new_key())
    await decide(ron_db, twice, then)
    await decide(db, twice, "approve") if then == "reject" else None
    assert await status(db, twice) == "approved"
    found = [each for each in await second_review.independent(db) if not each.on_dispute]
    assert [each.reviewer_id for each in found] == ["rita"]


async def test_after_a_status_that_all_have_seen_nobody_decides_independently(
    db: Database, reviewer_db: Database, ron_db: Database, twice: str
) -> None:
    await decide(reviewer_db, twice, "approve")
    await decide(ron_db, twice, "approve")
    await reviews.undo_last(ron_db, key=new_key())
    await decide(db, twice, "approve")
    assert [each.reviewer_id for each in await second_review.independent(db)] == ["rita"]


async def test_who_takes_back_what_waits_alone_is_told_nothing(
    db: Database, reviewer_db: Database, ron_db: Database, twice: str
) -> None:
    await decide(reviewer_db, twice, "approve")
    await reviews.undo_last(reviewer_db, key=new_key())
    await decide(reviewer_db, twice, "reject")
    await decide(ron_db, twice, "reject")
    assert [each.reviewer_id for each in await second_review.independent(db)] == ["rita", "ron"]


async def edited_and_back(db: Database, one: str) -> None:
    await reviews.edit(db, await seen(db, one), system_prompt=None, turns=said("Other?", "Other."), key=new_key())
    await reviews.undo_last(db, key=new_key())


async def states(db: Database) -> list[str]:
    return [row[0] for row in await fetch(db, "SELECT state FROM second_reviews ORDER BY revision")]


async def test_what_an_edit_ended_stays_so_when_a_decision_on_it_is_taken_back(
    db: Database, reviewer_db: Database, ron_db: Database, twice: str
) -> None:
    await decide(reviewer_db, twice, "approve")
    await edited_and_back(ron_db, twice)
    await reviews.undo_last(reviewer_db, key=new_key())
    assert await states(db) == ["ended"] and await waits(db) == (0, 0)


async def test_what_was_settled_and_edited_is_not_open_again_when_its_last_decision_is_taken_back(
    db: Database, reviewer_db: Database, ron_db: Database, twice: str
) -> None:
    await decide(reviewer_db, twice, "approve")
    await decide(ron_db, twice, "approve")
    await edited_and_back(db, twice)
    assert await status(db, twice) == "approved"
    await reviews.undo_last(ron_db, key=new_key())
    assert await status(db, twice) == "generated" and await states(db) == ["ended"]
    assert await waits(db) == (0, 0)


async def test_what_others_decided_is_hidden_by_the_database_and_not_from_auditors(
    db: Database, reviewer_db: Database, conninfo: Conninfo, twice: str
) -> None:
    await decide(reviewer_db, twice, "reject")
    count = "SELECT count(*) FROM review_logs WHERE action = 'reject'"
    assert (await scalar(db, count), await scalar(reviewer_db, count)) == (0, 1)
    async with logged_in(conninfo("audrey")) as auditor_db:
        assert await scalar(auditor_db, count) == 1
    assert sqlstate(conninfo("ron"), "SELECT * FROM open_decisions('c', 1)") == "42501"
    assert sqlstate(conninfo("ron"), "UPDATE second_reviews SET state = 'settled'") == "42501"
    async with logged_in(conninfo(SUPERUSER)) as everything:
        assert await scalar(everything, count) == 1


async def test_an_undo_does_not_say_who_made_an_open_decision(
    db: Database, reviewer_db: Database, ron_db: Database, twice: str
) -> None:
    made = await reviews.decide(reviewer_db, await seen(reviewer_db, twice), "reject", key=new_key())
    with pytest.raises(Refused) as refused:
        await reviews.undo(ron_db, made.id, key=new_key())
    assert refused.value.code == "TT004" and "rita" not in str(refused.value) + refused.value.message


async def test_a_share_of_the_conversations_is_asked_for_and_the_rest_is_decided_at_once(
    db: Database, reviewer_db: Database
) -> None:
    await second_review.ask(db, SecondReview(2, 0.3))
    ids = await imported(db, 150)
    for one in ids:
        await decide(reviewer_db, one, "approve")
    counts = await conversations.status_counts(db)
    assert 20 <= counts["generated"] <= 70 and counts["generated"] + counts["approved"] == 150
    assert await waits(db) == (counts["generated"], 0)


async def test_only_administrators_ask_for_it_and_it_is_on_record(db: Database, reviewer_db: Database) -> None:
    assert await second_review.asked(db) is None
    with pytest.raises(Refused, match="No right"):
        await second_review.ask(reviewer_db, SecondReview(2, 0.5))
    for wrong in (SecondReview(1, 0.5), SecondReview(6, 0.5), SecondReview(2, 0.0), SecondReview(2, 1.5)):
        with pytest.raises(Refused, match="2 to 5 decisions"):
            await second_review.ask(db, wrong)
    await second_review.ask(db, SecondReview(3, 0.25))
    assert await second_review.asked(db) == SecondReview(3, 0.25)
    await second_review.ask(db, None)
    assert await second_review.asked(db) is None
    changes = "SELECT new_value, changed_by FROM workspace_setting_changes WHERE key = 'second_review' ORDER BY id"
    assert await fetch(db, changes) == [({"share": 0.25, "decisions": 3}, "ada"), (None, "ada")]


async def test_what_has_begun_is_settled_as_it_began(db: Database, reviewer_db: Database, twice: str) -> None:
    await decide(reviewer_db, twice, "approve")
    await second_review.ask(db, None)
    assert await decide(db, twice, "approve") == "approved"
    (other,) = await imported(db)
    assert await decide(db, other, "approve") == "approved"


# Where nobody else is there to decide


async def test_the_decisions_that_are_there_count_where_an_administrator_says_so_and_that_is_taken_back_as_bulks(
    db: Database, reviewer_db: Database, ron_db: Database
) -> None:
    await second_review.ask(db, SecondReview(3, 1.0))
    liked, disliked, disputed, fresh = await imported(db, 4)
    await decide(reviewer_db, liked, "approve")
    for person in (reviewer_db, ron_db):
        await decide(person, disliked, "reject")
    await decide(reviewer_db, disputed, "approve")
    await decide(ron_db, disputed, "reject")
    assert await second_review.standing(db, to_release=True) == Standing(open=3, disputed=0, needed=3, agreed=2)
    with pytest.raises(Refused, match="No right"):
        await second_review.release(reviewer_db, settle=True, seen=await bulk.snapshot(db))
    released = await second_review.release(db, settle=True, seen=await bulk.snapshot(db))
    assert released == Released(approved=1, rejected=1)
    assert [await status(db, one) for one in (liked, disliked, disputed, fresh)] == [
        "approved", "rejected", "generated", "generated",
    ]  # fmt: skip
    assert await acts(ron_db, liked) == [("approve", "rita"), ("approve", "ada")]
    entry = (await conversations.read(db, liked)).history[0]
    assert entry.reviewer_notes == "settled by the decisions that were there" and await waits(db) == (1, 0)
    assert len(await second_review.independent(db)) == 0  # nobody decided with another
    for left in (disliked, liked):
        many = await bulk.last_bulk(db)
        assert many is not None
        await bulk.undo(db, many.bulk_id)
        assert await status(db, left) == "generated"
    assert await decide(ron_db, liked, "approve") == "approved"  # one is enough from here on


async def test_how_many_agree_is_told_to_an_administrator_who_asks_and_to_nobody_else(
    db: Database, reviewer_db: Database, ron_db: Database, conninfo: Conninfo
) -> None:
    await second_review.ask(db, SecondReview(3, 1.0))
    (one,) = await imported(db)
    await decide(reviewer_db, one, "approve")
    for action in ("approve", "reject"):
        await decide(ron_db, one, action)
        async with logged_in(conninfo("arthur")) as author_db, logged_in(conninfo("audrey")) as auditor_db:
            for other in (reviewer_db, ron_db, author_db, auditor_db):
                for asked in (True, False):
                    assert await second_review.standing(other, to_release=asked) == Standing(1, 0, 3, None)
        assert (await second_review.standing(db)).agreed is None  # who has decided does not meet it by the way
        assert (await second_review.standing(db, to_release=True)).agreed == (action == "approve")
        await reviews.undo_last(ron_db, key=new_key())


@pytest.mark.parametrize("settle", [True, False])
async def test_what_was_done_after_the_numbers_were_shown_is_not_released(
    db: Database, reviewer_db: Database, ron_db: Database, settle: bool
) -> None:
    await second_review.ask(db, SecondReview(3, 1.0))
    same, more, other, back, late = await imported(db, 5)
    for one in (same, more, other, back):
        await decide(reviewer_db, one, "approve")
    shown = await bulk.snapshot(db)
    assert await second_review.standing(db, to_release=True) == Standing(4, 0, 3, agreed=4)
    await reviews.undo_last(reviewer_db, key=new_key())
    await decide(reviewer_db, back, "reject")
    await decide(ron_db, more, "approve")
    await decide(ron_db, other, "reject")
    await decide(ron_db, late, "approve")
    released = await second_review.release(db, settle=settle, seen=shown)
    assert released == (Released(approved=1) if settle else Released(handed_back=1))
    assert await status(db, same) == ("approved" if settle else "generated")
    assert await waits(db) == (4, 0) and ("approve", "ron") not in await acts(db, more)
    again = await second_review.release(db, settle=settle, seen=await bulk.snapshot(db))
    assert again == (Released(approved=2, rejected=1) if settle else Released(handed_back=4))


async def test_what_came_from_a_backup_of_another_server_is_released_like_any(
    db: Database, reviewer_db: Database, conninfo: Conninfo, twice: str
) -> None:
    await decide(reviewer_db, twice, "approve")
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE review_logs SET xid8 = '1000000000000'")  # that server had counted further
    assert await second_review.release(db, settle=True, seen=await bulk.snapshot(db)) == Released(approved=1)


async def test_what_is_handed_back_waits_for_one_decision_of_anybody(
    db: Database, reviewer_db: Database, twice: str
) -> None:
    await decide(reviewer_db, twice, "approve")
    await second_review.ask(db, None)
    assert await reviews.queue(reviewer_db) == ()
    assert await second_review.release(db, settle=False, seen=await bulk.snapshot(db)) == Released(handed_back=1)
    assert await status(db, twice) == "generated" and await waits(db) == (0, 0)
    assert await reviews.queue(reviewer_db) == await reviews.queue(db) == (twice,)
    assert await acts(db, twice) == [("approve", "rita"), ("reopen", "ada")]  # hidden from nobody
    assert await decide(reviewer_db, twice, "reject") == "rejected"
    with pytest.raises(Refused, match="Nothing to undo"):
        await reviews.undo_last(db, key=new_key())
