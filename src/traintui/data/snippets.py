"""Where the words of a filter stand: for the rows on the screen, the first turn that says them and what is around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from traintui.data.engine import Database
from traintui.data.records import TurnRole
from traintui.data.search import MARK, split

LENGTH = 120
"""Characters of a snippet."""
BEFORE = 40
"""Characters of it before the first match."""
PIECE = 8_000
"""Characters of a turn that one row of the index is about; `search_parts` in the database has the same."""
START, STOP = "\ue000", "\ue001"
"""What ts_headline puts around a match. The text that it reads has none: `search_words` makes blanks of them."""

FIRST_MATCH = text("""
    WITH asked AS MATERIALIZED (
        SELECT search_query(:words, :is_prefix) AS query, search_language() AS language
    ), waiting AS MATERIALIZED (
        SELECT DISTINCT conversation_id FROM search_pending WHERE of_turns AND conversation_id = ANY(:ids)
    ), match AS MATERIALIZED (
        SELECT DISTINCT ON (conversation_id) conversation_id, turn_number, piece
        FROM (SELECT conversation_id, turn_number, piece FROM search_turns, asked
              WHERE conversation_id = ANY(:ids) AND conversation_id NOT IN (SELECT conversation_id FROM waiting)
                AND ts_match_vq(words, query)
              UNION ALL
              SELECT conversation_id, turn_number, piece
              FROM asked, waiting JOIN conversation_turns USING (conversation_id), search_parts(content, language)
              WHERE ts_match_vq(words, query)) AS anywhere
        ORDER BY conversation_id, turn_number, piece
    ), cut AS MATERIALIZED (
        SELECT conversation_id, turn_number, role, substr(search_form(content), piece, :piece) AS said
        FROM match JOIN conversation_turns USING (conversation_id, turn_number)
    ), taken AS MATERIALIZED (
        SELECT cut.*, ts_headline(language, search_words(said), query, :options) AS headline FROM cut, asked
    )
    SELECT conversation_id, turn_number, role, said,
           CASE WHEN strpos(headline, :start) > 0 THEN headline
                ELSE ts_headline('simple', search_words(said), query, :options) END AS headline
    FROM taken, asked
""").bindparams(bindparam("ids", type_=ARRAY(BigInteger())))
OPTIONS = f'StartSel="{START}", StopSel="{STOP}", MaxFragments=1, MaxWords=20, MinWords=5, ShortWord=0'


@dataclass(frozen=True, slots=True)
class Snippet:
    """What a turn says around the words looked for. A part is a text and whether it is one of them."""

    turn_number: int
    role: TurnRole
    parts: tuple[tuple[str, bool], ...]


async def snippets(db: Database, ids: Sequence[int], words: str) -> dict[int, Snippet]:
    """A snippet for each of some hundred conversations, given by internal id, that says the words.

    The text is as it is stored, but for accents, which are one character with their letter.
    """
    plain, is_prefix = split(words)
    values = {
        "ids": list(ids), "words": plain, "is_prefix": is_prefix, "piece": PIECE, "options": OPTIONS, "start": START,
    }  # fmt: skip
    async with db.read() as connection:
        rows = (await connection.execute(FIRST_MATCH, values)).all()
    return {row.conversation_id: Snippet(row.turn_number, row.role, around(row.said, row.headline)) for row in rows}


def around(said: str, headline: str) -> tuple[tuple[str, bool], ...]:
    """The parts of a snippet of `said`, whose headline has marks and no punctuation."""
    matches = matched(said, headline)
    first = matches[0][0] if matches else 0
    start = max(0, first - BEFORE)
    if start:
        # At the beginning of a word, if one begins before the match.
        start = said.find(" ", start, first) + 1 or start
    end = min(len(said), start + LENGTH)
    parts = [("…", False)] if start else []
    place = start
    for begin, stop in matches:
        if begin >= end:
            break
        parts += [(said[place:begin], False), (said[begin : min(stop, end)], True)]
        place = min(stop, end)
    parts.append((said[place:end] + ("…" if end < len(said) else ""), False))
    return tuple(part for part in parts if part[0])


def matched(said: str, headline: str) -> list[tuple[int, int]]:
    """Where the marked words of a headline stand in `said`: begin and end of each, in characters."""
    spans: list[tuple[int, int]] = []
    place = 0
    pieces = headline.split(START)
    for number, piece in enumerate(pieces):
        word, _, rest = piece.rpartition(STOP) if number else ("", "", piece)
        if number:
            spans.append((place, place + len(word)))
        place += len(word) + len(rest)
    at = MARK.sub(" ", said).find(headline.replace(START, "").replace(STOP, ""))
    return [(begin + at, end + at) for begin, end in spans] if at >= 0 else []
