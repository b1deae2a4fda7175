"""The fields of a filter: what each word of it means as SQL, with every value a parameter."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from datetime import tzinfo as TimeZone
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Numeric,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from traintui.data.log_models import GenerationLog, ReviewLog
from traintui.data.models import STATUSES, TIERS, ConversationTurn, Document
from traintui.data.models import Conversation as C
from traintui.errors import TraintuiError

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
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """When and where a filter is read."""

    now: datetime
    zone: TimeZone | None
    login: str | None

    def moment(self, term: Term, text: str) -> tuple[datetime, datetime]:
        """The span that a date means: a day from midnight to midnight, a minute, or a moment ago."""
        ago = re.fullmatch(r"-(\d{1,5})([dhwm])", text)
        if ago:
            unit = {"d": "days", "h": "hours", "w": "weeks", "m": "minutes"}[ago[2]]
            then = self.now - timedelta(**{unit: int(ago[1])})
            return then, then
        try:
            if re.fullmatch(r"[0-9W-]+", text):
                day = datetime.combine(date.fromisoformat(text), time())
                return self.local(day), self.local(day + timedelta(days=1))
            moment = self.local(datetime.fromisoformat(text))
            return moment, moment + timedelta(minutes=1)
        except (ValueError, OverflowError):
            raise value_error(term, text, "a date", "2026-11-01, 2026-11-01T14:00 or -7d") from None

    def local(self, moment: datetime) -> datetime:
        """A moment of the clock on the user's wall; one that names its zone stays as it is."""
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        return (moment.replace(tzinfo=self.zone) if self.zone else moment.astimezone()).astimezone(UTC)


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
    values = [term.value] if term.quoted else [value for value in term.value.split(",") if value]
    if not values:
        raise FilterError(f"{term.field} has no value.", f"Write {term.field}:VALUE.", term.start, term.end)
    return values


def known(term: Term, values: list[str], choices: tuple[str, ...]) -> None:
    """Raises `FilterError` for a value that cannot exist, with the nearest that can."""
    for value in values:
        if value not in choices:
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
            known(term, values, (*choices, "none"))
        return any_of(values, column.in_, column.is_(None))

    return compile_equals


def any_of(values: list[str], among: Callable[[list[str]], Condition], absent: Condition) -> Condition:
    """`among` the values that are named, or `absent` where one of them is `none`."""
    named = [value for value in values if value != "none"]
    found = [among(named)] if named else []
    return or_(*found, absent) if "none" in values else found[0]


def through(absent: Condition, make: Callable[[list[str]], Condition]) -> Compile:
    """A condition on rows beside the conversation, for one of the values; `absent` is what `none` means."""

    def compile_through(term: Term, _: Context) -> Condition:
        return any_of(listed(term), make, absent)

    return compile_through


def through_number(absent: Condition, make: Callable[[list[int]], Condition]) -> Compile:
    """The same for ids, which are whole numbers."""

    def compile_through(term: Term, _: Context) -> Condition:
        def among(values: list[str]) -> Condition:
            for value in values:
                if not re.fullmatch(r"[0-9]{1,18}", value):
                    raise value_error(term, value, "a number", f"{term.field}:12")
            return make([int(value) for value in values])

        return any_of(listed(term), among, absent)

    return compile_through


def number(term: Term, text: str, example: str | None = None) -> ColumnElement[Decimal]:
    """A number as a parameter that keeps its digits, whatever the column beside it is. Raises `FilterError`."""
    if not re.fullmatch(r"[+-]?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})", text):
        raise value_error(term, text, "a number", example or f"{term.field}>=7 or {term.field}:6..8")
    return literal(Decimal(text), Numeric())


def numeric(column: Any) -> Compile:
    """A column compared with a number, or within `a..b`. A null matches no comparison."""

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
        if begin == end and term.operator in {":", "="}:
            raise FilterError(
                f"{term.value} is a moment, not a day.", f"Write {term.field}>={term.value} for what came since.",
                term.start, term.end,
            )  # fmt: skip
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


def marks(term: Term, context: Context) -> Condition:
    me = literal_column("session_user::text") if context.login is None else literal(context.login)
    choices: dict[str, Condition] = {
        "flagged": C.flagged.is_(True),
        "seed": C.is_seed.is_(True),
        "rehearsal": C.is_rehearsal.is_(True),
        "deleted": C.deleted_at.is_not(None),
        "mine": decided_by(me),
    }
    values = listed(term)
    known(term, values, tuple(choices))
    return or_(*(choices[value] for value in values))


def metadata(term: Term, _: Context) -> Condition:
    key = (term.field or "").removeprefix("meta.")
    held = C.metadata_[key]
    if term.operator in {":", "="}:
        # Served by containment, whether the value was stored as text, as a number or as a boolean.
        return or_(*(C.metadata_.contains({key: form}) for value in listed(term) for form in json_forms(value)))
    if term.quoted or not re.match(r"[+-]?\.?[0-9]", term.value) or re.match(r"[0-9]{4}-", term.value):
        return compared(held.astext, term.operator, term.value)
    # A cast of a value that is no number would end the query; CASE alone fixes the order of the two.
    held_number = case((func.jsonb_typeof(held) == "number", cast(held, Numeric)))
    return compared(held_number, term.operator, number(term, term.value, f"{term.field}>3"))


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


def called(condition: Condition) -> Condition:
    """Whether a call for the conversation is in the generation log."""
    return exists(select(literal(1)).where(GenerationLog.conversation_id == C.conversation_id, condition))


def decided(*conditions: Condition) -> Condition:
    """Whether a decision on the conversation is in the review log."""
    return exists(
        select(literal(1)).where(
            ReviewLog.conversation_id == C.conversation_id, ReviewLog.action.in_(("approve", "reject")), *conditions
        )
    )


def decided_by(login: ColumnElement[str]) -> Condition:
    return decided(ReviewLog.reviewer_id == login)


RUN, TEMPLATE = GenerationLog.run_id, GenerationLog.template_id
LATE = aliased(GenerationLog)
COST = (
    select(func.sum(GenerationLog.cost_usd))
    .where(
        GenerationLog.conversation_id == C.conversation_id,
        # The estimate of a call that was given up does not count once its late reply is here with the real cost.
        ~exists(
            select(literal(1)).where(
                LATE.conversation_id == GenerationLog.conversation_id, LATE.late_reply_to == GenerationLog.id
            )
        ),
    )
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
    "document": through(
        C.document_id.is_(None), lambda names: C.document_id.in_(select(Document.id).where(Document.name.in_(names)))
    ),
    "chunk": through_number(C.chunk_id.is_(None), lambda ids: C.chunk_id.in_(ids)),
    "reviewer": through(~decided(), lambda names: decided(ReviewLog.reviewer_id.in_(names))),
    "run": through_number(~called(RUN.is_not(None)), lambda ids: called(RUN.in_(ids))),
    "template": through_number(~called(TEMPLATE.is_not(None)), lambda ids: called(TEMPLATE.in_(ids))),
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
            what = "nothing stands between the quotes." if term.quoted else "a minus sign stands alone."
            raise FilterError(what, "Write -FIELD:VALUE, -word, or a word to look for.", term.start, term.end)
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
