"""Metadata is edited on record and without touching a decision; registered keys have a type that the database holds."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from support import (
    Conninfo,
    add_vocabulary,
    approved,
    beside,
    eventually,
    fetch,
    imported,
    logged_in,
    planned,
    scalar,
    seen,
    sqlstate,
)
from traintui.data import conversations, key_rules, metadata, reservations, reviews, second_review
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.filters import parse
from traintui.data.metadata_records import KnownKey, KnownKeys, MetadataKey, Undone
from traintui.data.metadata_values import MOST_BYTES, as_value_type
from traintui.data.refusals import Refused
from traintui.data.reviews import new_key
from traintui.data.second_review import SecondReview
from traintui.data.targets import ids_of
from traintui.errors import TraintuiError

INSERT = "INSERT INTO conversations (persona, emotion, topic, intent, tone, tier, metadata) VALUES" \
    " ('anxious_planner', 'worried', 'overdraft_fees', 'understand', 'formal', 'scenario', %s)"  # fmt: skip
KEYS = {"page": "integer", "weight": "number", "checked": "boolean", "due": "date", "source": "text"}


async def register_all(db: Database) -> None:
    for key, value_type in KEYS.items():
        await metadata.register(db, key, value_type)


async def logged(db: Database, conversation_id: str) -> list[dict[str, Any]]:
    """The details of the metadata edits of a conversation, oldest first."""
    rows = await fetch(
        db,
        "SELECT details FROM review_logs WHERE conversation_id = :one AND action = 'metadata' ORDER BY id",
        one=conversation_id,
    )
    return [row[0] for row in rows]


# Types ------------------------------------------------------------------------------------------------------------

FITS = [
    {"page": 0}, {"page": -(2**53)}, {"page": 3.0}, {"weight": 1.5}, {"weight": -1e300}, {"weight": 7},
    {"checked": False}, {"due": "2024-02-29"}, {"due": "9999-12-31"}, {"due": "0001-01-01"}, {"source": ""},
    {"source": "web", "other": None}, {"other": {"page": "x"}},
]  # fmt: skip
MISFITS = [
    ("page", "4"), ("page", 1.5), ("page", 2**53 + 1), ("page", None), ("page", True), ("weight", "1.5"),
    ("weight", [1]), ("checked", 1), ("checked", "true"), ("due", "2026-02-30"), ("due", "2023-02-29"),
    ("due", "2026-13-01"), ("due", "0000-01-01"), ("due", "2026-1-1"), ("due", "2026-01-01T10:00"), ("due", 20260101),
    ("due", "2026-01-01\n"), ("source", 1), ("source", {}), ("source", None),
]  # fmt: skip


async def test_a_registered_key_takes_its_type_and_nothing_else_from_anybody(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    await register_all(db)
    for login in ("arthur", SUPERUSER):
        for values in FITS:
            assert sqlstate(conninfo(login), INSERT, [Jsonb(values)]) is None, values
        for key, value in MISFITS:
            assert sqlstate(conninfo(login), INSERT, [Jsonb({"other": 1, key: value})]) == "TT014", (key, value)


async def test_numbers_that_no_double_holds_are_refused_before_they_end_a_query(
    db: Database, conninfo: Conninfo
) -> None:
    await add_vocabulary(db)
    await register_all(db)
    for number, fits in (("1e308", True), ("5e-324", True), ("0", True), ("1e309", False), ("-1e400", False),
                         ("1e-400", False)):  # fmt: skip
        state = sqlstate(conninfo("arthur"), INSERT, [f'{{"weight": {number}}}'])
        assert state == (None if fits else "TT014"), number
    assert await scalar(db, "SELECT sum((metadata->>'weight')::double precision) FROM conversations") == 1e308


async def test_a_misfit_is_refused_with_the_key_its_type_and_the_value(db: Database) -> None:
    (one,) = await imported(db)
    await register_all(db)
    with pytest.raises(Refused) as refused:
        await metadata.merge(db, one, {"page": "four"})
    assert refused.value.code == "TT014"
    assert refused.value.detail == {"key": "page", "value_type": "integer", "value": "four"}
    assert refused.value.message == '"page" takes a whole number, not "four".'
    with pytest.raises(Refused):
        await imported(db, metadata={"page": "four"})
    with pytest.raises(Refused):
        await metadata.merge(db, one, {"page": None})


async def test_an_update_by_a_superuser_meets_the_types_too(db: Database, conninfo: Conninfo) -> None:
    await imported(db)
    await register_all(db)
    statement = "UPDATE conversations SET metadata = %s"
    assert sqlstate(conninfo(SUPERUSER), statement, [Jsonb({"due": "soon"})]) == "TT014"
    assert sqlstate(conninfo(SUPERUSER), statement, [Jsonb({"due": "2026-11-24"})]) is None
    assert sqlstate(conninfo("ada"), statement, [Jsonb({})]) == "42501"


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
    | st.dates().map(str) | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


def fits(value: Any, value_type: str) -> bool:
    """What a type means, said once more."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match value_type:
        case "text":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "number":
            return is_number
        case "integer":
            return is_number and value == int(value) and abs(value) <= 2**53
    try:
        return isinstance(value, str) and value.isascii() and len(value) == 10 and bool(_date(value))
    except ValueError:
        return False


