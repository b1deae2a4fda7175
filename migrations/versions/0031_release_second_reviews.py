"""What waits for a second decision can be released, and is counted as it waits.

Revision: 0031
Follows: 0030
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
