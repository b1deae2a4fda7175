"""Bulk actions say beforehand what they leave out; purging.

Revision: 0028
Follows: 0025
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0028"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
