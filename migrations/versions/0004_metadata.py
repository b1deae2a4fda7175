"""Registered metadata keys with their types, and edits of metadata that are on record.

Revision: 0004
Follows: 0003
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
