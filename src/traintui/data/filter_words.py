"""The words of a filter as they are written: their grammar, their values, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from datetime import tzinfo as TimeZone
from decimal import Decimal

from traintui.data.nearest import nearest
from traintui.errors import TraintuiError


class FilterError(TraintuiError):
    """A filter that cannot be read. `start` and `end` are character offsets of the place in the text."""

    def __init__(self, message: str, remedy: str, start: int, end: int) -> None:
        super().__init__("Filter not understood", message, remedy)
        self.start = start
        self.end = end


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a filter: a field with an operator and a value, or, with no field, text to be found in any turn."""

    field: str | None
    operator: str
    value: str
    negated: bool
    start: int
    end: int
    quoted: bool = False

    def wrong(self, message: str, remedy: str) -> FilterError:
        """An error about this word."""
        return FilterError(message, remedy, self.start, self.end)

    def not_a(self, wanted: str, example: str, value: str | None = None) -> FilterError:
        """An error about its value, or about a part of it."""
        given = self.value if value is None else value
        return self.wrong(f'"{given}" is not {wanted}.', f"Write {wanted} such as {example}.")

    @property
    def listed(self) -> list[str]:
        """The values between commas. Raises `FilterError` when there is none."""
        if self.operator not in {":", "="}:
            raise self.wrong(
                f"{self.field} is compared with a colon, not with {self.operator}.", f"Write {self.field}:VALUE."
            )
        values = [self.value] if self.quoted else [value for value in self.value.split(",") if value]
        if not values:
            raise self.wrong(f"{self.field} has no value.", f"Write {self.field}:VALUE.")
        return values

    @property
    def span(self) -> tuple[str, str] | None:
        """The two ends of `a..b`, or None when it is no range."""
        low, dots, high = self.value.partition("..")
        return (low, high) if dots and self.operator in {":", "="} else None

    def known(self, values: Iterable[str], choices: tuple[str, ...]) -> None:
        """Raises `FilterError` for a value that cannot exist, with the nearest that can."""
        for value in values:
            if value not in choices:
                near = nearest(value, choices) or choices[0]
                shown = ", ".join(choices[:12]) + (" and others" if len(choices) > 12 else "")
                raise self.wrong(f'{self.field} has no value "{value}".', f"Did you mean {near}? There are: {shown}.")

    def number(self, text: str | None = None, example: str | None = None, *, unit: str = "") -> Decimal:
        """Its value, or a part of it, as a number, of a unit where it has one. Raises `FilterError`."""
        given = self.value if text is None else text
        if not re.fullmatch(r"[+-]?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})", given):
            wanted = f"a number of {unit}" if unit else "a number"
            raise self.not_a(wanted, example or f"{self.field}>=7 or {self.field}:6..8", given)
        return Decimal(given)

    @property
    def whole_numbers(self) -> list[int]:
        """Its values as ids, those that are `none` left out. Raises `FilterError`."""
        named = [value for value in self.listed if value != "none"]
        for value in named:
            if not re.fullmatch(r"[0-9]{1,18}", value):
                raise self.not_a("a number", f"{self.field}:12", value)
        return [int(value) for value in named]


@dataclass(frozen=True, slots=True)
class Context:
    """When, where and for whom a filter is read; `zone` None is the system's, `login` None whoever runs the query.
    `columns` are those of promoted metadata keys, by their short names."""

    now: datetime
    zone: TimeZone | None
    login: str | None
    columns: Mapping[str, str] = field(default_factory=dict)

    def moment(self, word: Word, text: str, *, everywhere: bool = False) -> tuple[datetime, datetime]:
        """The span that a date means: a day from midnight to midnight, a minute, or a moment ago. A day that is the
        same `everywhere` is one of UTC. Raises `FilterError`."""
        ago = re.fullmatch(r"-(\d{1,5})([dhwm])", text)
        if ago:
            unit = {"d": "days", "h": "hours", "w": "weeks", "m": "minutes"}[ago[2]]
            then = self.now - timedelta(**{unit: int(ago[1])})
            return then, then
        try:
            if re.fullmatch(r"[0-9W-]+", text):
                day = datetime.combine(date.fromisoformat(text), time(), UTC if everywhere else None)
                return self.local(day), self.local(day + timedelta(days=1))
            moment = self.local(datetime.fromisoformat(text))
            return moment, moment + timedelta(minutes=1)
        except (ValueError, OverflowError):
            raise word.not_a("a date", "2026-11-01, 2026-11-01T14:00 or -7d", text) from None

    def local(self, moment: datetime) -> datetime:
        """A moment of the clock on the user's wall; one that names its zone stays as it is."""
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        return (moment.replace(tzinfo=self.zone) if self.zone else moment.astimezone()).astimezone(UTC)


WORD = re.compile(
    r"""(?P<negated>-?)
        (?:(?P<field>[A-Za-z]+(?:_[A-Za-z0-9]+)*(?:\.[^\s:<>="]+)?)(?P<operator><=|>=|:|<|>|=))?
        (?P<value>"(?:[^"\\]|\\.)*"|[^\s"]*)""",
    re.VERBOSE,
)


def marks(text: str) -> Iterator[tuple[re.Match[str], bool]]:
    """The words of a text, and whether the quotes of one do not fit: it is the last one, and takes all the rest."""
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = WORD.match(text, place)
        if match is None:  # cannot be: every part of it may be empty
            return
        end = match.end()
        broken = end == place or (end < len(text) and not text[end].isspace())
        yield match, broken
        place = len(text) if broken else end


def name_of(match: re.Match[str]) -> str | None:
    """The field that a word names, the part before a point in small letters; None where it names none."""
    if not match["field"]:
        return None
    field, point, rest = match["field"].partition(".")
    return field.lower() + point + rest


def unescaped(quoted: str) -> str:
    """What stands between two quotes."""
    return re.sub(r"(?s)\\(.)", r"\1", quoted[1:-1])


def quoted(value: str) -> str:
    """A value between quotes, as a filter takes it whatever it holds."""
    return '"' + re.sub(r'([\\"])', r"\\\1", value) + '"'


def words(text: str) -> Iterator[Word]:
    """The words of a filter with their places. Raises `FilterError` for an unclosed quote."""
    for match, broken in marks(text):
        if broken:
            at = text.find('"', match.start())
            raise FilterError(
                "a quote is not closed, or stands inside a word.", 'Write "words with blanks" between two quotes.',
                at if at >= 0 else match.start(), len(text),
            )  # fmt: skip
        value = match["value"]
        quoted = value.startswith('"')
        yield Word(
            name_of(match), match["operator"] or "", unescaped(value) if quoted else value, match["negated"] == "-",
            match.start(), match.end(), quoted,
        )  # fmt: skip
