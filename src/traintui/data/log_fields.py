"""The fields of the three logs: what their filters ask for, in the language that conversations are asked for in.

A log is a frame of tables, an order by time and id, its fields, and what can be asked beside them. An export is one row
here, out of both that the log has of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REGCONFIG
from sqlalchemy.orm import aliased
from sqlalchemy.types import BigInteger, LargeBinary, String

from traintui.data.conditions import Condition, bool_of, in_or_absent
from traintui.data.erasure_models import Erasure
from traintui.data.fields import Field, Kind
from traintui.data.filter_reading import Beside, Language, numbered, split
from traintui.data.filter_terms import AnyOf, Asked, Meant
from traintui.data.filter_words import Context, Word
from traintui.data.filters import Filter, parse
from traintui.data.log_models import ATTEMPT_KINDS, ATTEMPT_STATES, REVIEW_ACTIONS, ExportLog, ExportUnderWay
from traintui.data.log_models import ExportRow as E
from traintui.data.log_models import GenerationLog as L
from traintui.data.log_models import ReviewLog as R
from traintui.data.models import Template
from traintui.data.standing_decisions import stands

LogName = Literal["generations", "reviews", "exports"]

S = aliased(ExportLog, name="started")
"""The first row of an export."""
N = aliased(ExportLog, name="ended")
"""Its last one, where it has ended."""

HASH = re.compile(r"[0-9a-f]{8,64}")
"""A SHA-256 in hexadecimal, or how it begins."""


@dataclass(frozen=True, slots=True)
class Log:
    """One of the logs as it is listed: `frame` puts a selection of its columns over its tables, `at` and `id` are its
    order, the newest first; `open` is which rows have not ended, None where all have."""

    name: LogName
    fields: Mapping[str, Field]
    language: Language
    at: Any
    id: Any
    frame: Callable[[Select[Any]], Select[Any]]
    open: Condition | None = None

    def read(self, filter_text: str, *, login: str | None = None) -> Filter:
        """A filter of this log. Raises `FilterError` with what is wrong and where. `login` is whose `is:mine` asks."""
        return parse(filter_text, fields=self.fields, language=self.language, login=login)


def key(name: str, label: str, about: str, column: Any, values: tuple[str, ...] = ()) -> Field:
    """A field that has one of some values."""
    return Field(name, label, Kind.KEY, about, column, values)


def number(
    name: str, label: str, about: str, column: Any, places: int = 0, *, is_whole: bool = False, unit: str = ""
) -> Field:
    """A field that is a number with so many places, of a unit."""
    return Field(name, label, Kind.NUMBER, about, column, places=places, is_whole=is_whole, unit=unit)


def moment(name: str, label: str, about: str, column: Any) -> Field:
    """A field that is a time."""
    return Field(name, label, Kind.TIME, about, column)


def named(*fields: Field) -> Mapping[str, Field]:
    """Fields by their names."""
    return {field.name: field for field in fields}


def one_of(column: Any, about: str) -> Beside:
    """A word that names texts a column has, or `none`."""

    def read(word: Word, _: Context) -> Asked:
        values, absent = split(word.listed)
        return Meant(in_or_absent(column.in_(values) if values else None, column.is_(None) if absent else None))

    return Beside(about, read)


def one_number(column: Any, about: str) -> Beside:
    """A word that names whole numbers a column has, or `none`."""

    def read(word: Word, _: Context) -> Asked:
        values, absent = numbered(word)
        return Meant(in_or_absent(column.in_(values) if values else None, column.is_(None) if absent else None))

    return Beside(about, read)


def mine(column: Any) -> Callable[[Context], Condition]:
    """Whether a column is who asks."""

    def holds(context: Context) -> Condition:
        own = literal(context.login) if context.login else literal_column("session_user::text")
        return bool_of(column == own)

    return holds


def marks(about: str, meanings: Mapping[str, Condition | Callable[[Context], Condition]]) -> Beside:
    """`is:` with what each of its marks means."""

    def read(word: Word, context: Context) -> Asked | AnyOf:
        word.known(word.listed, tuple(meanings))
        found = [meanings[mark] for mark in word.listed]
        return Meant(or_(*(mark(context) if callable(mark) else mark for mark in found)))

    return Beside(about, read)


SIMPLE = cast(literal_column("'simple'"), REGCONFIG)


def query_of(words: str) -> ColumnElement[Any]:
    """The question for words that stand beside each other, in no language: `*` behind one word leaves its end open."""
    if re.fullmatch(r"\w+\*", words):
        return func.to_tsquery(SIMPLE, words.removesuffix("*") + ":*")
    return func.phraseto_tsquery(SIMPLE, words)


def has_word(words: str) -> bool:
    """Whether there is a letter or a digit to look for."""
    return any(sign.isalnum() for sign in words)


def pattern(words: str) -> str:
    """What ILIKE takes for text with these signs in it."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", words) + "%"


# Calls ----------------------------------------------------------------------------------------------------------------

