"""Full-text search over turns and metadata, brought up to date after the writing.

Revision: 0003
Follows: 0002
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
