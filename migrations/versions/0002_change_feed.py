"""What a copy in memory needs: which rows changed, and every figure that a filter asks for in a column.

Revision: 0002
Follows: 0001
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
