"""What a provider allows a minute, shared by all workers.

Revision: 0014
Follows: 0013
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
