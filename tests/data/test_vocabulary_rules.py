"""Dimension values come from the vocabulary, and a value that was used once stays."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from support import (
    VALUES,
    Conninfo,
    Wanted,
    add_vocabulary,
    approved,
    beside,
    eventually,
    fetch,
    import_items,
    imported,
    logged_in,
    planned,
    scalar,
    sqlstate,
    turns_of,
)
from traintui.data import conversations, imports, vocabulary
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.import_records import ImportedFile
from traintui.data.models import TIERS
from traintui.data.records import COLOURS, VocabularyValue
from traintui.data.refusals import Refused
from traintui.data.storable import as_json


async def test_an_unknown_value_is_refused_and_named(db: Database) -> None:
    await add_vocabulary(db)
    with pytest.raises(Refused) as refused:
        await planned(db, wanted=[Wanted(), Wanted(persona="pirate")])
    assert (refused.value.code, refused.value.detail) == ("TT009", {"dimension": "persona", "value": "pirate"})
    with pytest.raises(Refused) as refused:
        await import_items(db, [{"turns": turns_of("Q?", "A."), "tone": "rude"}])
    assert refused.value.detail == {"dimension": "tone", "value": "rude"}
    assert await conversations.count(db) == 0
    assert await fetch(db, "SELECT FROM batches UNION ALL SELECT FROM plans") == []


async def test_a_value_of_another_dimension_is_unknown(db: Database) -> None:
    await add_vocabulary(db)
    with pytest.raises(Refused) as refused:
        await planned(db, wanted=[Wanted(emotion="formal")])
    assert refused.value.detail == {"dimension": "emotion", "value": "formal"}


async def test_a_change_to_an_unknown_value_is_refused(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    await imported(db, persona="busy_parent")
    assert sqlstate(conninfo(SUPERUSER), "UPDATE conversations SET topic = 'nothing'") == "TT009"
    assert sqlstate(conninfo(SUPERUSER), "UPDATE conversations SET topic = 'savings', persona = NULL") is None


async def test_a_value_stays_and_its_label_may_change(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    superuser = conninfo(SUPERUSER)
    assert sqlstate(superuser, "UPDATE vocabulary SET value = 'x' WHERE value = 'calm'") == "TT003"
    assert sqlstate(superuser, "UPDATE vocabulary SET dimension = 'tone' WHERE value = 'calm'") == "TT003"
    assert sqlstate(superuser, "DELETE FROM vocabulary WHERE value = 'calm'") == "TT003"
    for statement in ("UPDATE vocabulary SET value = value", "DELETE FROM vocabulary"):
        assert sqlstate(conninfo("ada"), statement) == "42501"
    await vocabulary.add(db, [VocabularyValue("emotion", "calm", "At ease", "says so", "#00ff00", ("fine",), False, 7)])
    assert (await vocabulary.labels(db))["emotion", "calm"] == VocabularyValue(
        "emotion", "calm", "At ease", "says so", "#00ff00", ("fine",), False, 7
    )
    assert ("emotion", "calm") not in {
        (value.dimension, value.value) for value in await vocabulary.values(db, active_only=True)
    }


async def test_a_value_that_is_given_twice_is_added_once_and_the_last_label_counts(db: Database) -> None:
    await vocabulary.add(db, [VocabularyValue("tone", "dry", "Dry"), VocabularyValue("tone", "dry", "Very dry")])
    assert (await vocabulary.labels(db))["tone", "dry"].label == "Very dry"


@pytest.mark.parametrize("value", ["Has Space", "", "UPPER", "none", "x" * 64, "é", "-a", "a,b"])
async def test_a_value_is_a_word_that_a_filter_can_name(db: Database, value: str) -> None:
    with pytest.raises(Refused, match="lower-case"):
        await vocabulary.add(db, [VocabularyValue("tone", value, "A tone")])


async def test_there_are_six_dimensions(db: Database) -> None:
    with pytest.raises(Refused, match="no such dimension"):
        await vocabulary.add(db, [VocabularyValue("mood", "dry", "Dry")])


async def test_the_tiers_are_there_from_the_start_and_no_other(db: Database) -> None:
    assert {value.value for value in await vocabulary.values(db) if value.dimension == "tier"} == set(TIERS)
    await add_vocabulary(db)
    await vocabulary.add(db, [VocabularyValue("tier", "epic", "Epic")])
    with pytest.raises(Refused, match="no such tier"):
        await planned(db, wanted=[Wanted(tier="epic")])


async def test_seeds_may_lack_dimensions_and_planned_conversations_may_not(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    await imported(db)
    with pytest.raises(Refused, match="value in each dimension"):
        await planned(db, wanted=[Wanted(persona=None)])  # type: ignore[arg-type]
    await planned(db)
    assert sqlstate(conninfo(SUPERUSER), "UPDATE conversations SET tone = NULL WHERE NOT is_seed") == "23514"


async def test_only_authors_add_values(reviewer_db: Database) -> None:
    with pytest.raises(Refused) as refused:
        await vocabulary.add(reviewer_db, [VocabularyValue("tone", "dry", "Dry")])
    assert refused.value.title == "No right"


# Changing ---------------------------------------------------------------------------------------------------------


async def test_what_is_not_named_stays_when_a_value_changes(db: Database) -> None:
    await vocabulary.add(db, [VocabularyValue("tone", "dry", "Dry", "says so", "teal", ("sober",), position=3)])
    changed = await vocabulary.change(db, "tone", "dry", label="Matter of fact", active=False)
    assert changed == VocabularyValue("tone", "dry", "Matter of fact", "says so", "teal", ("sober",), False, 3)
    changed = await vocabulary.change(db, "tone", "dry", colour="", description="", position=1, active=True)
    assert changed == VocabularyValue("tone", "dry", "Matter of fact", "", None, ("sober",), True, 1)
    assert await vocabulary.change(db, "tone", "dry") == changed
    assert (await vocabulary.labels(db))["tone", "dry"] == changed
    with pytest.raises(Refused) as refused:
        await vocabulary.change(db, "tone", "wet", label="Wet")
    assert refused.value.code == "TT002"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"colour": "pink"}, "no such colour"),
        ({"colour": "#12345"}, "no such colour"),
        ({"colour": "red\n"}, "no such colour"),
        ({"label": " \t"}, "1 to 80"),
        ({"label": "x" * 81}, "1 to 80"),
        ({"description": "x" * 501}, "500"),
    ],
)
async def test_what_a_screen_cannot_show_is_refused(db: Database, given: dict[str, str], said: str) -> None:
    await add_vocabulary(db)
    before = await vocabulary.values(db)
    with pytest.raises(Refused, match=said):
        await vocabulary.change(db, "tone", "formal", **given)  # type: ignore[arg-type]
    assert await vocabulary.values(db) == before


@pytest.mark.parametrize("colour", [*COLOURS, "#5fb3c8", "#ABCDEF", None])
async def test_a_colour_has_a_name_or_a_code(db: Database, colour: str | None) -> None:
    made = await vocabulary.create(db, VocabularyValue("tone", "dry", "Dry", colour=colour))
    assert made.colour == colour


async def test_a_new_value_comes_last_and_takes_the_place_of_none(db: Database) -> None:
    await add_vocabulary(db)
    made = await vocabulary.create(db, VocabularyValue("tone", "dry", "Dry"))
    assert [value.value for value in await vocabulary.values(db) if value.dimension == "tone"][-1] == "dry"
    assert made.position == len(VALUES["tone"])
    with pytest.raises(Refused, match="there already"):
        await vocabulary.create(db, VocabularyValue("tone", "dry", "Drier"))
    assert (await vocabulary.labels(db))["tone", "dry"].label == "Dry"


async def test_only_authors_change_create_and_merge(reviewer_db: Database, db: Database) -> None:
    await add_vocabulary(db)
    for attempt in (
        vocabulary.change(reviewer_db, "tone", "warm", label="Hot"),
        vocabulary.create(reviewer_db, VocabularyValue("tone", "dry", "Dry")),
        vocabulary.merge(reviewer_db, "tone", "warm", "formal"),
    ):
        with pytest.raises(Refused) as refused:
            await attempt
        assert refused.value.title == "No right"


async def test_uses_are_counted_for_every_value_that_has_any(db: Database) -> None:
    await add_vocabulary(db)
    await imported(db, 3, persona="busy_parent", tone="warm")
    await imported(db, 2, persona="anxious_planner", tier="template")
    await imported(db)
    assert await vocabulary.uses(db) == {
        ("persona", "busy_parent"): 3, ("persona", "anxious_planner"): 2, ("tone", "warm"): 3, ("tier", "template"): 2,
    }  # fmt: skip


@pytest.mark.parametrize(("number", "said"), [(0, "may be in exports"), (1, "by 1 conversation"), (3, "by 3 conv")])
async def test_a_value_is_not_removed_and_the_answer_says_what_has_it(
    db: Database, conninfo: Conninfo, number: int, said: str
) -> None:
    await add_vocabulary(db)
    if number:
        await imported(db, number, tone="warm")
    with pytest.raises(Refused, match=said) as refused:
        await vocabulary.remove(db, "tone", "warm")
    assert (refused.value.detail, "merge it" in refused.value.remedy) == ({"uses": number}, True)
    assert sqlstate(conninfo(SUPERUSER), "DELETE FROM vocabulary WHERE value = 'warm'") == "TT003"


# Inactive and merged ----------------------------------------------------------------------------------------------


async def test_an_inactive_value_is_imported_and_not_planned(db: Database) -> None:
    await add_vocabulary(db)
    await vocabulary.change(db, "tone", "formal", active=False)
    await imported(db, tone="formal")
    with pytest.raises(Refused, match='Tone "formal" is inactive') as refused:
        await planned(db)
    assert refused.value.detail == {"dimension": "tone", "value": "formal", "active": False}


async def test_a_merge_moves_every_conversation_and_keeps_what_was_decided(db: Database) -> None:
    await add_vocabulary(db)
    await planned(db, 2)
    ids = await imported(db, 3, tone="formal")
    other = await imported(db, 1, tone="warm")
    await approved(db, ids[0])
    before = {one: (await conversations.read(db, one)).row for one in ids + other}
    told: list[int] = []
    assert await vocabulary.merge(db, "tone", "formal", "warm", progress=told.append) == 5
    assert told == [5]
    for one in ids + other:
        row = (await conversations.read(db, one)).row
        assert row.tone == "warm"
        assert (row.status, row.revision, row.decision_id) == (
            before[one].status, before[one].revision, before[one].decision_id,
        )  # fmt: skip
    log = await fetch(
        db,
        "SELECT conversation_id, reviewer_id, status_before = status_after, details, bulk_id FROM review_logs"
        " WHERE action = 'metadata'",
    )
    assert len(log) == 5 and {row.conversation_id for row in log} > set(ids)
    assert {(row.reviewer_id, row[2]) for row in log} == {("ada", True)} and len({row.bulk_id for row in log}) == 1
    assert log[0].details == {"dimension": "tone", "from": "formal", "into": "warm"}
    merged = (await vocabulary.labels(db))["tone", "formal"]
    assert (merged.active, merged.merged_into) == (False, "warm")


async def test_a_merged_value_is_refused_with_the_name_of_what_it_became(db: Database) -> None:
    await add_vocabulary(db)
    await vocabulary.merge(db, "tone", "formal", "warm")
    for attempt in (planned(db), imported(db, tone="formal")):
        with pytest.raises(Refused, match='was merged into "warm"') as refused:
            await attempt
        assert refused.value.detail == {"dimension": "tone", "value": "formal", "merged_into": "warm"}
    assert await conversations.count(db) == 0


async def test_a_merge_that_was_stopped_leaves_each_with_one_of_both_and_goes_on_later(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "MERGED_AT_ONCE", 2)
    await add_vocabulary(db)
    await imported(db, 5, tone="formal")
    told: list[int] = []
    assert await vocabulary.merge(db, "tone", "formal", "warm", progress=told.append, stop=lambda: bool(told)) == 2
    assert await vocabulary.uses(db) == {("tone", "formal"): 3, ("tone", "warm"): 2}
    assert await vocabulary.merge(db, "tone", "formal", "warm", progress=told.append) == 3
    assert await vocabulary.uses(db) == {("tone", "warm"): 5}
    assert told == [2, 2, 3]
    assert await scalar(db, "SELECT count(DISTINCT bulk_id) FROM review_logs WHERE action = 'metadata'") == 2


async def test_what_was_merged_into_a_value_follows_it(db: Database) -> None:
    await add_vocabulary(db)
    await vocabulary.create(db, VocabularyValue("tone", "dry", "Dry"))
    await vocabulary.merge(db, "tone", "formal", "warm")
    await vocabulary.merge(db, "tone", "warm", "dry")
    words = await vocabulary.labels(db)
    assert [words["tone", each].merged_into for each in ("formal", "warm", "dry")] == ["dry", "dry", None]


async def test_what_cannot_be_merged_is_answered(db: Database) -> None:
    await add_vocabulary(db)
    await vocabulary.create(db, VocabularyValue("tone", "dry", "Dry"))
    await vocabulary.merge(db, "tone", "formal", "warm")
    for from_, into, said in (
        ("warm", "warm", "into itself"),
        ("warm", "rude", "not in the vocabulary"),
        ("rude", "warm", "not in the vocabulary"),
        ("warm", "worried", "not in the vocabulary"),
        ("dry", "formal", 'was merged into "warm"'),
        ("formal", "dry", 'was merged into "warm"'),
    ):
        with pytest.raises(Refused, match=said):
            await vocabulary.merge(db, "tone", from_, into)
    with pytest.raises(Refused, match="tiers are fixed"):
        await vocabulary.merge(db, "tier", "template", "scenario")
    with pytest.raises(Refused, match="not in the vocabulary"):
        await vocabulary.merge(db, "colour; DROP TABLE x", "template", "scenario")


async def test_a_merged_value_stays_inactive_also_when_its_file_is_imported_again(
    db: Database, conninfo: Conninfo
) -> None:
    await add_vocabulary(db)
    await vocabulary.merge(db, "tone", "formal", "warm")
    with pytest.raises(Refused, match="stays inactive"):
        await vocabulary.change(db, "tone", "formal", active=True)
    await add_vocabulary(db)
    assert not (await vocabulary.labels(db))["tone", "formal"].active
    assert sqlstate(conninfo("ada"), "UPDATE vocabulary SET merged_into = NULL") == "42501"


async def test_a_row_that_waits_to_be_moved_may_change_elsewhere(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "MERGED_AT_ONCE", 1)
    await add_vocabulary(db)
    await imported(db, 2, tone="formal")
    told: list[int] = []
    await vocabulary.merge(db, "tone", "formal", "warm", progress=told.append, stop=lambda: bool(told))
    superuser = conninfo(SUPERUSER)
    assert sqlstate(superuser, "UPDATE conversations SET topic = 'savings', tone = tone") is None
    assert sqlstate(superuser, "UPDATE conversations SET tone = 'formal' WHERE tone = 'warm'") == "TT009"


async def test_a_merge_waits_for_what_is_being_stored_and_moves_it_too(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    async with logged_in(conninfo("arthur")) as other:
        going = await imports.begin(other, ImportedFile("a.jsonl", "a.jsonl", "openai", 1))
    async with logged_in(conninfo("arthur")) as other, other.write() as storing:
        brought = {"id": going.import_id, "turns": as_json(turns_of("Q?", "A."))}
        await storing.execute(
            text(
                "INSERT INTO import_items (import_id, place, turns, metadata, tone)"
                " VALUES (:id, 1, CAST(:turns AS jsonb), '{}', 'formal')"
            ),
            brought,
        )
        await storing.execute(text("SELECT load_import(:id, 1, 1, 60)"), {"id": going.import_id})
        merging = asyncio.create_task(vocabulary.merge(db, "tone", "formal", "warm"))

        async def waits() -> bool:
            return bool(await scalar(other, "SELECT count(*) FROM pg_locks WHERE NOT granted"))

        await beside(merging, eventually(waits))
        assert not merging.done()
    assert await merging == 1
    assert await vocabulary.uses(db) == {("tone", "warm"): 1}
