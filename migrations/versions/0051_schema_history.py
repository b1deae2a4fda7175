"""What was done to the schema stands in it, and so does how far rows are that a revision fills afterwards.

Revision: 0051
Follows: 0050
Date: 2026-11-29
Why: Alembic knows where the schema stands, and not since when, by whom, or how long it took; and rows that are filled
    in batches have to go on where they were cut off.
Back: The two tables go.
Old rows: Stay as they are.
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
