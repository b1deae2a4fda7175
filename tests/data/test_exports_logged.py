"""What goes out is of one moment, and every export is on record from before its first byte to its end."""

from __future__ import annotations

from typing import Any

import pytest

from support import (
    Conninfo,
    add_vocabulary,
    approved,
    fetch,
    generated,
    imported,
    newest_exports,
    said,
    seen,
    sqlstate,
)
from traintui.data import export_reading, exports, reviews
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.export_reading import Scope, ScopeCounts, reading
from traintui.data.exports import LoggedState
from traintui.data.filters import parse
from traintui.data.refusals import Refused
from traintui.data.reviews import new_key
from traintui.data.training_records import TrainingRecord


async def record(db: Database, export_id: str, state: LoggedState, **more: Any) -> None:
    await exports.record(
        db, export_id, state, count=2, filter_state={"filter": "tone:warm"}, format="messages", metadata={}, **more
    )


async def taken(db: Database, text: str = "", *, rehearsal: bool = False) -> list[TrainingRecord]:
    async with reading(db, Scope(parse(text), rehearsal)) as reader:
        return [conversation.record() async for page in reader.pages() for conversation in page]


async def test_an_export_is_started_and_ends_once(db: Database) -> None:
    await record(db, "e-1", "started")
    await record(db, "e-1", "succeeded", file_sha256=b"\x01\x02")
    for state in ("started", "succeeded", "failed", "cancelled"):
        with pytest.raises(Refused) as refused:
            await record(db, "e-1", state)
        assert refused.value.code == "TT003"
    (ended,) = await newest_exports(db)
    assert (ended.state, ended.file_sha256) == ("succeeded", "0102")
    assert (ended.user_id, ended.filter_text, ended.conversation_count) == ("ada", "tone:warm", 2)


async def test_an_export_that_was_not_started_does_not_end(db: Database, conninfo: Conninfo) -> None:
    with pytest.raises(Refused) as refused:
        await record(db, "e-1", "succeeded")
    assert refused.value.code == "TT003"
    await record(db, "e-1", "started")
    end = "SELECT record_export('e-1', 'failed', 0, '{}', 'messages', '{}')"
    assert sqlstate(conninfo("arthur"), end) == "TT003"  # ada's
    assert sqlstate(conninfo("ada"), end) is None


async def test_rows_are_recorded_while_an_export_is_under_way(db: Database) -> None:
    await approved(db, *await imported(db, 3))
    rows = await taken(db)
    with pytest.raises(Refused):
        await exports.record_rows(db, "e-1", rows)
    await record(db, "e-1", "started")
    await exports.record_rows(db, "e-1", rows[:2])
    with pytest.raises(Refused, match="in this export already"):
        await exports.record_rows(db, "e-1", rows)
    await exports.record_rows(db, "e-1", rows[2:])
    await record(db, "e-1", "cancelled", error_message="Stopped\x00 by ada.")
    with pytest.raises(Refused):
        await exports.record_rows(db, "e-1", rows)
    kept = await fetch(db, "SELECT conversation_id, revision FROM export_rows")
    assert sorted(tuple(row) for row in kept) == sorted((row.conversation_id, 1) for row in rows)


async def test_a_reviewer_does_not_export(reviewer_db: Database) -> None:
    with pytest.raises(Refused) as refused:
        await record(reviewer_db, "e-1", "started")
    assert refused.value.title == "No right"


async def test_approved_ones_go_out_in_order_unless_the_filter_names_a_status(db: Database) -> None:
    one, two, three = await imported(db, 3)
    await approved(db, three, one)
    assert [each.conversation_id for each in await taken(db)] == [one, three]
    assert [each.conversation_id for each in await taken(db, "status:generated,approved")] == [one, two, three]
    first = (await taken(db))[0]
    assert [(turn.number, turn.role) for turn in first.turns] == [(1, "user"), (2, "assistant")]


async def test_more_than_a_page_goes_out_without_a_gap(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_reading, "PAGE", 7)
    made = await imported(db, 50)
    assert [each.conversation_id for each in await taken(db, "status:generated")] == made


async def test_the_trash_and_what_has_no_text_stay(db: Database, conninfo: Conninfo) -> None:
    kept, deleted = await imported(db, 2)
    assert sqlstate(conninfo(SUPERUSER), "UPDATE conversations SET deleted_at = now() WHERE conversation_id = %s",
                    [deleted]) is None  # fmt: skip
    assert [each.conversation_id for each in await taken(db, "status:generated,planned")] == [kept]


async def test_rehearsal_is_left_out_and_counted_unless_asked_for(db: Database) -> None:
    await add_vocabulary(db)
    real, rehearsed = (*await generated(db), *await generated(db, is_rehearsal=True))
    await approved(db, real, rehearsed)
    async with reading(db, Scope(parse(""))) as reader:
        assert await reader.counts() == ScopeCounts(1, 0, 0, left_out_rehearsal=1)
    async with reading(db, Scope(parse(""), rehearsal=True)) as reader:
        assert await reader.counts() == ScopeCounts(2, 1, 0, left_out_rehearsal=0)
    assert [each.is_rehearsal for each in await taken(db, rehearsal=True)] == [False, True]


async def test_an_export_shows_one_moment_while_others_decide_and_edit(
    db: Database, reviewer_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_reading, "PAGE", 2)
    made = await imported(db, 6)
    await approved(db, *made)
    async with reading(db, Scope(parse(""))) as reader:
        total = (await reader.counts()).total
        pages = reader.pages()
        read = list(await anext(pages))
        await reviews.decide(reviewer_db, await seen(reviewer_db, made[3]), "reject", key=new_key())
        changed = said("Something else?", "Yes.")
        await reviews.edit(
            reviewer_db, await seen(reviewer_db, made[4]), system_prompt="S", turns=changed, key=new_key()
        )
        await approved(db, *await imported(db))
        read += [conversation async for page in pages for conversation in page]
    assert [each.conversation_id for each in read] == made and total == 6
    assert [(each.revision, each.turns[1].content) for each in read] == [(1, "An answer.")] * 6


async def test_only_who_started_an_export_says_that_it_is_under_way(db: Database, conninfo: Conninfo) -> None:
    renew = "SELECT renew_export('e-1', 1, 2, 60)"
    assert sqlstate(conninfo("ada"), renew) == "TT003"  # it was not started
    await record(db, "e-1", "started")
    assert sqlstate(conninfo("arthur"), renew) == "TT003" and sqlstate(conninfo("rita"), renew) == "42501"
    assert sqlstate(conninfo("ada"), renew) is None
    ((way,),) = [tuple(row) for row in await fetch(db, "SELECT done FROM exports_under_way")]
    assert way == 1
    await record(db, "e-1", "failed")
    assert await fetch(db, "SELECT FROM exports_under_way") == []
    assert sqlstate(conninfo("ada"), renew) == "TT003"  # it has ended
