"""Signatures of what conversations say, and the bands under which alike ones find each other.

Revision: 0009
Follows: 0008
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
