"""How long the statements of the app take, by what they are for, with the slow ones one by one and their plans.

Revision: 0044
Follows: 0038
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0044"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
