"""Plans that run through the Message Batches API: what was submitted, and which items are in it.

Revision: 0012
Follows: 0011
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