def _date(value: str) -> object:
    return datetime.strptime(value, "%Y-%m-%d")


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)  # the server answers one call an example
@given(value=values, value_type=st.sampled_from(sorted(set(KEYS.values()))))
def test_the_database_and_python_agree_on_what_fits(conninfo: Conninfo, value: Any, value_type: str) -> None:
    with psycopg.connect(conninfo("audrey")) as connection:
        answer = connection.execute("SELECT metadata_fits(%s, %s)", [Jsonb(value), value_type]).fetchone()
    assert answer == (fits(value, value_type),) == (key_rules.fits(value, as_value_type(value_type)),)


# Registering ------------------------------------------------------------------------------------------------------


async def test_a_key_is_registered_with_its_label_and_what_it_is_for_and_the_record_says_by_whom(db: Database) -> None:
    made = await metadata.register(db, "page", "integer", label="Page", about="where it stands")
    assert made == MetadataKey("page", "integer", "Page", "where it stands", 0)
    await metadata.register(db, "page", "number", label="The page")
    await metadata.register(db, "source", "text")
    assert await metadata.keys(db) == (
        MetadataKey("page", "number", "The page", "where it stands", 0), MetadataKey("source", "text", "source", "", 1),
    )  # fmt: skip
    assert [field.name for field in await metadata.registered_fields(db)] == ["meta.page"]
    await metadata.unregister(db, "page")
    with pytest.raises(Refused, match='no registered key "page"'):
        await metadata.unregister(db, "page")
    record = await fetch(
        db,
        "SELECT key, old_value->>'value_type', new_value->>'value_type', changed_by FROM workspace_setting_changes"
        " WHERE key = 'metadata.page' ORDER BY id",
    )
    assert [tuple(row) for row in record] == [
        ("metadata.page", None, "integer", "ada"), ("metadata.page", "integer", "number", "ada"),
        ("metadata.page", "number", None, "ada"),
    ]  # fmt: skip


async def test_a_type_that_values_do_not_have_is_refused_with_how_many_and_which(db: Database) -> None:
    ids = await imported(db, 7, metadata={"page": "x"})
    await imported(db, 1, metadata={"page": 4})
    with pytest.raises(Refused) as refused:
        await metadata.register(db, "page", "integer")
    assert refused.value.code == "TT014" and "7 conversations have values" in refused.value.message
    assert refused.value.detail["misfits"] == 7
    assert refused.value.detail["examples"] == [{"conversation_id": one, "value": '"x"'} for one in ids[:5]]
    assert await metadata.keys(db) == ()
    await metadata.merge(db, parse("meta.page:x"), {"page": 5})
    await metadata.register(db, "page", "integer")
    with pytest.raises(Refused):
        await metadata.register(db, "page", "text")
    assert (await metadata.keys(db))[0].value_type == "integer"


