"""Retention looks after itself: a round a day, taken by a lease.

Revision: 0044
Follows: 0043
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
