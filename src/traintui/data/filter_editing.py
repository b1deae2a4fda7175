"""Changes of a filter as it is written: one value of a field is added or taken out, all else stays as it was typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from traintui.data.filter_words import marks, name_of, unescaped

NONE = "none"
"""How a filter writes that there is no value."""
EQUALS = (":", "=")
MEETS_QUOTES = re.compile(r'[\s,"]')
"""What a value can hold only between quotes."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A word as it stands in a text that need not be whole: from `start` to `end`, its name from `name` on, its value
    from `value` on. `broken` where a quote is not closed, or stands inside it."""

    text: str
    start: int
    end: int
    name: int
    value: int
    field: str | None
    operator: str
    negated: bool
    broken: bool

    @property
    def quoted(self) -> bool:
        """Whether its value stands between quotes."""
        return self.text.startswith('"', self.value)

    @property
    def values(self) -> list[str]:
        """The values that it names."""
        written = self.text[self.value : self.end]
        if self.quoted:
            return [unescaped(written)]
        return [value for value in written.split(",") if value]

    def chooses(self, field: str) -> bool:
        """Whether it says which values of a field are wanted."""
        return self.field in names_of(field) and self.operator in EQUALS and not self.negated and not self.broken


def pieces(text: str) -> Iterator[Piece]:
    """The words of a text that need not be a filter. One whose quotes do not fit takes all the rest."""
    for match, broken in marks(text):
        yield Piece(
            text, match.start(), len(text) if broken else match.end(), match.end("negated"), match.start("value"),
            name_of(match), match["operator"] or "", match["negated"] == "-", broken,
        )  # fmt: skip


def names_of(field: str) -> tuple[str, ...]:
    """How a field is called in a filter: a metadata key also without `meta.`, where nothing else is called so."""
    if not field.startswith("meta."):
        return (field,)
    from traintui.data.filters import NAMES  # with it comes SQLAlchemy, which the first frame does without

    short = field.removeprefix("meta.")
    return (field,) if short in NAMES else (field, short)


def spelled(value: str | None) -> str:
    """A value as a filter writes it: `none` where there is none, between quotes where it needs them."""
    if value is None:
        return NONE
    if value and not MEETS_QUOTES.search(value):
        return value
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def chosen(text: str, field: str) -> set[str | None]:
    """The values of a key field that a filter asks for; None where it asks for those without one. Empty when it leaves
    the choice open, or when no value can satisfy it."""
    asked = [set(piece.values) for piece in pieces(text) if piece.chooses(field) and piece.values]
    return {None if value == NONE else value for value in set.intersection(*asked)} if asked else set()


def toggled(text: str, field: str, value: str | None) -> str:
    """The filter with one value more among those of a key field, or with one less.

    A field that is named twice is named once afterwards; words with a minus stay as they are. A value that needs quotes
    stands alone: the language has no list of them.
    """
    wanted = chosen(text, field)
    words = [piece for piece in pieces(text) if piece.chooses(field)]
    if value in wanted:
        wanted = wanted - {value}
        spellings = [spelled(one) for one in in_order(words, wanted)]
    elif wanted and any(spelled(one).startswith('"') for one in (*wanted, value)):
        spellings = [spelled(value)]
    else:
        spellings = [*(spelled(one) for one in in_order(words, wanted)), spelled(value)]
    if not words:
        return with_word(text, f"{field}:{spellings[0]}")
    for piece in reversed(words[1:] if spellings else words):
        text = without(text, piece.start, piece.end)
    if spellings:
        text = text[: words[0].value] + ",".join(spellings) + text[words[0].end :]
    return text


def in_order(words: list[Piece], wanted: set[str | None]) -> list[str | None]:
    """Values in the order in which they are written first."""
    written = dict.fromkeys(None if value == NONE else value for piece in words for value in piece.values)
    return [value for value in written if value in wanted]


def with_word(text: str, word: str) -> str:
    """The text with a word more: at its end, or before what is broken there."""
    tail = next((piece.start for piece in pieces(text) if piece.broken), len(text))
    head, rest = text[:tail], text[tail:]
    gap = " " if head and not head[-1].isspace() else ""
    return f"{head}{gap}{word}{' ' if rest else ''}{rest}"


def without(text: str, start: int, end: int) -> str:
    """The text without a word, and without the blanks that held it apart."""
    head, rest = text[:start], text[end:].lstrip()
    return head + rest if rest else head.rstrip()
