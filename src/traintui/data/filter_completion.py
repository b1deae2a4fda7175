"""What can be written where the cursor stands in a filter: fields, operators, and values with their counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from traintui import clock
from traintui.data.fields import META, Field, Kind, own_columns
from traintui.data.filter_editing import EQUALS, NONE, Piece, pieces, spelled
from traintui.data.filter_reading import CONVERSATIONS, Language
from traintui.data.records import VocabularyValue

Counts = Mapping[str | None, int]
Labels = Mapping[tuple[str, str], VocabularyValue]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that can be written: `insert` is the text, `label` what it is called, `detail` what it is about,
    `count` how many rows have it (None: not known). `goes_on` says that the word is not whole with it."""

    insert: str
    label: str
    detail: str
    count: int | None = None
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Completions:
    """What can stand in place of the characters from `start` to `end`, the likeliest first."""

    start: int
    end: int
    items: tuple[Candidate, ...] = ()

    def taken(self, text: str, candidate: Candidate) -> tuple[str, int]:
        """The text with a candidate in it, and where the cursor stands then."""
        return text[: self.start] + candidate.insert + text[self.end :], self.start + len(candidate.insert)


NUMBER_OPERATORS = {
    ">=": "at least", "<=": "at most", ">": "more than", "<": "less than", ":": "exactly, or from a..b",
}  # fmt: skip
TIME_OPERATORS = {
    ">=": "since", "<=": "up to the end of", ">": "after", "<": "before", ":": "on that day, or from a..b",
}  # fmt: skip
GRADES = {"0..4": "bad", "4..7": "doubtful", "7..10": "good"}
RANGES = {"score": GRADES, "judge": GRADES, "turns": {"2..4": "short", "6..20": "long"}}
BOUNDS = {"score": ("7", "4", "9"), "judge": ("7", "4", "9"), "turns": ("4", "6", "10"), "cost": ("0.01", "0.1", "1")}
"""Useful numbers of a field: in a range, and for a comparison."""


def complete(
    text: str,
    cursor: int,
    *,
    fields: Mapping[str, Field],
    facets: Mapping[str, Counts],
    labels: Labels,
    metadata_keys: Sequence[str],
    language: Language = CONVERSATIONS,
) -> Completions:
    """What can be written at a cursor, whatever the text. Nothing inside quotes.

    `facets` are the counts of the filter as it is applied now: of each key field, and of the marks under `is`, as far
    as they are known. `labels` is the vocabulary; `metadata_keys` are keys that are there without being registered,
    `language` is what may be asked beside the fields.
    """
    cursor = max(0, min(cursor, len(text)))
    piece = next((piece for piece in pieces(text) if piece.start <= cursor <= piece.end), None)
    known = Known(fields, facets, labels, metadata_keys, language)
    if piece is None:
        return Completions(cursor, cursor, tuple(known.names("", alone=True)))
    if piece.operator and cursor >= piece.value:
        return value_at(piece, cursor, known)
    if cursor < piece.name or piece.quoted:
        return Completions(cursor, cursor)
    end = piece.value - len(piece.operator) if piece.operator else name_end(piece)
    if cursor > end:
        return Completions(cursor, cursor)
    typed = text[piece.name : cursor]
    found = known.names(typed, alone=False) if not piece.operator else known.bare_names(typed)
    whole = text[piece.name : end]
    return Completions(piece.name, end, tuple(candidate for candidate in found if candidate.insert != whole))


def name_end(piece: Piece) -> int:
    """Where a name ends that no operator follows: at the end of the word, or before a quote."""
    quote = piece.text.find('"', piece.name, piece.end)
    return piece.end if quote < 0 else quote


