"""Prices with effective dates, what was spent, and a budget for each month.

Revision: 0013
Follows: 0012
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
