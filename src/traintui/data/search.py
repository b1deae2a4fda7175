"""Looking up text and metadata: exact also for what the search index does not hold yet.

One term is a `Sought`. It is asked in two ways: `condition` for a whole table (the index is read once), and `probe` for
few rows (a look at each by its key). `matching_ids` gives every id at once and, unlike the others, may leave out what
waits for the index; it says how much.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pyroaring import BitMap
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    LargeBinary,
    Select,
    Text,
    bindparam,
    case,
    cast,
    except_,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from traintui.data.models import Conversation as C
from traintui.data.search_index import waiting
from traintui.data.search_models import SearchMetadata, SearchPending, SearchTurn
from traintui.data.storable import storable

Condition = ColumnElement[bool]
Key = ColumnElement[int]

DIRECT_LIMIT = 1_000
"""Queued conversations whose turns `matching_ids` reads: 0.1 to 0.2 ms each where turns are short."""

MARK = re.compile(
    r"[\u0001-\u001f\u0021-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb"
    r"\u00bf\u00d7\u00f7\u037e\u0387\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3\u05f3\u05f4\u060c\u060d\u061b"
    r"\u061f\u066a-\u066d\u06d4\u0964\u0965\u0e4f\u0e5a\u0e5b\u104a-\u104f\u1361-\u1368\u1680\u17d4-\u17da"
    r"\u2000-\u206f\u20a0-\u20cf\u2100-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u3030\u303d\u30fb"
    r"\ue000-\uf8ff\ufe00-\ufe1f\ufe30-\ufe6f\ufeff-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffff"
    r"\U0001f000-\U0001faff]"
)
"""What is no part of a word; `search_words` in the database has the same."""


@dataclass(frozen=True, slots=True)
class Sought:
    """A term that a search table answers.

    `found` are the ids of conversations that the index holds, `stored` whether it holds one conversation, and `direct`
    whether the conversation itself says so, whatever the index holds. `of_turns` says which queue they wait in.
    `of_row` is what the row of `Conversation` in a query says by itself, for terms that need no other row.
    """

    of_turns: bool
    found: Select[int]
    stored: Callable[[Key], Condition]
    direct: Callable[[Key], Condition]
    of_row: Condition | None = None


@dataclass(frozen=True, slots=True)
class Matches:
    """The internal ids that match, and how many conversations could not be looked at yet."""

    ids: BitMap
    unsearched: int


def searchable(words: str) -> bool:
    """Whether there is a word to look for: a letter or a digit."""
    return bool(MARK.sub(" ", unicodedata.normalize("NFC", words)).strip())


def query_of(words: str) -> ColumnElement[Any]:
    """The text search query for words that stand beside each other; `*` at the end of the last leaves its end open.

    A subquery, so that the server makes it once and not for every row.
    """
    words, is_prefix = split(words)
    return select(func.search_query(literal(words, Text()), is_prefix)).scalar_subquery()


def split(words: str) -> tuple[str, bool]:
    """The words as they can be stored, and whether the end of the last is open."""
    words = storable(words.strip())
    stem = words.rstrip("*")
    return words, stem != words and searchable(stem[-1:])


# Terms --------------------------------------------------------------------------------------------------------------


def text(words: str) -> Sought:
    """These words, in this order, in any one turn."""
    query = query_of(words)
    return Sought(
        of_turns=True,
        found=select(SearchTurn.conversation_id).where(SearchTurn.words.op("@@")(query)),
        # The function and not the operator: no index but the key's can serve it.
        stored=lambda key: probed(SearchTurn.conversation_id == key, func.ts_match_vq(SearchTurn.words, query)),
        direct=lambda key: func.conversation_says(key, query),
    )


def metadata_equals(key: str, forms: Sequence[object]) -> Sought:
    """Metadata that has one of the given JSON values under a key."""
    pairs = [literal({key: form}, JSONB()) for form in forms]
    return of_metadata(
        or_(*(SearchMetadata.metadata_.op("@>")(pair) for pair in pairs)),
        lambda held: or_(*(func.jsonb_contains(held, pair) for pair in pairs)),
    )


def has_key(key: str) -> Sought:
    """Metadata that has a key, whatever its value."""
    name = literal(key, Text())
    return of_metadata(SearchMetadata.metadata_.op("?")(name), lambda held: func.jsonb_exists(held, name))


def has_keys(keys: Sequence[str]) -> Sought:
    """Metadata that has one of the keys, whatever their values."""
    names = literal(list(keys), ARRAY(Text()))
    return of_metadata(SearchMetadata.metadata_.op("?|")(names), lambda held: func.jsonb_exists_any(held, names))


def of_metadata(indexed: Condition, holds: Callable[[Any], Condition]) -> Sought:
    """What metadata says; one conversation's own is as near as the copy."""
    own = aliased(C)

    def direct(key: Key) -> Condition:
        return probed(own.id == key, holds(own.metadata_))

    return Sought(
        of_turns=False,
        found=select(SearchMetadata.conversation_id).where(indexed),
        stored=direct,
        direct=direct,
        of_row=holds(C.metadata_),
    )


