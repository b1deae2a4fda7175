"""Turns alternate, user first, and are numbered without gaps, whatever way they come in."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support import (
    Conninfo,
    add_vocabulary,
    fetch,
    import_items,
    imported,
    planned,
    said,
    scalar,
    seen,
    sqlstate,
    turns_of,
)
from traintui.data import conversations, reviews
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.records import Turn
from traintui.data.refusals import Refused
from traintui.data.reviews import new_key

EXAMPLES = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def whole(turns: list[dict[str, Any]]) -> bool:
    """What the design says of turns, in Python."""
    return len(turns) >= 2 and all(
        turn.get("role") == ("assistant" if place % 2 else "user") and str(turn.get("content", "")).strip()
        for place, turn in enumerate(turns)
    )


contents = st.sampled_from(["Hello.", "  ", "", "\n\t", "ä", "%s $$ '; --"])
some_turns = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system"]), "content": contents}), max_size=6
)
plausible = st.lists(st.sampled_from(["Hello.", "ä", " "]), max_size=6).map(lambda found: turns_of(*found))


@EXAMPLES
@given(turns=some_turns | plausible)
async def test_an_import_takes_exactly_what_is_whole(db: Database, turns: list[dict[str, Any]]) -> None:
    metadata = {"run": str(await scalar(db, "SELECT count(*) FROM conversations"))}
    item = {"turns": turns, "system_prompt": metadata["run"], "metadata": metadata}
    if whole(turns):
        (made,) = await import_items(db, [item])
        read = await conversations.read(db, made)
        assert [(turn.number, turn.role, turn.content) for turn in read.turns] == [
            (place, turn["role"], turn["content"]) for place, turn in enumerate(turns, start=1)
        ]
        assert read.row.turn_count == len(turns)
    else:
        with pytest.raises(Refused) as refused:
            await import_items(db, [item])
        assert refused.value.code == "TT008"


@EXAMPLES
@given(turns=some_turns | plausible)
async def test_an_edit_takes_exactly_what_is_whole(db: Database, turns: list[dict[str, Any]]) -> None:
    rows = await fetch(db, "SELECT conversation_id FROM conversations LIMIT 1")
    conversation_id = rows[0][0] if rows else (await imported(db))[0]
    before = await conversations.read(db, conversation_id)
    new = [Turn(place, turn["role"], turn["content"]) for place, turn in enumerate(turns, start=1)]
    prompt = f"Revision {before.row.revision}"
    if whole(turns):
        await reviews.edit(db, await seen(db, conversation_id), system_prompt=prompt, turns=new, key=new_key())
        after = await conversations.read(db, conversation_id)
        assert (list(after.turns), after.row.turn_count) == (new, len(new))
        assert after.row.revision == before.row.revision + 1
    else:
        with pytest.raises(Refused) as refused:
            await reviews.edit(db, await seen(db, conversation_id), system_prompt=prompt, turns=new, key=new_key())
        assert refused.value.code == "TT008"
        assert await conversations.read(db, conversation_id) == before


@pytest.mark.parametrize("turns", [None, "text", {}, [1, 2], [None, None], [{}, {}]])
async def test_what_is_no_list_of_turns_is_refused_with_an_answer(db: Database, turns: object) -> None:
    with pytest.raises(Refused) as refused:
        await import_items(db, [{"turns": turns}])
    assert refused.value.code == "TT008"


async def test_one_bad_conversation_keeps_a_whole_import_out(db: Database) -> None:
    with pytest.raises(Refused):
        await import_items(db, [{"turns": turns_of("Q?", "A.")}, {"turns": turns_of("Q?")}])
    assert await conversations.count(db) == 0


async def test_importing_the_same_text_again_changes_nothing(db: Database) -> None:
    item = {"turns": turns_of("Q?", "A."), "system_prompt": "Be kind."}
    assert len(await import_items(db, [item, item])) == 1
    assert await import_items(db, [item | {"metadata": {"x": 1}}]) == []
    assert len(await import_items(db, [item | {"system_prompt": None}])) == 1


async def test_a_missing_turn_is_found_at_commit(db: Database, conninfo: Conninfo) -> None:
    await imported(db)
    for change in (
        "DELETE FROM conversation_turns WHERE turn_number = 2",
        "DELETE FROM conversation_turns WHERE turn_number = 1",
        "DELETE FROM conversation_turns",
        "UPDATE conversation_turns SET turn_number = 4 WHERE turn_number = 2",
        "UPDATE conversations SET turn_count = 3",
        "UPDATE conversations SET turn_count = 1",
    ):
        assert sqlstate(conninfo(SUPERUSER), change) == "TT008", change


async def test_planned_conversations_need_no_turns_until_they_are_generated(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    await planned(db)
    assert sqlstate(conninfo(SUPERUSER), "UPDATE conversations SET status = 'generated'") == "TT008"
    assert sqlstate(conninfo(SUPERUSER), "UPDATE conversations SET status = 'failed'") is None


async def test_turns_are_checked_as_they_stand_at_the_end_of_a_transaction(db: Database, conninfo: Conninfo) -> None:
    await imported(db)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("DELETE FROM conversation_turns WHERE turn_number = 2")
        connection.execute(
            "INSERT INTO conversation_turns (conversation_id, turn_number, role, content)"
            " SELECT id, 2, 'assistant', 'Another answer.' FROM conversations"
        )
    assert await scalar(db, "SELECT count(*) FROM conversation_turns") == 2


async def test_an_extra_turn_is_refused_at_once(db: Database, conninfo: Conninfo) -> None:
    await imported(db)
    insert = (
        "INSERT INTO conversation_turns (conversation_id, turn_number, role, content) SELECT id, {} FROM conversations"
    )
    superuser = conninfo(SUPERUSER)
    with psycopg.connect(superuser) as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute(insert.format("3, 'user', 'More?'").encode())
    assert refused.value.sqlstate == "TT008"
    for row in ("2, 'user', 'x'", "3, 'assistant', 'x'", "0, 'assistant', 'x'", "3, 'user', ' '", "3, 'system', 'x'"):
        assert sqlstate(superuser, insert.format(row)) in {"23514", "TT008"}, row
    assert sqlstate(superuser, insert.format("2, 'assistant', 'x'")) == "23505"


async def test_a_train_flag_counts_as_text(db: Database) -> None:
    (conversation_id,) = await imported(db)
    before = await conversations.read(db, conversation_id)
    masked = [Turn(turn.number, turn.role, turn.content, train=False) for turn in before.turns]
    await reviews.edit(db, await seen(db, conversation_id), system_prompt=None, turns=masked, key=new_key())
    assert [turn.train for turn in (await conversations.read(db, conversation_id)).turns] == [False, False]


async def test_what_a_revision_keeps_is_role_content_and_train_flag(db: Database) -> None:
    turns = [
        {"role": "user", "content": "Q?", "name": "Ann", "train": "no"},
        {"role": "assistant", "content": "A.", "weight": 1},
    ]
    (conversation_id,) = await import_items(db, [{"turns": turns}])
    await reviews.edit(db, await seen(db, conversation_id), system_prompt=None, turns=said("Q?", "B."), key=new_key())
    kept = await fetch(db, "SELECT turns, content_sha256 = content_digest(system_prompt, turns) FROM"
                           " conversation_revisions ORDER BY revision")  # fmt: skip
    assert kept[0] == (
        [
            {"role": "user", "content": "Q?", "train": False},
            {"role": "assistant", "content": "A.", "train": True},
        ],
        True,
    )
    assert kept[1][1]
