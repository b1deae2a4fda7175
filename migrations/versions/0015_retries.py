"""Failed conversations of a batch are tried again.

Revision: 0015
Follows: 0014
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
