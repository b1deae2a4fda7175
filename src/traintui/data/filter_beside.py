"""Terms of a filter that a conversation does not answer by itself: what stands in its turns, its metadata, the logs, or
in who reviews it. The server answers them, each by the index that its docstring names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    ColumnElement,
    Numeric,
    Unicode,
    and_,
    case,
    cast,
    column,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import distinct_on

from traintui.data import search
from traintui.data.archive_models import retired_calls
from traintui.data.assignment_models import AssignmentRow
from traintui.data.batch_models import Batch, GenerationItem
from traintui.data.conditions import Condition, bool_of, in_or_absent
from traintui.data.log_models import ConversationRevision, GenerationLog, ReviewLog
from traintui.data.models import Conversation as C
from traintui.data.models import ConversationTurn, Document
from traintui.data.search import Sought
from traintui.data.second_review_models import SecondReviewRow

# Beside the row -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Named:
    """One of these public ids. Served by their unique index."""

    ids: tuple[str, ...]

    @property
    def where(self) -> Condition:
        """Its meaning as SQL."""
        return C.conversation_id.in_(self.ids)


@dataclass(frozen=True, slots=True)
class From:
    """Where it comes from: documents by name, or chunks by id. Served by the indexes of the foreign keys."""

    what: str
    names: tuple[str, ...] | tuple[int, ...]
    absent: bool = False

    @property
    def where(self) -> Condition:
        """Its meaning as SQL."""
        among: Condition
        if self.what == "chunk":
            column = C.chunk_id
            among = column.in_(self.names)
        else:
            column = C.document_id
            # An array and not IN: as one condition with "or none", IN is served by no index.
            named = select(Document.id).where(Document.name.in_(self.names)).scalar_subquery()
            among = bool_of(C.document_id == func.any(func.array(named)))
        return in_or_absent(among if self.names else None, column.is_(None) if self.absent else None)


def decided(*conditions: Condition) -> Condition:
    """Whether a decision on the conversation is in the review log."""
    return exists(
        select(literal(1)).where(
            ReviewLog.conversation_id == C.conversation_id, ReviewLog.action.in_(("approve", "reject")), *conditions
        )
    )


CALLS = (
    select(GenerationLog.conversation_id, GenerationLog.run_id, GenerationLog.template_id)
    .union_all(select(retired_calls.c.conversation_id, retired_calls.c.run_id, retired_calls.c.template_id))
    .subquery("calls")
)
"""Calls in the log, and what is known of those that were removed. The server looks into each by its own indexes."""


def called(condition: Condition) -> Condition:
    """Whether a call for the conversation is on record."""
    return exists(select(literal(1)).where(CALLS.c.conversation_id == C.conversation_id, condition))


@dataclass(frozen=True, slots=True)
class DecidedBy:
    """A decision by one of these people is on record; `mine` is the login that runs the query."""

    names: tuple[str, ...] = ()
    absent: bool = False
    mine: bool = False

    @property
    def where(self) -> Condition:
        """Its meaning as SQL. Served by `ix_review_logs_reviewer_id_id` and `uq_conversations_conversation_id`."""
        if self.mine:
            return decided(bool_of(ReviewLog.reviewer_id == literal_column("session_user::text")))
        return in_or_absent(
            decided(ReviewLog.reviewer_id.in_(self.names)) if self.names else None,
            ~decided() if self.absent else None,
        )


@dataclass(frozen=True, slots=True)
class AssignedTo:
    """One of these people is to review it; `mine` is the login that runs the query."""

    names: tuple[str, ...] = ()
    absent: bool = False
    mine: bool = False

    @property
    def where(self) -> Condition:
        """Its meaning as SQL. Served by `ix_assignments_reviewer_id_conversation_id`, and for a few rows by the primary
        key of the assignments."""
        own = AssignmentRow.reviewer_id == literal_column("session_user::text")
        among = own if self.mine else AssignmentRow.reviewer_id.in_(self.names)
        return in_or_absent(
            assigned(bool_of(among)) if self.mine or self.names else None, ~assigned() if self.absent else None
        )


def assigned(*conditions: Condition) -> Condition:
    """Whether somebody is to review the conversation."""
    return exists(select(literal(1)).where(AssignmentRow.conversation_id == C.id, *conditions))


@dataclass(frozen=True, slots=True)
class Disputed:
    """Its second review is there, and the reviewers disagree."""

    @property
    def where(self) -> Condition:
        """Its meaning as SQL. Served by `ix_second_reviews_state_opened_at`: disputes are few."""
        return exists(
            select(literal(1)).where(
                SecondReviewRow.conversation_id == C.conversation_id, SecondReviewRow.revision == C.revision,
                SecondReviewRow.state == "disputed",
            )
        )  # fmt: skip


STATUSES_ON_RECORD = ("approved", "rejected", "generated")
"""What a conversation can be said to have been at a moment: the log keeps decisions, and no step of its generation."""


@dataclass(frozen=True, slots=True)
class StoodAs:
    """Its status at a moment: what the last row of the review log before it says, or `generated` for one that had a
    text by then and no decision that stood."""

    status: str
    moment: datetime

    @property
    def where(self) -> Condition:
        """Its meaning as SQL, for all there are: the log is read once, by `ix_review_logs_conversation_id_id`."""
        newest = (
            select(ReviewLog.conversation_id, ReviewLog.status_after)
            .where(*self._before)
            .ext(distinct_on(ReviewLog.conversation_id))
            .order_by(ReviewLog.conversation_id.desc(), ReviewLog.id.desc())
            .subquery()
        )

        def was(*statuses: str) -> Condition:
            return exists(
                select(literal(1)).where(
                    newest.c.conversation_id == C.conversation_id, newest.c.status_after.in_(statuses)
                )
            )

        return was(self.status) if self.status != "generated" else and_(self._written, ~was(*DECIDED))

    @property
    def probe(self) -> Condition:
        """The same for a few rows: by the same index, and the key of the revisions."""
        newest = (
            select(ReviewLog.status_after)
            .where(ReviewLog.conversation_id == C.conversation_id, *self._before)
            .order_by(ReviewLog.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        if self.status != "generated":
            return func.coalesce(newest == self.status, false())
        return and_(self._written, func.coalesce(newest.not_in(DECIDED), true()))

    @property
    def _before(self) -> tuple[Condition, ...]:
        return (bool_of(ReviewLog.timestamp < self.moment), ReviewLog.status_after.is_not(None))

    @property
    def _written(self) -> Condition:
        return exists(
            select(literal(1)).where(
                ConversationRevision.conversation_id == C.conversation_id,
                bool_of(ConversationRevision.created_at < self.moment),
            )
        )


DECIDED = ("approved", "rejected")


@dataclass(frozen=True, slots=True)
class CalledBy:
    """A call of one of these runs or templates is on record. Served by their indexes on the generation log, and on the
    sums of what was removed from it."""

    what: str
    ids: tuple[int, ...]
    absent: bool = False

    @property
    def where(self) -> Condition:
        """Its meaning as SQL; of conversations it reads `uq_conversations_conversation_id` alone."""
        column = CALLS.c.run_id if self.what == "run" else CALLS.c.template_id
        return in_or_absent(
            called(column.in_(self.ids)) if self.ids else None, ~called(column.is_not(None)) if self.absent else None
        )


@dataclass(frozen=True, slots=True)
class FailedBy:
    """Its place in a batch failed for one of these reasons; `absent` where none was recorded. A judge that gave no
    opinion counts too. Served by `ix_generation_items_batch_id_state`, batch after batch: failures are few."""

    causes: tuple[str, ...]
    absent: bool = False

    @property
    def where(self) -> Condition:
        """Its meaning as SQL."""
        cause = GenerationItem.last_error
        among = in_or_absent(cause.in_(self.causes) if self.causes else None, cause.is_(None) if self.absent else None)
        failed = (
            select(GenerationItem.conversation_id)
            .where(GenerationItem.batch_id == Batch.id, GenerationItem.state == "failed", among)
            .offset(0)  # kept apart: as a plain join, all places of all batches would be read
            .lateral()
        )
        return C.id.in_(select(failed.c.conversation_id).select_from(Batch).join(failed, true()))


# Metadata and text --------------------------------------------------------------------------------------------------


def json_forms(value: str) -> list[object]:
    """What a word may have been stored as in JSON."""
    forms: list[object] = [value]
    if value in {"true", "false"}:
        forms.append(value == "true")
    if re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", value):
        forms.append(float(value) if "." in value else int(value))
    return forms


@dataclass(frozen=True, slots=True)
class Holds:
    """A metadata key that has one of the values, whether they were stored as text, as a number or as a boolean."""

    key: str
    values: tuple[str, ...]

    @property
    def sought(self) -> Sought:
        """How the search tables answer it."""
        return search.metadata_equals(self.key, [form for value in self.values for form in json_forms(value)])


@dataclass(frozen=True, slots=True)
class HasKey:
    """A metadata object that has one of the keys."""

    keys: tuple[str, ...]

    @property
    def sought(self) -> Sought:
        """How the search tables answer it."""
        return search.has_keys(self.keys)


@dataclass(frozen=True, slots=True)
class Text:
    """Words that stand beside each other in any turn."""

    words: str

    @property
    def sought(self) -> Sought:
        """How the search tables answer it."""
        return search.text(self.words)


@dataclass(frozen=True, slots=True)
class Compared:
    """A metadata key that nobody registered, compared: no index serves it, so rows are read one after the other."""

    key: str
    operator: str
    value: str | Decimal

    @property
    def where(self) -> Condition:
        """Its meaning as SQL."""
        held = C.metadata_[self.key]
        if isinstance(self.value, str):
            return bool_of(held.astext.op(self.operator, is_comparison=True)(self.value))
        # A cast of a value that is no number would end the query; CASE alone fixes the order of the two.
        number = case((func.jsonb_typeof(held) == "number", cast(held, Numeric)))
        return bool_of(number.op(self.operator, is_comparison=True)(literal(self.value, Numeric())))


@dataclass(frozen=True, slots=True)
class Equals:
    """A column of a promoted key that has one of the values, or none where `absent`; its index serves it."""

    column: str
    values: tuple[str, ...]
    absent: bool = False

    @property
    def where(self) -> Condition:
        """Its meaning as SQL."""
        held: ColumnElement[str] = column(self.column, Unicode(), _selectable=C.__table__)
        return in_or_absent(held.in_(self.values) if self.values else None, held.is_(None) if self.absent else None)


@dataclass(frozen=True, slots=True)
class Filled:
    """A column of a promoted key that has a value, whichever: what did not fit into it stands in metadata alone."""

    columns: tuple[str, ...]

    @property
    def where(self) -> Condition:
        """Its meaning as SQL."""
        held: list[ColumnElement[str]] = [column(name, Unicode(), _selectable=C.__table__) for name in self.columns]
        return or_(*(each.is_not(None) for each in held))


@dataclass(frozen=True, slots=True)
class Signs:
    """Signs that stand in any turn and make no word, such as `%`: turns are read one after the other."""

    signs: str

    @property
    def where(self) -> Condition:
        """Its meaning as SQL."""
        pattern = "%" + re.sub(r"([\\%_])", r"\\\1", self.signs) + "%"
        # Probed: as a join, each stretch of conversations would read all turns that there are.
        return search.probed(ConversationTurn.conversation_id == C.id, ConversationTurn.content.ilike(pattern))
