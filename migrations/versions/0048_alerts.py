"""What is wrong with the database is kept as alerts, with when it began, what changed around that time, and who has
seen it.

Revision: 0048
Follows: 0047
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
