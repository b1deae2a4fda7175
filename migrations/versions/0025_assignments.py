"""Conversations are assigned to reviewers; one's own decisions are found by their time.

Revision: 0025
Follows: 0024
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
