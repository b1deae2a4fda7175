"""Undo takes back one's own last action, and editing keeps what was there before."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support import Conninfo, approved, fetch, imported, logged_in, said, scalar, seen, status
from traintui.data import bulk, conversations, exports, metadata, reviews
from traintui.data.engine import Database
from traintui.data.export_reading import Scope, reading
from traintui.data.filters import parse
from traintui.data.records import Conversation, Turn
from traintui.data.refusals import Refused
from traintui.data.reviews import new_key


async def stands(db: Database, conversation_id: str) -> Conversation:
    return await conversations.read(db, conversation_id)


async def decided(db: Database, conversation_id: str, action: reviews.Action) -> int:
    entry = await reviews.decide(db, await seen(db, conversation_id), action, key=new_key())
    return entry.id


async def test_undo_brings_back_the_status_and_moves_the_decision_on(db: Database) -> None:
    (conversation_id,) = await imported(db)
    first = await decided(db, conversation_id, "approve")
    entry = await reviews.undo_last(db, key=new_key())
    after = (await stands(db, conversation_id)).row
    assert (entry.action, entry.undoes, entry.status_before, entry.status_after) == (
        "undo", first, "approved", "generated",
    )  # fmt: skip
    assert (after.status, after.revision, after.decision_id) == ("generated", 1, entry.id)


async def test_undo_again_goes_further_back(db: Database) -> None:
    one, two = await imported(db, 2)
    await decided(db, one, "approve")
    await decided(db, two, "reject")
    await decided(db, one, "reject")
    assert (await reviews.undo_last(db, key=new_key())).status_after == "approved"
    assert (await reviews.undo_last(db, key=new_key())).conversation_id == two
    assert (await reviews.undo_last(db, key=new_key())).status_after == "generated"
    with pytest.raises(Refused) as refused:
        await reviews.undo_last(db, key=new_key())
    assert refused.value.code == "TT007"
    assert [await status(db, each) for each in (one, two)] == ["generated", "generated"]


async def test_the_same_key_undoes_once(db: Database) -> None:
    one, two = await imported(db, 2)
    await decided(db, one, "approve")
    await decided(db, two, "approve")
    entry = await reviews.undo_last(db, key="press-1")
    assert await reviews.undo_last(db, key="press-1") == entry
    assert [await status(db, each) for each in (one, two)] == ["approved", "generated"]


async def test_what_others_did_is_not_ones_to_undo(db: Database, reviewer_db: Database) -> None:
    (conversation_id,) = await imported(db)
    await decided(reviewer_db, conversation_id, "approve")
    assert await reviews.last_undoable(db) is None
    newest = await scalar(db, "SELECT max(id) FROM review_logs")
    with pytest.raises(Refused) as refused:
        await reviews.call(db, "SELECT * FROM undo(:log_id, 'k')", log_id=newest)
    assert refused.value.code == "TT004"


async def test_what_somebody_acted_on_since_stays(db: Database, reviewer_db: Database) -> None:
    (conversation_id,) = await imported(db)
    await decided(reviewer_db, conversation_id, "approve")
    await decided(db, conversation_id, "reject")
    with pytest.raises(Refused) as refused:
        await reviews.undo_last(reviewer_db, key=new_key())
    assert refused.value.code == "TT007"
    await reviews.undo_last(db, key=new_key())
    await reviews.undo_last(reviewer_db, key=new_key())
    assert await status(db, conversation_id) == "generated"


async def test_what_somebody_acted_on_since_keeps_nothing_before_it(db: Database, reviewer_db: Database) -> None:
    one, two = await imported(db, 2)
    await decided(reviewer_db, one, "approve")
    await decided(reviewer_db, two, "approve")
    await decided(db, two, "reject")
    last = await reviews.last_undoable(reviewer_db)
    assert last is not None and last.conversation_id == one
    assert (await reviews.undo_last(reviewer_db, key=new_key())).conversation_id == one
    await reviews.undo_last(db, key=new_key())
    assert (await reviews.undo_last(reviewer_db, key=new_key())).conversation_id == two


async def test_metadata_that_somebody_changed_since_or_threw_away_keeps_nothing_before_it(
    db: Database, reviewer_db: Database
) -> None:
    one, two, three = await imported(db, 3)
    await decided(reviewer_db, one, "approve")
    for each in (two, three):
        await metadata.merge(reviewer_db, each, {"line": 1})
    await metadata.merge(db, two, {"line": 2})
    await bulk.trash(db, [(await stands(db, three)).row.id], True)
    last = await reviews.last_undoable(reviewer_db)
    assert last is not None and last.conversation_id == one


async def test_an_import_and_an_undo_are_not_undone(db: Database) -> None:
    await imported(db)
    first = await scalar(db, "SELECT min(id) FROM review_logs")
    for log_id in (first, first + 1_000):
        with pytest.raises(Refused) as refused:
            await reviews.call(db, "SELECT * FROM undo(:log_id, 'k')", log_id=log_id)
        assert refused.value.code == "TT007"


async def test_an_action_is_undone_once(db: Database) -> None:
    (conversation_id,) = await imported(db)
    log_id = await decided(db, conversation_id, "approve")
    await reviews.undo_last(db, key=new_key())
    with pytest.raises(Refused) as refused:
        await reviews.call(db, "SELECT * FROM undo(:log_id, 'k')", log_id=log_id)
    assert refused.value.code == "TT007"


async def test_undoing_an_edit_restores_the_text_as_a_new_revision_with_its_decision(db: Database) -> None:
    (conversation_id,) = await imported(db, system_prompt="Be brief.")
    await decided(db, conversation_id, "approve")
    before = await stands(db, conversation_id)
    turns = [*before.turns, Turn(3, "user", "And then?"), Turn(4, "assistant", "Then this.", train=False)]
    await reviews.edit(db, await seen(db, conversation_id), system_prompt=None, turns=turns, key=new_key())
    between = await stands(db, conversation_id)
    assert (between.row.status, between.row.revision, between.row.turn_count) == ("generated", 2, 4)
    await reviews.undo_last(db, key=new_key())
    after = await stands(db, conversation_id)
    assert (after.turns, after.system_prompt) == (before.turns, before.system_prompt)
    assert (after.row.status, after.row.revision, after.row.turn_count) == ("approved", 3, 2)
    assert after.row.decision_id not in {before.row.decision_id, between.row.decision_id}
    await reviews.undo_last(db, key=new_key())
    assert await status(db, conversation_id) == "generated"


async def test_flags_come_and_go_and_are_undone(db: Database, reviewer_db: Database) -> None:
    (conversation_id,) = await imported(db)
    await approved(db, conversation_id)
    await reviews.set_flag(reviewer_db, conversation_id, True, key=new_key())
    with pytest.raises(Refused, match="flagged already"):
        await reviews.set_flag(db, conversation_id, True, key=new_key())
    with pytest.raises(Refused, match="acted on it since"):
        await reviews.undo_last(db, key=new_key())
    await reviews.undo_last(reviewer_db, key=new_key())
    after = (await stands(db, conversation_id)).row
    assert (after.flagged, after.status) == (False, "approved")
    await reviews.set_flag(db, conversation_id, True, key=new_key())
    await reviews.set_flag(db, conversation_id, False, key=new_key())
    await reviews.undo_last(db, key=new_key())
    assert (await stands(db, conversation_id)).row.flagged


async def test_an_edit_reopens_and_keeps_the_old_text(db: Database, reviewer_db: Database) -> None:
    (conversation_id,) = await imported(db)
    await approved(db, conversation_id)
    before = await stands(db, conversation_id)
    entry = await reviews.edit(
        reviewer_db,
        await seen(db, conversation_id),
        system_prompt="S",
        turns=said("Q?", "B."),
        key="k",
        notes="Shorter",
    )
    after = await stands(db, conversation_id)
    assert (entry.action, entry.revision, entry.status_before, entry.status_after) == (
        "edit",
        2,
        "approved",
        "generated",
    )
    assert (after.row.status, after.row.revision, after.row.decision_id) == ("generated", 2, entry.id)
    assert [turn.content for turn in after.turns] == ["Q?", "B."] and after.system_prompt == "S"
    kept = await fetch(
        db, "SELECT revision, turns->0->>'content', author, origin FROM conversation_revisions ORDER BY 1"
    )
    assert kept == [(1, before.turns[0].content, "ada", "imported"), (2, "Q?", "rita", "edited")]
    again = await reviews.edit(
        reviewer_db, await seen(db, conversation_id), system_prompt=None, turns=said("X?", "Y."), key="k"
    )
    assert again == entry


async def test_an_edit_that_changes_nothing_or_comes_too_late_is_refused(db: Database, reviewer_db: Database) -> None:
    (conversation_id,) = await imported(db)
    before = await stands(db, conversation_id)
    view = await seen(db, conversation_id)
    with pytest.raises(Refused, match="Nothing was changed"):
        await reviews.edit(db, view, system_prompt=None, turns=before.turns, key=new_key())
    await reviews.edit(db, view, system_prompt="S", turns=before.turns, key=new_key())
    with pytest.raises(Refused) as refused:
        await reviews.edit(reviewer_db, view, system_prompt="T", turns=before.turns, key=new_key())
    assert refused.value.stale
    with pytest.raises(Refused, match="500"):
        await reviews.edit(
            db, await seen(db, conversation_id), system_prompt="T", turns=before.turns, key=new_key(), notes="x" * 501
        )
    assert (await stands(db, conversation_id)).row.revision == 2


async def test_undo_says_whether_a_conversation_was_exported_since(db: Database) -> None:
    (conversation_id,) = await imported(db)
    await approved(db, conversation_id)
    entry = await reviews.last_undoable(db)
    assert entry is not None and not await reviews.exported_since(db, entry)
    whole = {"count": 1, "filter_state": {}, "format": "messages", "metadata": {}}
    await exports.record(db, "e", "started", **whole)  # type: ignore[arg-type]
    async with reading(db, Scope(parse(""))) as reader:
        async for page in reader.pages():
            await exports.record_rows(db, "e", page)
    assert not await reviews.exported_since(db, entry)
    await exports.record(db, "e", "succeeded", **whole)  # type: ignore[arg-type]
    assert await reviews.exported_since(db, entry)


# Any sequence of actions ------------------------------------------------------------------------------------------

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["rita", "ron"]),
        st.sampled_from(["approve", "reject", "reopen", "edit", "flag", "unflag", "undo", "undo"]),
    ),
    min_size=3, max_size=14,
)  # fmt: skip


async def act(db: Database, conversation_id: str, action: str) -> None:
    match action:
        case "undo":
            await reviews.undo_last(db, key=new_key())
        case "flag" | "unflag":
            await reviews.set_flag(db, conversation_id, action == "flag", key=new_key())
        case "edit":
            text = f"Question {random.random()}?"
            await reviews.edit(
                db, await seen(db, conversation_id), system_prompt=None, turns=said(text, "A."), key=new_key()
            )
        case _:
            await decided(db, conversation_id, action)  # type: ignore[arg-type]


def expected(log: list[Any]) -> tuple[str, bool, str | None]:
    """Status, flag and text as the newest row that was not taken back says: in Python, from the log alone."""
    undone = {row.undoes for row in log if row.undoes}
    effective = [row for row in log if row.action != "undo" and row.id not in undone]
    decisions = [row for row in effective if row.action not in {"flag", "unflag"}]
    flags = [row for row in effective if row.action in {"flag", "unflag"}]
    edits = [row for row in effective if row.action in {"edit", "import"}]
    return decisions[-1].status_after, bool(flags) and flags[-1].action == "flag", bytes(edits[-1].content_sha256).hex()


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(actions=ACTIONS)
async def test_a_conversation_always_stands_as_its_newest_effective_log_row_says(
    db: Database, conninfo: Conninfo, actions: list[tuple[str, str]]
) -> None:
    (conversation_id,) = await imported(db)
    async with logged_in(conninfo("rita")) as rita, logged_in(conninfo("ron")) as ron:
        people = {"rita": rita, "ron": ron}
        for login, action in actions:
            before = (await stands(db, conversation_id)).row
            try:
                await act(people[login], conversation_id, action)
            except Refused:
                assert (await stands(db, conversation_id)).row == before
            log = await fetch(db, "SELECT * FROM review_logs WHERE conversation_id = :c ORDER BY id", c=conversation_id)
            row = (await stands(db, conversation_id)).row
            digest = await fetch(
                db,
                "SELECT encode(r.content_sha256, 'hex'), encode(content_digest(r.system_prompt, r.turns), 'hex'),"
                " (SELECT jsonb_agg(jsonb_build_object('role', role, 'content', content, 'train', train)"
                " ORDER BY turn_number) FROM conversation_turns WHERE conversation_id = c.id) = r.turns"
                " FROM conversations AS c JOIN conversation_revisions AS r USING (conversation_id, revision)"
                " WHERE conversation_id = :c",
                c=conversation_id,
            )
            status_now, flagged, text = expected(log)
            assert (row.status, row.flagged) == (status_now, flagged)
            assert digest == [(text, text, True)]
            moved = [entry.id for entry in log if entry.status_before not in {entry.status_after, None}]
            assert row.decision_id == (moved[-1] if moved else None)
