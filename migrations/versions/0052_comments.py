"""Each table and column says in the database what it holds, each index what it serves.

Revision: 0052
Follows: 0051
Date: 2026-11-29
Why: What a column holds stood in the scripts of fifty revisions; who looks into the database saw only its name.
Back: The comments go; nothing else changes.
Old rows: Stay as they are.

A later revision that makes a table or a column has its COMMENT in its own script.
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

SCRIPTS = ("conversations", "documents", "generating", "providers", "reviewing", "logs", "watching", "indexes")


def upgrade() -> None:
    for name in SCRIPTS:
        run_script(revision, name)


def downgrade() -> None:
    run_script(revision, "down")
