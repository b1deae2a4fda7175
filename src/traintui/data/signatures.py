"""Signatures: which conversation says nearly the same as another, and the queue of what is not signed yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.engine import Database
from traintui.data.lock_shares import EACH, Work, take_turn
from traintui.data.signature_models import SignaturePending

NEAR = text("SELECT conversation_id, signature FROM conversations_near(:signature, :itself)")
NEAR_EACH = text("""
    SELECT probe.id AS probe, near.conversation_id, near.signature
    FROM unnest(CAST(:ids AS text[]), CAST(:signatures AS bytea[])) AS probe(id, signature),
         conversations_near(probe.signature, probe.id) AS near
""")
NEAR_APPROVED = text("""
    WITH own AS MATERIALIZED (
        SELECT s.conversation_id, s.signature FROM conversation_signatures AS s
        JOIN conversations AS c ON c.id = s.conversation_id AND c.revision = s.revision WHERE c.id = :id
    ), met AS MATERIALIZED (
        SELECT DISTINCT holder.id
        FROM own, signature_bands(own.signature) AS probe, LATERAL (
            SELECT b.conversation_id AS id FROM conversation_bands AS b
            WHERE b.band = probe AND b.conversation_id <> own.conversation_id
            ORDER BY b.conversation_id DESC LIMIT :most) AS holder
    )
    SELECT c.conversation_id, s.signature, own.signature AS own
    FROM own, met JOIN conversations AS c ON c.id = met.id
    JOIN conversation_signatures AS s ON s.conversation_id = met.id AND s.revision = c.revision
    WHERE c.status = 'approved' AND c.deleted_at IS NULL
    ORDER BY c.id
""")
MOST_MET = 100
"""Of those that share a band the newest so many are looked at: where thousands say the same, any of them will do."""
TAKE = text("SELECT conversation_id, revision, contents FROM take_unsigned(:limit)")
KEEP = text("""
    SELECT count(keep_signature(id, signature, revision))
    FROM unnest(CAST(:ids AS text[]), CAST(:signatures AS bytea[]), CAST(:revisions AS integer[]))
         AS each(id, signature, revision)
""")
HOLD = text("SELECT hold_bands(CAST(:signatures AS bytea[]))")
BAND = 12
"""Bytes of a band of a signature, as `signature_bands` cuts it."""
BANDS = 20
MOST_HELD = EACH // BANDS
"""Conversations whose bands one transaction holds: the locks of a server are few."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The conversation that is most alike, and how much: 0 to 1, about the share of phrases that both have."""

    conversation_id: str
    similarity: float


MOST_OF_A_BAND = 20
"""Of those that share a band the newest so many are looked at, as `conversations_near` does."""
_NUMBERS = BAND * BANDS // 2
_REST = int.from_bytes(b"\xff\x7f" * _NUMBERS, "little")
_HIGHEST = int.from_bytes(b"\x00\x80" * _NUMBERS, "little")


def similarity(one: bytes, other: bytes) -> float:
    """The share of the numbers of two signatures that are the same: 0 to 1, give or take 0.05."""
    # All numbers at once: adding 0x7fff to the lower bits of one carries into its highest bit unless all are 0.
    differs = int.from_bytes(one, "little") ^ int.from_bytes(other, "little")
    others = ((((differs & _REST) + _REST) | differs) & _HIGHEST).bit_count()
    return (_NUMBERS - others) / _NUMBERS


class Signed:
    """Signatures that one transaction keeps, in their order: which of those before one is nearest to it."""

    def __init__(self) -> None:
        self._by_band: dict[tuple[int, bytes], list[tuple[str, bytes]]] = {}

    def nearest(self, signature: bytes) -> Nearest | None:
        """The nearest of those that were added; None where none shares a band."""
        met = {each for band in _bands(signature) for each in self._by_band.get(band, ())[-MOST_OF_A_BAND:]}
        return nearest_of(signature, met)

    def add(self, conversation_id: str, signature: bytes) -> None:
        """Adds one."""
        for band in _bands(signature):
            self._by_band.setdefault(band, []).append((conversation_id, signature))


