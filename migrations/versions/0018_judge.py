"""A judge's opinion of a conversation, beside its score.

Revision: 0018
Follows: 0017
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
