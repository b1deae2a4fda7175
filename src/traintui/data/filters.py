"""The filter: one line of text that means the same in the table, an export and the log.

Words separated by blanks, all of which must hold. `parse` reads the text and answers a mistake with its place;
`Filter.where` is the SQLAlchemy expression, with every value a parameter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import tzinfo as TimeZone

from sqlalchemy import and_, false, func, not_, true

from traintui.data.filter_fields import FIELDS, Condition, Context, FilterError, Term, condition_of, listed
from traintui.data.models import Conversation as C

__all__ = ["FIELDS", "Condition", "Filter", "FilterError", "Term", "parse"]

MAX_LENGTH = 4_000
"""Characters. A filter is typed or pasted by a person; longer ones are mistakes."""
MAX_TERMS = 100
"""Words. Each costs the planner time."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was understood: its text as written, its terms, and what they mean as SQL."""

    text: str
    terms: tuple[Term, ...]
    where: Condition

    @property
    def names_status(self) -> bool:
        """Whether the filter says which status it wants."""
        return any(term.field == "status" for term in self.terms)


WORD = re.compile(
    r"""(?P<negated>-?)
        (?:(?P<field>[A-Za-z]+(?:\.[^\s:<>="]+)?)(?P<operator><=|>=|:|<|>|=))?
        (?P<value>"(?:[^"\\]|\\.)*"|[^\s"]*)""",
    re.VERBOSE,
)


def tokens(text: str) -> Iterator[Term]:
    """The words of a filter with their places. Raises `FilterError` for an unclosed quote."""
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = WORD.match(text, place)
        end = match.end() if match else place
        if match is None or end == place or (end < len(text) and not text[end].isspace()):
            at = text.find('"', place)
            raise FilterError(
                "a quote is not closed, or stands inside a word.", 'Write "words with blanks" between two quotes.',
                at if at >= 0 else place, len(text),
            )  # fmt: skip
        value = match["value"]
        quoted = value.startswith('"')
        if quoted:
            value = re.sub(r"(?s)\\(.)", r"\1", value[1:-1])
        field = match["field"].partition(".") if match["field"] else None
        name = None if field is None else field[0].lower() + field[1] + field[2]
        yield Term(name, match["operator"] or "", value, match["negated"] == "-", place, end, quoted)
        place = end


def parse(text: str, *, now: datetime | None = None, zone: TimeZone | None = None, login: str | None = None) -> Filter:
    """Reads a filter. Raises `FilterError` with what is wrong, where, and what would be right.

    `now` and `zone` say what `-7d` and a bare date mean (default: this moment, the system's time zone), `login` whose
    `is:mine` asks for (default: the login that runs the query).
    """
    if len(text) > MAX_LENGTH:
        raise FilterError(
            f"it is {len(text):,} characters long.", f"Keep it under {MAX_LENGTH:,} characters.", MAX_LENGTH, len(text)
        )
    if "\x00" in text:
        raise FilterError("it holds a NUL character.", "Type it anew.", text.index("\x00"), text.index("\x00") + 1)
    if halves := re.search("[\ud800-\udfff]", text):
        raise FilterError("it holds half a character.", "Type it anew.", halves.start(), halves.end())
    context = Context(now or datetime.now(UTC), zone, login)
    terms = tuple(tokens(text))
    if len(terms) > MAX_TERMS:
        extra = terms[MAX_TERMS]
        raise FilterError(
            f"it has {len(terms)} words.", f'Use at most {MAX_TERMS}; "put words that stand together between quotes".',
            extra.start, terms[-1].end,
        )  # fmt: skip
    conditions: list[Condition] = []
    for term in terms:
        condition = condition_of(term, context)
        conditions.append(not_(func.coalesce(condition, false())) if term.negated else condition)
    if not any(term.field == "is" and "deleted" in listed(term) for term in terms):
        conditions.append(C.deleted_at.is_(None))
    return Filter(text.strip(), terms, and_(*conditions) if conditions else true())
