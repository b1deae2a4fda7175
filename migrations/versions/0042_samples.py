"""How the server, its tables and its indexes stand, again and again, so that growth and use can be told.

Revision: 0042
Follows: 0041
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
