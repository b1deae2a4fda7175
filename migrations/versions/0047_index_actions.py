"""Indexes are mended from within: what was done to each stands in a log, and their density is measured.

Revision: 0047
Follows: 0046
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