async def test_only_authors_register_and_only_reviewers_edit(
    db: Database, reviewer_db: Database, conninfo: Conninfo
) -> None:
    (one,) = await imported(db)
    with pytest.raises(Refused) as refused:
        await metadata.register(reviewer_db, "page", "integer")
    assert refused.value.title == "No right"
    async with logged_in(conninfo("audrey")) as auditor:
        with pytest.raises(Refused) as refused:
            await metadata.merge(auditor, one, {"page": 1})
        assert refused.value.title == "No right"
        assert await metadata.get(auditor, one) == {}
    assert sqlstate(conninfo("ada"), "DELETE FROM metadata_keys") == "42501"


@pytest.mark.parametrize(
    "key",
    ["", "a b", "a:b", 'a"b', "a<b", "a>b", "a=b", "a\tb", "a\u00a0b", "a\u3000b", "a\u0085b", "a\x01b", "x" * 101],
)
async def test_a_key_that_no_filter_can_name_is_refused_everywhere(db: Database, conninfo: Conninfo, key: str) -> None:
    (one,) = await imported(db)
    with pytest.raises(TraintuiError, match="Metadata not valid"):
        await metadata.register(db, key, "text")
    assert sqlstate(conninfo("ada"), "SELECT register_metadata_key(%s, 'text')", [key]) == "23514"
    with pytest.raises(Refused) as refused:
        await metadata.merge(db, one, {key: 1})
    assert refused.value.code == "TT014"
    assert await metadata.get(db, one) == {}


async def test_an_odd_key_that_an_import_brought_can_be_changed_and_taken_out(db: Database) -> None:
    (one,) = await imported(db, metadata={"source url": "a", "n": 1})
    await metadata.merge(db, one, {"source url": "b"})
    await metadata.set_(db, one, {"source url": "c"})
    assert await metadata.get(db, one) == {"source url": "c"}
    await metadata.remove(db, one, ["source url"])
    assert await metadata.get(db, one) == {}


async def test_a_value_that_is_being_written_is_seen_by_a_registration(db: Database, conninfo: Conninfo) -> None:
    (one,) = await imported(db)
    (key,) = await ids_of(db, one)
    with psycopg.connect(conninfo("ada")) as writing:
        writing.execute("SELECT change_metadata(%s, 'merge', %s, '{}', NULL, 'k')", [[key], Jsonb({"page": "x"})])
        registering = asyncio.create_task(metadata.register(db, "page", "integer"))
        waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
        await beside(registering, eventually(lambda: scalar(db, waits)))
        writing.commit()
        with pytest.raises(Refused, match="1 conversation has a value"):
            await registering


async def test_a_writer_that_does_not_end_makes_a_registration_give_up(db: Database, conninfo: Conninfo) -> None:
    (one,) = await imported(db)
    (key,) = await ids_of(db, one)
    with psycopg.connect(conninfo("ada")) as writing:
        writing.execute("SELECT change_metadata(%s, 'merge', %s, '{}', NULL, 'k')", [[key], Jsonb({"page": 1})])
        with pytest.raises(Refused) as refused:
            await metadata.register(db, "page", "integer")
        assert refused.value.title == "Busy"
    assert sqlstate(
        conninfo("ada"), "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT hold_metadata_rules()"
    ) == "TT003"  # fmt: skip


async def test_known_keys_say_how_often_and_with_which_types(db: Database) -> None:
    await imported(db, 3, metadata={"page": 1, "[/b]": "x"})
    await imported(db, 1, metadata={"page": "two"})
    await imported(db, 1)
    page, odd = KnownKey("page", 4, ("number", "string")), KnownKey("[/b]", 3, ("string",))
    assert await metadata.known_keys(db) == KnownKeys((page, odd), is_whole=True)
    assert await metadata.known_keys(db, limit=1) == KnownKeys((page,), is_whole=False)


# Editing ----------------------------------------------------------------------------------------------------------


