"""Calls of unknown end have an estimate, cancelled batches leave no orphans, a worker may keep to one batch.

Revision: 0021
Follows: 0020
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
