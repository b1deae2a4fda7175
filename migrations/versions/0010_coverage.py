"""The feed says whose source changed; the cells of coverage have targets.

Revision: 0010
Follows: 0009
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
