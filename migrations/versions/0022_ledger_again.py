"""A call is ended once however often that is said, a pause says who paused, claims look at running batches only.

Revision: 0022
Follows: 0021
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
