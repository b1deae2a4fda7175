"""A workspace may register a JSON Schema that all metadata that is written has to fit.

Revision: 0053
Follows: 0052
Date: 2026-11-29
Why: Keys have types and vocabularies, each for itself; what a team agrees on across keys was held by nobody.
Back: The schema stays as a setting that the revision below does not know, and is in force again after an upgrade.
Old rows: Stay as they are; `traintui metadata schema --check` lists those that do not fit.
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
