"""One action on many conversations, and one undo for it.

Revision: 0007
Follows: 0006
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
