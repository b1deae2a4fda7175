"""Retention looks after itself: a round a day, taken by a lease.

Revision: 0041
Follows: 0038
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0041"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
