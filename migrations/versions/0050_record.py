"""What the record says of itself is held against what stands there, and looks at it are on record.

Revision: 0050
Follows: 0049
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
