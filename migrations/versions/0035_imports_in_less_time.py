"""Imports in less of the server's time.

Revision: 0035
Follows: 0034
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
