"""How a person's decisions stand beside what a judge said of the same text."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import text

from traintui.data.engine import Database

APPROVES = Decimal(7)
"""The mean from which a judge's opinion counts as an approval: from there on a score is shown as good."""
DECIDED = 500
"""The newest decisions of a person that are compared: the agreement is that of these weeks."""

# Served by ix_review_logs_single and ix_judgements_conversation_id_revision_id.
BESIDE = text("""
    SELECT log.action = 'approve' AS approved, opinion.mean >= :approves AS judge_approves
    FROM (SELECT id, conversation_id, revision, action FROM review_logs
          WHERE reviewer_id = session_user AND action IN ('approve', 'reject')
            AND (bulk_id IS NULL OR action = 'metadata' AND details ? 'before') AND action NOT IN ('import', 'undo')
          ORDER BY id DESC LIMIT :decided) AS log
    JOIN LATERAL (SELECT mean FROM judgements AS one
                  WHERE one.conversation_id = log.conversation_id AND one.revision = log.revision
                  ORDER BY id DESC LIMIT 1) AS opinion ON true
    WHERE NOT EXISTS (SELECT FROM review_logs AS taken_back WHERE taken_back.undoes = log.id)
""")


async def beside_judge(db: Database) -> list[tuple[bool, bool]]:
    """Of one's own newest decisions on what a judge has an opinion of: whether one approved, and whether it would."""
    async with db.read() as connection:
        rows = await connection.execute(BESIDE, {"approves": APPROVES, "decided": DECIDED})
        return [(row.approved, row.judge_approves) for row in rows]
