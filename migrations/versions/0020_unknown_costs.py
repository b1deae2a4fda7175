"""Calls of unknown end have an estimate, cancelled batches leave no orphans, a worker may keep to one batch.

Revision: 0020
Follows: 0019
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
