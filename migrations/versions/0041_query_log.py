"""How long the statements of the app take, by what they are for, with the slow ones one by one and their plans.

Revision: 0041
Follows: 0040
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
