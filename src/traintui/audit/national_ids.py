"""Numbers that states give to people: by their check digits, or by the word beside them where they have none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from traintui.audit.nearby import Word, alone, called_otherwise


@dataclass(frozen=True, slots=True)
class Number:
    """A kind of number. `module` is python-stdnum's, which knows the check digits and the impossible ones.

    With `words`, one of them must stand near it: always, or only where it is written without groups (`grouped`).
    """

    pattern: re.Pattern[str]
    module: str
    words: Word | None = None
    hints: tuple[str, ...] = ()
    grouped: bool = False

    def holds(self, view: str, start: int, end: int) -> bool:
        """Whether the number at [start, end) is one of these."""
        number = view[start:end]
        if not alone(view, start, end) or not _check(self.module)(number):
            return False
        if self.words is not None and not (self.grouped and not number.isdigit()):
            return self.words.names(view, start, end)
        return any(sign.isalpha() for sign in number) or not called_otherwise(view, start)


def possible(lowered: str) -> tuple[list[Number], list[Number]]:
    """The kinds that may be in a text, given in lower case: those of digits, and those that begin with letters.

    A kind that always has a word beside it is in no text without such a word.
    """
    digits, lettered = (
        [number for number in kinds if not number.hints or any(hint in lowered for hint in number.hints)]
        for kinds in (_DIGITS, _LETTERED)
    )
    return digits, lettered


def in_run(view: str, kinds: list[Number], start: int, end: int) -> Iterator[tuple[int, int]]:
    """The numbers in a run of digits, and those that end with a letter behind it."""
    for number in kinds:
        for match in number.pattern.finditer(view, start, min(end + 2, len(view))):
            if number.holds(view, *match.span()):
                yield match.span()


def after_letters(view: str, kinds: list[Number], start: int) -> Iterator[tuple[int, int]]:
    """The number whose letters begin at `start`, if one does."""
    for number in kinds:
        match = number.pattern.match(view, start)
        if match and number.holds(view, *match.span()):
            yield match.span()


def with_letters_apart(view: str, lowered: str) -> Iterator[tuple[int, int]]:
    """British National Insurance numbers, whose letters may stand apart: they have no check digit, and need a word."""
    if any(hint in lowered for hint in ("insurance", "nino", "ni n")):
        for match in _NINO.finditer(view):
            if alone(view, *match.span()) and _NINO_WORDS.names(view, *match.span()):
                yield match.span()


@cache
def _check(module: str) -> Callable[[str], bool]:
    found: Callable[[str], bool] = import_module(f"stdnum.{module}").is_valid
    return found


def _number(pattern: str, module: str, words: str = "", hints: str = "", *, grouped: bool = False) -> Number:
    compiled = re.compile(rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])")
    if not words:
        return Number(compiled, module)
    # A hint may not rule out what a group already shows.
    return Number(compiled, module, Word(words), () if grouped else tuple(hints.split("|")), grouped)


_SSN = r"(?i:ssn|social[ -]security(?:[ -](?:number|no))?|itin|tax(?:payer)?[ -]id(?:entification)?)"
_DIGITS = (
    _number(r"[12][ .]?\d\d[ .]?\d\d[ .]?\d\d[ .]?\d{3}[ .]?\d{3}[ .-]?\d\d", "fr.nir"),
    _number(r"[1-9]\d{5}(?:19|20)\d{9}[0-9X]", "cn.ric"),
    _number(r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d\d", "ch.ssn"),
    _number(r"\d{6}-\d{7}", "kr.rrn"),
    _number(r"[1-9]\d ?\d{3} ?\d{3} ?\d{3}", "de.idnr"),
    _number(r"\d{3}\.?\d{3}\.?\d{3}-?\d\d", "br.cpf"),
    _number(r"\d\d[. ]?\d\d[. ]?\d\d[- ]?\d{3}[. ]?\d\d", "be.nn"),
    _number(r"(?:19|20)?\d{6}[-+]\d{4}", "se.personnummer"),
    _number(r"\d{2}\.?\d{3}\.?\d{3}-?[A-Z]", "es.dni"),
    _number(r"[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}", "in_.aadhaar", "(?i:aadhaar|aadhar|uidai|uid)", grouped=True),
    _number(r"\d{3}-?\d\d-?\d{4}|\d{3} \d\d \d{4}", "us.ssn", _SSN, "ssn|social|itin|tax"),
    _number(r"9\d\d-?\d\d-?\d{4}|9\d\d \d\d \d{4}", "us.itin", _SSN, "ssn|social|itin|tax"),
    _number(r"\d{4}\.?\d\d\.?\d{3}", "nl.bsn", r"BSN|(?i:burgerservicenummer|sofi-?nummer)", "bsn|burgerservice|sofi"),
    _number(r"\d{3}[ -]?\d{3}[ -]?\d{3}", "ca.sin", r"SIN|(?i:social[ -]insurance(?: number)?)", "sin"),
    _number(r"\d{3}[ -]?\d{3}[ -]?\d{2,3}", "au.tfn", r"TFN|(?i:tax file(?: number)?)", "tfn|tax file"),
    _number(r"\d{3}[ -]?\d{3}[ -]?\d{4}", "gb.nhs", r"(?i:nhs)(?i:[ -]number)?", "nhs"),
    _number(r"\d{11}", "pl.pesel", r"(?i:pesel)", "pesel"),
)
_LETTERED = (
    _number(
        r"[A-Za-z]{6}[0-9LMNPQRSTUV]{2}[A-Za-z][0-9LMNPQRSTUV]{2}[A-Za-z][0-9LMNPQRSTUV]{3}[A-Za-z]", "it.codicefiscale"
    ),
    _number(r"[A-Z]{4}\d{6}[A-Z]{6}[A-Z0-9]\d", "mx.curp"),
    _number(r"[XYZxyz]-?\d{7}-?[A-Za-z]", "es.nie"),
    _number(r"[A-Z]{5}\d{4}[A-Z]", "in_.pan", r"PAN|(?i:permanent account number)", "pan|permanent account"),
)
_NINO_WORDS = Word(r"(?i:nino|ni (?:number|no)|national insurance(?: (?:number|no))?)")
_NINO = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-Da-d](?![A-Za-z0-9])")
