"""Metadata keys become columns of their own while people work, and go back.

Revision: 0054
Follows: 0051
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0054"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
