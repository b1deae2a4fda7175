"""Signing what was imported or edited, and scoring it among the others, as a worker does with what it stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial

from traintui.data import scores, signatures
from traintui.data.engine import Database
from traintui.data.keeping_up import Failed, beside, keep_up, raise_fault
from traintui.data.scores import NewScore, Scorable
from traintui.data.signatures import MOST_HELD, Nearest, Signed, nearer
from traintui.quality import thresholds
from traintui.quality.stored import stored_parts
from traintui.quality.structure import score
from traintui.quality.thresholds import Thresholds

Sign = Callable[[Sequence[str]], bytes]
"""Makes the signature of what a conversation says, turn by turn."""
BACKLOG = 2_000
"""Conversations of others before one's own that an import signs too; what else waits is a worker's."""


async def sign_some(db: Database, sign: Sign, limit: int = MOST_HELD) -> int:
    """Signs up to `limit` queued conversations, and scores them with their closeness to others; how many were done.

    What a worker has written was scored when it was stored, and what comes from another workspace was scored there:
    both are only signed. Raises `TraintuiError` as every writing does, and `BadThreshold`.
    """
    async with db.write() as connection:
        taken = await signatures.take_unsigned(connection, min(limit, MOST_HELD))
        if not taken:
            return 0
        asked = await thresholds.read(db)
        signed = {each.conversation_id: sign(each.contents) for each in taken}
        await signatures.hold(connection, list(signed.values()))
        found = {each.conversation_id: each for each in await scores.of(connection, signed)}
        stored = await signatures.nearest_each(connection, signed, replaced=signed)
        renewed, before = [], Signed()
        for each in taken:
            # One after the other: of two in a file that say the same the second sees the first.
            scorable, signature = found.get(each.conversation_id), signed[each.conversation_id]
            if scorable is None:
                continue
            if scorable.origin != "generated" and scorable.revision == each.revision and not scorable.is_given:
                near = nearer(stored.get(each.conversation_id), before.nearest(signature))
                renewed.append(among_others(scorable, near, asked))
            if not scorable.is_deleted:
                before.add(each.conversation_id, signature)
        await signatures.keep(connection, taken, signed)
        if renewed:
            await scores.keep(connection, renewed)
    return len(taken)


def among_others(found: Scorable, nearest: Nearest | None, asked: Thresholds) -> NewScore:
    """The score of a conversation with its closeness to the one that is nearest."""
    scored = score(found.turns, expected_turns=found.expected_turns, source=found.source, thresholds=asked)
    whole = scored.with_closeness(nearest)
    return NewScore(found.conversation_id, found.revision, whole.total, stored_parts(whole))


async def sign_imported(db: Database, sign: Sign, number: int) -> int:
    """Signs what is queued, after an import of `number` conversations; how many were done. Where many others wait
    before them it ends early, and a worker does the rest."""
    done = 0
    while done < number + BACKLOG and (some := await sign_some(db, sign)):
        done += some
    return done


def signing(db: Database, sign: Sign, *, failed: Failed = raise_fault) -> AbstractAsyncContextManager[None]:
    """Signs what is queued beside the block."""
    return beside(partial(keep_up, partial(sign_some, db, sign)), name="sign", failed=failed)