async def test_set_merge_and_remove_do_what_they_say_and_only_changes_are_on_record(db: Database) -> None:
    (one,) = await imported(db, metadata={"a": 1, "b": [1, {"c": None}]})
    assert (await metadata.merge(db, one, {"a": 2, "d": "x"}, filter_text="score>7")).changed == 1
    assert await metadata.get(db, one) == {"a": 2, "b": [1, {"c": None}], "d": "x"}
    assert (await metadata.merge(db, one, {"a": 2})).unchanged == 1
    assert (await metadata.remove(db, one, ["b", "z"])).changed == 1
    assert (await metadata.set_(db, one, {"e": True})).changed == 1
    assert await metadata.get(db, one) == {"e": True}
    assert await logged(db, one) == [
        {"operation": "merge", "filter": "score>7", "before": {"a": 1}, "after": {"a": 2, "d": "x"}},
        {"operation": "remove", "before": {"b": [1, {"c": None}]}, "after": {}},
        {"operation": "set", "before": {"a": 2, "d": "x"}, "after": {"e": True}},
    ]


async def test_an_edit_keeps_the_approval_the_revision_and_the_decision(db: Database, reviewer_db: Database) -> None:
    (one,) = await imported(db)
    await approved(db, one)
    before = await seen(db, one)
    await metadata.merge(reviewer_db, one, {"page": 4})
    after = await conversations.read(db, one)
    assert (after.row.status, await seen(db, one)) == ("approved", before)
    assert (after.history[0].action, after.history[0].reviewer_id) == ("metadata", "rita")
    assert (after.history[0].status_before, after.history[0].status_after) == ("approved", "approved")


async def test_a_filter_ids_and_an_id_are_all_targets(db: Database) -> None:
    ids = await imported(db, 4, metadata={"n": 1})
    keys = await ids_of(db, parse("meta.n:1"))
    assert keys == sorted(keys) and len(keys) == 4
    assert await ids_of(db, [keys[2], keys[0], keys[2]]) == [keys[0], keys[2]]
    change = await metadata.merge(db, parse("meta.n:1"), {"n": 2})
    assert (change.changed, change.total, change.stopped) == (4, 4, False) and change.bulk_id
    assert {entry["filter"] for one in ids for entry in await logged(db, one)} == {"meta.n:1"}
    assert (await metadata.remove(db, keys[:2], ["n"], filter_text="picked")).changed == 2
    assert [held.values async for held in metadata.each(db, keys)] == [{}, {}, {"n": 2}, {"n": 2}]
    with pytest.raises(Refused, match="no conversation c-nowhere"):
        await metadata.merge(db, "c-nowhere", {"n": 1})
    assert (await metadata.merge(db, [2_000_000], {"n": 1})).skipped == 1
    assert (await metadata.merge(db, [], {"n": 1})).total == 0


