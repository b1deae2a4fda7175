"""The filter: one line of text that means the same in the table, an export and the log.

Words separated by blanks, all of which must hold. `parse` reads the text and answers a mistake with its place;
`Filter.where` is the SQLAlchemy expression, with every value a parameter.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import tzinfo as TimeZone
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import ColumnElement, Numeric, and_, case, cast, exists, false, func, literal, not_, or_, select, true

from traintui.data.models import STATUSES, TIERS, Chunk, ConversationTurn, Document, GenerationLog, ReviewLog
from traintui.data.models import Conversation as C
from traintui.errors import TraintuiError

MAX_LENGTH = 4_000
"""Characters. A filter is typed or pasted by a person; longer ones are mistakes."""

Condition = ColumnElement[bool]


class FilterError(TraintuiError):
    """A filter that cannot be read. `start` and `end` are character offsets of the place in the text."""

    def __init__(self, message: str, remedy: str, start: int, end: int) -> None:
        super().__init__("Filter not understood", message, remedy)
        self.start = start
        self.end = end


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a filter: a field with an operator and a value, or, with no field, text to be found in any turn."""

    field: str | None
    operator: str
    value: str
    negated: bool
    start: int
    end: int


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
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        field = match["field"].partition(".") if match["field"] else None
        name = None if field is None else field[0].lower() + field[1] + field[2]
        yield Term(name, match["operator"] or "", value, match["negated"] == "-", place, end)
        place = end


def parse(text: str, *, now: datetime | None = None, zone: TimeZone | None = None, login: str | None = None) -> Filter:
    """Reads a filter. Raises `FilterError` with what is wrong, where, and what would be right.

    `now` and `zone` say what `-7d` and a bare date mean (default: this moment, the system's time zone).
    """
    if len(text) > MAX_LENGTH:
        raise FilterError(
            f"it is {len(text):,} characters long.", f"Keep it under {MAX_LENGTH:,} characters.", MAX_LENGTH, len(text)
        )
    if "\x00" in text:
        raise FilterError("it holds a NUL character.", "Type it anew.", text.index("\x00"), text.index("\x00") + 1)
    context = Context(now or datetime.now(UTC), zone)
    terms = tuple(tokens(text))
    conditions: list[Condition] = []
    for term in terms:
        condition = condition_of(term, context)
        conditions.append(not_(func.coalesce(condition, false())) if term.negated else condition)
    if not any(term.field == "is" and term.value == "deleted" for term in terms):
        conditions.append(C.deleted_at.is_(None))
    return Filter(text.strip(), terms, and_(*conditions) if conditions else true())


@dataclass(frozen=True, slots=True)
class Context:
    """When and where a filter is read."""

    now: datetime
    zone: TimeZone | None

    def moment(self, term: Term, text: str) -> tuple[datetime, datetime]:
        """The span that a date means: a day from midnight to midnight, a minute, or a moment ago."""
        ago = re.fullmatch(r"-(\d{1,5})([dhwm])", text)
        if ago:
            unit = {"d": "days", "h": "hours", "w": "weeks", "m": "minutes"}[ago[2]]
            then = self.now - timedelta(**{unit: int(ago[1])})
            return then, then
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise value_error(term, text, "a date", "2026-11-01, 2026-11-01T14:00 or -7d") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.zone) if self.zone else moment.astimezone()
        span = timedelta(days=1) if "T" not in text and " " not in text else timedelta(minutes=1)
        return moment, moment + span


def value_error(term: Term, value: str, wanted: str, example: str) -> FilterError:
    return FilterError(f'"{value}" is not {wanted}.', f"Write {wanted} such as {example}.", term.start, term.end)


# Fields -----------------------------------------------------------------------------------------------------------

Compile = Callable[[Term, Context], Condition]


def listed(term: Term) -> list[str]:
    """The values between commas. Raises `FilterError` when there is none."""
    if term.operator not in {":", "="}:
        raise FilterError(
            f"{term.field} is compared with a colon, not with {term.operator}.", f"Write {term.field}:VALUE.",
            term.start, term.end,
        )  # fmt: skip
    values = [value for value in term.value.split(",") if value]
    if not values:
        raise FilterError(f"{term.field} has no value.", f"Write {term.field}:VALUE.", term.start, term.end)
    return values


