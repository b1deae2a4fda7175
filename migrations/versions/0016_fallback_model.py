"""A conversation names the model that wrote it, also where that was a fallback.

Revision: 0016
Follows: 0015
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