async def test_planned_ones_are_edited_and_those_in_the_trash_are_skipped(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    await planned(db, 1)
    await imported(db, 1)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE conversations SET deleted_at = now() WHERE status = 'generated'")
    keys = await ids_of(db, parse("is:deleted")) + await ids_of(db, parse("status:planned"))
    change = await metadata.merge(db, keys, {"n": 1})
    assert (change.changed, change.skipped) == (1, 1)


async def test_many_go_a_thousand_at_a_time_and_stop_between(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("INSERT INTO conversations (is_seed) SELECT true FROM generate_series(1, 2500)")
    said: list[tuple[int, int]] = []
    stop = asyncio.Event()

    def progress(done: int, total: int) -> None:
        said.append((done, total))
        if done == 2000:
            stop.set()

    change = await metadata.merge(db, parse("is:seed"), {"n": 1}, progress=progress, stop=stop)
    assert said == [(1000, 2500), (2000, 2500)]
    assert (change.changed, change.total, change.stopped) == (2000, 2500, True)
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE metadata = '{\"n\": 1}'") == 2000
    undone = await reviews.undo_last(db, key=new_key())
    assert undone.action == "undo"
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE metadata <> '{}'") == 0


async def test_the_same_key_twice_is_one_edit(db: Database, reviewer_db: Database) -> None:
    one, two = await imported(db, 2)
    for target in (one, await ids_of(db, parse(""))):
        await metadata.merge(db, target, {"n": 1}, key=f"press-{len(target)}")
    await metadata.merge(reviewer_db, one, {"n": 2})
    again = await metadata.merge(db, one, {"n": 1}, key=f"press-{len(one)}")
    assert (again.changed, again.unchanged, await metadata.get(db, one)) == (1, 0, {"n": 2})
    assert len(await logged(db, one)) == 2 and len(await logged(db, two)) == 1
    with pytest.raises(Refused) as refused:
        await metadata.merge(reviewer_db, two, {"n": 3}, key=f"press-{len(one)}")
    assert refused.value.code == "TT010"


async def test_an_edit_of_what_changed_meanwhile_is_refused(db: Database, reviewer_db: Database) -> None:
    (one,) = await imported(db, metadata={"huge": 2**70, "n": 1})
    before = await metadata.read(db, one)
    assert (await metadata.change(db, one, "merge", values={"n": 2}, seen=before.seen)).changed == 1
    with pytest.raises(Refused) as refused:
        await metadata.change(reviewer_db, one, "merge", values={"m": 1}, keys=["n"], seen=before.seen)
    assert refused.value.stale
    assert (await metadata.get(db, one))["n"] == 2
    await metadata.change(db, one, "merge", values={"m": 1}, keys=["n"], seen=(await metadata.read(db, one)).seen)
    stored = await scalar(db, "SELECT metadata::text FROM conversations")
    assert json.loads(stored) == {"huge": 2**70, "m": 1}


async def test_more_than_64_kilobytes_are_answered(db: Database, conninfo: Conninfo) -> None:
    one, two = await imported(db, 2)
    await metadata.merge(db, one, {"a": "x" * (MOST_BYTES - len('{"a": ""}'))})
    with pytest.raises(Refused) as refused:
        await metadata.merge(db, await ids_of(db, parse("")), {"b": 1})
    assert refused.value.title == "Metadata not valid" and f"The metadata of {one} would be" in refused.value.message
    assert await metadata.get(db, two) == {}
    too_long = Jsonb({"a": "x" * MOST_BYTES})
    assert sqlstate(conninfo(SUPERUSER), "UPDATE conversations SET metadata = %s", [too_long]) == "23514"


HOSTILE = {
    "'; DROP TABLE conversations; --": 1, "[/b]": "[@click=app.quit]", "\u202e": "\x1b[31m", "a.b": {"": []},
    "%s": "%(x)s", "${x}": "\\", "é" * 100: "🙂" * 50,
}  # fmt: skip


async def test_hostile_keys_and_values_are_data(db: Database) -> None:
    (one,) = await imported(db)
    storable = {key: value for key, value in HOSTILE.items() if " " not in key}
    await metadata.merge(db, one, storable)
    assert await metadata.get(db, one) == storable
    await metadata.merge(db, one, {"nul": "a\x00b\ud800"})
    assert (await metadata.get(db, one))["nul"] == "a\ufffdb\ufffd"
    await metadata.remove(db, one, [*HOSTILE, "nul"])
    assert await metadata.get(db, one) == {}
    with pytest.raises(Refused, match="no blank"):
        await metadata.merge(db, one, HOSTILE)
    for value in (float("nan"), float("inf"), {1}, {1: 2}, b"x"):
        with pytest.raises(TraintuiError, match="JSON cannot hold"):
            await metadata.merge(db, one, {"a": value})


async def test_two_bulk_edits_at_once_in_any_order_both_end(db: Database, reviewer_db: Database) -> None:
    await imported(db, 60)
    keys = await ids_of(db, parse(""))
    async with asyncio.timeout(180):
        await asyncio.gather(
            *(
                metadata.merge(person, keys if step % 2 else keys[::-1], {name: step})
                for step in range(4)
                for person, name in ((db, "a"), (reviewer_db, "b"))
            )
        )
    assert {frozenset(held.values) async for held in metadata.each(db, keys)} == {frozenset({"a", "b"})}


# Undo -------------------------------------------------------------------------------------------------------------


async def test_undo_brings_back_what_was_there_and_takes_out_what_was_new(db: Database) -> None:
    (one,) = await imported(db, metadata={"a": 1, "b": 2})
    await approved(db, one)
    before = await seen(db, one)
    await metadata.change(db, one, "merge", values={"a": 5, "c": 6}, keys=["b"])
    last = await reviews.last_undoable(db)
    assert last is not None and last.action == "metadata"
    undone = await reviews.undo_last(db, key="press")
    assert undone == await reviews.undo_last(db, key="press")
    assert (undone.undoes, undone.status_before, undone.status_after) == (last.id, "approved", "approved")
    assert await metadata.get(db, one) == {"a": 1, "b": 2}
    assert await seen(db, one) == before
    await reviews.undo_last(db, key=new_key())
    assert (await conversations.read(db, one)).row.status == "generated"


async def test_an_edit_is_undone_by_its_author_until_somebody_changes_that_metadata(
    db: Database, reviewer_db: Database
) -> None:
    (one,) = await imported(db)
    await metadata.merge(db, one, {"a": 1})
    await approved(reviewer_db, one)
    await metadata.merge(reviewer_db, one, {"b": 1})
    with pytest.raises(Refused, match="acted on it since"):
        await reviews.undo_last(db, key=new_key())
    await reviews.undo_last(reviewer_db, key=new_key())
    await reviews.undo_last(db, key=new_key())
    assert await metadata.get(db, one) == {}
    assert (await conversations.read(db, one)).row.status == "approved"
    newest = await scalar(db, "SELECT max(id) FROM review_logs WHERE action = 'metadata' AND reviewer_id = 'rita'")
    for login, code in ((db, "TT004"), (reviewer_db, "TT007")):
        with pytest.raises(Refused) as refused:
            await reviews.call(login, "SELECT * FROM undo_metadata(:id, :key)", id=newest, key=new_key())
        assert refused.value.code == code


async def test_neither_a_takeover_nor_anothers_open_decision_keeps_an_edit_from_being_taken_back(
    db: Database, reviewer_db: Database
) -> None:
    await second_review.ask(db, SecondReview(2, 1.0))
    (one,) = await imported(db)
    await metadata.merge(db, one, {"a": 1})
    await reservations.reserve(db, uuid4(), [one], 1)
    await reservations.take_over(reviewer_db, uuid4(), one, key=new_key())
    await reviews.decide(reviewer_db, await seen(reviewer_db, one), "approve", key=new_key())
    undone = await reviews.undo_last(db, key=new_key())
    assert undone.action == "undo" and await metadata.get(db, one) == {}


async def test_a_bulk_edit_is_one_undo_and_what_others_changed_stays(db: Database, reviewer_db: Database) -> None:
    ids = await imported(db, 5, metadata={"n": 0})
    change = await metadata.merge(db, parse("meta.n:0"), {"n": 1})
    await metadata.merge(reviewer_db, ids[1], {"n": 9})
    said: list[tuple[int, int]] = []
    undone = await metadata.undo_bulk(db, str(change.bulk_id), progress=lambda *done: said.append(done))
    assert (undone.undone, undone.kept, said) == (4, 1, [(5, 5)])
    assert [(await metadata.get(db, one))["n"] for one in ids] == [0, 9, 0, 0, 0]
    assert await metadata.undo_bulk(db, str(change.bulk_id)) == Undone(0, 1)
    assert await metadata.undo_bulk(reviewer_db, str(change.bulk_id)) == Undone(0, 0)


async def test_the_key_of_undo_takes_back_the_rest_of_a_bulk_edit_whose_last_one_was_changed_since(
    db: Database, reviewer_db: Database
) -> None:
    ids = await imported(db, 3)
    await metadata.merge(db, parse(""), {"n": 1})
    await metadata.merge(reviewer_db, ids[-1], {"n": 9})
    entry = await reviews.undo_last(db, key=new_key())
    assert (entry.action, entry.conversation_id) == ("undo", ids[1])
    assert [await metadata.get(db, one) for one in ids] == [{}, {}, {"n": 9}]
    with pytest.raises(Refused, match="acted on it since"):
        await reviews.undo_last(db, key=new_key())


async def test_undo_never_brings_back_a_value_that_a_key_no_longer_takes(db: Database) -> None:
    (one,) = await imported(db, metadata={"n": "x"})
    await metadata.merge(db, one, {"n": 1})
    await metadata.register(db, "n", "integer")
    with pytest.raises(Refused) as refused:
        await reviews.undo_last(db, key=new_key())
    assert (refused.value.code, await metadata.get(db, one)) == ("TT014", {"n": 1})
