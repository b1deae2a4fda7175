"""Sessions are ended by those who may, and who ended which stands on record.

Revision: 0049
Follows: 0048
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
