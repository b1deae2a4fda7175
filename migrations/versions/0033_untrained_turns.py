"""Whether an export needs weights is known at once.

Revision: 0033
Follows: 0032
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
