"""What a batch read from the cache, and was refused for, is kept of calls that are removed.

Revision: 0043
Follows: 0042
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
