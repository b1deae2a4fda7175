"""A copy in memory of what filters ask for: for each value of a field the set of conversations that have it.

Totals, facets and orders of a million conversations are intersections of a few bitmaps. What changes in the database is
taken over part by part; between two parts the copy never changes, so that what is asked in one go is of one moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pyroaring import BitMap

from traintui.data.bits import BitSliced
from traintui.data.fields import FIELDS, MARKS, Fields, code_of
from traintui.data.filter_terms import Among, Asked, Beside, Local, Marked, Term, Within
from traintui.data.filters import Filter

Counts = Mapping[str | None, int]
Facets = Mapping[str, Counts]
"""How many there are of each value of each field; None stands for no value."""
Answers = Mapping[Asked, BitMap]
"""What the server said to terms that no row answers by itself."""


@dataclass(slots=True)
class Part:
    """Conversations as they are now: `covered` says which ids it speaks of, those that are gone among them."""

    covered: BitMap
    every: BitMap = field(default_factory=BitMap)
    keys: dict[str, dict[str | None, BitMap]] = field(default_factory=dict)
    figures: dict[str, BitSliced] = field(default_factory=dict)
    marks: dict[str, BitMap] = field(default_factory=dict)


class Mirror:
    """The copy. `version` counts what was taken over."""

    def __init__(self, fields: Fields = FIELDS) -> None:
        self.fields = fields
        self.version = 0
        self.every = BitMap()
        self.keys: dict[str, dict[str | None, BitMap]] = {each.name: {} for each in fields.keys_of_few}
        self.figures = {each.name: BitSliced() for each in fields.figures}
        self.marks = {name: BitMap() for name in MARKS}

    def take(self, part: Part) -> None:
        """Takes a part over."""
        covered = part.covered
        self.version += 1
        _replace(self.every, covered, part.every)
        for name, values in self.keys.items():
            fresh = part.keys.get(name, {})
            for ids in values.values():
                ids -= covered
            for value, ids in fresh.items():
                values.setdefault(value, BitMap()).update(ids)
        for name, numbers in self.figures.items():
            numbers.replace(covered, part.figures[name])
        for name, ids in self.marks.items():
            _replace(ids, covered, part.marks[name])

    def compact(self) -> None:
        """Makes it as small as it can be, after much was taken over."""
        for ids in (self.every, *self.marks.values(), *(ids for each in self.keys.values() for ids in each.values())):
            ids.run_optimize()
            ids.shrink_to_fit()
        for numbers in self.figures.values():
            numbers.compact()

    # Asking -------------------------------------------------------------------------------------------------------

    def matching(self, terms: Iterable[Term], answers: Answers) -> BitMap:
        """Who matches all of the terms. Raises `KeyError` for a term that the server has not answered."""
        found: BitMap | None = None
        negated: list[BitMap] = []
        for term in terms:
            ids = self._of_term(term, answers)
            if term.negated:
                negated.append(ids)
            else:
                found = ids if found is None else found & ids
        result = self.every.copy() if found is None else found & self.every
        for ids in negated:
            result -= ids
        return result

    def _of_term(self, term: Term, answers: Answers) -> BitMap:
        parts = [self.of(part) if isinstance(part, Local) else answers[part] for part in term.parts]
        return parts[0] if len(parts) == 1 else BitMap.union(*parts)

    def of(self, asked: Local) -> BitMap:
        """Who has what a term asks for. Not to be changed: it may be the copy's own."""
        if isinstance(asked, Within):
            low, high = (None if end is None else code_of(end) for end in (asked.low, asked.high))
            return self.figures[asked.field.name].between(low, high)
        if isinstance(asked, Among):
            values = self.keys[asked.field.name]
            wanted = (*asked.values, *((None,) if asked.absent else ()))
            found = [values[value] for value in wanted if value in values]
        else:
            found = [self.marks[mark] for mark in asked.marks]
        return found[0] if len(found) == 1 else BitMap.union(*found) if found else BitMap()

    def facets(self, wanted: Filter, answers: Answers) -> Facets:
        """How many match per value of each facet field, where each field ignores what the filter chose of it."""
        whole = self.matching(wanted.terms, answers)
        counted: dict[str, Counts] = {}
        for each in self.fields.keys_of_few:
            if not each.is_facet:
                continue
            others = [term for term in wanted.terms if term.field != each.name]
            among = whole if len(others) == len(wanted.terms) else self.matching(others, answers)
            counted[each.name] = {
                value: int(ids.intersection_cardinality(among)) for value, ids in self.keys[each.name].items() if ids
            }
        return counted

    def status_counts(self) -> dict[str, int]:
        """How many there are of each status that there is, those in the trash left out."""
        deleted = self.marks["deleted"]
        counted = {str(status): int(ids.difference_cardinality(deleted)) for status, ids in self.keys["status"].items()}
        return {status: number for status, number in counted.items() if number}


def unanswered(wanted: Filter) -> list[Beside]:
    """What a filter asks for that only the server can answer."""
    parts = (part for term in wanted.terms for part in term.parts)
    return [part for part in parts if not isinstance(part, Among | Within | Marked)]


def _replace(ids: BitMap, covered: BitMap, fresh: BitMap) -> None:
    ids -= covered
    ids |= fresh
