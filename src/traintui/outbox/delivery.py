"""One press on its way to the database."""

from __future__ import annotations

from traintui.data import reviews
from traintui.data.engine import Database
from traintui.data.records import ReviewEntry
from traintui.data.refusals import ANSWERS, Refused
from traintui.outbox.presses import Decision, Edit, Flag, Press, Undo


async def deliver(db: Database, press: Press, *, doubtful: bool) -> ReviewEntry:
    """Sends a press; returns its row of the log. Where the database may have it already (`doubtful`) the log is asked
    first. Raises `Refused`, and `TraintuiError` when the database is not reached."""
    if doubtful and (entry := await reviews.pressed(db, press.key)) is not None:
        return entry
    match press:
        case Decision():
            return await reviews.decide(
                db, await _seen(db, press), press.action, key=press.key, reason=press.reason, notes=press.note,
                turn_number=press.turn_number, duration_ms=press.duration_ms,
            )  # fmt: skip
        case Edit():
            return await reviews.edit(
                db, await _seen(db, press), system_prompt=press.system_prompt, turns=press.turns, key=press.key,
                notes=press.note, turn_number=press.turn_number,
            )  # fmt: skip
        case Flag():
            return await reviews.set_flag(db, press.conversation_id, press.flagged, key=press.key)
        case Undo():
            return await reviews.undo(db, await _row_to_undo(db, press), key=press.key)


async def _seen(db: Database, press: Decision | Edit) -> reviews.Seen:
    """What was on the screen: as the database had it, or what an edit made of it that had not been saved yet."""
    if press.after is None:
        return reviews.Seen(press.conversation_id, press.revision, press.decision_id)
    edit = await reviews.pressed(db, press.after)
    if edit is None:
        title, remedy = ANSWERS["TT001"]
        raise Refused(title, f"Your edit of {press.conversation_id} before it was not saved.", remedy, code="TT001")
    reopened = edit.status_before != edit.status_after
    return reviews.Seen(press.conversation_id, edit.revision, edit.id if reopened else edit.decision_before)


async def _row_to_undo(db: Database, press: Undo) -> int:
    if press.log_id is not None:
        return press.log_id
    entry = await reviews.pressed(db, press.of or "")
    if entry is None:
        raise Refused(
            ANSWERS["TT007"][0], f"What was pressed on {press.conversation_id} was not saved.", "It waits as before.",
            code="TT007",
        )  # fmt: skip
    if await reviews.exported_since(db, entry):
        raise Refused(
            "Exported meanwhile", f"A file has {press.conversation_id} as it was decided, so it was not taken back.",
            "u takes it back here; the file keeps it.", code="TT007",
        )  # fmt: skip
    return entry.id
