"""An export says that it is under way; conversations of our own format keep the time at which they were made.

Revision: 0034
Follows: 0033
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
