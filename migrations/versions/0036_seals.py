"""Rows of the logs are sealed; their transactions keep their order on another server.

Revision: 0036
Follows: 0035
"""

from __future__ import annotations

from alembic import op

from traintui.data.revising import run_script

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

PARTITIONS = """
    SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'generation_logs'::regclass ORDER BY 1
"""
BROKEN = """
    SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class AS i ON i.oid = indexrelid
    WHERE NOT indisvalid AND i.relkind = 'i' AND i.relname ~
    '^(ix_(review|export)_logs_xid8|generation_logs_.*_xid8_idx)$'
"""
"""What a build leaves that was cut off."""


def upgrade() -> None:
    # The logs may be large and somebody at work: their indexes are built beside the writing, which no transaction can.
    # What was built stays when the rest fails, and is found again.
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        for (broken,) in connection.exec_driver_sql(BROKEN).fetchall():
            connection.exec_driver_sql(f"DROP INDEX {broken}")
        for log in ("review_logs", "export_logs"):
            connection.exec_driver_sql(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_{log}_xid8 ON {log} (xid8)")
        connection.exec_driver_sql(
            "CREATE INDEX IF NOT EXISTS ix_generation_logs_xid8 ON ONLY generation_logs (xid8)"
            " WHERE row_hash IS NOT NULL"
        )
        for (week,) in connection.exec_driver_sql(PARTITIONS).fetchall():
            name = f"{week}_xid8_idx"
            connection.exec_driver_sql(
                f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {week} (xid8) WHERE row_hash IS NOT NULL"
            )
            connection.exec_driver_sql(f"ALTER INDEX ix_generation_logs_xid8 ATTACH PARTITION {name}")
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
