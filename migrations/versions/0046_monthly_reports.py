"""The figures of each month are kept, so that a month can be compared with the one before.

Revision: 0046
Follows: 0045
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