SAID_OF_CALL: ColumnElement[Any] = func.call_words(L.error_type, L.error_message)
"""As `ix_generation_logs_said` has it."""


def call_says(word: Word, _: Context) -> Asked:
    """Words in the error of a call. By ix_generation_logs_said."""
    if has_word(word.value):
        return Meant(
            and_(L.error_message.is_not(None), SAID_OF_CALL.op("@@", is_comparison=True)(query_of(word.value)))
        )
    return Meant(L.error_message.ilike(pattern(word.value)))


def by_template(word: Word, _: Context) -> Asked:
    """A template by its name, which means all of its versions, `name@3` for one of them, or by its number."""
    values, absent = split(word.listed)
    ids = [int(value) for value in values if re.fullmatch(r"[0-9]{1,18}", value)]
    names: list[Condition] = []
    for value in values:
        if not value.isdigit():
            name, at, version = value.rpartition("@")
            is_one = bool(at) and bool(re.fullmatch(r"[0-9]{1,9}", version))
            this: list[Condition] = (
                [Template.name == name, Template.version == int(version)] if is_one else [Template.name == value]
            )
            names.append(and_(*this))
    among: list[Condition] = [L.template_id.in_(ids)] if ids else []
    if names:
        # An array and not IN: so it is known before the log is read, and its index serves.
        by_name = func.array(select(Template.id).where(or_(*names)).scalar_subquery())
        among.append(bool_of(L.template_id == func.any(by_name)))
    return Meant(or_(*among, *([L.template_id.is_(None)] if absent else [])))


def was_erased() -> Condition:
    """Whether an erasure names a call: those are few, and lead to it by its key."""
    named = select(Erasure.row_id, Erasure.row_created_at).where(Erasure.log == "generation_logs")
    return bool_of(tuple_(L.id, L.created_at).in_(named))


GENERATIONS = Log(
    "generations",
    named(
        key("state", "State", "how it ended", L.state, ATTEMPT_STATES),
        key("kind", "Kind", "what it was for", L.kind, ATTEMPT_KINDS),
        key("model", "Model", "which model was asked", L.model),
        key("user", "User", "who asked for it", L.requested_by),
        key("error", "Error", "what kind of error it ended with", L.error_type),
        moment("created", "When", "when it was sent", L.created_at),
        number("cost", "Cost", "what it cost, in USD", L.cost_usd, 6, unit="USD"),
        number("tokens", "Tokens", "read and written, together", L.input_tokens + L.output_tokens),
        number("took", "Took", "how long it took, in seconds", L.duration_ms, 3, is_whole=True,
               unit="seconds"),
        number("http", "HTTP", "the status that it was answered with", L.http_status),
        number("version", "Version", "which version of its template", L.template_version),
    ),
    Language(
        words={
            "conversation": one_of(L.conversation_id, "the conversation that it was for"),
            "template": Beside("the template by its name, name@3 for one version, or its number", by_template),
            "batch": one_number(L.run_id, "the number of its batch"),
            "call": one_number(L.id, "the number of the call"),
            "request": one_of(L.request_id, "what the provider calls it"),
            "is": marks(
                "a mark: failed, rehearsal, estimated, late, erased, mine",
                {
                    "failed": bool_of(L.state.in_(("error", "unknown"))),
                    "rehearsal": bool_of(L.is_rehearsal == true()),
                    "estimated": bool_of(L.cost_is_estimate == true()),
                    "late": L.late_reply_to.is_not(None),
                    "erased": was_erased(),
                    "mine": mine(L.requested_by),
                },
            ),
        },
        marks={
            "failed": "it ended with an error, or nobody knows how",
            "rehearsal": "the rehearsal answered it",
            "estimated": "its cost is an estimate",
            "late": "it came after it was given up",
            "erased": "a part of it was erased, with a reason",
            "mine": "asked for by me",
        },
        said=call_says,
    ),
    L.created_at,
    L.id,
    lambda selected: selected.select_from(L),
    bool_of(L.state == "sending"),
)  # fmt: skip
"""Calls to models."""


# Decisions ------------------------------------------------------------------------------------------------------------


def review_says(word: Word, _: Context) -> Asked:
    """Words in the note or the reason. A function asks ix_review_logs_said: behind row level security no index of words
    may serve, since its operator could tell of rows that are hidden."""
    if has_word(word.value):
        found = func.review_rows_saying(query_of(word.value), type_=BigInteger)
        says = func.review_words(R.reviewer_notes, R.reason).op("@@", is_comparison=True)(query_of(word.value))
        ids = func.array(select(found).scalar_subquery(), type_=ARRAY(BigInteger))
        return Meant(bool_of(R.id == func.any(ids)), of_row=says)
    sought = pattern(word.value)
    return Meant(or_(R.reviewer_notes.ilike(sought), R.reason.ilike(sought)))


