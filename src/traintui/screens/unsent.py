"""The app as it sends what was pressed, says what is not saved yet, and asks again what came too late."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, TextArea
from textual.worker import Worker

from traintui import text
from traintui.clock import ticks
from traintui.drafts import Draft
from traintui.errors import TraintuiError, sentence
from traintui.screens.doors import Doors

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.outbox.outcomes import Outcome, Refusal
    from traintui.outbox.presses import Decision, Edit, Press
    from traintui.outbox.sending import Outbox

TOGETHER = 0.3
"""Seconds within which refusals are answered as one, and between two looks whether somebody can be asked."""
AT_THE_MOST = 3.0
"""Seconds for which an answer waits for what was pressed with it and is still on its way."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds until sending begins again where it ended by a fault once more: at first, and at the most."""
NEWS = 20.0
"""Seconds for which it stands there what became of presses of an earlier run, or of a database that had ended."""


def not_edited(edit: Edit, why: TraintuiError) -> TraintuiError:
    """The answer to an edit that was kept and is refused at last: where what was typed is to be found."""
    remedy = "It stands as it is: do it again there, if it is still wanted."
    if edit.passage:
        remedy = f"What you typed is kept: open it in Review, and the key of {edit.passage} shows both."
    return TraintuiError(f"{why.title}: not saved", f"{edit.what} of {edit.conversation_id}: {why.message}", remedy)


