"""Whoever has a conversation open has it reserved; taking it over is on record.

Revision: 0023
Follows: 0022
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
