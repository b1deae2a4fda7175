"""Each table and column says in the database what it holds, each index what it serves.

Revision: 0053
Follows: 0046

A later revision that makes a table or a column has its COMMENT in its own script.
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0053"
down_revision = "0046"
branch_labels = None
depends_on = None

SCRIPTS = ("conversations", "documents", "generating", "providers", "reviewing", "logs", "watching", "indexes")


def upgrade() -> None:
    for name in SCRIPTS:
        run_script(revision, name)


def downgrade() -> None:
    run_script(revision, "down")
