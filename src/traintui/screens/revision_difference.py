"""What each revision of a conversation changed, seen beside what was there before; and the way back to one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.data.records import Conversation, Turn
from traintui.screens.base import BaseDialog
from traintui.screens.stored_edit import StoredEdit, edit_of, store
from traintui.widgets.difference import DifferenceView, Pair, compared
from traintui.widgets.keybar import KeyBar
from traintui.widgets.row_table import Column, RowTable

if TYPE_CHECKING:
    from traintui.data.revisions import Revision

ORIGINS = {
    "generated": "written", "imported": "imported", "edited": "✎ edited", "regenerated": "⟳ written anew",
}  # fmt: skip
BACK_TO = "back to revision "
"""How the note begins of a revision that takes a conversation back to an earlier one."""
Part = tuple[str, tuple[Pair, ...]]


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """A revision in the list: `base` says that others are compared with it, `how` what it did to the one before."""

    revision: Revision
    base: bool
    present: bool
    how: str


def _number(row: RevisionRow) -> Content:
    return Content.assemble(f"{row.revision.number}", (" ◂" if row.base else "", "$accent"))


COLUMNS: list[Column[RevisionRow]] = [
    Column("Revision", 9, _number),
    Column("", 24, lambda row: text.shown(row.how, single_line=True, limit=24)),
    Column("By", 0, lambda row: text.shown(row.revision.author, single_line=True, limit=40)),
    Column("Turns", 5, lambda row: Content(str(len(row.revision.turns))), right=True, from_width=90),
    Column("When", 19, lambda row: Content.styled(text.second(row.revision.created_at), "$muted"), from_width=70),
]


def how_made(old: Revision | None, new: Revision) -> str:
    """What a revision did to the one before it, in a few words: `✎ turn 3`, `+ turns 3-4`, `↶ undone`."""
    if new.origin != "edited" or old is None:
        return ORIGINS[new.origin]
    if new.undoes:
        return "↶ undone"
    if new.note is not None and new.note.startswith(BACK_TO):
        return f"↶ {new.note}"
    return _what_changed(old, new)


def _what_changed(old: Revision, new: Revision) -> str:
    was, now = ([(turn.role, turn.content, turn.train) for turn in each.turns] for each in (old, new))
    changes = [each for each in SequenceMatcher(None, was, now, autojunk=False).get_opcodes() if each[0] != "equal"]
    if not changes:
        return "✎ system prompt"
    first, last = changes[0], changes[-1]
    before, after = was[first[1] : last[2]], now[first[3] : last[4]]
    if len(after) > len(before):
        if not before:
            return f"+ {_turns(first[3], last[4])}"
        return f"✎ {_turns(first[1], last[2])} split"
    if len(after) < len(before):
        if not after:
            return f"- {_turns(first[1], last[2])}"
        return f"✎ {_turns(first[1], last[2])} merged"
    if [turn[:2] for turn in before] == [turn[:2] for turn in after]:
        return f"✎ {_turns(first[3], last[4])} {'' if after[0][2] else 'not '}trained on"
    return f"✎ {_turns(first[3], last[4])}"


def _turns(begin: int, end: int) -> str:
    """`turn 3` or `turns 3-4`, of places from 0."""
    return f"turn {end}" if end - begin == 1 else f"turns {begin + 1}-{end}"


def parts_of(old: Revision, new: Revision) -> list[Part]:
    """What differs between two revisions: a part for the system prompt and for each turn that is not the same, turns
    that came or went put where they are missing; one line that says so where nothing differs."""
    parts: list[Part] = []
    if old.system_prompt != new.system_prompt:
        parts.append(("System prompt", compared(old.system_prompt or "", new.system_prompt or "")))
    for before, after in _aligned(old.turns, new.turns):
        was, now = ("" if turn is None else turn.content for turn in (before, after))
        parts.append((_title(before, after), compared(was, now)))
    return parts or [("All of it", ())]


def _aligned(old: Sequence[Turn], new: Sequence[Turn]) -> Iterator[tuple[Turn | None, Turn | None]]:
    was, now = ([(turn.role, turn.content, turn.train) for turn in turns] for turns in (old, new))
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from zip_longest(old[i1:i2], new[j1:j2])


def _title(before: Turn | None, after: Turn | None) -> str:
    turn = after or before
    assert turn is not None  # noqa: S101 - one of the two is there
    name = f"Turn {turn.number}  {turn.role.capitalize()}"
    if before is None:
        return f"{name}  added"
    if after is None:
        return f"{name}  taken out"
    moved = f"  was turn {before.number}" if before.number != after.number else ""
    train = "" if before.train == after.train else "  trained on" if after.train else "  not trained on"
    return name + moved + train


class RevisionsDialog(BaseDialog[StoredEdit]):
    """The revisions, newest first. The one under the cursor is compared with the one before it, or with the one that
    was marked. Answers what the conversation was taken back to, if it was; `after` is as for a `TurnEditor`."""

    PLACES = ("revisions", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("revisions")
    CSS_PATH = "revision_difference.tcss"
    AUTO_FOCUS = "RowTable"

    table: getters.query_one[RowTable[RevisionRow]] = getters.query_one("#revisions", RowTable)
    difference = getters.query_one(DifferenceView)
    answer = getters.query_one("#answer", Static)

    def __init__(self, conversation: Conversation, *, may_edit: bool, after: str | None = None) -> None:
        super().__init__()
        self._conversation, self._may_edit, self._after = conversation, may_edit, after
        self._revisions: tuple[Revision, ...] = ()
        self._base: int | None = None

    def compose(self) -> ComposeResult:
        """The list, and below it the difference."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = Content.assemble(
                "Revisions of ", text.shown(self._conversation.row.conversation_id, single_line=True)
            )
            yield RowTable(COLUMNS, key=lambda row: row.revision.number, opens="", id="revisions")
            yield DifferenceView()
            yield Static(id="answer")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads them."""
        self.read(self._read, name="revisions")

    async def _read(self) -> None:
        from traintui.data import revisions

        self._revisions = await revisions.of_conversation(self.db, self._conversation.row.conversation_id)
        self.table.styles.height = len(self._revisions) + 1
        self._list()

    def _list(self) -> None:
        newest = self._revisions[0].number if self._revisions else 0
        self.table.show([
            RevisionRow(each, each.number == self._base, each.number == newest, how_made(before, each))
            for each, before in zip_longest(self._revisions, self._revisions[1:])
        ])  # fmt: skip
        self._compare()

    def action_base(self) -> None:
        """Compares from the revision under the cursor on, or again from the one before."""
        if (row := self.table.current) is not None:
            self._base = None if row.base else row.revision.number
            self._list()

    def action_page(self, pages: int) -> None:
        """Scrolls the difference."""
        self.difference.action_page(pages)

    @on(RowTable.Moved)
    def _moved(self, event: RowTable.Moved[RevisionRow]) -> None:
        event.stop()
        self._compare()

    def _compare(self) -> None:
        self.read(self._differ, name="difference")

    async def _differ(self) -> None:
        if not self._revisions:
            return
        place = min(self.table.cursor, len(self._revisions) - 1)
        new = self._revisions[place]
        before = self._revisions[min(place + 1, len(self._revisions) - 1)]
        old = next((each for each in self._revisions if each.number == self._base), before)
        parts = await asyncio.to_thread(parts_of, old, new)
        titles = f"revision {old.number}", f"revision {new.number}"
        self.difference.compare(titles, parts, key=(old.number, new.number))

    def action_restore(self) -> None:
        """Takes the conversation back to the revision under the cursor, from the newest to the one before, with a new
        revision that says the same."""
        row = self.table.current
        if row is None:
            return
        if row.present and len(self._revisions) < 2:
            self.answer.update(Content.styled("It has one revision: there is nothing to go back to.", "$warning"))
            return
        self.write(partial(self._restore, self._revisions[1] if row.present else row.revision), name="restore")

    async def _restore(self, revision: Revision) -> None:
        edit = edit_of(
            self._conversation, turns=revision.turns, system_prompt=revision.system_prompt, after=self._after,
            what=f"it reads as at revision {revision.number} again",
            note=f"{BACK_TO}{revision.number}",
        )  # fmt: skip
        self.dismiss(await store(self.db, self.outbox, self._conversation, edit))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nobody takes back what they may not edit."""
        return None if action == "restore" and not self._may_edit else True

    def work_failed(self, name: str, error: BaseException) -> None:
        """Says why below the difference."""
        answer = self.app.answer(error)
        said = text.shown(f"{answer.title}. {answer.message} {answer.remedy}", single_line=True)
        self.answer.update(Content.assemble(("! ", "$error"), said))
