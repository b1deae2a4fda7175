"""Coverage counts every conversation once, in memory as by SQL; a target is for a cell, a value, or all of a pair."""

from __future__ import annotations

import psycopg
import pytest

from support import Conninfo, Wanted, add_vocabulary, approved, fetch, generated, imported, logged_in, planned
from traintui.data import bulk, conversations, coverage, reviews, vocabulary
from traintui.data.coverage import Cell, Coverage
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.live import Live
from traintui.data.models import DIMENSIONS
from traintui.data.records import VocabularyValue
from traintui.data.refusals import Refused

ONE, OTHER = ("anxious_planner", "worried"), ("busy_parent", "calm")


async def copied(db: Database) -> Live:
    live = Live(db)
    await live.load()
    return live


async def by_copy(
    db: Database, rows: str, columns: str, *, rehearsal: bool = True, live: Live | None = None
) -> Coverage:
    live = live or await copied(db)
    return await coverage.read(db, rows, columns, mirror=live.mirror, rehearsal=rehearsal)


@pytest.fixture
async def filled(db: Database) -> Database:
    """Three generated, one of them approved and one rejected, two planned, and a seed without dimensions."""
    await add_vocabulary(db)
    ids = await generated(db, 3)
    await approved(db, ids[0])
    row = (await conversations.read(db, ids[1])).row
    await reviews.decide(db, reviews.Seen.of(row), "reject", key=reviews.new_key())
    await planned(db, wanted=[Wanted(persona=OTHER[0], emotion=OTHER[1])] * 2)
    await imported(db)
    return db


async def test_each_cell_says_how_far_its_conversations_are(filled: Database) -> None:
    found = await coverage.read(filled, "persona", "emotion")
    assert found.cells[ONE] == Cell(*ONE, generated=1, approved=1, rejected=1)
    assert found.cells[OTHER] == Cell(*OTHER, planned=2)
    assert (len(found.cells), found.outside) == (4, 1)
    turned = await coverage.read(filled, "emotion", "persona")
    assert turned.cells[OTHER[::-1]].planned == 2


async def test_memory_and_sql_agree_on_every_pair_of_dimensions(filled: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "INSERT INTO conversations (persona, emotion, topic, intent, tone, tier, status, decision_id, is_seed,"
            " is_rehearsal, deleted_at)"
            " SELECT CASE WHEN n % 7 > 0 THEN 'anxious_planner' END, (ARRAY['worried', 'calm', NULL])[1 + n % 3],"
            " 'savings', 'understand', (ARRAY['formal', 'warm'])[1 + n / 2 % 2],"
            " (ARRAY['template', 'scenario', 'edge_case'])[1 + n % 3],"
            " (ARRAY['planned', 'generating', 'generated', 'approved', 'rejected', 'failed'])[1 + n % 6], 1, true,"
            " n % 13 = 0, CASE WHEN n % 50 = 0 THEN now() END FROM generate_series(1, 3000) AS n"
        )
    live = await copied(filled)
    every = "SELECT count(*), count(*) FILTER (WHERE NOT is_rehearsal) FROM conversations WHERE deleted_at IS NULL"
    ((all_of_them, real_ones),) = await fetch(filled, every)
    totals = {True: all_of_them, False: real_ones}
    for rows in DIMENSIONS:
        for columns in DIMENSIONS:
            if rows != columns:
                for rehearsal in (True, False):
                    said = await coverage.read(filled, rows, columns, rehearsal=rehearsal)
                    assert await by_copy(filled, rows, columns, rehearsal=rehearsal, live=live) == said
                    counted = sum(cell.held + cell.rejected + cell.failed for cell in said.cells.values())
                    assert counted + said.outside == totals[rehearsal]


async def test_the_trash_counts_nowhere(filled: Database) -> None:
    ids = [row.id for row in (await conversations.first_rows(filled, "status:approved")).rows]
    await bulk.trash(filled, ids, deleted=True)
    assert (await coverage.read(filled, "persona", "emotion")).cells[ONE].approved == 0
    assert (await by_copy(filled, "persona", "emotion")).cells[ONE].approved == 0


async def targets(db: Database, rows: str = "persona", columns: str = "emotion") -> dict[tuple[str, str], int | None]:
    return {key: cell.target for key, cell in (await coverage.read(db, rows, columns)).cells.items()}


