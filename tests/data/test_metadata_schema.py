"""A workspace's metadata fits the schema that it registered, whichever way it is written."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import psycopg
import pytest

from support import (
    add_vocabulary,
    beside,
    eventually,
    fetch,
    import_items,
    imported,
    logged_in,
    scalar,
    sqlstate,
    turns_of,
)
from traintui.data import bulk, conversations, imports, metadata, metadata_schema, reviews, schema
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.import_records import ImportedFile
from traintui.data.metadata_rules import NO_RULES, Rules, checked_schema
from traintui.data.metadata_schema import LOOKED_AT_ONCE
from traintui.data.refusals import Refused
from traintui.errors import TraintuiError

SOURCE: dict[str, Any] = {"properties": {"source": {"enum": ["web", "book"]}}, "required": ["source"]}


async def seeds(db: Database, *values: dict[str, Any]) -> list[int]:
    """Imported conversations with this metadata; their internal ids."""
    await import_items(
        db,
        [
            {"line": n, "turns": turns_of(f"Question {n} {json.dumps(value)}?", "Yes."), "metadata": value}
            for n, value in enumerate(values)
        ],
    )
    return [row.id for row in await fetch(db, "SELECT id FROM conversations ORDER BY id DESC LIMIT :n", n=len(values))][
        ::-1
    ]


async def held(db: Database, id: int) -> dict[str, Any]:
    return dict(await scalar(db, "SELECT metadata FROM conversations WHERE id = :id", id=id))


@pytest.mark.parametrize(
    ("rule", "value", "said"),
    [
        ({"enum": ["web", "book"]}, "webb", 'meta.k: "webb" is not one of web, book'),
        ({"type": "integer"}, "4", 'meta.k: "4" is not a whole number'),
        ({"type": ["string", "null"]}, 4, "meta.k: 4 is not text or null"),
        ({"minimum": 1}, 0, "meta.k: 0 is less than 1"),
        ({"exclusiveMaximum": 5}, 5, "meta.k: 5 is not less than 5"),
        ({"maxLength": 2}, "abc", 'meta.k: "abc" is longer than 2 characters'),
        ({"pattern": "^a"}, "b", 'meta.k: "b" does not match ^a'),
        ({"format": "date"}, "2026-02-30", 'meta.k: "2026-02-30" is not of the form date'),
        ({"items": {"type": "string"}}, ["a", 1], "meta.k[1]: 1 is not text"),
        ({"properties": {"page": {"type": "number"}}}, {"page": "x"}, 'meta.k.page: "x" is not a number'),
        ({"required": ["page"]}, {}, "meta.k.page is missing"),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"b": 1},
         "meta.k.b is not a key of the schema; known are a"),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "meta.k.b is missing, which goes with meta.k.a"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 3,
         "meta.k: 3 fits none of what is allowed; nearest: meta.k: 3 is not text"),
        ({"not": {"const": 1}}, 1, "meta.k: 1 is what the schema forbids"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_words_with_its_path(rule: dict[str, Any], value: Any, said: str) -> None:
    rules = Rules(1, checked_schema(json.dumps({"properties": {"k": rule}})))
    assert rules.problems({"k": value}) == [said]
    assert rules.problems({}) == []


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("{", "it is no JSON"),
        ("[]", "it is no object"),
        ('{"type": "strin"}', "type: 'strin' is not valid"),
        ('{"properties": {"a": {"pattern": "("}}}', "properties.a.pattern: '\\(' is not a 'regex'"),
        ('{"$ref": "#"}', "it refers to itself without end"),
        (
            '{"properties": {"a": {"$ref": "http://127.0.0.1:9/x"}}}',
            'it refers to "http://127.0.0.1:9/x", which is not',
        ),
        ('{"$schema": "http://example.com/none"}', "a language that is not known"),
        (json.dumps({"description": "x" * 60_001}), "more than 60,000 bytes"),
    ],
)
def test_a_schema_that_cannot_be_used_says_why(written: str, why: str) -> None:
    with pytest.raises(TraintuiError, match=why):
        checked_schema(written)


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$", "(?:a|aa)*b", "(a|a)*", "(.*a){20}", "a?" * 30 + "a" * 30, r"^(-\d+\d+)*$", r"(\s*,\s*\w+)*",
        "(?i)^(-a+)*$", "^((a{1,3}){1,3}){1,3}$", "^(?:[a-z]+|[0-9]+)*$", "^(?=(a+)+$)", "(a*)*b",
    ],
)  # fmt: skip
def test_a_pattern_that_could_run_away_is_no_schema(pattern: str) -> None:
    rules: tuple[dict[str, Any], ...] = (
        {"pattern": pattern}, {"patternProperties": {pattern: {}}}, {"anyOf": [{"items": {"pattern": pattern}}]},
    )  # fmt: skip
    for rule in rules:
        with pytest.raises(TraintuiError, match="longer than anyone waits"):
            checked_schema(json.dumps({"properties": {"k": rule}}))
    # Whoever put it past the app keeps nobody waiting either.
    past = Rules(1, {"properties": {"k": {"pattern": pattern}}})
    assert past.problems({"k": "a" * 50}) == [f'meta.k: "{"a" * 50}" would wait for ever for {pattern}']


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        (r"^[a-z]+(-[a-z]+)*$", "a-slug-of-words"), (r"^https?://[^/]+(/[^/]*)*$", "https://x.org/" + "a/" * 900),
        (r"^[^@]+@[^@]+\.[^@]+$", "ada@example.org"), (r"^(foo|bar)*$", "foobar" * 900), (r"^\d{4}-\d{2}$", "2026-11"),
        (r"^[A-Z]{2}\d{1,4}(-\d+)*$", "AB12-3-44"), (r"^(\w+\.)*\w+$", "a.b_c.d"),
    ],
)  # fmt: skip
def test_patterns_that_people_write_are_taken(pattern: str, fits: str) -> None:
    rules = Rules(1, checked_schema(json.dumps({"properties": {"k": {"pattern": pattern}}})))
    assert rules.problems({"k": fits}) == []
    assert rules.problems({"k": "?"}) == [f'meta.k: "?" does not match {pattern}']


def test_a_text_is_too_long_for_a_pattern_whose_time_grows_with_its_powers() -> None:
    rules = Rules(1, checked_schema('{"properties": {"k": {"pattern": "^a*a*a*b"}}}'))
    assert rules.problems({"k": "a" * 214 + "b"}) == []
    (said,) = rules.problems({"k": "a" * 60_000})
    assert said.endswith("… is longer than the 215 characters that are matched with ^a*a*a*b")
    names = Rules(1, checked_schema('{"patternProperties": {"^x+y*z": {"type": "integer"}}}'))
    assert names.problems({"k": {"x" * 201: 1}})[0].endswith(
        "is longer than 200 characters, which patterns of names take"
    )


async def test_every_version_is_kept_with_who_and_when(db: Database, reviewer_db: Database) -> None:
    assert await metadata_schema.present(db) is None and await metadata_schema.rules(db) == NO_RULES
    assert await metadata_schema.register(db, SOURCE, seen=0) == 1
    assert await metadata_schema.register(db, {"type": "object"}, seen=1) == 2
    assert await metadata_schema.register(db, None, seen=2) == 3
    versions = await metadata_schema.history(db)
    assert [(each.version, each.schema, each.by) for each in versions] == [
        (3, None, "ada"), (2, {"type": "object"}, "ada"), (1, SOURCE, "ada"),
    ]  # fmt: skip
    assert versions[0].at > versions[1].at > versions[2].at
    present = await metadata_schema.present(db)
    assert present is not None and (present.version, present.schema, present.by) == (3, None, "ada")
    with pytest.raises(Refused) as stale:
        await metadata_schema.register(db, SOURCE, seen=2)
    assert stale.value.code == "TT001"
    with pytest.raises(Refused, match="No right"):
        await metadata_schema.register(reviewer_db, SOURCE, seen=3)


async def test_an_edit_that_does_not_fit_changes_nothing(db: Database) -> None:
    one, two = await seeds(db, {"source": "web", "n": 1}, {"source": "book"})
    await metadata_schema.register(db, SOURCE, seen=0)
    with pytest.raises(Refused, match=r"^Metadata not valid") as refused:
        await metadata.merge(db, [one], {"source": "webb"})
    assert refused.value.message == 'meta.source: "webb" is not one of web, book.'
    with pytest.raises(Refused, match="So it is with 1 more of these 2"):
        await metadata.remove(db, [one, two], ["source"])
    with pytest.raises(Refused, match="source is missing"):
        await metadata.set_(db, [one], {})
    assert (await held(db, one), await held(db, two)) == ({"source": "web", "n": 1}, {"source": "book"})
    assert await scalar(db, "SELECT count(*) FROM review_logs WHERE action = 'metadata'") == 0
    assert (await metadata.merge(db, [one, two], {"source": "book"})).changed == 1


async def test_an_edit_leaves_alone_what_it_does_not_change_and_does_not_fit(db: Database) -> None:
    odd, good = await seeds(db, {"source": "odd", "by": "lead"}, {"source": "web"})
    await metadata_schema.register(db, SOURCE, seen=0)
    assert (await metadata.merge(db, [odd, good], {"by": "lead"})).changed == 1
    with pytest.raises(Refused, match='"odd" is not one of'):
        await metadata.merge(db, [odd], {"by": "me"})
    assert (await metadata.merge(db, [odd], {"by": "me", "source": "web"})).changed == 1


async def test_an_undo_that_would_not_fit_is_refused(db: Database) -> None:
    ids = await seeds(db, {"source": "odd"}, {"source": "odd", "n": 2})
    await metadata.merge(db, ids[:1], {"source": "web"})
    await metadata_schema.register(db, SOURCE, seen=0)
    with pytest.raises(Refused, match='"odd" is not one of web, book'):
        await reviews.undo_last(db, key=reviews.new_key())
    assert (await held(db, ids[0]))["source"] == "web"
    await metadata_schema.register(db, None, seen=1)
    mended = await metadata.merge(db, ids, {"source": "book"})
    await metadata_schema.register(db, SOURCE, seen=2)
    assert mended.bulk_id is not None
    with pytest.raises(Refused, match='"odd" is not one of web, book'):
        await metadata.undo_bulk(db, mended.bulk_id)
    assert [(await held(db, id))["source"] for id in ids] == ["book", "book"]
    await metadata_schema.register(db, {"required": ["source"]}, seen=3)
    assert (await metadata.undo_bulk(db, mended.bulk_id)).undone == 2


async def test_an_import_that_does_not_fit_is_refused_with_its_line(db: Database) -> None:
    await metadata_schema.register(db, SOURCE, seen=0)
    with pytest.raises(Refused, match=r'line 7: .*"paper" is not one of web, book'):
        await import_items(
            db,
            [
                {"line": 6, "turns": turns_of("A?", "B."), "metadata": {"source": "web"}},
                {"line": 7, "turns": turns_of("C?", "D."), "metadata": {"source": "paper"}},
            ],
        )
    assert await conversations.count(db) == 0
    await seeds(db, {"source": "web"})
    assert await conversations.count(db) == 1


async def test_an_import_is_taken_back_whatever_was_there_before(db: Database) -> None:
    await seeds(db, {"source": "odd"})
    await metadata_schema.register(db, SOURCE, seen=0)
    (going,) = await fetch(db, "SELECT import_id FROM imports")
    assert (await bulk.undo(db, going.import_id)).undone == 1


async def test_nothing_is_written_past_the_schema(db: Database, conninfo: Any) -> None:
    (one,) = await seeds(db, {"source": "web"})
    stale = await metadata_schema.rules(db)
    await metadata_schema.register(db, SOURCE, seen=0)
    change = f"SELECT change_metadata(ARRAY[{one}]::bigint[], 'merge', '{{\"source\": \"x\"}}', '{{}}', NULL, 'k')"
    assert sqlstate(conninfo("rita"), change) == "TT015"
    assert sqlstate(conninfo(SUPERUSER), f"UPDATE conversations SET metadata = '{{}}' WHERE id = {one}") == "TT015"
    assert sqlstate(conninfo("rita"), f"SELECT FROM metadata_looked_at_by(1) AS by, LATERAL {change[7:]}") is None
    going = await imports.begin(db, ImportedFile("a", "a", "openai", 1))
    with pytest.raises(Refused, match="Schema changed"):
        await imports.load(db, going, [{"line": 1, "turns": turns_of("A?", "B.")}], rules=stale)


async def test_a_new_schema_waits_for_what_is_being_written(db: Database, conninfo: Any) -> None:
    (one,) = await seeds(db, {"source": "odd"})
    async with logged_in(conninfo("ada")) as other:
        async with other.write() as connection:
            await connection.exec_driver_sql("SELECT hold_metadata_rules()")
            registering = asyncio.ensure_future(metadata_schema.register(db, SOURCE, seen=0))
            await connection.exec_driver_sql(
                "SELECT change_metadata(ARRAY[%(id)s]::bigint[], 'merge', '{\"n\": 1}', '{}', NULL, 'k')", {"id": one}
            )
            assert not registering.done()
        assert await registering == 1
    assert (await held(db, one))["n"] == 1


async def test_who_writes_behind_a_new_schema_that_waits_gets_through_before_it(db: Database, conninfo: Any) -> None:
    one, two = await seeds(db, {"source": "odd"}, {"source": "odd"})
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7453 AND NOT granted"

    async def waits() -> bool:
        return bool(await scalar(db, waiting))

    async with (
        logged_in(conninfo("ada")) as slow,
        logged_in(conninfo("ada") + " options='-c lock_timeout=2s'") as quick,
    ):
        async with slow.write() as connection:
            await connection.exec_driver_sql("SELECT hold_metadata_rules()")
            registering = asyncio.ensure_future(metadata_schema.register(db, {"type": "object"}, seen=0))
            await beside(registering, eventually(waits))
            await quick.call(
                "SELECT change_metadata(ARRAY[CAST(:id AS bigint)], 'merge', '{\"n\": 2}', '{}', NULL, 'q')",
                {"id": two},
            )
            assert not registering.done()
        assert await registering == 1
    assert (await held(db, two))["n"] == 2 and "n" not in await held(db, one)


async def test_a_look_at_all_says_how_many_do_not_fit_and_names_the_first(db: Database) -> None:
    await seeds(db, *({"source": "web" if n % 2 else "odd", "n": n} for n in range(2 * LOOKED_AT_ONCE + 50)))
    told: list[tuple[int, int]] = []
    found = await metadata_schema.check(db, Rules(1, SOURCE), progress=lambda done, total: told.append((done, total)))
    assert (found.looked, found.misfits, len(found.first), found.stopped) == (2_050, 1_025, 20, False)
    assert found.first[0].why == 'meta.source: "odd" is not one of web, book'
    assert told == [(1_000, 2_050), (2_000, 2_050), (2_050, 2_050)]
    stop = asyncio.Event()
    ended = await metadata_schema.check(db, Rules(1, SOURCE), progress=lambda *_: stop.set(), stop=stop)
    assert (ended.looked, ended.stopped) == (1_000, True)


async def test_a_schema_outlives_a_downgrade(db: Database, conninfo: Any) -> None:
    await add_vocabulary(db)
    await metadata_schema.register(db, SOURCE, seen=0)
    await db.close()
    schema.downgrade(conninfo(SUPERUSER), "0052")
    with psycopg.connect(conninfo("ada")) as below:  # as a Traintui of that revision
        below.execute(
            "INSERT INTO conversations (persona, emotion, topic, intent, tone, tier, metadata) VALUES"
            " ('anxious_planner', 'calm', 'savings', 'complain', 'warm', 'scenario', '{}')"
        )
    schema.upgrade(conninfo(SUPERUSER))
    async with logged_in(conninfo("ada")) as again:
        rules = await metadata_schema.rules(again)
        assert rules.schema == SOURCE and (await metadata_schema.check(again, rules)).misfits == 1
        with pytest.raises(Refused, match="source is missing"):
            await imported(again)
