"""Imports load by COPY, in parts, under one id, and are taken back as one.

Revision: 0032
Follows: 0031
"""

from __future__ import annotations

from traintui.data.revising import run_script

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
