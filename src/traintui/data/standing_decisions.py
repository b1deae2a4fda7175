"""Which decisions stand: nobody took them back, and nothing that holds led the conversation away from what they asked
for. Of one row that is asked by its neighbours; of many at once by those few rows that led away."""

from __future__ import annotations

from sqlalchemy import Subquery, and_, case, exists, func, literal, not_, or_, select
from sqlalchemy.orm import aliased

from traintui.data.conditions import Condition, bool_of
from traintui.data.log_models import ReviewLog as R

U = aliased(R, name="undo")
Later = aliased(R, name="later")
LaterUndo = aliased(R, name="later_undo")
DECIDES = R.action.in_(("approve", "reject"))
OUTCOME = case((R.action == "approve", "approved"), (R.action == "reject", "rejected"))
"""The status that a decision asks for."""


def stands() -> Condition:
    """Whether nobody took an action back and, of a decision, nothing that holds led the conversation away from it.
    By uq_review_logs_undoes and ix_review_logs_conversation_id_id."""
    undone = exists(select(literal(1)).where(U.undoes == R.id))
    changed_later = exists(
        select(literal(1)).where(
            Later.conversation_id == R.conversation_id, Later.id > R.id, Later.status_before == OUTCOME,
            Later.status_after != Later.status_before,
            not_(exists(select(literal(1)).where(LaterUndo.undoes == Later.id))),
        )
    )  # fmt: skip
    return bool_of(and_(not_(undone), or_(not_(DECIDES), not_(changed_later))))


UNDONE = select(U.undoes).where(U.undoes.is_not(None))
"""Rows that were taken back. By uq_review_logs_undoes."""


def overtaking() -> Subquery:
    """The last row, of those that stand, that led a conversation away from each status: a decision for it before that
    stands no longer, as `stands` says of one. All of them at once, for many."""
    moved = select(
        Later.conversation_id, Later.status_before.label("status"), func.max(Later.id).label("last")
    ).where(
        Later.status_before.in_(("approved", "rejected")), Later.status_after != Later.status_before,
        Later.id.not_in(UNDONE),
    )  # fmt: skip
    return moved.group_by(Later.conversation_id, Later.status_before).subquery("overtaken")
