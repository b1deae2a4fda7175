"""Views of the table that have a name.

Revision: 0006
Follows: 0005
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
