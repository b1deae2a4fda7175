"""What a provider can: asked by probes, seen in calls.

Revision: 0019
Follows: 0018
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
