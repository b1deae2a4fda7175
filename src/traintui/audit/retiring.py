"""What falls due is sealed, archived, compared, and only then removed: week after week, the oldest first.

Whatever ends it in between leaves every row where it can be read: in the log until its week is removed, in the archive
from then on. The next run goes on behind the last frame that was written.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from traintui.audit.archive_erasing import finish_erasing
from traintui.audit.archiving import Stopped, archive
from traintui.audit.sealing import seal_and_anchor
from traintui.data import erasures, retention
from traintui.data.archive_frames import Retirement
from traintui.data.engine import Database
from traintui.data.refusals import NotReached
from traintui.data.retention import DueWeek, RetiredLog
from traintui.errors import TraintuiError

Progress = Callable[[int, int], None]
"""How many rows were looked at, of how many that are due; each is looked at twice."""


@dataclass(slots=True)
class Outcome:
    """The weeks that were removed, those that had to stay, each with why, and why something that was erased is not out
    of the archive."""

    retired: list[Retirement] = field(default_factory=list)
    left: list[tuple[DueWeek, TraintuiError]] = field(default_factory=list)
    unerased: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The outcome as plain values."""
        return {
            "retired": [each.as_json() for each in self.retired],
            "left": [{**week.as_json(), "why": error.message, "remedy": error.remedy} for week, error in self.left],
            "unerased": list(self.unerased),
        }


async def retire_due(
    db: Database,
    due: Sequence[DueWeek],
    *,
    progress: Progress = lambda _done, _total: None,
    stop: threading.Event | None = None,
) -> Outcome:
    """Archives and removes weeks that are due, of each log up to the first that has to stay. Raises `Stopped` once
    `stop` is set, and `TraintuiError` when this login may not or the database cannot be reached; what was removed by
    then is removed."""
    if db.role != "admin":
        raise TraintuiError(
            "No right to retire", f"{db.login} is a {db.role}; removing rows of the logs is for administrators.",
            "Ask an administrator to run it.",
        )  # fmt: skip
    stop = stop or threading.Event()
    outcome = await begun(db)
    if not due:
        return outcome
    await seal_and_anchor(db, everything=True)
    due = await as_they_stand(db, due)
    total, passed = sum(2 * week.rows for week in due), 0
    stays: dict[RetiredLog, DueWeek] = {}
    for week in due:
        if (first := stays.get(week.log)) is not None:
            outcome.left.append((week, after(first)))
            passed += 2 * week.rows
            continue

        if (why := not_ready(week)) is not None:
            outcome.left.append((week, why))
            stays[week.log] = week
            passed += 2 * week.rows
            continue

        def looked(rows: int, before: int = passed) -> None:
            progress(before + rows, total)

        try:
            await asyncio.to_thread(archive, db, week.log, week.week, progress=looked, stop=stop)
            if stop.is_set():
                raise Stopped
            outcome.retired.append(await retention.retire(db, week.log, week.week))
        except (Stopped, NotReached):
            raise
        except TraintuiError as error:
            outcome.left.append((week, error))
            stays[week.log] = week
        passed += 2 * week.rows
    await seal_and_anchor(db, everything=True)
    return outcome


async def begun(db: Database) -> Outcome:
    """What a run begins with: what was erased is taken out of the archive, and what of it cannot be is told."""
    await finish_erasing(db)
    return Outcome(unerased=await erasures.failures(db))


async def as_they_stand(db: Database, due: Sequence[DueWeek]) -> Sequence[DueWeek]:
    """Weeks that are due once all was sealed that can be; they are only counted again where something was not."""
    if not any(week.unsealed for week in due):
        return due
    now = {(week.log, week.week): week for week in await retention.due(db)}
    return [now.get((week.log, week.week), week) for week in due]


def not_ready(week: DueWeek) -> TraintuiError | None:
    """Why a week has to stay for now, which is known before any of it is read; None where it may go."""
    if week.under_way:
        what = "calls" if week.log == "generation_logs" else "exports"
        return TraintuiError(
            "Not retired", f"the week of {week.week} has {what} that have not ended: {week.under_way:,}.",
            "It goes once they have.",
        )  # fmt: skip
    if week.unsealed:
        return TraintuiError(
            "Not retired", f"the week of {week.week} has rows that no seal has yet: {week.unsealed:,}.",
            "It goes once they are sealed, when what is under way has ended. If they stay: traintui audit verify.",
        )  # fmt: skip
    return None


def after(week: DueWeek) -> TraintuiError:
    """Why a week stays behind one that does."""
    return TraintuiError(
        "Not retired", f"the week of {week.week} stays, and weeks go in their order.", "It goes once that one went."
    )
