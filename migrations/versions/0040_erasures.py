"""What was said is erased from single calls, with a reason on record.

Revision: 0040
Follows: 0039
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
