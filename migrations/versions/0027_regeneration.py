"""Turns that are written anew: a batch of its own kind, whose result is a revision.

Revision: 0027
Follows: 0026
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
