"""Which conversations belong on one side of a split: those of one chunk, those that say nearly the same, and those that
ask the same.

A conversation is a number here, its node: that of its chunk, below zero, or its own id where it is about none.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from traintui.data.id_lists import Ids, listed
from traintui.data.signatures import similarity

NEARLY = 0.7
"""The share of phrases from which on two conversations say nearly the same: half-way between what is good for the score
and what is worst."""
MET = 8
"""Conversations that share a band of which so many, the oldest, are looked at."""
PORTION = 10_000
NODE = "coalesce(-c.chunk_id, c.id)"

ALIKE = f"""
    SELECT {NODE}, s.signature, coalesce(-other.chunk_id, other.id), theirs.signature, other.conversation_id
    FROM conversations AS c
    JOIN conversation_signatures AS s ON s.conversation_id = c.id
    CROSS JOIN LATERAL (
        SELECT DISTINCT met.id FROM signature_bands(s.signature) AS probe, LATERAL (
            SELECT b.conversation_id::bigint AS id FROM conversation_bands AS b
            WHERE b.band = probe AND b.conversation_id < c.id
            ORDER BY b.conversation_id LIMIT {MET}) AS met) AS near
    JOIN conversations AS other ON other.id = near.id
    JOIN conversation_signatures AS theirs ON theirs.conversation_id = near.id
    WHERE c.id = ANY (%s::bigint[]) AND {NODE} <> coalesce(-other.chunk_id, other.id)
    ORDER BY c.id, near.id"""  # noqa: S608
"""Older ones that share a band, by pk_conversation_bands; a band is no more than a sign, so signatures are compared."""
ASKED = f"""
    SELECT array_agg(DISTINCT {NODE}) FROM conversations AS c
    JOIN conversation_turns AS t ON t.conversation_id = c.id AND t.turn_number = 1
    WHERE c.id = ANY (%s::bigint[]) AND c.turn_count = 2
    GROUP BY sha256(convert_to(t.content, 'UTF8')) HAVING count(DISTINCT {NODE}) > 1
    ORDER BY min(c.id)"""  # noqa: S608
"""Single exchanges that begin with the same question: one prompt, whatever the answer."""
NODES = f"""
    SELECT c.conversation_id, {NODE}, coalesce(s.revision = c.revision, false) FROM conversations AS c
    LEFT JOIN conversation_signatures AS s ON s.conversation_id = c.id
    WHERE c.id = ANY (%s::bigint[]) ORDER BY c.id"""  # noqa: S608


@dataclass(slots=True)
class Kin:
    """Nodes that belong together, as far as they are joined. `names` has the public ids of conversations that others
    are like, which need not be among those that one asked about."""

    names: dict[int, str] = field(default_factory=dict)
    _above: dict[int, int] = field(default_factory=dict)

    def of(self, node: int) -> int:
        """The node that stands for all that belong with this one."""
        top = node
        while (above := self._above.get(top, top)) != top:
            top = above
        while (above := self._above.get(node, node)) != top:
            self._above[node], node = top, above
        return top

    def is_alone(self, node: int) -> bool:
        """Whether it is a conversation that belongs with no other."""
        return node > 0 and node not in self._above

    def join(self, one: int, other: int) -> None:
        """Puts two together. The oldest chunk stands for them, else the oldest conversation."""
        pair = self.of(one), self.of(other)
        # Chunks are below zero, and the oldest of those is the greatest.
        first, second = sorted(pair, key=lambda node: (node > 0, abs(node)))
        self._above[first] = self._above[second] = first


async def kin_of(
    raw: psycopg.AsyncConnection[Any], ids: Ids, on_progress: Callable[[int, int], None] = lambda _done, _total: None
) -> Kin:
    """What belongs together of these conversations. Memory grows with what is alike, not with how many there are.
    `on_progress` gets how many were compared, of how many."""
    kin = Kin()
    async with raw.cursor(binary=True) as cursor:
        for begin in range(0, len(ids), PORTION):
            part = listed(ids[begin : begin + PORTION])
            async for node, signature, other, theirs, name in cursor.stream(ALIKE, [part]):
                if similarity(signature, theirs) >= NEARLY:
                    kin.join(node, other)
                    if other > 0:
                        kin.names[other] = name
            on_progress(min(begin + PORTION, len(ids)), len(ids))
        async for (same,) in cursor.stream(ASKED, [listed(ids)]):
            for other in same[1:]:
                kin.join(same[0], other)
    return kin


async def nodes_of(raw: psycopg.AsyncConnection[Any], ids: Ids) -> AsyncIterator[tuple[str, int, bool]]:
    """The public id and the node of each conversation in order of the id, and whether its text was compared with the
    others since it stands as it does."""
    async with raw.cursor(binary=True) as cursor:
        for begin in range(0, len(ids), PORTION):
            async for each in cursor.stream(NODES, [listed(ids[begin : begin + PORTION])]):
                yield each
