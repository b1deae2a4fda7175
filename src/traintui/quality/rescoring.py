"""Scoring anew what is stored, after a threshold was changed. No text, status or decision is touched by it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from traintui.data import scores, signatures, workspace_settings
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.data.retrying import BUSY, PAUSE, TRIES
from traintui.data.scores import NewScore, Scorable
from traintui.data.signatures import MOST_HELD
from traintui.quality import thresholds
from traintui.quality.signing import among_others
from traintui.quality.stored import stored_parts
from traintui.quality.structure import score
from traintui.quality.thresholds import Thresholds, plain

KEY = "rescoring"
"""The setting that says how the last rescoring stands; its changes are on record with who made them."""
SIZE = MOST_HELD
"""Conversations in one transaction."""

Progress = Callable[[int, int], None]
"""Is told how many conversations are dealt with, and of how many."""


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What a rescoring would do now: to how many conversations. `before` were done by one with the same thresholds that
    was stopped; they are left out. `current` says that the last one came to its end with these thresholds."""

    number: int
    after: int
    up_to: int
    before: int
    current: bool


@dataclass(frozen=True, slots=True)
class Rescored:
    """What became of a rescoring: how many were looked at, how many of these have another score, and how many a stop
    left."""

    done: int
    changed: int
    left: int


async def outstanding(db: Database) -> Outstanding:
    """The exact number of conversations that a rescoring would look at, the trash too. Raises `BadThreshold`."""
    last = (await workspace_settings.values(db, KEY)).get(KEY) or {}
    same = last.get("thresholds") == digest(await thresholds.read(db))
    after = int(last.get("after", 0)) if same and last.get("state") == "stopped" else 0
    found = await scores.extent(db, after=after)
    before = int(last.get("done", 0)) if after else 0
    return Outstanding(found.number, after, found.up_to, before, same and last.get("state") == "finished")


async def rescore(
    db: Database, wanted: Outstanding, *, progress: Progress | None = None, stop: asyncio.Event | None = None
) -> Rescored:
    """Scores what is outstanding with the thresholds of this moment, in transactions of some dozens; a `stop` is heeded
    between two of them, and what is done stays. It is on record that it began, and how it ended.

    Raises `Refused` for who is no administrator, and `BadThreshold`.
    """
    asked = await thresholds.read(db)
    mark = digest(asked)

    async def note(state: Literal["started", "stopped", "finished"], **more: int) -> None:
        await workspace_settings.change(db, KEY, {"state": state, "thresholds": mark, "of": wanted.number, **more})

    await note("started")
    done, changed, after = 0, 0, wanted.after
    ended = False
    try:
        while not (stop is not None and stop.is_set()):
            found = await scores.next_ones(db, after=after, up_to=wanted.up_to, limit=SIZE)
            if not found:
                ended = True
                break
            changed += await _renew(db, found, asked)
            done, after = done + len(found), found[-1].id
            if progress is not None:
                progress(min(done, wanted.number), wanted.number)
    finally:
        so_far = {"done": wanted.before + done, "changed": changed}
        await note("finished", **so_far) if ended else await note("stopped", after=after, **so_far)
    return Rescored(done, changed, 0 if ended else max(0, wanted.number - done))


async def _renew(db: Database, found: Sequence[Scorable], asked: Thresholds) -> int:
    """Scores these; how many have another score."""
    # In a thread: a screen answers keys meanwhile.
    kept = await asyncio.to_thread(lambda: [rescored(each, asked) for each in found])
    attempt = 1
    while True:
        try:
            async with db.write() as connection:
                fresh = list(kept)
                signed = {
                    each.conversation_id: each.signature
                    for each in found
                    if each.signature is not None and _closeness(each.parts) is None
                }
                if signed:
                    await signatures.hold(connection, list(signed.values()))
                    near = await signatures.nearest_each(connection, signed)
                    fresh += [
                        among_others(each, near.get(each.conversation_id), asked)
                        for each in found
                        if each.conversation_id in signed
                    ]
                by_id = {each.conversation_id: each for each in fresh}
                return await scores.keep(connection, list(by_id.values()))
        except Refused as refused:
            if refused.code not in BUSY or attempt == TRIES:
                raise
        await asyncio.sleep(PAUSE * attempt)
        attempt += 1


def rescored(found: Scorable, asked: Thresholds) -> NewScore:
    """The score of a conversation. How close it is to others was measured when it came, and is not measured again:
    others that came since then were measured against it."""
    scored = score(found.turns, expected_turns=found.expected_turns, source=found.source, thresholds=asked)
    closeness = _closeness(found.parts)
    if closeness is not None:
        scored = scored.with_closeness_measured(float(closeness["value"]), str(closeness["sentence"]))
    return NewScore(found.conversation_id, found.revision, scored.total, stored_parts(scored))


def _closeness(parts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((part for part in parts if part["name"] == "closeness" and part.get("value") is not None), None)


def digest(asked: Thresholds) -> str:
    """A few characters that are the same for the same thresholds."""
    values = {name: plain(name, asked) for name in Thresholds.model_fields}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
