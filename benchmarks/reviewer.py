"""One reviewer of `benchmarks.several`, as a process: decides what waits as Review does, one after the other, and notes
on a file of its own what it pressed and what the database answered.

It reserves and decides through what the screen uses; of what it decides it reads the revision and the newest decision,
and not the text. It prints nothing but "ready", and begins at a line on standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO
from uuid import uuid4

from sqlalchemy import select

from traintui.data import reviews
from traintui.data.engine import Database, make_engine
from traintui.data.models import Conversation as C
from traintui.data.refusals import Refused
from traintui.data.reviews import Seen
from traintui.data.workspace import whoami
from traintui.screens.read_ahead import NEXT
from traintui.screens.review_queue import ReviewQueue
from traintui.screens.review_reservation import CANDIDATES, ReviewReservation

STALE = 0.05
"""Share of the presses that are on what the reviewer saw before and somebody has acted on since."""
WINDOW = 500
"""Conversations of the queue that are read at once."""
LOOK_AGAIN = 0.02
"""Seconds after which a reviewer looks again where others have all that waits."""
GIVES_UP = 250
"""Looks one after the other at which nothing was free, after which the queue counts as empty."""


class Reviewer:
    """A person at work, without a screen."""

    def __init__(self, db: Database, notes: IO[str], luck: random.Random) -> None:
        self.db, self.notes, self.luck = db, notes, luck
        self.queue, self.reservation = ReviewQueue(), ReviewReservation(uuid4())
        self.known: dict[str, Seen] = {}
        self.past: list[Seen] = []

    async def work(self, number: int) -> None:
        """Decides so many, or as many as there are."""
        idle = 0
        while number and idle < GIVES_UP:
            if self.queue.current is None or not self.queue.pass_over(self.reservation.has):
                await self.look()
            current = self.queue.current
            if current is None or not self.reservation.has(current):
                idle += 1
                await asyncio.sleep(LOOK_AGAIN)
                continue
            idle, number = 0, number - 1
            seen = self.known[current]
            self.queue.decided()
            # As on the screen: what comes next is reserved while the decision is on its way.
            await asyncio.gather(self.press(seen), self.prepare(deciding=[current]))
            self.queue.recorded(current)
            self.past.append(seen)
            if self.luck.random() < STALE:
                await self.press_stale()

    async def look(self) -> None:
        """Reads what waits, and reserves the first of it."""
        self.queue.reading()
        waiting = await reviews.queue(self.db, limit=WINDOW)
        async with self.db.read() as connection:
            rows = await connection.execute(
                select(C.conversation_id, C.revision, C.decision_id).where(C.conversation_id.in_(waiting))
            )
            self.known = {row.conversation_id: Seen(*row) for row in rows}
        self.queue.merge([one for one in waiting if one in self.known])
        await self.prepare()
        self.queue.pass_over(self.reservation.has)

    async def prepare(self, deciding: Sequence[str] = ()) -> None:
        """Reserves the current one and the next ones."""
        if self.queue.current is not None:
            wanted = [self.queue.current, *self.queue.ahead(CANDIDATES - 1)]
            await self.reservation.keep(self.db, wanted, 1 + NEXT, shown=None, deciding=deciding)
            # What nobody has and is not given either was decided elsewhere: the change feed tells a screen so.
            last = max((place for place, one in enumerate(wanted) if self.reservation.has(one)), default=0)
            for one in wanted[:last]:
                if not self.reservation.has(one) and self.reservation.holder(one) is None:
                    self.queue.recorded(one)

    async def press_stale(self) -> None:
        """Decides on something as it was before it was decided: of one's own, or what was just decided elsewhere."""
        seen = self.luck.choice(self.past)
        if self.luck.random() < 0.5:
            seen = replace(seen, revision=seen.revision + 1)
        await self.press(seen, stale=True)

    async def press(self, seen: Seen, *, stale: bool = False) -> None:
        """One press, and its note: what was pressed is on file before it is sent."""
        action = "approve" if self.luck.random() < 0.7 else "reject"
        note = {"key": reviews.new_key(), "one": seen.conversation_id, "action": action, "stale": stale}
        self.notes.write(json.dumps(note) + "\n")
        try:
            entry = await reviews.decide(self.db, seen, action, key=str(note["key"]), duration_ms=1_000)  # type: ignore[arg-type]
            note["log_id"] = entry.id
        except Refused as refused:
            note["refused"] = refused.code
        self.notes.write(json.dumps(note) + "\n")


async def work(conninfo: str, number: int, path: Path, seed: int) -> None:
    """Works as the login of a connection string."""
    login, role = await whoami(conninfo)
    db = Database(make_engine(conninfo, pooled=False), conninfo, "benchmark", login, role)
    with path.open("w") as notes:
        reviewer = Reviewer(db, notes, random.Random(seed))
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        began = time.process_time()
        await reviewer.work(number)
        notes.write(json.dumps({"key": "spent", "seconds": time.process_time() - began}) + "\n")
    await db.close()


def main() -> None:
    """Works until it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conninfo", required=True)
    parser.add_argument("--number", type=int, required=True)
    parser.add_argument("--notes", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    asyncio.run(work(chosen.conninfo, chosen.number, chosen.notes, chosen.seed))


if __name__ == "__main__":
    main()