def value_at(piece: Piece, cursor: int, known: Known) -> Completions:
    """The values that can stand at the cursor, those left out that the word names already."""
    text, field = piece.text, piece.field or ""
    if '"' in text[piece.value : cursor] or piece.quoted:
        return Completions(cursor, cursor)
    stop = piece.end if not piece.broken else text.find('"', cursor)
    start, end = piece.value, max(cursor, stop)
    others: set[str] = set()
    if piece.operator in EQUALS and not known.is_figure(field):
        start = text.rfind(",", start, cursor) + 1 or start
        comma = text.find(",", cursor, end)
        others = {*text[piece.value : start].split(","), *(text[comma:end].split(",") if comma >= 0 else ())} - {""}
        end = comma if comma >= 0 else end
    typed, whole = text[start:cursor], text[start:end]
    items = (
        candidate
        for candidate in known.values(field, piece.operator, typed)
        if candidate.insert != whole and candidate.insert not in others
        if not (others and candidate.insert.startswith('"'))
    )
    return Completions(start, end, tuple(items))


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to be named."""

    fields: Mapping[str, Field]
    facets: Mapping[str, Counts]
    labels: Labels
    metadata_keys: Sequence[str]
    language: Language

    def is_figure(self, name: str) -> bool:
        """Whether a field is a number or a time."""
        field = self.fields.get(name)
        return field is not None and field.kind in {Kind.NUMBER, Kind.TIME}

    # Names

    def all_names(self) -> Iterator[tuple[str, str]]:
        """Every name with what it is about, metadata last."""
        registered = [field for field in self.fields.values() if field.name.startswith(META)]
        yield from ((name, field.about) for name, field in self.fields.items() if field not in registered)
        words = self.language.words
        yield from ((name, words[name].about) for name in ("is", "has") if name in words)
        yield from ((name, beside.about) for name, beside in words.items() if name not in {"is", "has"})
        yield from ((field.name, field.about or field.label) for field in registered)
        for key in self.metadata_keys:
            if META + key not in self.fields and not set(key) & set(' \t\n:<>="') and key:
                yield META + key, "metadata"

    def matching(self, typed: str) -> Iterator[tuple[str, str]]:
        """The names that begin as typed, a metadata key also without `meta.`."""
        wanted = typed.casefold()
        for name, about in self.all_names():
            is_key = name.startswith(META)
            if is_key and not wanted:
                continue  # there may be hundreds; `meta.` stands for them
            if name.casefold().startswith(wanted) or (is_key and name[len(META) :].casefold().startswith(wanted)):
                yield name, about

    def names(self, typed: str, *, alone: bool) -> Iterator[Candidate]:
        """Names as they are written in a new word, with the colon where it can only be a colon. `alone` where nothing
        is typed yet, not even a minus."""
        if self.is_figure(typed.lower()):
            yield from self.operators(self.fields[typed.lower()])
        for name, about in self.matching(typed):
            if not self.is_figure(name):
                yield Candidate(f"{name}:", name, about, goes_on=True)
            elif name != typed.lower():
                yield Candidate(name, name, about, goes_on=True)
        if self.language.has_metadata and typed != META and META.startswith(typed.lower()):
            yield Candidate(META, META, "a metadata key", goes_on=True)
        if alone:
            yield Candidate("-", "-", "not: leave out what follows", goes_on=True)

    def bare_names(self, typed: str) -> Iterator[Candidate]:
        """Names for a word whose operator is there already."""
        yield from (Candidate(name, name, about, goes_on=True) for name, about in self.matching(typed))

    def operators(self, field: Field) -> Iterator[Candidate]:
        """The comparisons of a number or a time."""
        said = TIME_OPERATORS if field.kind is Kind.TIME else NUMBER_OPERATORS
        for operator, detail in said.items():
            yield Candidate(f"{field.name}{operator}", f"{field.name}{operator}", detail, goes_on=True)

    # Values

    def values(self, name: str, operator: str, typed: str) -> Iterable[Candidate]:
        """The values of a field that begin with what is typed, then those that contain it."""
        if name == "has":
            said = [(name, "metadata") for name, _ in self.all_names() if name.startswith(META)]
            said += [(name, "its column") for name in own_columns(self.fields)]
            return ranked([Candidate(spelled(key), key, detail) for key, detail in said], typed)
        field = self.fields.get(name)
        if field is not None and field.kind in {Kind.NUMBER, Kind.TIME}:
            return [one for one in self.examples(field, operator) if one.insert.startswith(typed)]
        if operator not in EQUALS:
            return []
        if name == "is":
            return self.marks(typed)
        return ranked(self.values_of(name, field), typed)

    def marks(self, typed: str) -> list[Candidate]:
        """Marks, and what a conversation was at a moment: a status, then days near today."""
        status, at, _ = typed.partition("@")
        if at:
            return [
                Candidate(f"{status}@{day.insert}", f"{status}@{day.insert}", f"as it was: {day.detail}")
                for day in days("<=")
                if f"{status}@{day.insert}".startswith(typed) and status in self.language.dated
            ]
        counts = self.facets.get("is", {})
        offered = [Candidate(mark, mark, detail, counts.get(mark)) for mark, detail in self.language.marks.items()]
        offered += [Candidate(f"{name}@", f"{name}@", "at a moment: a date follows", goes_on=True)
                    for name in self.language.dated]  # fmt: skip
        return ranked(offered, typed)

    def values_of(self, name: str, field: Field | None) -> list[Candidate]:
        """The values of a key field in the order of the vocabulary, then those that only rows have, then `none`."""
        name = field.name if field is not None else name
        counts = self.facets.get(name)
        described = {value: entry for (dimension, value), entry in self.labels.items() if dimension == name}
        in_use = [value for value in counts or () if value is not None]
        offered = [value for value, entry in described.items() if entry.active or (counts or {}).get(value)]
        found: list[Candidate] = []
        for value in dict.fromkeys((*(field.values if field else ()), *offered, *sorted(in_use))):
            entry = described.get(value)
            label, about = (entry.label, entry.description) if entry else (value, "")
            found.append(Candidate(spelled(value), label, about, None if counts is None else counts.get(value, 0)))
        if field is not None and getattr(field.column, "nullable", False):
            missing = None if counts is None else counts.get(None, 0)
            found.append(Candidate(NONE, f"no {field.label.lower()}", "where there is no value", missing))
        return found

    def examples(self, field: Field, operator: str) -> Iterator[Candidate]:
        """Useful values of a number or a time."""
        if field.kind is Kind.TIME:
            yield from days(operator)
        elif operator in EQUALS:
            yield from (Candidate(text, text, said) for text, said in RANGES.get(field.name, {}).items())
        else:
            yield from (Candidate(text, text, "") for text in BOUNDS.get(field.name, ()))


def days(operator: str) -> Iterator[Candidate]:
    """Days and spans near today."""
    today = clock.now().astimezone().date()
    monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
    if operator in EQUALS:
        spans = {
            f"{today}": "today", f"{today - timedelta(days=1)}": "yesterday", f"{monday}..{today}": "this week",
            f"{first}..{today}": "this month",
        }  # fmt: skip
    else:
        spans = {
            "-1d": "a day ago", "-7d": "a week ago", "-30d": "thirty days ago", f"{today}": "today",
            f"{monday}": "Monday", f"{first}": "the first of the month",
        }  # fmt: skip
    yield from (Candidate(text, text, said) for text, said in spans.items())


def ranked(candidates: list[Candidate], typed: str) -> list[Candidate]:
    """Those that begin with what is typed, then those that contain it; in both the most frequent first."""
    wanted = typed.casefold()
    begins: list[Candidate] = []
    contains: list[Candidate] = []
    for candidate in candidates:
        names = (candidate.insert.strip('"').casefold(), candidate.label.casefold())
        if any(name.startswith(wanted) for name in names):
            begins.append(candidate)
        elif any(wanted in name for name in names):
            contains.append(candidate)
    return [candidate for part in (begins, contains) for candidate in sorted(part, key=lambda one: -(one.count or 0))]
