"""What a person has looked at is known by revision, and what an approved conversation says already is found."""

from __future__ import annotations

import pytest

from support import Conninfo, approved, import_items, imported, logged_in, said, scalar, seen, turns_of
from traintui.data import conversations, reviews
from traintui.data import seen as looks
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.data.seen import Known
from traintui.quality.signatures import signature
from traintui.quality.signing import sign_imported

LONG = "An arranged overdraft costs twelve dollars a month and is charged on the first business day of every month."


async def known(db: Database, one: str) -> Known:
    return await looks.known(db, (await conversations.read(db, one)).row)


async def test_a_look_is_known_by_its_revision_and_never_goes_back(db: Database, reviewer_db: Database) -> None:
    (one,) = await imported(db)
    assert await known(db, one) == Known()
    await looks.note(db, {one: 1, "c-gone": 3})
    before = (await known(db, one)).before
    assert before is not None and (before.revision, before.turns, before.changed) == (1, (), "by nobody")
    old = (await conversations.read(db, one)).turns
    edited = said("Other?", "Other.")
    await reviews.edit(reviewer_db, await seen(db, one), system_prompt=None, turns=edited, key="edit")
    before = (await known(db, one)).before
    assert before is not None and before.turns == old
    await looks.note(db, {one: 2})
    await looks.note(db, {one: 1})
    before = (await known(db, one)).before
    assert before is not None and before.revision == 2


async def test_what_one_wrote_oneself_has_not_changed_since(db: Database, reviewer_db: Database) -> None:
    (one,) = await imported(db)
    await looks.note(db, {one: 1})
    await reviews.edit(db, await seen(db, one), system_prompt=None, turns=said("Other?", "Other."), key="edit")
    await reviews.undo_last(db, key="undo")
    before = (await known(db, one)).before
    assert before is not None and (before.turns, before.changed) == ((), "by oneself")
    await reviews.edit(reviewer_db, await seen(db, one), system_prompt=None, turns=said("A?", "B."), key="another")
    before = (await known(db, one)).before
    assert before is not None and before.turns and before.changed == "by others"


async def test_looks_are_ones_own_and_go_with_the_conversation(db: Database, reviewer_db: Database) -> None:
    (one,) = await imported(db)
    await looks.note(reviewer_db, {one: 1})
    assert (await known(db, one)).before is None
    assert (await known(reviewer_db, one)).before is not None
    assert (
        await scalar(db, "SELECT count(*) FROM conversation_looks WHERE login = :login", login=reviewer_db.login) == 1
    )


async def test_an_approved_one_that_says_nearly_the_same_is_found(db: Database) -> None:
    first, second, other = await import_items(
        db,
        [
            {"turns": turns_of("How much is it?", f"{LONG} {end}"), "system_prompt": None, "line": line}
            for line, end in enumerate(("Call us.", "Write to us."), 1)
        ]
        + [
            {
                "turns": turns_of("Something else entirely?", "Yes, and nothing of it is alike."),
                "system_prompt": None,
                "line": 3,
            }
        ],
    )
    assert (await known(db, second)).approved is None  # not signed yet
    await sign_imported(db, signature, 3)
    assert (await known(db, second)).approved is None  # not approved yet
    await approved(db, first)
    near = (await known(db, second)).approved
    assert near is not None and near.conversation_id == first and near.similarity >= looks.NEAR
    assert near.turns[1].content.endswith("Call us.") and near.reviewed_at is not None
    assert (await known(db, other)).approved is None
    assert (await known(db, first)).approved is None  # not itself
    # What reads otherwise by now is compared once it is signed again.
    await reviews.edit(db, await seen(db, second), system_prompt=None, turns=said("New?", "All new."), key="edit")
    assert (await known(db, second)).approved is None


async def test_who_may_not_review_notes_no_look(db: Database, conninfo: Conninfo) -> None:
    (one,) = await imported(db)
    async with logged_in(conninfo("audrey")) as auditor:
        with pytest.raises(Refused):
            await looks.note(auditor, {one: 1})
