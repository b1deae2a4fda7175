"""The unique index of the public ids holds the internal ones too, so that the logs are joined without the table.

Revision: 0008
Follows: 0007
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
