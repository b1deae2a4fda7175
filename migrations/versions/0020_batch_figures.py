"""Figures of a batch are kept as it runs; who watches it, who was here when, and whom a worker calls.

Revision: 0020
Follows: 0019
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