async def test_the_newest_target_counts_and_covers_the_narrower_ones(filled: Database) -> None:
    assert set((await targets(filled)).values()) == {None}
    await coverage.set_target(filled, "persona", "emotion", 5)
    await coverage.set_target(filled, "persona", "emotion", 8, row="busy_parent")
    await coverage.set_target(filled, "persona", "emotion", 2, row="busy_parent", column="calm")
    expected = {ONE: 5, ("anxious_planner", "calm"): 5, ("busy_parent", "worried"): 8, OTHER: 2}
    assert await targets(filled) == expected
    assert await targets(filled, "emotion", "persona") == {key[::-1]: target for key, target in expected.items()}
    assert set((await targets(filled, "persona", "tone")).values()) == {None}
    await coverage.set_target(filled, "emotion", "persona", 1, row="calm")
    assert (await targets(filled))[OTHER] == 1 and (await targets(filled))["busy_parent", "worried"] == 8
    await coverage.set_target(filled, "persona", "emotion", None, row="busy_parent")
    assert (await targets(filled))["busy_parent", "worried"] == 5 and (await targets(filled))[OTHER] == 1
    await coverage.set_target(filled, "persona", "emotion", 9)
    assert set((await targets(filled)).values()) == {9}
    assert await fetch(filled, "SELECT count(*) FROM coverage_targets") == [(1,)]


async def test_a_new_value_has_the_target_of_all(filled: Database) -> None:
    await coverage.set_target(filled, "persona", "emotion", 5)
    await vocabulary.create(filled, VocabularyValue("emotion", "proud", "Proud"))
    assert (await coverage.read(filled, "persona", "emotion")).missing["busy_parent", "proud"] == 5


async def test_what_is_missing_counts_all_that_can_still_become_approved(filled: Database) -> None:
    await coverage.set_target(filled, "persona", "emotion", 2)
    lacking = {("anxious_planner", "calm"): 2, ("busy_parent", "worried"): 2}
    assert (await coverage.read(filled, "persona", "emotion")).missing == lacking
    await vocabulary.change(filled, "emotion", "calm", active=False)
    found = await coverage.read(filled, "persona", "emotion")
    assert found.missing == {("busy_parent", "worried"): 2}, "no plan can use an inactive value"
    assert found.emptiest(2) == (found.cells["busy_parent", "worried"],), "what has its target is not empty"


async def test_an_inactive_value_shows_only_where_something_has_it(filled: Database) -> None:
    await vocabulary.create(filled, VocabularyValue("emotion", "proud", "Proud"))
    for value in ("proud", "calm"):
        await vocabulary.change(filled, "emotion", value, active=False)
    found = await coverage.read(filled, "persona", "emotion")
    assert [value.value for value in found.column_values] == ["worried", "calm"]


async def test_without_targets_the_emptiest_are_those_with_the_fewest(filled: Database) -> None:
    found = await coverage.read(filled, "persona", "emotion")
    assert [cell.held for cell in found.emptiest()] == [0, 0, 2, 2]


async def test_every_target_is_on_record(filled: Database) -> None:
    await coverage.set_target(filled, "emotion", "persona", 5)
    await coverage.set_target(filled, "emotion", "persona", 7)
    recorded = "SELECT key, old_value, new_value, changed_by FROM workspace_setting_changes ORDER BY id DESC LIMIT 2"
    assert [tuple(row) for row in await fetch(filled, recorded)] == [
        ("coverage_target.persona.emotion", [[None, None, 5]], [None, None, 7], "ada"),
        ("coverage_target.persona.emotion", None, [None, None, 5], "ada"),
    ]


async def test_targets_are_for_authors(filled: Database, reviewer_db: Database, conninfo: Conninfo) -> None:
    with pytest.raises(Refused) as refused:
        await coverage.set_target(reviewer_db, "persona", "emotion", 5)
    assert refused.value.code == "42501"
    assert (await coverage.read(reviewer_db, "persona", "emotion")).cells[ONE].approved == 1
    async with logged_in(conninfo("arthur")) as author:
        await coverage.set_target(author, "persona", "emotion", 5)


async def test_a_target_that_cannot_be_is_refused_and_nothing_changes(filled: Database) -> None:
    await coverage.set_target(filled, "persona", "emotion", 5)
    for target, row in ((-1, None), (1_000_001, None), (3, "nobody")):
        with pytest.raises(Refused) as refused:
            await coverage.set_target(filled, "persona", "emotion", target, row=row)
        assert refused.value.remedy
    assert set((await targets(filled)).values()) == {5}
