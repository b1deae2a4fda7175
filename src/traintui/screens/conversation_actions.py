"""What is done to conversations from their table: decide, flag, trash and annotate one of them, or all that are
selected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from pyroaring import BitMap

from traintui import clock, text
from traintui.data.records import ConversationRow
from traintui.outbox.outcomes import Outcome, Saved
from traintui.outbox.presses import Decision, Flag
from traintui.screens.conversation_rows import ConversationRows
from traintui.screens.reasons import ReasonsDialog, Rejection
from traintui.screens.review_reservation import holder_said
from traintui.screens.scope import Scope
from traintui.screens.undoing import Undoing, how_far
from traintui.widgets import marks

if TYPE_CHECKING:
    from traintui.data.filters import Condition
    from traintui.data.reviews import Action
    from traintui.screens.bulk import BulkDialog
    from traintui.screens.bulk_actions import WhyRejected

HELD = 0.25
"""Seconds between two presses under which the key is taken for held down."""
DECIDED: dict[str, str] = {"approve": "approved", "reject": "rejected"}


class ConversationActions(ConversationRows):
    """The keys act on what is selected, after asking, else on the row under the cursor."""

    def __init__(self) -> None:
        super().__init__()
        self._deciding: set[str] = set()
        self._recorded: set[str] = set()
        self._own: set[str] = set()
        """Keys of the decisions that were pressed here and are under way."""
        self._undoing = Undoing()
        self._pressed = -HELD
        self._pushed = -HELD

    def on_mount(self) -> None:
        """Hears what becomes of what is pressed."""
        self.app.sent.subscribe(self, self._became, immediate=True)

    # Deciding

    def _changed(self, ids: BitMap) -> None:
        before, cursor = self.table.current_id, self.table.cursor
        super()._changed(ids)
        self._deciding -= self._recorded
        self._recorded.clear()
        after = self.table.current_id
        if before is not None and after != before and cursor == self.table.cursor:
            self._pushed = clock.ticks()  # another row came under the cursor: a press just now was meant for this one

    def action_decide(self, action: Action) -> None:
        """Decides what is selected after asking, or the row under the cursor. A held key decides once: the rows that
        follow were not read."""
        if self.table.selected:
            self._decide_many(action)
            return
        now = clock.ticks()
        held, pushed = now - self._pressed < HELD, now - self._pushed < HELD
        self._pressed = now
        row = self.table.current
        if row is not None and not held and not pushed:
            self.table.stay()
            self._decide(row, action, None)

    def action_reject(self) -> None:
        """Rejects what is selected, or the row, after asking for the reason; of many the number comes first."""
        if self.table.selected:
            self._decide_many("reject", self._ask_why)
            return
        row = self.table.current
        if row is None:
            return
        self.table.stay()

        def chosen(rejection: Rejection | None) -> None:
            if rejection is not None:
                self._decide(row, "reject", rejection.reason)

        self.app.push_screen(ReasonsDialog(row.conversation_id, self.app.reasons), chosen)

    def _decide(self, row: ConversationRow, action: Action, reason: str | None) -> None:
        one = row.conversation_id
        if one in self._deciding:
            return  # one's own decision is under way, or the row is still drawn as it was before it
        if row.status == DECIDED[action]:
            self._say(marks.status(row.status), (" already", "$muted"))
            return
        if (holder := self.holders.of(row)) is not None:
            self._say(holder_said(holder), (": enter opens it, and there o takes it over", "$warning"))
            return
        from traintui.data import reviews

        decision = Decision(reviews.new_key(), clock.now(), one, action, row.revision, row.decision_id, reason)
        self._deciding.add(one)
        self._own.add(decision.key)
        self.write(partial(self._press, decision), name="decide")

    async def _press(self, press: Decision | Flag) -> None:
        await self.outbox.keep(press)
        if self.outbox.away is not None:
            done = press.action if isinstance(press, Decision) else "flag" if press.flagged else "unflag"
            self._say(("◌ not saved yet: ", "$warning"), f"{done} of {press.conversation_id}")

    def _became(self, outcome: Outcome) -> None:
        """A press, from here or from Review, is saved, refused or withdrawn."""
        press = outcome.press
        if isinstance(press, Decision):
            if isinstance(outcome, Saved):
                self._decided(press, outcome)
            else:
                self._deciding.discard(press.conversation_id)
            self._own.discard(press.key)
        elif (answer := self._undoing.became(outcome)) is not None:
            self._say(answer)
        self.app.look_now()

    def _decided(self, decision: Decision, saved: Saved) -> None:
        one = decision.conversation_id
        self._undoing.forget()
        kept = saved.entry.status_after not in DECIDED.values()
        if kept:
            self._deciding.discard(one)  # its row stays as it is
        else:
            self._recorded.add(one)
        if decision.key in self._own:
            self._say(
                marks.status(DECIDED[decision.action]),
                (" for you; it waits for another reviewer" if kept else "", "$muted"),
                f"  {one}",
                ("   u takes it back", "$faint"),
            )

    # Many at once

    def _ask_why(self, named: str, answered: Callable[[Rejection | None], None]) -> None:
        self.app.push_screen(ReasonsDialog(named, self.app.reasons), answered)

    def _decide_many(self, action: Action, why: WhyRejected | None = None) -> None:
        from traintui.screens import bulk_actions

        if self.app.live is not None and (seen := self.app.live.snapshot) is not None:
            scope = self._selected()
            self._ask(bulk_actions.decision(
                self.db, scope.ids, action, seen=seen, scope=scope.filter_text, why=why
            ))  # fmt: skip

    def action_trash(self) -> None:
        """Moves what is selected, or the row, to the trash; out of it where the trash is shown."""
        from traintui.screens import bulk_actions

        current = self.table.current_id
        scope = self._selected() if self.table.selected else None
        ids = scope.ids if scope else [] if current is None else [current]
        if ids:
            filter_text = scope.filter_text if scope else None
            self._ask(bulk_actions.trashing(self.db, ids, not self._shows_trash, scope=filter_text))

    def action_purge(self) -> None:
        """Asks for the number, then erases what is selected, or the row, for good."""
        from traintui.screens.purge import PurgeDialog

        current = self.table.current_id
        if ids := self._selected().ids if self.table.selected else [] if current is None else [current]:
            self._ask(PurgeDialog(self.db, ids))

    def _ask(self, dialog: BulkDialog) -> None:
        self.app.push_screen(dialog, self._done_to_many)

    def _done_to_many(self, begun: bool | None) -> None:
        if begun:
            self._undoing.forget()
            self.table.clear_selection()
            self.app.look_now()

    def action_undo(self) -> None:
        """Takes back one's own last action."""
        self.write(self._undo, name="undo")

    async def _undo(self) -> None:
        async with self.app.taking_back:
            undone, answer = await self._undoing.take_back(
                self.db, self.outbox, lambda done, total: self._say(how_far(done, total))
            )
        self._say(answer)
        if undone is not None:
            self.app.look_now()

    def action_flag(self) -> None:
        """Flags what is selected, or the row; what is flagged is unflagged."""
        if self.table.selected:
            from traintui.screens import bulk_actions

            scope = self._selected()
            current = self.table.current
            flagged = not (current.flagged if current and current.id in self.table.selected else False)
            self._ask(bulk_actions.flagging(self.db, scope.ids, flagged, scope=scope.filter_text))
            return
        if (row := self.table.current) is not None:
            from traintui.data import reviews

            self.table.stay()
            flag = Flag(reviews.new_key(), clock.now(), row.conversation_id, not row.flagged)
            self.write(partial(self._press, flag), name="flag")

    def action_metadata(self) -> None:
        """Opens the metadata of what is selected, or of the row."""
        from traintui.screens.metadata import MetadataDialog

        if self.table.selected:
            self.app.push_screen(MetadataDialog(self._selected()), self._metadata_changed)
        elif (row := self.table.current) is not None:
            self.table.stay()
            self.read(partial(self._metadata, row.conversation_id), name="metadata")

    def action_assign(self) -> None:
        """Asks who is to review what is selected, else all that match the filter."""
        from traintui.screens.assigning import AssignDialog

        listing = self._listing
        if listing is None or not listing.total:
            return
        if not listing.complete and not self.table.selected:
            self._say(("! ", "$warning"), "Not all are found yet; try again in a moment.")
            return
        self.app.push_screen(AssignDialog(self._selected() if self.table.selected else self._all()), self._assigned)

    def _assigned(self, changed: bool | None) -> None:
        if changed:
            self.table.clear_selection()
            self.app.look_now()

    # A judge

    def action_judge(self) -> None:
        """Asks who is to judge what is selected, else all that match the filter."""
        self.read(self._open_judge, name="judge")

    async def _open_judge(self) -> None:
        from traintui.data import batches, judgements, prices
        from traintui.screens.judge_form import JudgeForm

        scope = self._selected() if self.table.selected else None
        filter_text = self.filter_text if scope is None else scope.filter_text
        label = (
            scope.label if scope else f"all that match {self.filter_text}" if self.filter_text else "all conversations"
        )
        last = await batches.newest_id(self.db, "judge")
        wanted = partial(judgements.among, scope.ids) if scope else partial(self._condition, self.filter_text)
        form = JudgeForm(
            label, wanted, await prices.in_effect(self.db), filter_text=filter_text,
            model=(await batches.setup(self.db, last)).model if last is not None else None,
        )  # fmt: skip
        self.app.push_screen(form, self._judging)

    def _condition(self, filter_text: str) -> Condition:
        return self.app.read_filter(filter_text).where

    def _judging(self, batch_id: int | None) -> None:
        if batch_id is not None:
            self.table.clear_selection()
            self._say(("● ", "$accent"), f"Batch {batch_id} judges them.", ("  3 shows how far it is.", "$muted"))
            self.write(self._start_worker, name="worker")

    async def _start_worker(self) -> None:
        await self.app.ensure_worker()

    def _all(self) -> Scope:
        """All that match, as a dialog calls them."""
        ids = list(self._listing.matches) if self._listing is not None else []
        named = f" that match {self.filter_text}" if self.filter_text else ""
        return Scope(ids, f"{text.plural(len(ids), 'conversation')}{named}", filter_text=self.filter_text)

    @property
    def selected_ids(self) -> Sequence[int] | None:
        """The ids of what is selected, unless that is nothing, or all that the filter names."""
        scope = self._selected()
        return scope.ids if scope.ids and scope.filter_text is None else None

    def _selected(self) -> Scope:
        """What is selected, as a dialog calls it."""
        selected, listing = self.table.selected, self._listing
        whole = listing is not None and listing.complete and selected == listing.matches
        named = f" that match {self.filter_text}" if self.filter_text else ""
        label = f"{text.plural(len(selected), 'conversation')}{named if whole else ' selected'}"
        return Scope(list(selected), label, filter_text=self.filter_text if whole else None)

    async def _metadata(self, conversation_id: str) -> None:
        from traintui.data import conversations
        from traintui.screens.metadata import MetadataDialog

        one = await conversations.read(self.db, conversation_id)
        self.app.push_screen(
            MetadataDialog(Scope((one.row.id,), conversation_id, one=one)), self._metadata_changed
        )  # fmt: skip

    def _metadata_changed(self, _: object) -> None:
        self.app.refresh_words()
        self.app.look_now()
