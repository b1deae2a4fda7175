"""Dimension values come from the vocabulary, and a value that was used once stays."""

from __future__ import annotations

import pytest

from support import Conninfo, Wanted, add_vocabulary, fetch, import_items, imported, planned, sqlstate, turns_of
from traintui.data import conversations, vocabulary
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.models import TIERS
from traintui.data.records import VocabularyValue
from traintui.data.refusals import Refused


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
