"""The logs are sorted by what calls cost, used and took and by who decided, and their filters are kept as views.

Revision: 0039
Follows: 0038
"""

from __future__ import annotations

from alembic import op

from traintui.data.revising import run_script

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

# Each takes the place of the index that began as it does, and has the order among those with the same value too.
CALLS: dict[str, tuple[str, str]] = {
    "by_cost": ("(cost_usd, created_at, id)", "cost_usd"),
    "by_duration": ("(duration_ms, created_at, id)", "duration_ms"),
    "by_tokens": ("((input_tokens + output_tokens), created_at, id)", "tokens"),
}
BEFORE: dict[str, str] = {
    "cost_usd": "(cost_usd)",
    "duration_ms": "(duration_ms)",
    "tokens": "((input_tokens + output_tokens))",
}
REVIEWER = 'ix_review_logs_reviewer ON review_logs (reviewer_id, "timestamp" DESC, id DESC)'
PARTITIONS = """
    SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'generation_logs'::regclass ORDER BY 1
"""
BROKEN = """
    SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class AS i ON i.oid = indexrelid
    JOIN pg_class AS t ON t.oid = indrelid
    WHERE NOT indisvalid AND i.relkind = 'i' AND t.relname ~ '^(review_logs|generation_logs_.*)$'
"""
"""What a build leaves that was cut off."""


def upgrade() -> None:
    # Built beside the writing, as the indexes of 0037; what was built stays when the rest fails, and is found again.
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        for (broken,) in connection.exec_driver_sql(BROKEN).fetchall():
            connection.exec_driver_sql(f"DROP INDEX {broken}")
        connection.exec_driver_sql(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {REVIEWER}")
        weeks = [week for (week,) in connection.exec_driver_sql(PARTITIONS).fetchall()]
        for name, (what, before) in CALLS.items():
            whole = f"ix_generation_logs_{name}"
            connection.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS {whole} ON ONLY generation_logs {what}")
            for week in weeks:
                part = f"{week}_{name}_ix"
                connection.exec_driver_sql(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {part} ON {week} {what}")
                connection.exec_driver_sql(f"ALTER INDEX {whole} ATTACH PARTITION {part}")
            connection.exec_driver_sql(f"DROP INDEX IF EXISTS ix_generation_logs_{before}")
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
    op.execute("DROP INDEX ix_review_logs_reviewer")
    for name, (_, before) in CALLS.items():
        op.execute(f"CREATE INDEX ix_generation_logs_{before} ON generation_logs {BEFORE[before]}")
        op.execute(f"DROP INDEX ix_generation_logs_{name}")
