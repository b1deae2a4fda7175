"""A person's text is found and erased in what downgrades put aside, too.

Revision: 0055
Follows: 0054
Date: 2026-11-29
Why: What did not fit at an upgrade stays aside, where the owner alone reads it: an erasure did not look there, and
    nobody else could.
Back: What was erased stays gone, and the record of it is put aside.
Old rows: Stay as they are.
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
