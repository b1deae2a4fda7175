"""How long a pattern may keep a process busy: Python's `re` tries each way in which a text could match, and holds up
all else meanwhile. A pattern is refused whose ways double with each character; for others the text is bounded."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

MOST_STEPS = 10_000_000
"""What one look at a text may take: some tenths of a second."""
MOST_WAYS = 10_000
"""Ways that a pattern may have without a repetition that is open."""
FEW = 64
"""A repetition of more than so many is taken for one that is open."""
REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
SIGNS = frozenset({"LITERAL", "NOT_LITERAL", "IN", "ANY"})
"""What takes one character."""
CATEGORIES: Mapping[str, str] = {
    "CATEGORY_DIGIT": r"\d", "CATEGORY_NOT_DIGIT": r"\D", "CATEGORY_SPACE": r"\s", "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w", "CATEGORY_NOT_WORD": r"\W",
}  # fmt: skip
LATIN = range(256)
BEYOND = -1
"""Stands for every character behind `LATIN`."""
Items = Sequence[tuple[Any, Any]]
Form = tuple[int, int, int]
"""How many ways there are without open repetitions; by which power of the length of a text those to go on grow with
them, and by which the work does."""


class RunsAway(Exception):
    """A repetition stands in another one, so that a text can be divided among them in too many ways."""


@lru_cache(maxsize=512)
def longest_text(pattern: str) -> int:
    """The most characters of a text that a pattern is asked about. Raises `RunsAway`, and `re.error` for what is no
    pattern."""
    parsed = importlib.import_module("re._parser").parse(pattern)
    items: Items = list(parsed)
    ways, _, power = _sequence(items, exact=not parsed.state.flags & re.IGNORECASE)
    if not items or str(items[0][0]) != "AT" or not str(items[0][1]).startswith("AT_BEGINNING"):
        power += 1  # it may begin anywhere
    return int((MOST_STEPS / ways) ** (1 / max(power, 1)))


def patterns_of(part: Any) -> Iterator[tuple[str, bool]]:
    """The patterns in a JSON Schema, each with whether it is for the names of keys."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "pattern" and isinstance(value, str):
                yield value, False
            if name == "patternProperties" and isinstance(value, dict):
                yield from ((pattern, True) for pattern in value)
            yield from patterns_of(value)
    elif isinstance(part, list):
        for value in part:
            yield from patterns_of(value)


def _sequence(items: Items, *, exact: bool) -> Form:
    ways, power, work = 1, 0, 0
    for place, (name, held) in enumerate(items):
        its_ways, its_power, its_work = _item(str(name), held, exact=exact)
        work = max(work, power + its_work)
        if its_power and exact and _stops(items, place):
            its_power = 0
        ways, power = ways * its_ways, power + its_power
    if ways > MOST_WAYS:
        raise RunsAway
    return ways, power, work


def _item(name: str, held: Any, *, exact: bool) -> Form:
    if name in REPEATS:
        return _repeat(held[0], held[1], list(held[2]), exact=exact)
    if name == "SUBPATTERN":
        return _sequence(list(held[3]), exact=exact and not held[1])
    if name == "ATOMIC_GROUP":
        return _sequence(list(held), exact=exact)
    if name in {"ASSERT", "ASSERT_NOT"}:
        return _sequence(list(held[1]), exact=exact)
    if name == "BRANCH":
        return _either([list(each) for each in held[1]], exact=exact)
    if name == "GROUPREF_EXISTS":
        return _either([list(each or ()) for each in held[1:]], exact=exact)
    return (1, 1, 1) if name.startswith("GROUPREF") else (1, 0, 0)


def _either(each: Sequence[Items], *, exact: bool) -> Form:
    forms = [_sequence(items, exact=exact) for items in each]
    return sum(form[0] for form in forms), max(form[1] for form in forms), max(form[2] for form in forms)


def _repeat(low: int, high: int, body: Items, *, exact: bool) -> Form:
    ways, power, work = _sequence(body, exact=exact)
    more = int(high) - low + 1
    is_open = more > FEW
    if (ways, power) == (1, 0):
        return (1, 1, max(work, 1)) if is_open else (more, 0, work)
    if high <= 1:
        return ways + 1, power, work
    if exact and _is_told_apart(_plain(body)):
        return 1, 1, 1
    if power or is_open or (total := more * ways ** int(high)) > MOST_WAYS:
        raise RunsAway
    return total, 0, work


def _plain(items: Items) -> Items:
    """The same without groups around a part of it."""
    plain: list[tuple[Any, Any]] = []
    for name, held in items:
        plain += _plain(list(held[3])) if str(name) == "SUBPATTERN" and not held[1] else [(name, held)]
    return plain


def _is_told_apart(body: Items) -> bool:
    """Whether a repeated part can be found in a text in one way alone: a sign begins or ends it that stands nowhere
    else in it, and one repetition of a sign is in it; or it is one of several that differ in their first sign."""
    if len(body) == 1 and str(body[0][0]) == "BRANCH":
        each = [_plain(list(items)) for items in body[0][1][1]]
        if not all(items and all(str(name) in SIGNS for name, _ in items) for items in each):
            return False
        firsts = [_signs(*items[0]) for items in each]
        return sum(map(len, firsts)) == len(frozenset().union(*firsts))
    signs = [_signs(name, held) if str(name) in SIGNS else _repeated(name, held) for name, held in body]
    if sum(str(name) in REPEATS for name, _ in body) != 1 or not all(signs):
        return False
    edges = [place for place in (0, len(body) - 1) if str(body[place][0]) in SIGNS]
    return any(not signs[edge] & frozenset().union(*signs[:edge], *signs[edge + 1 :]) for edge in edges)


def _stops(items: Items, place: int) -> bool:
    """Whether a repetition of a sign has one place alone where what follows can go on."""
    name, held = items[place]
    signs = _repeated(name, held)
    if not signs or place + 1 == len(items):
        return False
    following, its = items[place + 1]
    if str(following) == "AT":
        return str(its) == "AT_END_STRING" or (str(its) == "AT_END" and place + 2 == len(items))
    return str(following) in SIGNS and not signs & _signs(following, its)


def _repeated(name: Any, held: Any) -> frozenset[int]:
    """The characters of a repetition of one sign; none where it is another thing."""
    if str(name) not in REPEATS:
        return frozenset()
    body = _plain(list(held[2]))
    return _signs(*body[0]) if len(body) == 1 and str(body[0][0]) in SIGNS else frozenset()


def _signs(name: Any, held: Any) -> frozenset[int]:
    """The characters that a sign takes."""
    every = frozenset({*LATIN, BEYOND})
    kind = str(name)
    if kind == "ANY":
        return every
    if kind in {"LITERAL", "NOT_LITERAL"}:
        one = frozenset({held if held in LATIN else BEYOND})
        return one if kind == "LITERAL" else (every - one) | {BEYOND}
    found: set[int] = set()
    for part, value in held:
        if str(part) == "LITERAL":
            found.add(value if value in LATIN else BEYOND)
        elif str(part) == "RANGE":
            found.update(range(value[0], min(value[1], LATIN[-1]) + 1))
            found.update({BEYOND} if value[1] > LATIN[-1] else ())
        elif str(part) == "CATEGORY":
            found.update(sign for sign in LATIN if re.match(CATEGORIES[str(value)], chr(sign)))
            found.add(BEYOND)
    is_without = bool(held) and str(held[0][0]) == "NEGATE"
    return (every - found) | {BEYOND} if is_without else frozenset(found)