class Unsent(Doors):
    """Screens give their presses to `outbox`; `sent` tells all of them what became of each."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._sending: Worker[None] | None = None
        self._pause = 0.0
        self._refused: list[Refusal] = []
        self._refused_since = 0.0
        self._stale: list[Refusal] = []
        self._answering: Timer | None = None
        """When refusals are answered; None while none wait for that."""
        self._sent_before = [0, 0]
        self._unread = 0
        self._leaves = False
        self._began_again = False
        """Whether what is sent first is of this run: sending ended by a fault, and began again with what is on file."""

    def begin_sending(self, database: Database) -> None:
        """Sends for as long as the workspace is open, beginning with what an earlier run left."""
        self._pause = 0.0
        self._send_with(self._new_outbox(database))

    def _new_outbox(self, database: Database) -> Outbox:
        from traintui.outbox.kept import folder_of
        from traintui.outbox.sending import Outbox

        folder = folder_of(self.settings.home, database.conninfo, database.login)
        return Outbox(database, folder, told=self._became, moved=self._moved)

    def _send_with(self, outbox: Outbox, unkept: Sequence[Press] = ()) -> None:
        self.outbox, self._unread = outbox, 0
        self.taking_back = asyncio.Lock()  # whoever waits for an outbox that ended holds the one before
        sending = partial(self._send, outbox, unkept, self._pause)
        self._sending = self.run_worker(sending, name="sending", group="sending", exit_on_error=False)

    async def _send(self, outbox: Outbox, unkept: Sequence[Press], pause: float) -> None:
        for press in unkept:
            await outbox.keep(press)
        await asyncio.sleep(pause)
        await outbox.run()

    def sending_failed(self, database: Database, error: BaseException) -> None:
        """Sending ended by a fault: says so, and begins again with what is on file, later each time."""
        answer, before = self.answer(error), self.outbox
        self.say(
            f"{sentence(answer.message)}\nIt begins again by itself; what you pressed is kept. {answer.remedy}",
            title="Sending stopped",
        )
        self._began_again = True
        unkept = before.waiting if before is not None and before.unkept is not None else ()
        self._send_with(self._new_outbox(database), unkept)
        self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)

    async def end_sending(self, patience: float) -> None:
        """Waits, where the database answers, until all is sent; what is not stays on file for the next start."""
        if self.outbox is None or self._sending is None:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self.outbox.settled(), patience)
        self._sending.cancel()

    @property
    def sending(self) -> list[Worker[None]]:
        """The worker that sends, once there is one."""
        return [self._sending] if self._sending is not None else []

    def reached(self) -> None:
        """The database answers: what waits is sent without waiting for the next try."""
        self.outage = None
        if self.outbox is not None and self.outbox.away is not None:
            self.outbox.hurry()

    def ask_to_leave(self) -> bool:
        """Says what is not saved yet, and asks whether to leave all the same. False where nothing is to be said."""
        from traintui.screens.leaving import LeavingUnsent

        if self.unsent is None or self.demo or self._leaves:
            return False
        self.push_screen(LeavingUnsent(self.unsent), self._asked_to_leave)
        return True

    def _asked_to_leave(self, leaves: bool | None) -> None:
        if leaves:
            self._leaves = True
            self.call_later(self.action_quit)

    def _moved(self) -> None:
        if self.outbox is None:
            return
        self.unsent = self.outbox.standing
        if self.outbox.unread > self._unread:
            self._unread = self.outbox.unread
            self.say(
                f"{text.plural(self._unread, 'line')} of an earlier run could not be read. They are kept in "
                f"{self.settings.home / 'outbox'} as files that end in .unread.",
                title="Not all could be sent",
            )

    def _became(self, outcome: Outcome) -> None:
        from traintui.outbox.outcomes import Refusal, Saved
        from traintui.outbox.presses import Edit

        if isinstance(outcome.press, Edit):
            self._edited(outcome.press, outcome)
        elif isinstance(outcome, Refusal):
            self._refuse(outcome)
        if isinstance(outcome, Saved | Refusal) and outcome.before:
            self._sent_before[isinstance(outcome, Refusal)] += 1
            if self.outbox is not None and not self.outbox.left_over:
                self._tell_sent()
        self.sent.publish(outcome)

    def _edited(self, edit: Edit, outcome: Outcome) -> None:
        """What was typed is a draft no more once it is saved, and one again where it is refused."""
        from traintui.outbox.outcomes import Refusal, Saved

        one, draft = edit.conversation_id, self.drafts.get(edit.conversation_id, edit.passage)
        if isinstance(outcome, Saved):
            if draft is not None and draft.text == edit.written:
                self.drafts.drop(one, edit.passage)
        elif edit.passage and draft is None:
            self.drafts.keep(one, edit.passage, Draft(edit.written, edit.instead_of))
        self.drafts.write()
        if isinstance(outcome, Refusal) and not outcome.awaited:
            self._refuse(replace(outcome, error=not_edited(edit, self.answer(outcome.error))))

    def _refuse(self, refusal: Refusal) -> None:
        """Answers a refusal, with others that come at the same time."""
        if refusal.stale:
            self._stale.append(refusal)
        else:
            self._refused_since = self._refused_since if self._refused else ticks()
            self._refused.append(refusal)
        self._answer_soon()

    def _answer_soon(self) -> None:
        if self._answering is None:
            self._answering = self.set_timer(TOGETHER, self._answer_together)

    def _answer_together(self) -> None:
        """Answers what was refused, once all that was pressed with it is saved or refused too."""
        self._answering = None
        under_way = self.outbox is not None and self.outbox.waiting and self.outbox.away is None
        if under_way and self._refused and ticks() - self._refused_since < AT_THE_MOST:
            self._answer_soon()
        else:
            self._answer_refused()

    def _tell_sent(self) -> None:
        saved, refused = self._sent_before
        self._sent_before = [0, 0]
        what = text.plural(saved or refused, "press", "presses")
        also = f"; {refused:,} refused" if saved and refused else ""
        when, self._began_again = "since sending began again" if self._began_again else "at this start", False
        self.tell_news(f"{'Saved' if saved else 'Refused'} {when}: {what} that had waited{also}")

    def tell_news(self, news: str) -> None:
        """Says something under the header for a while."""
        self.news = news
        self.set_timer(NEWS, self._forget_news)

    def _forget_news(self) -> None:
        self.news = ""

    # What was refused

    def _answer_refused(self) -> None:
        """Refusals at once are one answer; who came too late is asked, one after the other."""
        if self._answering is not None:
            self._answering.stop()
            self._answering = None
        by_title: dict[str, list[Refusal]] = {}
        for refusal in self._refused:
            by_title.setdefault(self.answer(refusal.error).title, []).append(refusal)
        self._refused.clear()
        for title, refusals in by_title.items():
            if len(refusals) == 1:
                self.tell(refusals[0].error)
            else:
                first = self.answer(refusals[0].error)
                self.say(
                    f"{len(refusals):,} presses were refused; nothing was changed by them. The first: "
                    f"{first.message}\n{first.remedy}",
                    title=title,
                )
        self._ask_anew()

    def _ask_anew(self) -> None:
        """Shows the next one that has moved on since it was decided, unless somebody is in the middle of something."""
        if not self._stale or not self.is_running:
            return
        if isinstance(self.screen, ModalScreen) or isinstance(self.focused, Input | TextArea):
            self._answer_soon()
            return
        from traintui.outbox.presses import Decision
        from traintui.screens.decide_anew import DecideAnew

        refusal = self._stale.pop(0)
        if isinstance(refusal.press, Decision):
            self.push_screen(DecideAnew(refusal.press, more=len(self._stale)), self._decided_anew)
        else:
            self.tell(refusal.error)
            self._answer_soon()

    def _decided_anew(self, decision: Decision | None) -> None:
        if decision is not None and self.outbox is not None:
            self.run_worker(self._keep(self.outbox, decision), name="decide", group="write:decide")
        self._answer_refused()

    async def _keep(self, outbox: Outbox, decision: Decision) -> None:
        await outbox.keep(decision)