def known(term: Term, values: list[str], choices: tuple[str, ...]) -> None:
    """Raises `FilterError` for a value that cannot exist, with the nearest that can."""
    for value in values:
        if value not in choices and value != "none":
            near = difflib.get_close_matches(value, choices, 1) or [choices[0]]
            raise FilterError(
                f'{term.field} has no value "{value}".', f"Did you mean {near[0]}? There are: {', '.join(choices)}.",
                term.start, term.end,
            )  # fmt: skip


def equals(column: Any, choices: tuple[str, ...] | None = None) -> Compile:
    """A column that equals one of the values; `none` where it is null."""

    def compile_equals(term: Term, _: Context) -> Condition:
        values = listed(term)
        if choices:
            known(term, values, choices)
        named = [value for value in values if value != "none"]
        found: list[Condition] = [column.in_(named)] if named else []
        if "none" in values:
            found.append(column.is_(None))
        return or_(*found)

    return compile_equals


def through(make: Callable[[list[str]], Condition]) -> Compile:
    """A condition on rows beside the conversation, for one of the values."""

    def compile_through(term: Term, _: Context) -> Condition:
        return make(listed(term))

    return compile_through


def whole_numbers(term: Term) -> list[int]:
    values = listed(term)
    for value in values:
        if not value.isdecimal() or len(value) > 18:
            raise value_error(term, value, "a number", f"{term.field}:12")
    return [int(value) for value in values]


def numeric(column: Any) -> Compile:
    """A column compared with a number, or within `a..b`. A null matches no comparison."""

    def number(term: Term, text: str) -> Decimal:
        try:
            value = Decimal(text)
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or abs(value) > Decimal(10) ** 15:
            raise value_error(term, text, "a number", f"{term.field}>=7 or {term.field}:6..8")
        return value

    def compile_numeric(term: Term, _: Context) -> Condition:
        low, dots, high = term.value.partition("..")
        if dots and term.operator in {":", "="}:
            return and_(column >= number(term, low), column <= number(term, high))
        return compared(column, term.operator, number(term, term.value))

    return compile_numeric


def dated(column: Any) -> Compile:
    """A time compared with a day or a moment; a day is the whole of it."""

    def compile_dated(term: Term, context: Context) -> Condition:
        low, dots, high = term.value.partition("..")
        if dots and term.operator in {":", "="}:
            return and_(column >= context.moment(term, low)[0], column < context.moment(term, high)[1])
        begin, end = context.moment(term, term.value)
        match term.operator:
            case "<":
                return bool_of(column < begin)
            case "<=":
                return bool_of(column < end) if end > begin else bool_of(column <= begin)
            case ">":
                return bool_of(column >= end) if end > begin else bool_of(column > begin)
            case ">=":
                return bool_of(column >= begin)
        return and_(column >= begin, column < end)

    return compile_dated


def bool_of(condition: Any) -> Condition:
    result: Condition = condition
    return result


def compared(column: Any, operator: str, value: object) -> Condition:
    match operator:
        case "<":
            return bool_of(column < value)
        case "<=":
            return bool_of(column <= value)
        case ">":
            return bool_of(column > value)
        case ">=":
            return bool_of(column >= value)
    return bool_of(column == value)


def marks(term: Term, _: Context) -> Condition:
    choices: dict[str, Condition] = {
        "flagged": C.flagged.is_(True),
        "seed": C.is_seed.is_(True),
        "rehearsal": C.is_rehearsal.is_(True),
        "deleted": C.deleted_at.is_not(None),
    }
    values = listed(term)
    known(term, values, tuple(choices))
    return or_(*(choices[value] for value in values if value in choices))


def metadata(term: Term, _: Context) -> Condition:
    key = (term.field or "").removeprefix("meta.")
    held = C.metadata_[key]
    if term.operator in {":", "="}:
        # Served by containment, whether the value was stored as text, as a number or as a boolean.
        return or_(*(C.metadata_.contains({key: form}) for value in listed(term) for form in json_forms(value)))
    try:
        wanted = Decimal(term.value)
    except InvalidOperation:
        return compared(held.astext, term.operator, term.value)
    # A cast of a value that is no number would end the query; CASE alone fixes the order of the two.
    number = case((func.jsonb_typeof(held) == "number", cast(held, Numeric)))
    return compared(number, term.operator, wanted)


