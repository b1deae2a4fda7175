"""Several independent decisions on a share of the queue: what is asked for, what waits for whom, what was decided."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Text, cast, exists, literal, or_, select, text
from sqlalchemy.orm import aliased

from traintui.data import workspace_settings
from traintui.data.engine import Database
from traintui.data.log_models import ReviewLog as L
from traintui.data.models import Conversation as C
from traintui.data.models import WorkspaceSetting
from traintui.data.retrying import one_row
from traintui.data.second_review_models import SecondReviewRow as S

KEY = "second_review"
LEAST, MOST = 2, 5
"""How many decisions a second review may ask for."""


@dataclass(frozen=True, slots=True)
class SecondReview:
    """What the workspace asks for: so many independent decisions on a share of what waits, above 0 and up to 1."""

    decisions: int
    share: float


@dataclass(frozen=True, slots=True)
class Standing:
    """How many revisions wait for another decision, and how many for one on which others disagree; how many people the
    most demanding one needs, 0 where none waits; and of both, in how many all that is there agrees, None where that was
    not asked or is not for who asks."""

    open: int
    disputed: int
    needed: int = 0
    agreed: int | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """How many were settled by the decisions that were there, and how many wait for one decision of anybody."""

    approved: int = 0
    rejected: int = 0
    handed_back: int = 0

    @property
    def number(self) -> int:
        """How many were ended, either way."""
        return self.approved + self.rejected + self.handed_back


@dataclass(frozen=True, slots=True)
class Independent:
    """A decision that its reviewer made without a look at others, on a revision on which several have decided. One made
    `on_dispute` settled what others disagreed on."""

    conversation_id: str
    revision: int
    reviewer_id: str
    action: str
    reason: str | None
    timestamp: datetime
    on_dispute: bool = False


async def asked(db: Database) -> SecondReview | None:
    """What the workspace asks for; None where one decision is enough."""
    async with db.read() as connection:
        found = await connection.scalar(select(WorkspaceSetting.value).where(WorkspaceSetting.key == KEY))
    return SecondReview(int(found["decisions"]), float(found["share"])) if found else None


async def ask(db: Database, wanted: SecondReview | None) -> None:
    """Asks for second reviews from here on, or for none; what has begun is settled as it began.

    The change is on record. Raises `Refused` for who is no administrator, and where it is out of range.
    """
    value = None if wanted is None else {"decisions": wanted.decisions, "share": wanted.share}
    await workspace_settings.change(db, KEY, value)


def decided_by_me() -> ColumnElement[bool]:
    """Whether who asks has an open decision on the revision of a row of `second_reviews`.

    Served by `ix_review_logs_conversation_id_id`; what the policy of the table hides is not asked for.
    """
    undo = aliased(L)
    return exists(
        select(literal(1)).where(
            L.conversation_id == S.conversation_id, L.revision == S.revision, L.details.has_key("blind"),
            L.action.in_(("approve", "reject")), L.reviewer_id == cast(text("session_user"), Text),
            ~exists(select(literal(1)).where(undo.undoes == L.id)),
        )
    )  # fmt: skip


def waits_for_me(*, disputes: bool = False) -> ColumnElement[bool]:
    """The condition on conversations that who asks has not decided openly, and that nobody disagrees on; with
    `disputes` those that others disagree on are among them.

    Served by `pk_second_reviews`.
    """
    return ~kept_from_me(disputes=disputes)


def kept_from_me(*, disputes: bool = False) -> ColumnElement[bool]:
    """The condition on those that wait, but for others. Of all there are it names few, which
    `ix_second_reviews_state_opened_at` finds."""
    mine = decided_by_me()
    return exists(
        select(literal(1)).where(
            S.conversation_id == C.conversation_id, S.revision == C.revision, S.state.in_(("open", "disputed")),
            mine if disputes else or_(S.state == "disputed", mine),
        )
    )  # fmt: skip


async def disputes(db: Database, *, limit: int = 500) -> tuple[str, ...]:
    """Ids of the conversations on which others disagree, and that wait for this person, the longest first.

    Served by `ix_second_reviews_state_opened_at`.
    """
    statement = (
        select(S.conversation_id)
        .join(C, (C.conversation_id == S.conversation_id) & (C.revision == S.revision))
        .where(S.state == "disputed", C.status == "generated", C.deleted_at.is_(None), ~decided_by_me())
        .order_by(S.opened_at, S.conversation_id)
        .limit(limit)
    )
    async with db.read() as connection:
        return tuple(await connection.scalars(statement))


async def standing(db: Database, *, to_release: bool = False) -> Standing:
    """How many wait, for whomever; those left out whose decisions were all taken back.

    Only an administrator who is about to release them (`to_release`) is told in how many the decisions agree: who has
    decided on one could tell from it what others did. Served by `ix_second_reviews_state_opened_at`.
    """
    statement = text("SELECT * FROM second_review_standing(:to_release)")
    async with db.read() as connection:
        found = (await connection.execute(statement, {"to_release": to_release})).one()
    return Standing(found.open, found.disputed, found.needed or 0, found.agreed)


async def release(
    db: Database, *, settle: bool, seen: str, progress: Callable[[Released], None] | None = None
) -> Released:
    """Ends second reviews that wait: where all decisions that are there agree they count (`settle`), which `u` takes
    back as a bulk of approvals and one of rejections; else all of them are handed back and wait for one decision. Those
    on which anything was done since the snapshot `seen` (`bulk.snapshot`) are left alone: they were counted after it.

    Each has its row in the log. Raises `Refused` for who is no administrator. What was done before it raises stays:
    `progress` is told after each transaction how many are ended until then.
    """
    released = Released()
    for action in ("approve", "reject") if settle else ("reopen",):
        bulk_id, remaining = f"b_{uuid.uuid4().hex}", 1
        while remaining:
            now, remaining = await one_row(
                db,
                "SELECT done, remaining FROM release_second_reviews(:action, :bulk_id, CAST(:seen AS pg_snapshot))",
                {"action": action, "bulk_id": bulk_id, "seen": seen},
            )  # fmt: skip
            released = Released(
                released.approved + now * (action == "approve"), released.rejected + now * (action == "reject"),
                released.handed_back + now * (action == "reopen"),
            )  # fmt: skip
            if progress is not None:
                progress(released)
    return released


async def independent(db: Database, *, limit: int = 20_000) -> tuple[Independent, ...]:
    """The decisions of the newest second reviews that are settled, each reviewer's in the order of the log.

    Those are left out that were made after all decisions had been there and one was taken back: how the status stood
    had told everybody what the others said, or who took back a blind one.
    """
    settled = (
        select(S.conversation_id, S.revision).where(S.state == "settled").order_by(S.opened_at.desc()).limit(limit)
    ).subquery()
    undo, before = aliased(L), aliased(L)
    was_told = exists(
        select(literal(1)).where(
            before.conversation_id == L.conversation_id, before.revision == L.revision, before.id < L.id,
            before.details.has_key("informed"),
            or_(before.reviewer_id == L.reviewer_id, ~before.details.has_key("blind")),
        )
    )  # fmt: skip
    statement = (
        select(
            L.conversation_id, L.revision, L.reviewer_id, L.action, L.reason, L.timestamp,
            L.details["second_review"].astext == "disputed",
        )
        .join(settled, (L.conversation_id == settled.c.conversation_id) & (L.revision == settled.c.revision))
        .where(
            L.details.has_key("second_review"), L.action.in_(("approve", "reject")),
            ~exists(select(literal(1)).where(undo.undoes == L.id)), ~was_told,
        )
        .order_by(L.id)
    )  # fmt: skip
    async with db.read() as connection:
        return tuple(Independent(*row) for row in await connection.execute(statement))
