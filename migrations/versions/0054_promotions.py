"""Metadata keys become columns of their own while people work, and go back.

Revision: 0054
Follows: 0053
Date: 2026-11-29
Why: A key that everybody asks for is slow to compare in JSONB and has no index; as a column it has a type, an index,
    and where its values are few a vocabulary.
Back: Every promoted key is taken back first: values that a column alone has are put into metadata, and the columns go.
Old rows: Stay as they are until a key is promoted. A value of metadata that was there before its key had a type stays
    while other keys are edited.
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
