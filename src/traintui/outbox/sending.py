"""Sending what was pressed: in order, one at a time, again when the database is back, and each once.

A press is on file before it is sent. It is sent under its key, by which the database knows it; where an answer was
lost, the log is asked for that key before anything is sent again. What the database refuses leaves with its answer and
holds nothing up; what it cannot take at the moment waits, and so does everything behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from traintui.clock import ticks
from traintui.data.engine import Database
from traintui.data.refusals import NotReached, Refused
from traintui.errors import TraintuiError
from traintui.outbox.delivery import deliver
from traintui.outbox.kept import Found, KeptPresses
from traintui.outbox.outcomes import Outcome, Refusal, Saved, Standing, Withdrawn
from traintui.outbox.presses import Decision, Ended, Press, Undo

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds before a press is sent again: at first, and at the most."""
ANSWER_SECONDS = 15.0
"""Seconds after which an answer counts as lost: a network that swallows everything would keep everybody waiting."""
NO_ANSWER = NotReached(
    "No answer from the database", "it is away, or somebody holds a table that this needs.",
    "It is sent again by itself.",
)  # fmt: skip
"""Why a press waits that came to nothing in that time: from here the two look the same."""
SLOW = 5.0
"""Seconds for which a press may be under way before it is said that it is not saved yet: a server that is busy is no
outage."""
FAULTS = 3
"""Tries after which a press that fails for no known reason is answered, and holds the others up no longer."""
OTHERS = 20.0
"""Seconds between two looks for what processes left that have ended meanwhile."""


@dataclass(slots=True, eq=False)
class _Entry:
    """A press that waits. `doubtful` says that the database may have it already, `unkept` why it is not on file."""

    press: Press
    on_file: Future[None]
    before: bool = False
    awaited: bool = False
    doubtful: bool = False
    faults: int = 0
    unkept: OSError | None = None
    became: Outcome | None = None


