"""A share of the queue gets several independent decisions; an open one is hidden from everybody else.

Revision: 0024
Follows: 0023
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
