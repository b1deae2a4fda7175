"""The bulk actions of the table: how each is asked for, and what is said of what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text
from traintui.audit.notes import redacted_note
from traintui.screens.bulk import Asks, BulkDialog, BulkWork, Look, Progress
from traintui.screens.reasons import Rejection
from traintui.widgets import marks

if TYPE_CHECKING:
    from traintui.data.bulk import BulkResult, UndoResult
    from traintui.data.bulk_outlook import BulkAction, Outlook
    from traintui.data.engine import Database
    from traintui.data.reviews import Action

WhyRejected = Callable[[str, Callable[[Rejection | None], None]], None]
"""Asks why so many are rejected, and hands on the answer."""


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
    "purge": Words("Purge", "purged", "purged", "✕", "$error"),
    "restore": Words("Restore", "restored", "out of the trash", "●", "$approved"),
}  # fmt: skip
WHY: dict[str, tuple[str, str]] = {
    "changed": ("changed meanwhile", "changed meanwhile"),
    "no text": ("has no text yet", "have no text yet"),
    "trash": ("is in the trash", "are in the trash"),
    "edge case": ("is an edge case, approved one by one", "are edge cases, approved one by one"),
    "second review": ("gets several decisions, one by one", "get several decisions, one by one"),
    "reserved": ("is open at somebody else", "are open at others"),
    "batch": ("is still to be written by a batch", "are still to be written by a batch"),
    "kept": ("is not in the trash", "are not in the trash"),
    "gone": ("is gone", "are gone"),
}
"""Why one was left alone, and why several were."""


def decision(
    db: Database, ids: Sequence[int], action: Action, *, seen: str, scope: str | None, why: WhyRejected | None = None
) -> BulkDialog:
    """The dialog that decides many. `scope` is the filter that they match, None when they are selected one by one;
    `why` asks for the reason of a rejection, once the number is known and confirmed."""
    reason: str | None = None

    def asks(named: str, begin: Callable[[], None]) -> None:
        def chosen(rejection: Rejection | None) -> None:
            nonlocal reason
            if rejection is not None:
                reason = rejection.reason
                begin()

        if why is not None:
            why(named, chosen)

    async def work(progress: Progress, stop: asyncio.Event) -> Content:
        from traintui.data import bulk

        kept = await asyncio.to_thread(redacted_note, reason)
        return became(action, await bulk.decide(db, ids, action, seen=seen, reason=kept, progress=progress, stop=stop))

    says = Content("Its reason is asked for next.") if why is not None else Content()
    return _dialog(db, action, ids, work, scope, says, asks if why is not None else None)


def flagging(db: Database, ids: Sequence[int], flagged: bool, *, scope: str | None) -> BulkDialog:
    """The dialog that flags many, or unflags them; `scope` as for `decision`."""
    action: BulkAction = "flag" if flagged else "unflag"

    async def work(progress: Progress, stop: asyncio.Event) -> Content:
        from traintui.data import bulk

        return became(action, await bulk.flag(db, ids, flagged, progress=progress, stop=stop))

    return _dialog(db, action, ids, work, scope, Content())


def trashing(db: Database, ids: Sequence[int], deleted: bool, *, scope: str | None) -> BulkDialog:
    """The dialog that moves many to the trash, or back; `scope` as for `decision`."""
    action: BulkAction = "delete" if deleted else "restore"

    async def work(progress: Progress, stop: asyncio.Event) -> Content:
        from traintui.data import bulk

        return became(action, await bulk.trash(db, ids, deleted, progress=progress, stop=stop))

    says = "They stay on record and can be restored." if deleted else "They come back as they were."
    return _dialog(db, action, ids, work, scope, Content(says))


def left_alone(action: BulkAction, found: Outlook) -> Content:
    """What an outlook says is left alone, and why."""
    left = [why_left(action, why, number) for why, number in sorted(found.left_alone.items())]
    return Content.assemble(("Left alone: ", "$muted"), f"{'; '.join(left)}.") if left else Content()


def examples(found: Outlook) -> Content:
    """Some of those that will be changed, one a line."""
    if not found.examples:
        return Content()
    all_of_them = found.number == len(found.examples)
    lines = [Content.styled("All of them:" if all_of_them else "For example:", "$muted")]
    lines += [
        Content.assemble(
            marks.status(example.status, word=False), " ", marks.score(example.score), "  ",
            text.shown(example.conversation_id, single_line=True, limit=24, style="$muted"), "  ",
            text.shown(example.says, single_line=True, limit=200),
        )
        for example in found.examples
    ]  # fmt: skip
    return Content("\n").join(lines)


def why_left(action: str, why: str, number: int) -> str:
    """Why that many are left alone."""
    if why == "already":
        return f"{number:,} {'is' if number == 1 else 'are'} {WORDS[action].state} already"
    one, many = WHY.get(why, (why, why))
    return f"{number:,} {one if number == 1 else many}"


def became(action: str, result: BulkResult) -> Content:
    """What became of a bulk, in words."""
    words = WORDS[action]
    parts = [f"{result.done:,} {words.done}" if result.done else f"None {words.done}"]
    parts += [why_left(action, why, number) for why in ("already", *WHY) if (number := result.skipped.get(why, 0))]
    if result.left:
        parts.append(f"{result.left:,} left as they are, since you stopped it")
    return Content.assemble(
        (f"{words.glyph} ", words.colour), (parts[0], "bold"), "".join(f"; {part}" for part in parts[1:]), ".",
        (" u takes all of it back." if result.done > 1 else " u takes it back.", "$muted")
        if result.done and action != "purge" else "",
    )  # fmt: skip


def noun(action: str) -> str:
    """What an action is called where it was undone."""
    words = WORDS.get(action)
    return words.verb.lower() if words else action


def taken_back(action: str, result: UndoResult) -> Content:
    """What became of the undo of a bulk, in words."""
    acted_on = result.kept - result.purged
    parts = [f"undone: {noun(action)} of {text.plural(result.undone, 'conversation')}"]
    if not result.undone and result.kept:
        parts = [f"{noun(action)}: nothing could be taken back"]
    if acted_on:
        parts.append(f"{acted_on:,} kept, since somebody acted on {'it' if acted_on == 1 else 'them'}")
    if result.purged:
        parts.append(f"{result.purged:,} purged: nothing brings {'it' if result.purged == 1 else 'them'} back")
    if result.remaining:
        parts.append(f"{result.remaining:,} left: u goes on")
    return Content.assemble(("↶ ", "$accent"), "; ".join(parts))


def _dialog(
    db: Database, action: BulkAction, ids: Sequence[int], work: BulkWork, scope: str | None, says: Content,
    asks: Asks | None = None,
) -> BulkDialog:  # fmt: skip
    number = len(set(ids))
    print_ = Content(" ").join(part for part in (which(scope, number), says) if part)
    return BulkDialog(verb(action), number, work, look=looking(db, ids, action), says=print_, asks=asks)


def verb(action: str) -> Content:
    """The action as a request."""
    words = WORDS[action]
    return Content.assemble((f"{words.glyph} ", words.colour), words.verb)


def which(scope: str | None, number: int) -> Content:
    """Which conversations are meant: those of a filter, or those that are selected (None)."""
    if scope is None:
        return Content("" if number == 1 else "Those that are selected.")
    if scope.strip():
        return Content.assemble("Those that match ", text.shown(scope, single_line=True, limit=300, style="bold"), ".")
    return Content.assemble(("Every conversation", "bold $warning"), " that is not in the trash.")


def looking(db: Database, ids: Sequence[int], action: BulkAction) -> Look:
    """What a dialog looks at before it asks."""

    async def look(progress: Progress) -> tuple[int, Content, Content]:
        from traintui.data.bulk_outlook import outlook

        found = await outlook(db, ids, action, progress=progress)
        return found.number, left_alone(action, found), examples(found)

    return look
