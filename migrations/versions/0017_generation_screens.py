"""Priorities of batches change, submissions are called off one by one, scores are renewed, trials cost their template.

Revision: 0017
Follows: 0016
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
