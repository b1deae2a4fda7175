"""What a look at the record passed and should not have is found, or refused.

Revision: 0045
Follows: 0044
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
