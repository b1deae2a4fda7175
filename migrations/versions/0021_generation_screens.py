"""Batches have a priority that can be changed, submissions can be called off one by one, scores can be renewed, and a test
of a template counts among its costs.

Revision: 0021
Follows: 0016
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0021"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
