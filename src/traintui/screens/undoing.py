"""Taking back one's own last action, with a warning where a file already has what it decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.data.records import ReviewEntry


class Undoing:
    """Undo as a screen offers it: an action whose conversation was exported since is taken back at the second press."""

    def __init__(self) -> None:
        self._warned: int | None = None

    def forget(self) -> None:
        """Something else was done meanwhile: the next undo warns again."""
        self._warned = None

    async def take_back(self, db: Database) -> tuple[ReviewEntry | None, Content]:
        """Takes back one's own last action, or only warns. Returns the row of the undo, if any, and what to say."""
        from traintui.data import reviews

        last = await reviews.last_undoable(db)
        if last is not None and last.id != self._warned and await reviews.exported_since(db, last):
            self._warned = last.id
            return None, Content.assemble(
                ("! ", "$warning"), text.shown(last.conversation_id, single_line=True),
                " has been exported meanwhile; the file keeps it. ", ("u again takes it back here.", "bold"),
            )  # fmt: skip
        undone = await reviews.undo_last(db, key=reviews.new_key())
        self._warned = None
        action = f"{last.action} of " if last is not None and last.id == undone.undoes else ""
        one = text.shown(undone.conversation_id, single_line=True)
        return undone, Content.assemble(("↶ ", "$accent"), f"undone: {action}", one)
