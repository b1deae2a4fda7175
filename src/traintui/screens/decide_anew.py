"""A decision that came too late: what it was about, how it stands, and one key that decides on that."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import clock, commands, text
from traintui.data.records import Conversation, ReviewEntry, Turn
from traintui.outbox.presses import Decision
from traintui.screens.base import BaseDialog
from traintui.widgets import marks
from traintui.widgets.difference import DifferenceView, Pair, compared
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure

DECIDED = {"approve": "approved", "reject": "rejected", "reopen": "generated"}
VERBS = {"approve": "approves", "reject": "rejects", "reopen": "opens"}
NAMED = 3
"""Actions of others that are named."""
Version = tuple[str | None, tuple[Turn, ...]]


class DecideAnew(BaseDialog[Decision]):
    """Answers the same decision on the newest version, or None: then it waits as it is. `more` are asked after it."""

    PLACES = ("decide_anew", "detail")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("decide_anew")
    CSS_PATH = "dialogs.tcss"

    panel = getters.query_one(".dialog", Vertical)
    says = getters.query_one("#says", Static)
    difference = getters.query_one(DifferenceView)

    def __init__(self, decision: Decision, *, more: int = 0) -> None:
        super().__init__(classes="versions")
        self._decision = decision
        self._more = more
        self._newest: Conversation | None = None
        """As it stands, once that is painted."""

    def compose(self) -> ComposeResult:
        """What happened, and below it what differs."""
        one = text.shown(self._decision.conversation_id, single_line=True)
        with Vertical(classes="dialog") as panel:
            panel.border_title = Content.assemble(("≠ ", "$warning"), one, " changed meanwhile")
            panel.border_subtitle = f"{self._more:,} more" if self._more else ""
            yield Static(Content.styled("Reading how it stands", "$muted"), id="says")
            yield DifferenceView()
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads both versions."""
        self.read(self._look, name="versions")

    async def _look(self) -> None:
        from traintui.data import conversations

        decision = self._decision
        seen, newest = await conversations.as_seen_and_now(self.db, decision.conversation_id, decision.revision)
        if decision.after is not None:
            seen = None  # one's own text, which was not saved: who has that revision now wrote another one
        same = seen == (newest.system_prompt, newest.turns)
        self.says.update(self._what_happened(newest, same))
        if seen is not None and not same:
            parts = await asyncio.to_thread(_parts, seen, (newest.system_prompt, newest.turns))
            titles = (f"revision {decision.revision}, that you saw", f"revision {newest.row.revision}, as it stands")
            self.difference.compare(titles, parts, key=newest.row.revision)
        self.set_class(seen is not None and not same, "-differs")
        self.call_after_refresh(partial(self._painted, newest))

    def _painted(self, newest: Conversation) -> None:
        self._newest = newest
        self.refresh_bindings()

    def _what_happened(self, newest: Conversation, same: bool) -> Content:
        decision, row = self._decision, newest.row
        of = f"revision {decision.revision}"
        then = "; the text is the same." if same else "; what differs stands below."
        if decision.after is not None:
            of, then = "your edit", ". The edit was not saved, and is kept as a draft if you typed it."
        you = Content.assemble(
            "Your ", (decision.action, "bold"), f" of {of} was not applied. It is ",
            marks.status(row.status), f" at revision {row.revision}", then,
        )  # fmt: skip
        lines = [you, *(said_of(entry) for entry in _since(newest.history, decision))]
        if row.status == DECIDED[decision.action]:
            lines.append(Content.styled("So nothing is left to decide.", "$muted"))
        else:
            reason = text.shown(f"({decision.reason})" if decision.reason else "", single_line=True, style="$muted")
            lines.append(Content.assemble(
                ("y ", "bold $accent"), f"{VERBS[decision.action]} it as it stands", " " if reason else "", reason,
                "; ", ("esc ", "bold $accent"), "leaves it to be read again."
            ))  # fmt: skip
        return Content("\n").join(lines)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what is painted is decided, and what that decision would change."""
        if action != "anew":
            return True
        newest = self._newest
        return newest is not None and newest.row.status != DECIDED[self._decision.action]

    def action_anew(self) -> None:
        """Decides the same on what is shown as the newest version."""
        from traintui.data import reviews

        if self._newest is not None:
            row = self._newest.row
            self.dismiss(replace(
                self._decision, key=reviews.new_key(), at=clock.now(), revision=row.revision,
                decision_id=row.decision_id, turn_number=None if row.revision != self._decision.revision
                else self._decision.turn_number, after=None,
            ))  # fmt: skip

    def work_failed(self, name: str, error: BaseException) -> None:
        """What cannot be read is answered here, and waits as it is."""
        self.panel.add_class("-failed")
        self.says.update(failure(self.app.answer(error)))


def _since(history: tuple[ReviewEntry, ...], decision: Decision) -> Iterator[ReviewEntry]:
    """What was done after what the decision had seen, newest first."""
    for entry in history[:NAMED]:
        if entry.id <= (decision.decision_id or 0) or entry.action == "import":
            return
        yield entry


def said_of(entry: ReviewEntry) -> Content:
    """What somebody did, and when: `reject by rita: Too long · 2 min ago`."""
    reason = f": {entry.reason}" if entry.reason else ""
    said = f"{entry.action} by {entry.reviewer_id}{reason} · {text.ago(entry.timestamp)}"
    return text.shown(said, single_line=True, limit=160, style="$muted")


def _parts(seen: Version, now: Version) -> list[tuple[str, tuple[Pair, ...]]]:
    """What differs in the system prompt and in each turn; what does not is left out."""
    parts = [("System prompt", compared(seen[0] or "", now[0] or ""))]
    for old, new in zip_longest(seen[1], now[1]):
        turn = new or old
        if turn is not None:
            parts.append((f"Turn {turn.number} · {turn.role}", compared(_body(old), _body(new))))
    return [part for part in parts if part[1]]


def _body(turn: Turn | None) -> str:
    if turn is None:
        return ""
    return turn.content if turn.train else f"{turn.content}\n(not trained on)"
