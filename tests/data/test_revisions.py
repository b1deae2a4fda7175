"""The text of each revision is kept, whatever becomes of the conversation."""

from __future__ import annotations

from support import imported, said, seen
from traintui.data import reviews, revisions
from traintui.data.engine import Database


async def test_every_revision_is_kept_with_who_made_it_and_how(db: Database, reviewer_db: Database) -> None:
    (one,) = await imported(db)
    await reviews.edit(
        reviewer_db, await seen(db, one), system_prompt="Be brief.", turns=said("Why?", "So.", "And?"), key="one"
    )
    newest, oldest = await revisions.of_conversation(db, one)
    assert (newest.number, newest.origin, newest.author) == (2, "edited", reviewer_db.login)
    assert (newest.system_prompt, [turn.content for turn in newest.turns]) == ("Be brief.", ["Why?", "So.", "And?"])
    assert [turn.role for turn in newest.turns] == ["user", "assistant", "user"]
    assert (oldest.number, oldest.origin) == (1, "imported")


async def test_a_conversation_that_is_not_there_has_none(db: Database) -> None:
    assert await revisions.of_conversation(db, "cnv_nowhere") == ()