def probed(*conditions: Condition) -> Condition:
    """Whether there is such a row, looked for anew for each key: with OFFSET the planner makes no table of it."""
    return exists(select(literal_column("1")).where(*conditions).offset(literal_column("0")))


# Asking -------------------------------------------------------------------------------------------------------------


def queue(of_turns: bool) -> Select[int]:
    """Who waits for the index."""
    return select(SearchPending.conversation_id).where(SearchPending.of_turns.is_(of_turns))


def settled(sought: Sought) -> Select[int]:
    """The ids that the index holds and that do not wait to be made anew.

    EXCEPT costs the same however wrong the planner is about the queue, which is empty now and holds a million then.
    """
    found = except_(sought.found, queue(sought.of_turns)).subquery()
    return select(found.c.conversation_id)


def condition(sought: Sought) -> Condition:
    """The term on `Conversation`, exact, for questions about the whole table.

    What waits is read from the conversations themselves: a wait of seconds for each ten thousand.
    """
    waits = queue(sought.of_turns).where(sought.direct(SearchPending.conversation_id))  # type: ignore[arg-type]
    return C.id.in_(union_all(settled(sought), waits))


def probe(sought: Sought, key: Key | None = None) -> Condition:
    """The term on few rows, `Conversation` or any with that key, exact. Served by keys alone: some 0.02 ms for each row
    of text, so it is for some thousands of rows and not for all."""
    if key is None and sought.of_row is not None:
        return sought.of_row
    of = C.id if key is None else key
    waits = probed(SearchPending.conversation_id == of, SearchPending.of_turns.is_(sought.of_turns))
    if not sought.of_turns:
        return sought.direct(of)  # type: ignore[arg-type]
    return case((waits, sought.direct(of)), else_=sought.stored(of))  # type: ignore[arg-type]


def text_condition(words: str) -> Condition:
    """`condition` of words in any turn."""
    return condition(text(words))


def metadata_equals_condition(key: str, forms: Sequence[object]) -> Condition:
    """`condition` of a metadata value, which may have been stored in any of several forms."""
    return condition(metadata_equals(key, forms))


def has_key_condition(key: str) -> Condition:
    """`condition` of a metadata key."""
    return condition(has_key(key))


async def among(connection: AsyncConnection, sought: Sought, ids: Iterable[int]) -> BitMap:
    """Which of some thousand conversations, given by internal id, match. Exact."""
    candidate = func.unnest(bindparam("ids", list(ids), ARRAY(BigInteger()))).column_valued("candidate")
    return BitMap(await connection.scalars(select(candidate).where(probe(sought, candidate))))


async def matching_ids(connection: AsyncConnection, sought: Sought, *, direct_limit: int = DIRECT_LIMIT) -> Matches:
    """The internal ids of every conversation that matches, the trash included.

    Of what waits for the index, the newest `direct_limit` are looked at; how many were not is in the answer: exact up
    to some 100,000, an estimate above.
    """
    newest = queue(sought.of_turns).order_by(SearchPending.id.desc()).limit(direct_limit).cte("newest")
    looked_at = select(newest.c.conversation_id).distinct().cte("looked_at")
    direct = select(looked_at.c.conversation_id).where(sought.direct(looked_at.c.conversation_id))
    found = union_all(settled(sought), direct).subquery("found")
    # Bytes and not rows: a million numbers arrive in a tenth of a second.
    number = func.int4send(cast(found.c[0], Integer()))
    packed = select(func.string_agg(number, cast(b"", LargeBinary()))).scalar_subquery()
    row = (
        await connection.execute(
            select(
                packed,
                select(func.count()).select_from(newest).scalar_subquery(),
                select(func.count()).select_from(looked_at).scalar_subquery(),
            )
        )
    ).one()
    ids, taken, looked = row
    unsearched = 0
    if taken == direct_limit:
        left = await waiting(connection, of_turns=sought.of_turns)
        unsearched = max(left.conversations - looked, 0)
    return Matches(unpacked(ids or b""), unsearched)


def unpacked(ids: bytes) -> BitMap:
    """The numbers of 4 bytes each, the highest first, as a bitmap."""
    numbers = array("I", ids)
    numbers.byteswap()
    return BitMap(numbers)
