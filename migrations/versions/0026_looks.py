"""Which revision of a conversation each person has looked at.

Revision: 0026
Follows: 0025
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
