"""Signing what was imported or edited, and scoring it among the others, as a worker does with what it stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data import scores, signatures
from traintui.data.engine import Database
from traintui.data.keeping_up import keeping_up
from traintui.data.scores import NewScore, Scorable
from traintui.data.signatures import MOST_HELD, nearest
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
        renewed = []
        for each in taken:
            # One after the other: of two in a file that say the same the second sees the first.
            scorable = found.get(each.conversation_id)
            if (
                scorable is not None
                and scorable.origin != "generated"
                and scorable.revision == each.revision
                and not scorable.is_given
            ):
                renewed.append(await among_others(connection, scorable, signed[each.conversation_id], asked))
            await signatures.keep(connection, each, signed[each.conversation_id])
        if renewed:
            await scores.keep(connection, renewed)
    return len(taken)


async def among_others(connection: AsyncConnection, found: Scorable, signature: bytes, asked: Thresholds) -> NewScore:
    """The score of a conversation with its closeness to what is signed by now."""
    near = await nearest(connection, signature, itself=found.conversation_id)
    scored = score(found.turns, expected_turns=found.expected_turns, source=found.source, thresholds=asked)
    whole = scored.with_closeness(near)
    return NewScore(found.conversation_id, found.revision, whole.total, stored_parts(whole))


async def sign_imported(db: Database, sign: Sign, number: int) -> int:
    """Signs what is queued, after an import of `number` conversations; how many were done. Where many others wait
    before them it ends early, and a worker does the rest."""
    done = 0
    while done < number + BACKLOG and (some := await sign_some(db, sign)):
        done += some
    return done


def signing(db: Database, sign: Sign) -> AbstractAsyncContextManager[None]:
    """Signs what is queued beside the block."""
    return keeping_up(partial(sign_some, db, sign))