class Outbox:
    """The presses of one login in one workspace: `keep` takes one, and `run` sends them.

    `told` hears what became of each, in order; `moved` is called when `standing` may be another.
    """

    def __init__(
        self, db: Database, folder: Path, *, told: Callable[[Outcome], None], moved: Callable[[], None] = lambda: None
    ) -> None:
        self._db = db
        self._kept = KeptPresses(folder)
        self._told, self._moved = told, moved
        self._entries: list[_Entry] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._opened: Future[Found] = self._thread.submit(self._kept.open)
        self._turned = asyncio.Event()
        self._hurry = asyncio.Event()
        self._writing: set[asyncio.Task[bool]] = set()
        self._since: float | None = None
        self.away: TraintuiError | None = None
        """Why the newest try did not come through; None while all do."""
        self._no_file: OSError | None = None
        self.unread = 0
        """Lines of earlier processes that are no presses; they were set aside."""

    # What waits

    @property
    def waiting(self) -> tuple[Press, ...]:
        """What the database may not have yet, oldest first."""
        return tuple(entry.press for entry in self._entries)

    @property
    def deciding(self) -> list[str]:
        """The conversations on which a decision waits."""
        return [press.conversation_id for press in self.waiting if isinstance(press, Decision)]

    @property
    def left_over(self) -> int:
        """How many of those are of an earlier run of the app."""
        return sum(entry.before for entry in self._entries)

    @property
    def standing(self) -> Standing | None:
        """What there is to say of what waits: None while everything is saved as it is pressed."""
        slow = self._since is not None and ticks() - self._since >= SLOW
        if not self._entries or (self.away is None and not slow):
            return None
        why = f"{self.away.title}: {self.away.message}" if self.away else "The database has not answered yet."
        return Standing(len(self._entries), why, (self.unkept.strerror or "error") if self.unkept else "")

    @property
    def unkept(self) -> OSError | None:
        """Why something that waits is not written down on this machine; None where all of it is."""
        return next((entry.unkept for entry in self._entries if entry.unkept is not None), self._no_file)

    def keep(self, press: Press) -> Awaitable[bool]:
        """Takes a press, behind those that wait. Returns once it is written down whether it could be; if not, it is in
        memory only, and sent all the same."""
        entry = _Entry(press, self._thread.submit(self._kept.add, press, durable=self.away is not None))
        self._entries.append(entry)
        self._turn()
        return self._written(entry)

    def take_back(self) -> Withdrawn | Press | None:
        """Takes back the newest decision, edit or flag that waits and that no `Undo` is about to take back.

        One that was never sent is withdrawn. One that the database may have is returned as it is: an `Undo` of it waits
        for its turn. None when there is none.
        """
        undone = {entry.press.of for entry in self._entries if isinstance(entry.press, Undo)}
        for entry in reversed(self._entries):
            if isinstance(entry.press, Undo) or entry.press.key in undone:
                continue
            if entry.doubtful:
                return entry.press
            withdrawn = Withdrawn(entry.press)
            self._end(entry, "withdrawn", withdrawn)
            return withdrawn
        return None

    async def settled(self, key: str | None = None) -> None:
        """Returns once a press, or everything, is saved or refused, or the database is away."""
        while self.away is None and any(key in {None, entry.press.key} for entry in self._entries):
            await self._turned.wait()

    async def outcome(self, press: Press, *, patience: float | None = None) -> Outcome | None:
        """Takes a press as `keep` does. Returns what became of it; None when the database is away, or has not answered
        for `patience` seconds: then it waits."""
        written = self.keep(press)
        entry = self._entries[-1]
        entry.awaited = True
        await written
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while entry.became is None and self.away is None:
                    await self._turned.wait()
        entry.awaited = False
        return entry.became

    def hurry(self) -> None:
        """The database may be back: what waits is sent at once."""
        self._hurry.set()

    # Sending

    async def run(self) -> None:
        """Sends what waits, what an earlier process left first. It ends when it is cancelled; what waits then is on
        file."""
        try:
            await self._adopt(self._opened)
            pause = FIRST_PAUSE
            while True:
                entry = await self._next()
                await self._written(entry)
                if entry not in self._entries:
                    continue  # withdrawn meanwhile
                outcome = await self._send(entry)
                if outcome is None:
                    await self._rest(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
                else:
                    pause = FIRST_PAUSE
                    self._end(entry, "saved" if isinstance(outcome, Saved) else "refused", outcome)
        except Exception as fault:  # whoever waits for an outcome is not kept waiting
            self.away = TraintuiError("Sending stopped", f"{type(fault).__name__}.", "It begins again by itself.")
            self._turn()
            raise
        finally:
            closing = self._thread.submit(self._kept.close, waiting=bool(self._entries))
            self._thread.shutdown(wait=False)
            await asyncio.shield(asyncio.wrap_future(closing))

    async def _next(self) -> _Entry:
        while not self._entries:
            try:
                await asyncio.wait_for(self._turned.wait(), OTHERS)
            except TimeoutError:
                await self._adopt(self._thread.submit(self._kept.take_over))
        return self._entries[0]

    async def _send(self, entry: _Entry) -> Saved | Refusal | None:
        """Tries once. None when it is to be tried again; `away` says why then."""
        self._since = ticks()
        soon = asyncio.get_running_loop().call_later(SLOW, self._moved)
        doubtful, entry.doubtful = entry.doubtful, True
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                saved = Saved(entry.press, await deliver(self._db, entry.press, doubtful=doubtful), entry.before)
        except Refused as refused:
            if not refused.passing:
                self.away = None
                return Refusal(entry.press, refused, entry.before, entry.awaited)
            self._waits(refused)
        except TimeoutError:
            self._waits(NO_ANSWER)
        except TraintuiError as error:
            self._waits(error)
        except Exception as error:
            entry.faults += 1
            if entry.faults == FAULTS:
                return Refusal(entry.press, error, entry.before, entry.awaited)
            self._waits(TraintuiError("Not saved yet", f"{type(error).__name__}.", "It is sent again by itself."))
        else:
            self.away = None
            return saved
        finally:
            soon.cancel()
            self._since = None
        return None

    def _waits(self, why: TraintuiError) -> None:
        if self.away is None:
            self._thread.submit(self._kept.flush)
        self.away = why
        self._turn()

    async def _rest(self, seconds: float) -> None:
        self._hurry.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), seconds)

    def _end(self, entry: _Entry, outcome: Literal["saved", "refused", "withdrawn"], told: Outcome) -> None:
        self._entries.remove(entry)
        entry.became = told
        # Nobody waits for this line: without it the log is asked for the key once more. That of one that was taken back
        # is written as soon as there is room for it.
        ended = Ended(entry.press.key, outcome)
        self._thread.submit(self._kept.end, ended, last=not self._entries, durable=self.away is not None)
        self._told(told)
        self._turn()

    def _turn(self) -> None:
        """Something waits, or does so no longer: whoever watches that looks again."""
        self._turned.set()
        self._turned = asyncio.Event()
        self._moved()

    # The file

    async def _written(self, entry: _Entry) -> bool:
        try:
            await asyncio.shield(asyncio.wrap_future(entry.on_file))
        except OSError as error:
            entry.unkept = error
            return False
        entry.unkept = None
        self._write_again()
        return True

    def _write_again(self) -> None:
        """There is room again: from the first one on that found none all are written down once more, in their order."""
        found_none = [entry.unkept is not None and entry.on_file.done() for entry in self._entries]
        if True not in found_none:
            return
        first = found_none.index(True)
        for entry, is_lacking in zip(self._entries[first:], found_none[first:], strict=True):
            entry.on_file = self._thread.submit(self._kept.add, entry.press, durable=True)
            if is_lacking:
                self._writing.add(task := asyncio.create_task(self._written(entry), name="outbox writes again"))
                task.add_done_callback(self._writing.discard)

    async def _adopt(self, looking: Future[Found]) -> None:
        """Takes what others left, in front of what waits: it is older. Where no file can be made, there is none."""
        try:
            found = await asyncio.wrap_future(looking)
        except OSError as error:
            self._no_file = error
            return
        written: Future[None] = Future()
        written.set_result(None)
        self._entries[:0] = [_Entry(press, written, before=True, doubtful=True) for press in found.presses]
        self.unread += found.unread
        self._turn()
