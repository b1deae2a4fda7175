"""A workspace may register a JSON Schema that all metadata that is written has to fit.

Revision: 0054
Follows: 0053
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
