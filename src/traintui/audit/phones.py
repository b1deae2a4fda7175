"""Telephone numbers, by the numbering plans of the `phonenumbers` library.

A number with its country's code is known by it. One without is looked for in the plans of some regions: written in the
groups of its country, or beside a word that says what it is. Everything else in digits is somebody's order number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from phonenumbers import (
    SUPPORTED_REGIONS,
    Leniency,
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberMatcher,
    format_number,
    is_possible_number,
    is_valid_number,
    parse,
)

from traintui.audit.nearby import Word, called_otherwise

DEFAULT_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "BR", "IN")
GROUPS = 7
"""A number has no more groups of digits than these."""
LONGEST = 15
"""Digits, by E.164."""

_WORDS = Word(
    r"(?i:(?:tele|cell|mobile |smart)?phone|telephone number|phone number|tel|mobile|cell|fax|call|calling|dial|ring"
    r"|sms|text|whatsapp|signal|hotline|helpline|reach|contact"
    r"|telefon|telefonnummer|tel-nr|handy|handynummer|mobil|rufnummer|t\u00e9l|t\u00e9l\u00e9phone|tel\u00e9fono"
    r"|m\u00f3vil|telefono|cellulare|telefoon|telefoonnummer|mobiel|telefone|celular)"
)
_ZERO_LEFT_OUT = frozenset({"BR", "IN"})
"""Where people write a number without the zero that its plan has."""
_SHORTEST_UNNAMED = 9
_DECIMAL = re.compile(r"[0-9]+\.[0-9]+")
_GROUP = re.compile(r"[0-9]+")
_EXTENSION = re.compile(r"(?:,? ?(?:ext|extn|extension|Durchwahl)\.? ?|;ext=| ?x)([0-9]{1,6})(?![\w])", re.IGNORECASE)
_DATE = re.compile(
    r"(?<![\d./-])(?:\d{4}-\d\d-\d\d(?:[T ]\d\d(?![\d-]))?|\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d\d))(?![./-]?\d)"
)
_MONEY = re.compile(r"(?:[$\u20ac\u00a3\u00a5%]|\b(?:USD|EUR|GBP|CHF|INR|BRL|Rs\.?))[ \u00a0]?\Z")
_MONEY_AFTER = re.compile(r"[ \u00a0]?(?:[$\u20ac\u00a3\u00a5%]|(?:USD|EUR|GBP|CHF|INR|BRL|euros?|dollars?|pounds?)\b)")


class Plans:
    """The numbering plans of the regions that numbers without a country's code are looked for in."""

    def __init__(self, regions: Sequence[str]) -> None:
        self.regions = tuple(regions)
        shapes: list[str] = []
        zero: list[str] = []
        for region in self.regions:
            plan = PhoneMetadata.metadata_for_region(region)
            if plan is not None and plan.general_desc is not None:
                prefix = f"(?:{plan.national_prefix})?" if plan.national_prefix else ""
                if plan.national_prefix == "0" and region not in _ZERO_LEFT_OUT:
                    zero.append(region)
                lengths = [length for length in plan.general_desc.possible_length if length > 0]
                shapes.append(rf"{prefix}[0-9]{{{min(lengths)},{max(lengths)}}}")
        self._zero = frozenset(zero)
        # One look says for nearly every number that it is of no plan; the library takes a hundred times longer.
        self._shape = re.compile("|".join(shapes) or "(?!)")

    def find(self, view: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        """The telephone numbers in a run of digits: where they are, and what they are in international form."""
        run = _DATE.sub(lambda match: "x" * len(match[0]), view[start:end])
        groups = [(match.start() + start, match.end() + start) for match in _GROUP.finditer(run)]
        at = 0
        while at < len(groups):
            taken = next(self._from(view, groups[at : at + GROUPS], bounds=(start, end)), None)
            if taken is None:
                at += 1
                continue
            yield taken[1:]
            at += taken[0]

    def _from(
        self, view: str, groups: list[tuple[int, int]], *, bounds: tuple[int, int]
    ) -> Iterator[tuple[int, int, int, str]]:
        """What begins with the first of these groups, the longest first: its number of groups, its place, its name."""
        first = groups[0][0]
        plus, opening = _opening(view, first)
        if not _free_before(view, opening, bounds[0]) or _MONEY.search(view[max(0, opening - 5) : opening]):
            return
        sizes = [stop - begin for begin, stop in groups]
        for count in range(len(groups), 0, -1):
            total = sum(sizes[:count])
            stop = groups[count - 1][1]
            if not 7 <= total <= LONGEST or stop - first > 2 * LONGEST or not _free_after(view, stop, bounds[1]):
                continue
            if any(after[0] - before[1] > 3 for before, after in pairwise(groups[:count])):
                continue
            begin = opening if plus or ")" in view[first:stop] else first
            digits = "".join(view[left:right] for left, right in groups[:count])
            name = self._international(digits, plus) or self._national(
                view, begin, stop, digits, sizes[:count], at_edge=first == bounds[0] or stop == bounds[1]
            )
            if name:
                extension = _EXTENSION.match(view, stop)
                yield count, begin, extension.end() if extension else stop, name
                return

    def _international(self, digits: str, plus: bool) -> str:
        """The number with a country's code, if it is one; the ranges that are kept for films count too."""
        if not plus:
            return ""
        number = _parsed("+" + digits, None)
        if number is None or not (is_valid_number(number) or (len(digits) >= 10 and is_possible_number(number))):
            return ""
        return format_number(number, PhoneNumberFormat.E164)

    def _national(self, view: str, start: int, stop: int, digits: str, sizes: list[int], *, at_edge: bool) -> str:
        abroad = digits.startswith(("00", "011")) and len(digits) >= 11
        if not abroad and not self._shape.fullmatch(digits):
            return ""
        said = view[start:stop]
        # A word is beside a run of digits, not within one.
        named = at_edge and _WORDS.names(view, start, stop)
        if not (named or _looks_written(view, start, stop, said, sizes)) or _DECIMAL.fullmatch(said):
            return ""
        if called_otherwise(view, start) and not said.startswith("("):
            return ""
        if abroad:
            return self._international(re.sub(r"\A0(?:0|11)", "", digits), plus=True)
        for region in self.regions:
            if not named and region in self._zero and not digits.startswith("0") and not said.startswith("("):
                continue
            leniency = Leniency.POSSIBLE if named else _leniency(said)
            found = next(iter(PhoneNumberMatcher(said, region, leniency=leniency, max_tries=2)), None)
            if found is not None and found.end - found.start >= len(said) - 1:
                return format_number(found.number, PhoneNumberFormat.E164)
        return ""


def known_regions(regions: Sequence[object]) -> tuple[str, ...]:
    """Those of the regions that there are numbering plans for, as two capital letters."""
    return tuple(str(region).upper() for region in regions if str(region).upper() in SUPPORTED_REGIONS)


def _leniency(said: str) -> int:
    if said.startswith("("):
        return Leniency.VALID
    return Leniency.STRICT_GROUPING if said.startswith("0") else Leniency.EXACT_GROUPING


def _looks_written(view: str, start: int, stop: int, said: str, sizes: list[int]) -> bool:
    """Whether digits without a word beside them are grouped as people write a telephone number.

    Not as thousands, as in 912 345 678, nor as a range, nor as some numbers among others.
    """
    thousands = not said.startswith(("0", "(")) and sizes[0] <= 3 and all(size == 3 for size in sizes[1:])
    if thousands or len(sizes) == 1 or sum(sizes) < _SHORTEST_UNNAMED or _MONEY_AFTER.match(view, stop):
        return False
    if re.search(r"[^0-9()]{2}", said):
        return False
    among = re.search(r"[0-9] \Z", view[max(0, start - 2) : start]) or re.match(r" [0-9]", view[stop : stop + 2])
    return not among or re.search(r"[-.(/]", said) is not None


def _opening(view: str, first: int) -> tuple[bool, int]:
    """Whether a plus stands before the digits, and where what belongs to them begins."""
    before = view[max(0, first - 2) : first]
    if before.endswith("+("):
        return True, first - 2
    return before.endswith("+"), first - before.endswith(("+", "("))


def _free_before(view: str, start: int, run: int) -> bool:
    if start <= 0:
        return True
    sign = view[start - 1]
    if start > run:
        return sign in " /\u00a0,;"
    beyond = view[start - 2 : start - 1]
    return not (
        sign.isalnum() or sign == "_" or (sign == "-" and beyond.isalnum()) or (sign in ".,/:" and beyond.isdigit())
    )


def _free_after(view: str, stop: int, run: int) -> bool:
    following = view[stop : stop + 2]
    if not following:
        return True
    if stop < run:
        return following[0] in " /\u00a0,;(" or following in (") ", ". ")
    if following[0].isalnum() or following[0] == "_":
        return _EXTENSION.match(view, stop) is not None
    return not (following[0] in ".,:" and following[1:].isdigit())


def _parsed(text: str, region: str | None) -> PhoneNumber | None:
    try:
        return parse(text, region)
    except NumberParseException:
        return None