def json_forms(value: str) -> list[object]:
    """What a word may have been stored as in JSON."""
    forms: list[object] = [value]
    if value in {"true", "false"}:
        forms.append(value == "true")
    if re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", value):
        forms.append(float(value) if "." in value else int(value))
    return forms


def has(term: Term, _: Context) -> Condition:
    keys = []
    for value in listed(term):
        if not value.startswith("meta.") or value == "meta.":
            raise FilterError(f'has: cannot ask for "{value}".', "Write has:meta.KEY.", term.start, term.end)
        keys.append(value.removeprefix("meta."))
    return or_(*(C.metadata_.has_key(key) for key in keys))


def in_text(term: Term, _: Context) -> Condition:
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", term.value) + "%"
    return exists(
        select(literal(1)).where(ConversationTurn.conversation_id == C.id, ConversationTurn.content.ilike(pattern))
    )


def logged(column: Any) -> Compile:
    """A whole number that a call of the conversation carries in the generation log."""

    def compile_logged(term: Term, _: Context) -> Condition:
        return exists(
            select(literal(1)).where(
                GenerationLog.conversation_id == C.conversation_id, column.in_(whole_numbers(term))
            )
        )

    return compile_logged


COST = (
    select(func.sum(GenerationLog.cost_usd))
    .where(GenerationLog.conversation_id == C.conversation_id)
    .correlate(C)
    .scalar_subquery()
)
REVIEWED = (
    select(func.max(ReviewLog.timestamp))
    .where(ReviewLog.conversation_id == C.conversation_id, ReviewLog.action.in_(("approve", "reject")))
    .correlate(C)
    .scalar_subquery()
)

FIELDS: dict[str, Compile] = {
    "status": equals(C.status, STATUSES),
    "persona": equals(C.persona),
    "emotion": equals(C.emotion),
    "topic": equals(C.topic),
    "intent": equals(C.intent),
    "tone": equals(C.tone),
    "tier": equals(C.tier, TIERS),
    "model": equals(C.model),
    "id": equals(C.conversation_id),
    "document": through(lambda names: C.document_id.in_(select(Document.id).where(Document.name.in_(names)))),
    "chunk": lambda term, _: C.chunk_id.in_(select(Chunk.id).where(Chunk.id.in_(whole_numbers(term)))),
    "reviewer": through(
        lambda names: exists(
            select(literal(1)).where(
                ReviewLog.conversation_id == C.conversation_id,
                ReviewLog.action.in_(("approve", "reject")),
                ReviewLog.reviewer_id.in_(names),
            )
        )
    ),
    "run": logged(GenerationLog.run_id),
    "template": logged(GenerationLog.template_id),
    "score": numeric(C.quality_score),
    "turns": numeric(C.turn_count),
    "cost": numeric(COST),
    "created": dated(C.created_at),
    "updated": dated(C.updated_at),
    "reviewed": dated(REVIEWED),
    "is": marks,
    "has": has,
}


def condition_of(term: Term, context: Context) -> Condition:
    """What one term means. Raises `FilterError` for a field that there is not, or a value that it cannot have."""
    if term.field is None:
        if not term.value:
            raise FilterError("a minus sign stands alone.", "Write -FIELD:VALUE, or -word.", term.start, term.end)
        return in_text(term, context)
    if term.field.startswith("meta.") and len(term.field) > len("meta."):
        return metadata(term, context)
    compile_field = FIELDS.get(term.field)
    if compile_field is None:
        near = difflib.get_close_matches(term.field, [*FIELDS, "meta.KEY"], 1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(FIELDS)}, meta.KEY."
        raise FilterError(
            f'there is no field "{term.field}".', f"{hint} Put quotes around text with a colon in it.",
            term.start, term.end,
        )  # fmt: skip
    if not term.value:
        raise FilterError(f"{term.field} has no value.", f"Write {term.field}:VALUE.", term.start, term.end)
    return compile_field(term, context)