REVIEWS = Log(
    "reviews",
    named(
        key("action", "Action", "what was done", R.action, REVIEW_ACTIONS),
        key("reviewer", "Who", "who did it", R.reviewer_id),
        key("reason", "Reason", "why it was rejected", R.reason),
        key("role", "Role", "the role that they had", R.reviewer_role),
        moment("created", "When", "when it was done", R.timestamp),
        number("revision", "Revision", "the revision that it is about", R.revision),
        number("turn", "Turn", "the turn that was marked as wrong", R.turn_number),
        number("took", "Took", "how long it was on the screen, in seconds", R.duration_ms, 3, is_whole=True,
               unit="seconds"),
    ),
    Language(
        words={
            "conversation": one_of(R.conversation_id, "the conversation that it was done to"),
            "bulk": one_of(R.bulk_id, "the bulk action or the import that it was a part of"),
            "row": one_number(R.id, "the number of the row"),
            "is": marks(
                "a mark: mine, bulk, undo, standing",
                {
                    "mine": mine(R.reviewer_id),
                    "bulk": R.bulk_id.is_not(None),
                    "undo": R.undoes.is_not(None),
                    "standing": stands(),
                },
            ),
        },
        marks={
            "mine": "done by me",
            "bulk": "done to many at once",
            "undo": "it takes something back",
            "standing": "it stands: neither taken back nor changed later",
        },
        said=review_says,
    ),
    R.timestamp,
    R.id,
    lambda selected: selected.select_from(R),
)  # fmt: skip
"""What people did to conversations."""


# Exports --------------------------------------------------------------------------------------------------------------


def export_says(word: Word, _: Context) -> Asked:
    """Words in its filter, its file's name, or its error: exports are few."""
    sought = pattern(word.value)
    places = (S.filter_state["filter"].astext, S.metadata_["file"].astext, N.metadata_["file"].astext, N.error_message)
    return Meant(or_(*(func.coalesce(place, "").ilike(sought) for place in places)))


def by_hash(word: Word, _: Context) -> Asked:
    """The SHA-256 of a file that left the house, or how it begins: back to the export that wrote it. Whole ones by
    uq_export_logs_ended and ix_export_logs_file_sha256."""
    conditions: list[Condition] = []
    for value in (value.lower() for value in word.listed):
        if not HASH.fullmatch(value):
            raise word.not_a("a SHA-256", "hash:9f86d081884c7d65, at least its first eight digits", value)
        if len(value) == 64:
            whole = literal(bytes.fromhex(value), LargeBinary)
            held = literal({"files": [{"sha256": value}]}, JSONB)
            conditions.append(or_(N.file_sha256 == whole, N.metadata_.op("@>", is_comparison=True)(held)))
        else:
            beginning = f'"sha256": "{value}'
            conditions += [
                func.encode(N.file_sha256, "hex").startswith(value),
                cast(N.metadata_["files"], String).contains(beginning, autoescape=True),
            ]
    return Meant(or_(*conditions))


def by_held(word: Word, _: Context) -> Asked:
    """Exports that hold one of these conversations. By ix_export_rows_conversation_id."""
    held = select(E.export_id).where(E.conversation_id.in_(word.listed)).scalar_subquery()
    return Meant(and_(N.state == "succeeded", bool_of(S.export_id == func.any(func.array(held)))))


def by_row(word: Word, _: Context) -> Asked:
    """Exports by the id of a row that the log has of them: their beginning, or their end. By pk_export_logs."""
    numbers = word.whole_numbers
    return Meant(or_(S.id.in_(numbers), N.id.in_(numbers)))


EXPORT_STATES_LISTED = ("open", "succeeded", "failed", "cancelled")
"""How an export stands; `open` has not ended."""

EXPORTS = Log(
    "exports",
    named(
        key("state", "State", "how it ended", func.coalesce(N.state, "open"), EXPORT_STATES_LISTED),
        key("user", "User", "who exported", S.user_id),
        key("format", "Format", "in which format", S.format),
        moment("created", "When", "when it began", S.exported_at),
        number("count", "Number", "how many conversations it holds",
               case((N.state == "succeeded", N.conversation_count), else_=S.conversation_count)),
    ),
    Language(
        words={
            "conversation": Beside("it holds this conversation", by_held),
            "hash": Beside("the SHA-256 of a file, or how it begins", by_hash),
            "export": one_of(S.export_id, "by its id"),
            "row": Beside("the number of one of its rows", by_row),
            "is": marks("a mark: mine", {"mine": mine(S.user_id)}),
        },
        marks={"mine": "exported by me"},
        said=export_says,
    ),
    S.exported_at,
    S.id,
    lambda selected: selected.select_from(S)
    .outerjoin(N, and_(N.export_id == S.export_id, N.state != "started"))
    .where(S.state == "started"),
    and_(N.id.is_(None), S.export_id.in_(select(ExportUnderWay.export_id))),
)  # fmt: skip
"""What left the house, and what was to."""

LOGS: Mapping[LogName, Log] = {log.name: log for log in (GENERATIONS, REVIEWS, EXPORTS)}
