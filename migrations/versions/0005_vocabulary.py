"""Two values of a dimension become one.

Revision: 0005
Follows: 0004
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
