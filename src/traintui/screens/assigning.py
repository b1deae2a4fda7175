"""Assigning: a share of conversations for each reviewer, evenly or by weights, and taking back what was given."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

from pyroaring import BitMap
from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.data import assignments
from traintui.data.assignments import Share, Shared, divided, sizes
from traintui.screens.base import BaseDialog
from traintui.screens.scope import Scope
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.row_table import Column, RowTable

LINES = 12
"""Reviewers that are seen at once."""
MOST = 99
"""The largest weight that the keys make."""
BAR = 40
State = Literal["reading", "asking", "running"]
Division = Callable[[], Sequence[tuple[int, str | None]]]
"""Says who gets which."""
WHY: dict[str, tuple[str, str]] = {
    "already": ("was theirs already", "were theirs already"),
    "decided": ("is decided, or failed", "are decided, or failed"),
    "trash": ("is in the trash", "are in the trash"),
    "gone": ("is gone", "are gone"),
}
"""Why one did not change hands, and why several did not."""


@dataclass(frozen=True, slots=True)
class ShareRow:
    """A reviewer: what they have, their weight, and how many they would get."""

    has: Share
    weight: int
    gets: int


class AssignDialog(BaseDialog[bool]):
    """Says who gets how many, does it, and answers; True when something may have changed hands."""

    PLACES = ("assigning", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("assigning")
    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "RowTable"

    table: getters.query_one[RowTable[ShareRow]] = getters.query_one("#shares", RowTable)
    answer = getters.query_one("#answer", Static)

    def __init__(self, scope: Scope) -> None:
        super().__init__(classes="form")
        self._scope = scope
        self._shares: tuple[Share, ...] = ()
        self._may: frozenset[str] = frozenset()
        self._weights: dict[str, int] = {}
        self._open: Sequence[int] = scope.ids
        """Those that are still to be decided, as far as is known: the others stay with who has them."""
        self.state: State = "reading"
        self._begun = False
        self._stop = asyncio.Event()

    def compose(self) -> ComposeResult:
        """The reviewers, and what will be done."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = Content.assemble("Assign ", text.shown(self._scope.label, single_line=True, limit=70))
            yield RowTable[ShareRow](
                [
                    Column("Reviewer", 0, lambda row: text.shown(row.has.reviewer_id, single_line=True, limit=40)),
                    Column("Waiting", 9, lambda row: _figure(row.has.waiting), right=True),
                    Column("Decided", 9, lambda row: _figure(row.has.decided), right=True, from_width=60),
                    Column("Weight", 6, lambda row: _figure(row.weight), right=True),
                    Column("Gets", 9, lambda row: _figure(row.gets, style="bold $accent"), right=True),
                ],
                key=lambda row: row.has.reviewer_id,
                opens="",
                id="shares",
            )
            yield Static(Content.styled("Reading who may review", "$muted"), id="answer")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads who may review, and what they have."""
        self.read(self._read, name="shares")

    async def _read(self) -> None:
        self._shares = await assignments.shares(self.db)
        self._may = frozenset(await assignments.reviewers(self.db))
        self._weights = {share.reviewer_id: self._weights.get(share.reviewer_id, 1) for share in self._shares}
        self._weights |= dict.fromkeys(self._weights.keys() - self._may, 0)
        self._open = self._undecided()
        self._turn("asking")
        self.table.styles.height = min(len(self._shares), LINES) + 1
        self._show()
        self._say_plan()

    def _undecided(self) -> Sequence[int]:
        mirror = self.app.live.mirror if self.app.live is not None else None
        if mirror is None:  # the database leaves out what is decided
            return self._scope.ids
        statuses = mirror.keys["status"]
        waiting = BitMap.union(*(statuses.get(status, BitMap()) for status in assignments.UNDECIDED))
        return list((BitMap(self._scope.ids) & waiting) - mirror.marks["deleted"])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense now has a key."""
        if action in {"assign", "take_back", "weigh", "weight", "alone"}:
            return self.state == "asking"
        return action != "stop" or self.state == "running"

    # Weights

    def _show(self) -> None:
        gets = sizes(len(self._open), self._weights)
        self.table.show([
            ShareRow(share, self._weights[share.reviewer_id], gets[share.reviewer_id]) for share in self._shares
        ])  # fmt: skip

    def action_weigh(self, more: int) -> None:
        """Weighs the reviewer under the cursor more, or less."""
        if (row := self.table.current) is not None:
            self.action_weight(max(0, min(MOST, row.weight + more)))

    def action_weight(self, weight: int) -> None:
        """Weighs the reviewer under the cursor so; 0 gets nothing."""
        row = self.table.current
        if row is None:
            return
        if weight and row.has.reviewer_id not in self._may:
            self._say(
                ("! ", "$warning"), text.shown(row.has.reviewer_id, single_line=True), " may not review any more."
            )
            return
        self.table.stay()
        self._weights[row.has.reviewer_id] = weight
        self._show()
        self._say_plan()

    def action_alone(self) -> None:
        """All of it to the reviewer under the cursor; where that is so, evenly to everybody."""
        if (row := self.table.current) is not None and row.has.reviewer_id in self._may:
            alone = {name: int(name == row.has.reviewer_id) for name in self._weights}
            even = {name: int(name in self._may) for name in self._weights}
            self.table.stay()
            self._weights = even if self._weights == alone else alone
            self._show()
            self._say_plan()

    def _say_plan(self) -> None:
        number = sum(1 for weight in self._weights.values() if weight)
        if number:
            whom = "one reviewer" if number == 1 else f"{number} reviewers, mixed"
            stays = len(self._scope.ids) - len(self._open)
            which = f"{len(self._open):,} of {self._scope.number}" if stays else self._scope.number
            why = f"{stays:,} {'is' if stays == 1 else 'are'} decided or failed, and" if stays else "What is decided"
            stay = "stay" if stays > 1 else "stays"
            said = f"{which} to {whom}; digits weigh. {why} {stay}; the rest leaves who had it."
        else:
            said = "Nobody has a weight. Give somebody a digit, or take back what was given."
        self._say((said, "$muted"))

    # Doing it

    def action_assign(self) -> None:
        """Gives everybody their share."""
        if not any(self._weights.values()):
            self._say(("! ", "$warning"), "Nobody has a weight: a digit gives the reviewer under the cursor one.")
            return
        self._begin(partial(divided, self._open, self._weights, seed=secrets.randbits(32)))

    def action_take_back(self) -> None:
        """Takes back what of these was given to anybody."""
        self._begin(lambda: [(one, None) for one in sorted(set(self._scope.ids))])

    def action_stop(self) -> None:
        """Lets what is under way end, and begins nothing more."""
        self._stop.set()

    def _begin(self, dividing: Division) -> None:
        self._turn("running")
        self._begun = True
        self._stop.clear()
        self._progressed(0, len(self._open))
        self.write(partial(self._run, dividing), name="assign")

    async def _run(self, dividing: Division) -> None:
        given = await asyncio.to_thread(dividing)
        shared = await assignments.assign(
            self.db, given, filter_text=self._scope.filter_text, progress=self._progressed, stop=self._stop
        )
        self._shares = await assignments.shares(self.db)
        self._turn("asking")
        self._show()
        self._say(became(shared, back=not given or given[0][1] is None))

    def _progressed(self, done: int, total: int) -> None:
        full, empty = text.bar(done, total, BAR)
        ending = ("   stopping", "$warning") if self._stop.is_set() else ""
        self._say((full, "$accent"), (empty, "$rule"), f"  {done:,} of {total:,}", ending)

    def _turn(self, state: State) -> None:
        self.state = state
        self.refresh_bindings()

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        self.answer.update(Content.assemble("\n", *parts))

    def action_back(self) -> None:
        """Stops what is under way; closes."""
        if self.state == "running":
            self.action_stop()
        else:
            self.dismiss(self._begun)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers here: what was given before it failed is given, and can be taken back."""
        self._turn("asking")
        self._say(failure(self.app.answer(error), gap=" "))


def became(shared: Shared, *, back: bool) -> Content:
    """What became of it, in words."""
    word = "taken back" if back else "assigned"
    parts = [f"{shared.done:,} {word}" if shared.done else f"None {word}"]
    for why, (one, many) in WHY.items():
        if number := shared.skipped.get(why, 0):
            unassigned = ("was nobody's", "were nobody's") if back and why == "already" else (one, many)
            parts.append(f"{number:,} {unassigned[number > 1]}")
    if shared.left:
        parts.append(f"{shared.left:,} left as they are, since you stopped it")
    hint = "" if back or not shared.done else " t takes them back."
    return Content.assemble(
        ("● ", "$success" if shared.done else "$warning"), (parts[0], "bold"),
        "".join(f"; {part}" for part in parts[1:]), ".", (hint, "$muted"),
    )  # fmt: skip


def _figure(number: int, *, style: str = "") -> Content:
    return Content.styled(text.count(number), style) if number else Content.styled("·", "$faint")
