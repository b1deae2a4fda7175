"""A judge's opinion of a conversation, beside its score.

Revision: 0017
Follows: 0021
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0017"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
