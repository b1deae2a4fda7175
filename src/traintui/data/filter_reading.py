"""From the words of a filter to what they ask for. Every mistake is answered with its place and what would be right."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR

from traintui.data.fields import LEAST, MARKS, MARKS_OFFERED, META, MOST, Field, Kind, micros, next_double
from traintui.data.filter_beside import (
    STATUSES_ON_RECORD,
    AssignedTo,
    CalledBy,
    Compared,
    DecidedBy,
    Disputed,
    Equals,
    FailedBy,
    Filled,
    From,
    HasKey,
    Holds,
    Named,
    Signs,
    StoodAs,
    Text,
)
from traintui.data.filter_terms import Among, AnyOf, Asked, Marked, Term, Within
from traintui.data.filter_words import Context, FilterError, Word
from traintui.data.models import STATUSES
from traintui.data.nearest import nearest
from traintui.data.search import searchable

Values = Mapping[str, tuple[str, ...]]
"""The values that each dimension may have; a dimension that is missing takes any."""


def split(values: list[str]) -> tuple[tuple[str, ...], bool]:
    """The values that are named, and whether `none` is among them."""
    return tuple(value for value in values if value != "none"), "none" in values


def among(word: Word, field: Field, values: Values) -> Among:
    """One of the values of a key field."""
    if choices := field.values or values.get(field.name, ()):
        word.known(word.listed, (*choices, "none"))
    return Among(field, *split(word.listed))


# Numbers and times: every comparison is a span with both ends in it ---------------------------------------------------


def within(word: Word, field: Field, context: Context) -> Within:
    """A comparison of a number or a time."""
    if field.kind is Kind.TIME:
        return dated(word, field, context)
    low, high = doubles(word) if field.is_double else whole(word, field.places or 0, field.unit)
    return Within(field, low, high)


def whole(word: Word, places: int, unit: str = "") -> tuple[int | None, int | None]:
    """The span in whole numbers of the smallest unit; `unit` is what a mistake is told of."""

    def bound(text: str | None, rounding: str) -> int:
        number = word.number(text, unit=unit).scaleb(places).to_integral_value(rounding)
        return max(LEAST, min(MOST, int(number)))

    if word.span:
        return bound(word.span[0], ROUND_CEILING), bound(word.span[1], ROUND_FLOOR)
    floor, ceiling = bound(None, ROUND_FLOOR), bound(None, ROUND_CEILING)
    return {"<": (None, ceiling - 1), "<=": (None, floor), ">": (floor + 1, None), ">=": (ceiling, None)}.get(
        word.operator, (ceiling, floor)
    )


def doubles(word: Word) -> tuple[float | None, float | None]:
    """The span in doubles."""
    if word.span:
        return float(word.number(word.span[0])), float(word.number(word.span[1]))
    value = float(word.number(example=f"{word.field}>3"))
    return {
        "<": (None, next_double(value, -math.inf)),
        "<=": (None, value),
        ">": (next_double(value, math.inf), None),
        ">=": (value, None),
    }.get(word.operator, (value, value))


def dated(word: Word, field: Field, context: Context) -> Within:
    """A time compared with a day or a moment; a day is the whole of it."""

    def moment(text: str) -> tuple[int, int]:
        begin, end = context.moment(word, text, everywhere=field.is_day)
        return micros(begin), micros(end)

    if word.span:
        return Within(field, moment(word.span[0])[0], moment(word.span[1])[1] - 1)
    begin, end = moment(word.value)
    if begin == end and word.operator in {":", "="}:
        raise word.wrong(
            f"{word.value} is a moment, not a day.", f"Write {word.field}>={word.value} for what came since."
        )
    instant = begin == end
    match word.operator:
        case "<":
            return Within(field, None, begin - 1)
        case "<=":
            return Within(field, None, begin if instant else end - 1)
        case ">":
            return Within(field, begin + 1 if instant else end, None)
        case ">=":
            return Within(field, begin, None)
    return Within(field, begin, end - 1)


# The other words ----------------------------------------------------------------------------------------------------


def marked(word: Word, context: Context) -> Asked | AnyOf:
    """`is:`: marks of the row; what is one's own: to be reviewed by who asks, or decided by them; what is disputed;
    what it was at a moment."""
    listed = word.listed
    dated = [value for value in listed if "@" in value]
    marks = [value for value in listed if value not in dated]
    for status in marks:
        if status in STATUSES:
            raise word.wrong(
                f"is:{status} says no moment.",
                f"Write status:{status} for what it is, or is:{status}@2026-11-01 for what it was when that day ended.",
            )
    word.known(marks, MARKS_OFFERED)
    parts: list[Asked] = [stood_as(word, value, context) for value in dated]
    if own := tuple(mark for mark in marks if mark in MARKS):
        parts.append(Marked(own))
    if "mine" in marks:
        names = (context.login,) if context.login else ()
        parts += [AssignedTo(names, mine=not names), DecidedBy(names, mine=not names)]
    if "disputed" in marks:
        parts.append(Disputed())
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def stood_as(word: Word, value: str, context: Context) -> StoodAs:
    """`is:STATUS@MOMENT`: a day is over by then, a time is the moment itself."""
    status, _, written = value.partition("@")
    if status not in STATUSES_ON_RECORD:
        kept = ", ".join(STATUSES_ON_RECORD)
        what = f'the log does not say what was "{status}" then.'
        raise word.wrong(what, f"Ask for one of {kept}, as is:approved@2026-11-01.")
    return StoodAs(status, moment_of(word, written, context))


def moment_of(word: Word, written: str, context: Context) -> datetime:
    """The moment that a date means of which it is asked how things stood: the end of a day."""
    begin, end = context.moment(word, written)
    if begin == end:  # so long ago: a filter that is read again within the minute asks the same, and is not asked anew
        return begin.replace(second=0, microsecond=0)
    return end if end - begin > timedelta(minutes=1) else begin


def has(word: Word, context: Context) -> Asked | AnyOf:
    """`has:meta.KEY`, and `has:KEY` of a promoted one, whose column need not have what metadata has."""
    columns = [context.columns[value] for value in word.listed if value in context.columns]
    keys = [value for value in word.listed if value not in context.columns]
    for value in keys:
        if not value.startswith(META) or value == META:
            raise word.wrong(f'has: cannot ask for "{value}".', "Write has:meta.KEY.")
    parts: list[Asked] = [HasKey(tuple(key.removeprefix(META) for key in keys))] if keys else []
    if columns:
        parts.append(Filled(tuple(columns)))
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def unregistered(word: Word) -> Asked:
    """A metadata key without a type: equal to a value, or compared as a number, a date or text."""
    key = (word.field or "").removeprefix(META)
    if word.operator in {":", "="}:
        return Holds(key, tuple(word.listed))
    if word.quoted or not re.match(r"[+-]?\.?[0-9]", word.value) or re.match(r"[0-9]{4}-", word.value):
        return Compared(key, word.operator, word.value)
    return Compared(key, word.operator, word.number(example=f"{word.field}>3"))


def registered(word: Word, field: Field, context: Context) -> Asked:
    """A metadata key with a type. Equality is asked of the stored value, so that `a,b` means one of the two."""
    if field.own is not None and word.operator in {":", "="} and field.kind in {Kind.KEY, Kind.TEXT}:
        return among(word, field, {}) if field.kind is Kind.KEY else Equals(field.own, *split(word.listed))
    if field.own is not None and field.kind is Kind.NUMBER and "," not in word.value:
        return within(word, field, context)
    if field.kind is Kind.TEXT:
        return Compared((word.field or "").removeprefix(META), word.operator, word.value)
    if field.kind is Kind.KEY or (word.operator in {":", "="} and not word.span and field.kind is not Kind.TIME):
        return unregistered(word)
    return within(word, field, context)


def numbered(word: Word) -> tuple[tuple[int, ...], bool]:
    return tuple(word.whole_numbers), "none" in word.listed


Reader = Callable[[Word, Context], Asked | AnyOf]
"""What a word asks for. Raises `FilterError` where it cannot be read."""


def said(word: Word, context: Context) -> Asked:
    """A word without a field: text in any turn."""
    return Text(word.value) if searchable(word.value) else Signs(word.value)


@dataclass(frozen=True, slots=True)
class Beside:
    """A word that is no field of the row: what it is about, and how it is read."""

    about: str
    read: Reader


@dataclass(frozen=True, slots=True)
class Language:
    """What filters ask of one kind of rows beside their fields: the words, the marks of `is:` with what each says, what
    a bare word asks for, whether there is metadata, and a trash whose rows are hidden unless they are asked for; and
    what `is:` asks for of a moment, as in `approved@2026-11-01`."""

    words: Mapping[str, Beside]
    marks: Mapping[str, str]
    said: Reader
    has_metadata: bool = False
    has_trash: bool = False
    dated: tuple[str, ...] = ()


CONVERSATIONS = Language(
    words={
        "id": Beside("by its public id", lambda word, _: Named(tuple(word.listed))),
        "document": Beside(
            "by the name of the document that it is about", lambda word, _: From("document", *split(word.listed))
        ),
        "chunk": Beside("by the number of the chunk", lambda word, _: From("chunk", *numbered(word))),
        "reviewer": Beside("who approved or rejected it", lambda word, _: DecidedBy(*split(word.listed))),
        "assigned": Beside("who is to review it", lambda word, _: AssignedTo(*split(word.listed))),
        "run": Beside("by the number of the batch", lambda word, _: CalledBy("run", *numbered(word))),
        "template": Beside("by the prompt template", lambda word, _: CalledBy("template", *numbered(word))),
        "cause": Beside("why it failed, as Generate says it", lambda word, _: FailedBy(*split(word.listed))),
        "has": Beside("a metadata key that is there", has),
        "is": Beside(
            "a mark: flagged, seed, rehearsal, stale, deleted, mine, disputed; or what it was, as approved@2026-11-01",
            marked,
        ),
    },
    marks={
        "flagged": "somebody flagged it",
        "seed": "imported",
        "rehearsal": "written by the rehearsal",
        "stale": "its document has changed there",
        "deleted": "in the trash",
        "mine": "assigned to me, or decided by me",
        "disputed": "its reviewers disagree",
    },
    said=said,
    has_metadata=True,
    has_trash=True,
    dated=STATUSES_ON_RECORD,
)
"""What is asked of conversations."""


def read_word(
    word: Word, fields: Mapping[str, Field], values: Values, context: Context, language: Language = CONVERSATIONS
) -> Term:
    """What a word asks for. Raises `FilterError` for a field that there is not, or a value that it cannot have."""
    named = fields.get(word.field) if word.field is not None and word.field not in language.words else None
    if named is not None and named.name != word.field:
        word = replace(word, field=named.name)  # a promoted key by its short name
    elif named is None and word.field is not None and LIKE_A_KEY.fullmatch(word.field):
        # No field is called so: text such as error_code:5 is looked for as it stands.
        word = replace(word, field=None, operator="", value=f"{word.field}{word.operator}{word.value}")
    asked = asked_by(word, fields, values, context, language)
    return Term(word.field, asked, word.negated, word.start, word.end)


LIKE_A_KEY = re.compile(r"[a-z]+(_[a-z0-9]+)+")
"""A name that only a promoted key has."""


def example_of(name: str, field: Field | None) -> str:
    """What may stand behind the name of a field, in which unit."""
    if field is None or field.kind in {Kind.KEY, Kind.TEXT}:
        return f"{name}:VALUE"
    if field.kind is Kind.TIME:
        return f"{name}>=2026-11-01 or {name}>=-7d"
    return f"{name}>=7 or {name}:6..8{field.unit and f', in {field.unit}'}"


def asked_by(
    word: Word, fields: Mapping[str, Field], values: Values, context: Context, language: Language
) -> Asked | AnyOf:
    if word.field is None:
        if not word.value:
            what = "nothing stands between the quotes." if word.quoted else "a minus sign stands alone."
            raise word.wrong(what, "Write -FIELD:VALUE, -word, or a word to look for.")
        return language.said(word, context)
    is_meta = language.has_metadata and word.field.startswith(META) and len(word.field) > len(META)
    field, beside = fields.get(word.field), language.words.get(word.field)
    if field is None and beside is None and not is_meta:
        raise unknown(word, fields, language)
    if not word.value:
        raise word.wrong(f"{word.field} has no value.", f"Write {example_of(word.field, field)}.")
    if is_meta:
        return unregistered(word) if field is None else registered(word, field, context)
    if beside is not None:
        return beside.read(word, context)
    if field is None:
        raise unknown(word, fields, language)
    return among(word, field, values) if field.kind is Kind.KEY else within(word, field, context)


def unknown(word: Word, fields: Mapping[str, Field], language: Language) -> FilterError:
    """There is no such field; the nearest that there is."""
    names = [name for name in (*fields, *language.words) if not name.startswith(META)]
    names += ["meta.KEY"] if language.has_metadata else []
    near = nearest(word.field or "", names, cutoff=0.5)
    hint = f"Did you mean {near}?" if near else f"There are: {', '.join(names)}."
    if language.has_metadata:
        own = f"{META}{word.field}"
        hint = f"Did you mean {own}?" if own in fields else f"{hint} A metadata key is {own}."
    return word.wrong(f'there is no field "{word.field}".', f"{hint} Put quotes around text with a colon in it.")
