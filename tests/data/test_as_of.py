"""What a conversation was at a moment is what the log says: tried against a model in Python."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from support import add_vocabulary, generated, imported, planned, said, scalar, seen
from traintui.data import bulk, reviews
from traintui.data.engine import Database
from traintui.data.export_reading import ids_of
from traintui.data.filter_beside import STATUSES_ON_RECORD, StoodAs
from traintui.data.filters import Filter, FilterError, parse
from traintui.data.finding import find
from traintui.data.listing import NEWEST
from traintui.data.live import Live, matching
from traintui.data.models import Conversation
from traintui.data.reviews import new_key
from traintui.errors import TraintuiError
from traintui.export.filter_data import terms_of

SEEDS = (1, 2, 3, 4)


@dataclass
class Model:
    """What was seen: at each moment, what each conversation with a text was."""

    moments: list[datetime] = field(default_factory=list)
    stood: list[dict[str, str]] = field(default_factory=list)

    async def look(self, db: Database) -> None:
        rows = {}
        async with db.read() as connection:
            for id, status in await connection.execute(select(Conversation.conversation_id, Conversation.status)):
                if status in STATUSES_ON_RECORD:
                    rows[id] = status
        self.moments.append(await scalar(db, "SELECT clock_timestamp()"))
        self.stood.append(rows)

    def was(self, place: int, status: str) -> list[str]:
        return sorted(id for id, each in self.stood[place].items() if each == status)


async def acted(db: Database, luck: random.Random, ids: Sequence[str]) -> None:
    """Does one of the things that people do to a conversation, where it can be done."""
    id = luck.choice(ids)
    try:
        match luck.randrange(7):
            case 0 | 1:
                await reviews.decide(db, await seen(db, id), "approve", key=new_key())
            case 2:
                await reviews.decide(db, await seen(db, id), "reject", key=new_key())
            case 3:
                turns = said("Asked?", f"Answered {luck.random()}.")
                await reviews.edit(db, await seen(db, id), system_prompt=None, turns=turns, key=new_key())
            case 4:
                await reviews.undo_last(db, key=new_key())
            case 5:
                await reviews.set_flag(db, id, luck.random() < 0.5, key=new_key())
            case _:
                keys = (await ids_of(db, luck.sample(list(ids), 2))).values()
                verb: reviews.Action = "approve" if luck.random() < 0.5 else "reject"
                await bulk.decide(db, list(keys), verb, seen=await bulk.snapshot(db))
    except TraintuiError:
        pass  # refused, as it is already so


async def found(db: Database, wanted: Filter) -> list[str]:
    async with db.read() as connection:
        return sorted(await connection.scalars(select(Conversation.conversation_id).where(wanted.where)))


async def answered(live: Live, wanted: Filter) -> int:
    """How many rows the table finds in the end; what it tries beside has ended too."""
    total = -1
    async for finding in find(live, wanted, NEWEST):
        total = finding.listing.total
    beside = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*beside, return_exceptions=True)
    return total


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_was_is_what_was_seen_then_whatever_came_later(db: Database, seed: int) -> None:
    luck, model = random.Random(seed), Model()
    await add_vocabulary(db)
    await planned(db)
    await model.look(db)
    ids = [*await imported(db, 3), *await generated(db, 3)]
    await model.look(db)
    for step in range(30):
        await acted(db, luck, ids)
        if step == 15:
            ids += await imported(db, 1)
        if luck.random() < 0.5:
            await model.look(db)
    await model.look(db)
    assert {"approved", "rejected"} <= {each for stood in model.stood for each in stood.values()}
    live = Live(db)
    await live.load()
    for place, moment in enumerate(model.moments):
        for status in STATUSES_ON_RECORD:
            words = f"is:{status}@{moment.isoformat()}"
            assert await found(db, parse(words)) == model.was(place, status), words
            others = sorted(set(model.stood[-1]) - set(model.was(place, status)))
            assert await found(db, parse(f"-{words} -status:planned")) == others, words
            async with db.read() as connection:
                probed = await matching(connection, StoodAs(status, moment).probe)
                whole = await matching(connection, StoodAs(status, moment).where)
            assert probed == whole
    for place in (-1, len(model.moments) // 2):
        wanted = parse(f"is:approved@{model.moments[place].isoformat()}")
        assert await answered(live, wanted) == len(model.was(place, "approved"))


async def test_a_kept_answer_of_a_moment_that_is_to_come_follows_what_is_decided(db: Database) -> None:
    (one,) = await imported(db)
    live = Live(db)
    await live.load()
    wanted = parse("is:approved@2999-01-01")
    assert await answered(live, wanted) == 0
    await reviews.decide(db, await seen(db, one), "approve", key=new_key())
    await live.refresh()
    listing = live.listing(wanted, NEWEST)
    assert listing is not None
    assert listing.total == 1


async def test_rows_are_found_before_the_copy_is_there(db: Database) -> None:
    one, two = await imported(db, 2)
    await reviews.decide(db, await seen(db, one), "approve", key=new_key())
    then = await scalar(db, "SELECT clock_timestamp()")
    await reviews.decide(db, await seen(db, one), "reject", key=new_key())
    await reviews.decide(db, await seen(db, two), "approve", key=new_key())
    assert await answered(Live(db), parse(f"is:approved@{then.isoformat()}")) == 1


def test_a_day_is_over_and_a_time_is_the_moment_itself() -> None:
    zone = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 11, 4, 12, tzinfo=UTC)

    def moment(words: str) -> datetime:
        (stood,) = parse(words, zone=zone, now=now).stood_as
        return stood.moment

    assert moment("is:approved@2026-11-01") == datetime(2026, 11, 2, tzinfo=zone)
    assert moment("is:rejected@2026-10-25") - moment("is:rejected@2026-10-24") == timedelta(hours=25)
    assert moment("is:generated@2026-11-01T14:00") == datetime(2026, 11, 1, 14, tzinfo=zone)
    assert moment("is:approved@2026-11-01T14:00:30+00:00") == datetime(2026, 11, 1, 14, 0, 30, tzinfo=UTC)
    assert moment("is:approved@-7d") == now - timedelta(days=7)
    later = parse("is:approved@-7d", now=now + timedelta(seconds=59)).stood_as
    assert later == parse("is:approved@-7d", now=now).stood_as


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("is:approved", "status:approved"),
        ("is:approved@", "2026-11-01"),
        ("is:approved@soon", "not a date"),
        ("is:planned@2026-11-01", "approved, rejected, generated"),
        ("is:flagged@2026-11-01", "approved, rejected, generated"),
        ("is:aproved", "There are"),
    ],
)
def test_what_the_log_does_not_say_is_answered(words: str, told: str) -> None:
    with pytest.raises(FilterError) as answer:
        parse(words)
    assert told in f"{answer.value.message} {answer.value.remedy}"


def test_it_stands_beside_marks_and_the_log_notes_the_moment() -> None:
    wanted = parse("is:flagged,approved@2026-11-01T00:00+00:00")
    assert wanted.names_status
    (term,) = terms_of(wanted)
    assert {"status": "approved", "moment": "2026-11-01T00:00:00+00:00"} in term["asks"]
    assert not parse("-is:approved@2026-11-01").names_status
