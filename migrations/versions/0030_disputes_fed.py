"""A disagreement of reviewers is fed to whoever looks.

Revision: 0030
Follows: 0029
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
