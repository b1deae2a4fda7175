"""A share goes to each reviewer, whole and on record; only an author gives, and only what is still to be decided."""

from __future__ import annotations

import asyncio
from collections import Counter

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import Conninfo, add_vocabulary, approved, fetch, imported, logged_in, planned, scalar
from traintui.data import assignments, bulk, review_queues
from traintui.data.assignments import Share, divided
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.filters import parse
from traintui.data.finding import find
from traintui.data.listing import NEWEST
from traintui.data.live import Live
from traintui.data.refusals import Refused


async def ids_of(db: Database, number: int) -> list[int]:
    await imported(db, number)
    return [row[0] for row in await fetch(db, "SELECT id FROM conversations ORDER BY id")]


async def who(db: Database) -> dict[int, str]:
    return {row[0]: row[1] for row in await fetch(db, "SELECT conversation_id, reviewer_id FROM assignments")}


weights_of_some = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9), min_size=1)


@given(st.sets(st.integers(1, 10**6), max_size=60), weights_of_some)
def test_everybody_gets_what_their_weight_says_and_nothing_is_left_over(ids: set[int], weights: dict[str, int]) -> None:
    if not any(weights.values()):
        with pytest.raises(ValueError, match="weight"):
            divided(sorted(ids), weights, seed=1)
        return
    given_ = divided(sorted(ids), weights, seed=1)
    assert [one for one, _ in given_] == sorted(ids)
    counted = Counter(name for _, name in given_)
    for name, weight in weights.items():
        assert abs(counted[name] - len(ids) * weight / sum(weights.values())) < 1
    assert divided(sorted(ids, reverse=True), weights, seed=1) == given_


def test_a_share_is_a_mix_of_all_and_no_stretch() -> None:
    mine = [one for one, name in divided(range(1, 1_001), {"a": 1, "b": 1}, seed=5) if name == "a"]
    assert 200 < sum(one <= 500 for one in mine) < 300


async def test_an_author_gives_takes_back_and_the_record_says_so(db: Database, conninfo: Conninfo) -> None:
    ids = await ids_of(db, 4)
    async with logged_in(conninfo("arthur")) as arthur:
        shared = await assignments.assign(arthur, divided(ids, {"rita": 3, "ron": 1}, seed=1), filter_text="is:seed")
        assert (shared.done, shared.skipped, shared.left) == (4, {}, 0)
        assert Counter((await who(db)).values()) == {"rita": 3, "ron": 1}
        moved = await assignments.assign(arthur, [(one, "ron") for one in ids])
        assert (moved.done, moved.skipped) == (3, {"already": 1})
        back = await assignments.assign(arthur, [(one, None) for one in ids])
        assert (back.done, await who(db)) == (4, {})
        assert (await assignments.assign(arthur, [(ids[0], None)])).skipped == {"already": 1}
    entries = await assignments.record(db)
    assert [(each.action, each.reviewer_id, each.number, each.filter_text) for each in entries] == [
        ("take_back", "ron", 4, None), ("assign", "ron", 3, None),
        ("assign", "ron", 1, "is:seed"), ("assign", "rita", 3, "is:seed"),
    ]  # fmt: skip
    assert {each.assigned_by for each in entries} == {"arthur"} and entries[2].sharing_id == entries[3].sharing_id


async def test_what_is_decided_or_in_the_trash_stays_where_it_is(db: Database) -> None:
    ids = await ids_of(db, 4)
    await assignments.assign(db, [(one, "rita") for one in ids[:2]])
    await approved(db, str(await scalar(db, "SELECT conversation_id FROM conversations WHERE id = :id", id=ids[0])))
    await bulk.trash(db, ids[2:3], True)
    given_ = await assignments.assign(db, [(one, "ron") for one in (*ids, 10**8)])
    assert (given_.done, given_.skipped) == (2, {"decided": 1, "trash": 1, "gone": 1})
    assert await who(db) == {ids[0]: "rita", ids[1]: "ron", ids[3]: "ron"}
    assert [each for each in await assignments.shares(db) if each.waiting or each.decided] == [
        Share("rita", 0, 1), Share("ron", 2, 0),
    ]  # fmt: skip


async def test_who_may_not_review_is_given_nothing_and_who_is_no_author_gives_nothing(
    db: Database, reviewer_db: Database
) -> None:
    (one,) = await ids_of(db, 1)
    for name in ("audrey", "nobody", "traintui_reviewer; --"):
        with pytest.raises(Refused, match="no reviewer") as refused:
            await assignments.assign(db, [(one, name)])
        assert refused.value.code == "TT003"
    with pytest.raises(Refused) as no_right:
        await assignments.assign(reviewer_db, [(one, "rita")])
    assert no_right.value.title == "No right"
    assert await who(db) == {} and await assignments.record(db) == ()


async def test_those_who_may_review_are_named_each_once(db: Database) -> None:
    assert await assignments.reviewers(db) == ("ada", "arthur", "rita", "ron")
    assert [each.reviewer_id for each in await assignments.shares(db)] == ["ada", "arthur", "rita", "ron"]


async def test_a_sharing_of_many_is_stopped_between_two_portions(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignments, "SIZE", 2)
    ids, stop, heard = await ids_of(db, 5), asyncio.Event(), list[tuple[int, int]]()

    def progress(done: int, of: int) -> None:
        heard.append((done, of))
        if done == 4:
            stop.set()

    shared = await assignments.assign(db, [(one, "rita") for one in ids], progress=progress, stop=stop)
    assert (shared.done, shared.left, heard) == (4, 1, [(2, 5), (4, 5)])
    assert await scalar(db, "SELECT sum(conversation_count) FROM assignment_logs") == 4


async def test_a_share_is_seen_in_open_queues_without_reading_the_conversations_anew(
    db: Database, reviewer_db: Database
) -> None:
    ids = await ids_of(db, 3)
    updated = await scalar(db, "SELECT max(updated_at) FROM conversations")
    live, mine = Live(reviewer_db), parse("is:mine")
    await live.load()
    assert [each async for each in find(live, mine, NEWEST)][-1].listing.total == 0
    assert not await review_queues.has_share(reviewer_db)
    await assignments.assign(db, [(ids[1], "rita"), (ids[2], "ron")])
    assert sorted(await live.refresh()) == ids[1:]
    listing = live.listing(mine, NEWEST)
    assert listing is not None and list(listing.ids(0, 9)) == [ids[1]]
    assert await review_queues.has_share(reviewer_db)
    assert await scalar(db, "SELECT max(updated_at) FROM conversations") == updated


async def test_what_goes_for_good_is_assigned_to_nobody(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    await planned(db, 2)
    ids = [row[0] for row in await fetch(db, "SELECT id FROM conversations ORDER BY id")]
    await assignments.assign(db, [(one, "rita") for one in ids])
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("DELETE FROM generation_items WHERE conversation_id = %s", [ids[0]])
        connection.execute("DELETE FROM conversations WHERE id = %s", [ids[0]])
    assert await who(db) == {ids[1]: "rita"}