def _bands(signature: bytes) -> list[tuple[int, bytes]]:
    return [(band, signature[band * BAND : (band + 1) * BAND]) for band in range(BANDS)]


def nearest_of(signature: bytes, others: Iterable[tuple[str, bytes]]) -> Nearest | None:
    """The nearest of these; None where there is none."""
    return max((Nearest(name, similarity(signature, other)) for name, other in others),
               key=lambda each: each.similarity, default=None)  # fmt: skip


def nearer(one: Nearest | None, other: Nearest | None) -> Nearest | None:
    """The nearer of two that may be there."""
    return max((each for each in (one, other) if each is not None), key=lambda each: each.similarity, default=None)


async def nearest(connection: AsyncConnection, signature: bytes, *, itself: str) -> Nearest | None:
    """The conversation nearest to a signature, but for `itself`; None where none shares a band with it.

    Others that are stored with the same bands wait until this transaction ends, so that they see what it stores.
    """
    found = await connection.execute(NEAR, {"signature": signature, "itself": itself})
    return nearest_of(signature, ((row.conversation_id, row.signature) for row in found))


async def nearest_each(
    connection: AsyncConnection, signatures: Mapping[str, bytes], *, replaced: Collection[str] = ()
) -> dict[str, Nearest]:
    """The stored conversation nearest to each of these, by their ids; those that are near none are not among them.
    What is stored of those that are `replaced` is of an earlier text, and met by none. To be asked by who holds their
    bands."""
    values = {"ids": list(signatures), "signatures": list(signatures.values())}
    met: dict[str, list[tuple[str, bytes]]] = {}
    for row in await connection.execute(NEAR_EACH, values):
        if row.conversation_id not in replaced:
            met.setdefault(row.probe, []).append((row.conversation_id, row.signature))
    near = {probe: nearest_of(signatures[probe], others) for probe, others in met.items()}
    return {probe: found for probe, found in near.items() if found is not None}


async def nearest_approved(connection: AsyncConnection, key: int) -> Nearest | None:
    """The approved conversation nearest to one, given by its internal id, as both read now. None where none is near, or
    one of them is not signed yet. Served by `pk_conversation_bands`; it only reads, and nobody waits for it."""
    found = await connection.execute(NEAR_APPROVED, {"id": key, "most": MOST_MET})
    near = [Nearest(row.conversation_id, similarity(row.own, row.signature)) for row in found]
    return max(near, key=lambda each: each.similarity, default=None)


async def hold(connection: AsyncConnection, signatures: Sequence[bytes]) -> None:
    """Holds the bands of up to `MOST_HELD` signatures, so that nothing near them is stored beside this transaction; one
    of few that do so at a time."""
    await take_turn(connection, Work.SIGNING)
    await connection.execute(HOLD, {"signatures": list(signatures)})


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A conversation that was imported or edited: its text, turn by turn."""

    conversation_id: str
    revision: int
    contents: Sequence[str]


async def take_unsigned(connection: AsyncConnection, limit: int) -> tuple[Unsigned, ...]:
    """Up to `limit` conversations out of the queue; they are in it again if the transaction fails."""
    return tuple(Unsigned(*row) for row in await connection.execute(TAKE, {"limit": limit}))


async def keep(connection: AsyncConnection, taken: Sequence[Unsigned], signatures: Mapping[str, bytes]) -> None:
    """Keeps the signatures of conversations that were taken out of the queue, by their ids."""
    values = {
        "ids": [each.conversation_id for each in taken],
        "signatures": [signatures[each.conversation_id] for each in taken],
        "revisions": [each.revision for each in taken],
    }
    await connection.execute(KEEP, values)


async def pending(db: Database) -> int:
    """How many entries the queue has."""
    async with db.read() as connection:
        return await connection.scalar(select(func.count()).select_from(SignaturePending)) or 0
