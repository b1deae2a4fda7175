"""The filter: one line of text that means the same in the table, an export and the log.

Words separated by blanks, all of which must hold. `parse` reads the text and answers a mistake with its place;
`Filter.where` is the SQLAlchemy expression, with every value a parameter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from datetime import tzinfo as TimeZone

from sqlalchemy import and_, true

from traintui.data.conditions import Condition
from traintui.data.fields import FIELDS, Field, own_columns
from traintui.data.filter_beside import Disputed, StoodAs
from traintui.data.filter_reading import CONVERSATIONS, Language, Values, read_word
from traintui.data.filter_terms import Marked, Term
from traintui.data.filter_words import Context, FilterError, words

__all__ = ["NAMES", "Condition", "Filter", "FilterError", "Term", "parse"]

NAMES = (*FIELDS, *CONVERSATIONS.words)
"""What can stand before a colon, metadata keys aside."""
MAX_LENGTH = 4_000
"""Characters. A filter is typed or pasted by a person; longer ones are mistakes."""
MAX_TERMS = 100
"""Words. Each costs the planner time."""
HIDE_DELETED = Term(None, Marked(("deleted",)), True, 0, 0)
"""What every filter says that does not speak of the trash."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was understood: its text as written, and its terms. `has_trash` where some rows are hidden unless
    they are asked for."""

    text: str
    written: tuple[Term, ...]
    has_trash: bool = True

    @property
    def terms(self) -> tuple[Term, ...]:
        """All that must hold; what is in the trash is left out unless the filter speaks of it."""
        speaks = not self.has_trash or any(
            isinstance(part, Marked) and "deleted" in part.marks for term in self.written for part in term.parts
        )
        return self.written if speaks else (*self.written, HIDE_DELETED)

    @property
    def where(self) -> Condition:
        """Its meaning as SQL."""
        return and_(true(), *(term.where for term in self.terms))

    @property
    def probe(self) -> Condition:
        """The same for rows that are at hand."""
        return and_(true(), *(term.probe for term in self.terms))

    def without(self, field: str) -> Filter:
        """The same filter without what it says of a field."""
        return replace(self, written=tuple(term for term in self.written if term.field != field))

    @property
    def asks_for_disputes(self) -> bool:
        """Whether the filter wants what reviewers disagree on, which waits for nobody but who asks for it."""
        return any(isinstance(part, Disputed) for term in self.written if not term.negated for part in term.parts)

    @property
    def names_status(self) -> bool:
        """Whether the filter says which status it wants, or of which it wants what had it."""
        return any(term.field == "status" for term in self.written) or bool(self.stood_as)

    @property
    def stood_as(self) -> tuple[StoodAs, ...]:
        """What it wants of a moment, as it was then."""
        return tuple(
            part for term in self.written if not term.negated for part in term.parts if isinstance(part, StoodAs)
        )


def parse(
    text: str,
    *,
    fields: Mapping[str, Field] = FIELDS,
    values: Values | None = None,
    now: datetime | None = None,
    zone: TimeZone | None = None,
    login: str | None = None,
    language: Language = CONVERSATIONS,
) -> Filter:
    """Reads a filter. Raises `FilterError` with what is wrong, where, and what would be right.

    `fields` are those of the workspace, `values` what its dimensions may have (default: anything). `now` and `zone` say
    what `-7d` and a bare date mean (default: this moment, the system's time zone), `login` whose `is:mine` asks for
    (default: the login that runs the query). `language` is what may be asked beside the fields.
    """
    if len(text) > MAX_LENGTH:
        raise FilterError(
            f"it is {len(text):,} characters long.", f"Keep it under {MAX_LENGTH:,} characters.", MAX_LENGTH, len(text)
        )
    if "\x00" in text:
        raise FilterError("it holds a NUL character.", "Type it anew.", text.index("\x00"), text.index("\x00") + 1)
    if halves := re.search("[\ud800-\udfff]", text):
        raise FilterError("it holds half a character.", "Type it anew.", halves.start(), halves.end())
    context = Context(now or datetime.now(UTC), zone, login, own_columns(fields))
    found = tuple(words(text))
    if len(found) > MAX_TERMS:
        extra = found[MAX_TERMS]
        raise FilterError(
            f"it has {len(found)} words.", f'Use at most {MAX_TERMS}; "put words that stand together between quotes".',
            extra.start, found[-1].end,
        )  # fmt: skip
    terms = tuple(read_word(word, fields, values or {}, context, language) for word in found)
    return Filter(text.strip(), terms, language.has_trash)
