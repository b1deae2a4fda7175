"""Taking back one's own last action, with a warning where a file already has what it decided."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import clock, text

if TYPE_CHECKING:
    from traintui.data.bulk import Bulk, Progress, UndoResult
    from traintui.data.engine import Database
    from traintui.data.records import ReviewEntry
    from traintui.outbox.outcomes import Outcome
    from traintui.outbox.presses import Undo
    from traintui.outbox.sending import Outbox

FRESH = timedelta(minutes=10)
"""How long an import is taken back without asking: later, whoever takes back some decisions may not have it in mind."""


def how_far(done: int, total: int) -> Content:
    """How far the undo of a bulk is."""
    return Content.assemble(("↶ ", "$accent"), f"taking back: {done:,} of {total:,}")


class Undoing:
    """Undo as a screen offers it: an action of which something was exported since is taken back at the second press."""

    def __init__(self) -> None:
        self._warned: int | str | None = None
        self._waits: str | None = None
        """The key of the undo that was said to wait."""

    def forget(self) -> None:
        """Something else was done meanwhile: the next undo warns again."""
        self._warned = None

    async def take_back(
        self, db: Database, outbox: Outbox, progress: Progress | None = None
    ) -> tuple[ReviewEntry | UndoResult | None, Content]:
        """Takes back one's own last action, a bulk as one, or only warns. One that was not sent yet is not sent at all.

        Returns the row of the undo or what became of a bulk, None where nothing is undone in the database yet, and what
        to say. `progress` is told how far the undo of a bulk is.
        """
        from traintui.data import bulk, reviews
        from traintui.outbox.presses import Undo
        from traintui.screens.bulk_actions import noun

        if outbox.waiting and (answer := await self._take_back_waiting(outbox)) is not None:
            return None, answer
        if (many := await bulk.last_bulk(db)) is not None:
            return await self._take_back_bulk(db, many, progress)
        last = await reviews.last_undoable(db)
        if last is not None and last.id != self._warned and await reviews.exported_since(db, last):
            self._warned = last.id
            return None, Content.assemble(
                ("! ", "$warning"), text.shown(last.conversation_id, single_line=True),
                " has been exported meanwhile; the file keeps it. ", ("u again takes it back here.", "bold"),
            )  # fmt: skip
        self._warned = None
        if last is None:
            raise reviews.nothing_to_undo()
        if last.action == "metadata":
            return await self._take_back_metadata(db, last, progress)
        press = Undo(reviews.new_key(), clock.now(), last.conversation_id, log_id=last.id)
        return await self._press(outbox, press, noun(last.action))

    async def _take_back_waiting(self, outbox: Outbox) -> Content | None:
        """Takes back the newest press that waits, or has that done when its turn comes; None where nothing waits by
        then, so that the last action is one of the database's."""
        from traintui.data import reviews
        from traintui.outbox.outcomes import Withdrawn
        from traintui.outbox.presses import Undo

        newest = outbox.take_back()
        if isinstance(newest, Withdrawn):
            one = text.shown(newest.press.conversation_id, single_line=True)
            return Content.assemble(("↶ ", "$accent"), "taken back before it was sent: ", one)
        await outbox.settled(newest.key if newest is not None else None)
        if outbox.away is None:
            return None
        if newest is None:
            return Content.assemble(("◌ ", "$warning"), "Your undo waits: the database does not answer yet.")
        press = Undo(reviews.new_key(), clock.now(), newest.conversation_id, of=newest.key)
        return (await self._press(outbox, press, ""))[1]

    async def _press(self, outbox: Outbox, press: Undo, action: str) -> tuple[ReviewEntry | None, Content]:
        from traintui.outbox.outcomes import Saved

        became = await outbox.outcome(press)
        if isinstance(became, Saved):
            return became.entry, _undone(action, became.entry)
        if became is not None:
            return None, Content("")  # the app answers what was refused
        self._waits = press.key
        one = text.shown(press.conversation_id, single_line=True)
        return None, Content.assemble(("◌ ", "$warning"), "not saved yet: the undo of ", one)

    def became(self, outcome: Outcome) -> Content | None:
        """What to say where an undo that was said to wait waits no longer; None for everything else."""
        from traintui.outbox.outcomes import Saved

        if outcome.press.key != self._waits:
            return None
        self._waits = None
        return _undone("", outcome.entry) if isinstance(outcome, Saved) else Content("")

    async def _take_back_metadata(
        self, db: Database, last: ReviewEntry, progress: Progress | None
    ) -> tuple[ReviewEntry | UndoResult, Content]:
        from traintui.data import reviews
        from traintui.data.bulk import UndoResult
        from traintui.screens.bulk_actions import noun, taken_back

        done = await reviews.undo_metadata(db, last, key=reviews.new_key(), progress=progress)
        if done.bulk_id is None:
            return done.entry, _undone(noun(last.action), done.entry)
        result = UndoResult(done.bulk_id, done.undone, done.kept, remaining=0)
        return result, taken_back(last.action, result)

    async def _take_back_bulk(
        self, db: Database, many: Bulk, progress: Progress | None
    ) -> tuple[UndoResult | None, Content]:
        from traintui.data import bulk
        from traintui.screens.bulk_actions import taken_back

        if many.exported and self._warned != many.bulk_id:
            self._warned = many.bulk_id
            return None, Content.assemble(
                ("! ", "$warning"), f"{many.exported:,} of the {many.rows:,} of your {many.action}",
                f" {'has' if many.exported == 1 else 'have'} been exported meanwhile; the file keeps them. ",
                ("u again takes all of it back here.", "bold"),
            )  # fmt: skip
        if many.action == "import" and clock.now() - many.started_at > FRESH and self._warned != many.bulk_id:
            self._warned = many.bulk_id
            when = text.moment(many.started_at)
            return None, Content.assemble(
                ("! ", "$warning"), f"Your last action is an import of {many.rows:,}, begun {when}. ",
                ("u again moves them to the trash.", "bold"),
            )  # fmt: skip
        self._warned = None
        result = await bulk.undo(db, many.bulk_id, progress=progress)
        return result, taken_back(many.action, result)


def _undone(action: str, undone: ReviewEntry) -> Content:
    one = text.shown(undone.conversation_id, single_line=True)
    return Content.assemble(("↶ ", "$accent"), f"undone: {action} of " if action else "undone: ", one)
