"""An edit on its way: stored at once where the database answers, else kept until it does."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from traintui import clock
from traintui.data.records import Conversation, Turn
from traintui.errors import TraintuiError
from traintui.outbox.presses import Edit

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.outbox.sending import Outbox

PATIENCE = 5.0
"""Seconds that a person waits for the database before the edit waits for it instead."""


@dataclass(frozen=True, slots=True)
class StoredEdit:
    """A conversation after an edit: as the database has it, or, while the edit waits to be saved, as it will be."""

    conversation: Conversation
    edit: Edit
    waits: bool


def edit_of(
    conversation: Conversation,
    *,
    turns: tuple[Turn, ...],
    system_prompt: str | None,
    what: str,
    turn_number: int | None = None,
    note: str | None = None,
    after: str | None = None,
    passage: str = "",
    written: str = "",
    instead_of: str = "",
) -> Edit:
    """The press that gives a conversation another text; the rest is as `Edit` says."""
    from traintui.data.reviews import new_key

    row = conversation.row
    return Edit(
        new_key(), clock.now(), row.conversation_id, row.revision, row.decision_id, system_prompt, turns, what,
        turn_number, note, passage, written, instead_of, after,
    )  # fmt: skip


async def store(db: Database, outbox: Outbox, before: Conversation, edit: Edit) -> StoredEdit:
    """Sends an edit, and waits for the answer where the database gives one. Raises what refused it."""
    from traintui.data import conversations
    from traintui.outbox.outcomes import Refusal, Saved

    became = await outbox.outcome(edit, patience=PATIENCE)
    if isinstance(became, Refusal):
        raise became.error
    if isinstance(became, Saved):
        with suppress(TraintuiError):  # it is saved; that it cannot be read at the moment is answered where it is read
            return StoredEdit(await conversations.read(db, edit.conversation_id), edit, waits=False)
    return StoredEdit(expected(before, edit), edit, waits=not isinstance(became, Saved))


def expected(before: Conversation, edit: Edit) -> Conversation:
    """What an edit will make of a conversation: a revision that waits for its decision."""
    row = replace(before.row, revision=edit.revision + 1, status="generated", turn_count=len(edit.turns))
    return replace(before, row=row, turns=edit.turns, system_prompt=edit.system_prompt)
