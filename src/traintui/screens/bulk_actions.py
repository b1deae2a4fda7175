"""The bulk actions of the table: how each is asked for, and what is said of what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text
from traintui.screens.bulk import BulkDialog, BulkWork, Progress

if TYPE_CHECKING:
    from traintui.data.bulk import BulkResult, UndoResult
    from traintui.data.engine import Database
    from traintui.data.reviews import Action


@dataclass(frozen=True, slots=True)
class Words:
    """How an action is written: as a request, as a fact, as a state, with the glyph and colour of its outcome."""

    verb: str
    done: str
    state: str
    glyph: str
    colour: str


WORDS: dict[str, Words] = {
    "approve": Words("Approve", "approved", "approved", "●", "$approved"),
    "reject": Words("Reject", "rejected", "rejected", "✕", "$rejected"),
    "reopen": Words("Reopen", "open again", "open", "○", "$generated"),
    "flag": Words("Flag", "flagged", "flagged", "⚑", "$warning"),
    "unflag": Words("Unflag", "unflagged", "without a flag", "⚑", "$muted"),
    "delete": Words("Move to the trash", "moved to the trash", "in the trash", "✕", "$rejected"),
    "restore": Words("Restore", "restored", "out of the trash", "●", "$approved"),
}  # fmt: skip
WHY: dict[str, tuple[str, str]] = {
    "changed": ("changed meanwhile", "changed meanwhile"),
    "no text": ("has no text yet", "have no text yet"),
    "trash": ("is in the trash", "are in the trash"),
    "batch": ("is still to be written by a batch", "are still to be written by a batch"),
    "gone": ("is gone", "are gone"),
}
"""Why one was left alone, and why several were."""


def decision(
    db: Database, ids: Sequence[int], action: Action, *, seen: str, scope: str | None, reason: str | None = None
) -> BulkDialog:
    """The dialog that decides many. `scope` is the filter that they match, None when they are selected one by one."""

    async def work(progress: Progress, stop: asyncio.Event) -> Content:
        from traintui.data import bulk

        return became(
            action, await bulk.decide(db, ids, action, seen=seen, reason=reason, progress=progress, stop=stop)
        )

    because = Content.assemble(" The reason: ", text.shown(reason, single_line=True, limit=100), ".") if reason else ""
    small_print = (
        f"Left alone and counted are those that changed meanwhile, have no text, or are {WORDS[action].state} already."
    )
    return _dialog(action, ids, work, scope, Content.assemble(small_print, because))


def flagging(db: Database, ids: Sequence[int], flagged: bool, *, scope: str | None) -> BulkDialog:
    """The dialog that flags many, or unflags them; `scope` as for `decision`."""
    action = "flag" if flagged else "unflag"

    async def work(progress: Progress, stop: asyncio.Event) -> Content:
        from traintui.data import bulk

        return became(action, await bulk.flag(db, ids, flagged, progress=progress, stop=stop))

    return _dialog(action, ids, work, scope, Content(f"Those that are {WORDS[action].state} already are left alone."))


def trashing(db: Database, ids: Sequence[int], deleted: bool, *, scope: str | None) -> BulkDialog:
    """The dialog that moves many to the trash, or back; `scope` as for `decision`."""
    action = "delete" if deleted else "restore"

    async def work(progress: Progress, stop: asyncio.Event) -> Content:
        from traintui.data import bulk

        return became(action, await bulk.trash(db, ids, deleted, progress=progress, stop=stop))

    says = (
        "They stay on record and can be restored. Those that a batch is still to write are left alone."
        if deleted
        else "They come back as they were."
    )
    return _dialog(action, ids, work, scope, Content(says))


def became(action: str, result: BulkResult) -> Content:
    """What became of a bulk, in words."""
    words = WORDS[action]
    parts = [f"{result.done:,} {words.done}" if result.done else f"None {words.done}"]
    if number := result.skipped.get("already", 0):
        parts.append(f"{number:,} {'is' if number == 1 else 'are'} {words.state} already")
    for why, (one, many) in WHY.items():
        if number := result.skipped.get(why, 0):
            parts.append(f"{number:,} {one if number == 1 else many}")
    if result.left:
        parts.append(f"{result.left:,} left as they are, since you stopped it")
    return Content.assemble(
        (f"{words.glyph} ", words.colour), (parts[0], "bold"), "".join(f"; {part}" for part in parts[1:]), ".",
        (" u takes all of it back." if result.done > 1 else " u takes it back.", "$muted") if result.done else "",
    )  # fmt: skip


def noun(action: str) -> str:
    """What an action is called where it was undone."""
    words = WORDS.get(action)
    return words.verb.lower() if words else action


def taken_back(action: str, result: UndoResult) -> Content:
    """What became of the undo of a bulk, in words."""
    kept = (
        f"; {result.kept:,} kept, since somebody acted on {'it' if result.kept == 1 else 'them'}" if result.kept else ""
    )
    left = f"; {result.remaining:,} left: u goes on" if result.remaining else ""
    return Content.assemble(
        ("↶ ", "$accent"), f"undone: {noun(action)} of {text.plural(result.undone, 'conversation')}{kept}{left}"
    )


def _dialog(action: str, ids: Sequence[int], work: BulkWork, scope: str | None, says: Content) -> BulkDialog:
    words, number = WORDS[action], len(set(ids))
    conversations = text.plural(number, "conversation")
    if scope is None:
        which = "" if number == 1 else "Those that are selected. "
        matching = Content(which)
    elif scope.strip():
        matching = Content.assemble(
            "Those that match ", text.shown(scope, single_line=True, limit=300, style="bold"), ". "
        )
    else:
        matching = Content.assemble(("Every conversation", "bold $warning"), " that is not in the trash. ")
    title = Content.assemble((f"{words.glyph} ", words.colour), f"{words.verb}: {conversations}")
    return BulkDialog(title, number, work, says=Content.assemble(matching, says))
