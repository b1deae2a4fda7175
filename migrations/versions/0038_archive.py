"""What falls due goes into the archive, and is then removed through one function.

Revision: 0038
Follows: 0037
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
