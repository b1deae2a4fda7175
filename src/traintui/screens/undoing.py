"""Taking back one's own last action, with a warning where a file already has what it decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text

if TYPE_CHECKING:
    from traintui.data.bulk import Bulk, Progress, UndoResult
    from traintui.data.engine import Database
    from traintui.data.records import ReviewEntry


def how_far(done: int, total: int) -> Content:
    """How far the undo of a bulk is."""
    return Content.assemble(("↶ ", "$accent"), f"taking back: {done:,} of {total:,}")


class Undoing:
    """Undo as a screen offers it: an action of which something was exported since is taken back at the second press."""

    def __init__(self) -> None:
        self._warned: int | str | None = None

    def forget(self) -> None:
        """Something else was done meanwhile: the next undo warns again."""
        self._warned = None

    async def take_back(
        self, db: Database, progress: Progress | None = None
    ) -> tuple[ReviewEntry | UndoResult | None, Content]:
        """Takes back one's own last action, a bulk as one, or only warns.

        Returns the row of the undo or what became of a bulk, None where it only warns, and what to say. `progress` is
        told how far the undo of a bulk is.
        """
        from traintui.data import bulk, reviews
        from traintui.screens.bulk_actions import noun

        if (many := await bulk.last_bulk(db)) is not None:
            return await self._take_back_bulk(db, many, progress)
        last = await reviews.last_undoable(db)
        if last is not None and last.id != self._warned and await reviews.exported_since(db, last):
            self._warned = last.id
            return None, Content.assemble(
                ("! ", "$warning"), text.shown(last.conversation_id, single_line=True),
                " has been exported meanwhile; the file keeps it. ", ("u again takes it back here.", "bold"),
            )  # fmt: skip
        undone = await reviews.undo_last(db, key=reviews.new_key())
        self._warned = None
        action = f"{noun(last.action)} of " if last is not None and last.id == undone.undoes else ""
        one = text.shown(undone.conversation_id, single_line=True)
        return undone, Content.assemble(("↶ ", "$accent"), f"undone: {action}", one)

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
        self._warned = None
        result = await bulk.undo(db, many.bulk_id, progress=progress)
        return result, taken_back(many.action, result)
