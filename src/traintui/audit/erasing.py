"""Erasing parts of calls, one or many: each call as a whole or not at all, then what holds the same text in what
downgrades put aside, then the archive.

What is erased of archived calls is on record once its call is dealt with; whatever ends the run, the rest of the work
in the archive is gone on with (`archive_erasing`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from traintui.audit.archive_erasing import finish_erasing
from traintui.audit.holding import Target, call, pattern_of
from traintui.audit.notes import redacted_note
from traintui.data import aside_erasures, erasures
from traintui.data.aside_erasures import Aside
from traintui.data.engine import Database
from traintui.data.erasures import LONGEST_REASON, PARTS, Part
from traintui.data.refusals import Refused
from traintui.errors import TraintuiError

Choice = Literal["request", "response", "error", "all", "holding"]
CHOICES: tuple[Choice, ...] = (*PARTS, "all", "holding")
"""What is erased of each call: a part, all of it, or the parts that hold what was looked for."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ErasingResult:
    """What became of it: calls from which something was erased, those where nothing of it stood any more, those that a
    stop left as they are, what is still to be done in the archive, and why that could not be done; rows that were taken
    out of what was put aside, and the tables of it in which nobody looked, since no text was given."""

    done: int
    nothing: int
    left: int
    pending: int
    failures: tuple[str, ...] = ()
    aside: tuple[Aside, ...] = ()
    not_looked: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """It as plain values."""
        return {"erased": self.done, "nothing": self.nothing, "left": self.left, "pending": self.pending,
                "failures": list(self.failures), "aside": {each.place: each.rows for each in self.aside},
                "not_looked_through": list(self.not_looked)}  # fmt: skip


def parts_of(target: Target, choice: Choice) -> tuple[Part, ...]:
    """The parts that a choice means of a call, as far as they are there."""
    wanted = PARTS if choice == "all" else target.holding if choice == "holding" else (choice,)
    return tuple(part for part in wanted if part in target.there)


def reason_of(said: str) -> str:
    """A reason as it is kept: without secrets and personal data. Raises `TraintuiError` where there is none, or what is
    left of it is too long."""
    if not said.strip():
        raise TraintuiError("A reason is missing", "nothing is erased without one.", "Say who asked for it, and when.")
    kept = redacted_note(said.strip()) or ""
    if len(kept) > LONGEST_REASON:
        raise TraintuiError(
            "Reason too long",
            f"it has {len(kept):,} characters, and {LONGEST_REASON} are kept.",
            "Say it in fewer words.",
        )
    return kept


async def _erase(db: Database, target: Target, choice: Choice, reason: str) -> bool:
    """Erases it from one call, which may have gone into the archive since it was found; whether something was there."""
    parts = parts_of(target, choice)
    archived = None if target.week is None else {part: target.digests[part] for part in parts}
    if not parts:
        return False
    try:
        return bool(await erasures.erase(db, target.id, target.created_at, parts, reason, archived=archived))
    except Refused as refused:
        now = await call(db, target.id) if refused.code == "TT003" and target.week is None else target
        if now.week == target.week:
            raise
    return await _erase(db, replace(now, holding=target.holding), choice, reason)


async def erase(
    db: Database,
    targets: Sequence[Target],
    choice: Choice,
    reason: str,
    *,
    holding: str | None = None,
    progress: Progress = lambda _done, _total: None,
    archiving: Progress = lambda _done, _total: None,
    stop: asyncio.Event | None = None,
) -> ErasingResult:
    """Erases what a choice means of each call, as an administrator, and the rows aside that hold the text `holding`, by
    which the calls were found; `progress` counts calls, then `archiving` the frames of the archive that may have some
    of it. Once `stop` is set it ends behind the call at hand. Raises
    `TraintuiError` without a reason, and `Refused` where one may not."""
    kept = await asyncio.to_thread(reason_of, reason)
    done = nothing = passed = 0
    for target in targets:
        if stop is not None and stop.is_set():
            break
        if await _erase(db, target, choice, kept):
            done += 1
        else:
            nothing += 1
        passed += 1
        progress(passed, len(targets))
    aside: tuple[Aside, ...] = ()
    if holding is not None and passed == len(targets):
        aside = await aside_erasures.erase(db, pattern_of(holding), kept)
    if await erasures.number_pending(db):
        await finish_erasing(db, progress=archiving, stop=stop)
    return ErasingResult(
        done, nothing, len(targets) - passed, await erasures.number_pending(db), await erasures.failures(db), aside,
        await aside_erasures.places(db) if holding is None else (),
    )  # fmt: skip
