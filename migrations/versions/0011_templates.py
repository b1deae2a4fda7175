"""Templates that people write: versions that go in and out of use, and what was made with each, quickly.

Revision: 0011
Follows: 0010
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
