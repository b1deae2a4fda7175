"""The logs are listed by any of their fields: an index where one field selects, and one that walks by time.

Revision: 0037
Follows: 0036
"""

from __future__ import annotations

from alembic import op

from traintui.data.revising import run_script

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

ORDER = "created_at, id"
CALLS: dict[str, str] = {
    # With what totals are made of, so that they are read from the index alone.
    "listed": f"({ORDER}) INCLUDE (state, cost_usd, input_tokens, output_tokens)",
    "model": f"(model, {ORDER})",
    "requested_by": f"(requested_by, {ORDER})",
    "state": f"(state, {ORDER}) WHERE state <> 'ok'",
    "kind": f"(kind, {ORDER}) WHERE kind <> 'generate'",
    "error_type": f"(error_type, {ORDER}) WHERE error_type IS NOT NULL",
    "http_status": f"(http_status, {ORDER}) WHERE http_status <> 200",
    "template_version": f"(template_version, {ORDER}) WHERE template_version > 1",
    "rehearsal": f"({ORDER}) WHERE is_rehearsal",
    "estimated": f"({ORDER}) WHERE cost_is_estimate",
    "cost_usd": "(cost_usd)",
    "duration_ms": "(duration_ms)",
    "tokens": "((input_tokens + output_tokens))",
    "request_id": "(request_id) WHERE request_id IS NOT NULL",
    "said": "USING gin (call_words(error_type, error_message)) WHERE error_message IS NOT NULL",
}
REVIEWS: dict[str, str] = {
    "timestamp_id": '("timestamp", id)',
    "action": '(action, "timestamp", id)',
    "reason": '(reason, "timestamp", id) WHERE reason IS NOT NULL',
    "revision": '(revision, "timestamp", id) WHERE revision > 1',
    "turn_number": '(turn_number, "timestamp", id) WHERE turn_number IS NOT NULL',
    "duration_ms": "(duration_ms) WHERE duration_ms IS NOT NULL",
    "said": "USING gin (review_words(reviewer_notes, reason)) WHERE reviewer_notes IS NOT NULL OR reason IS NOT NULL",
}
EXPORTS: dict[str, str] = {
    "started_at": "(exported_at, id) WHERE state = 'started'",
    "file_sha256": "(file_sha256) WHERE file_sha256 IS NOT NULL",
}
PARTITIONS = """
    SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'generation_logs'::regclass ORDER BY 1
"""
BROKEN = """
    SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class AS i ON i.oid = indexrelid
    JOIN pg_class AS t ON t.oid = indrelid
    WHERE NOT indisvalid AND i.relkind = 'i' AND t.relname ~ '^(review_logs|export_logs|generation_logs_.*)$'
"""
"""What a build leaves that was cut off."""


def upgrade() -> None:
    # Built beside the writing, as the indexes of 0036; what was built stays when the rest fails, and is found again.
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        for (broken,) in connection.exec_driver_sql(BROKEN).fetchall():
            connection.exec_driver_sql(f"DROP INDEX {broken}")
        run_script(revision, "words")
        for log, wanted in (("review_logs", REVIEWS), ("export_logs", EXPORTS)):
            for name, what in wanted.items():
                connection.exec_driver_sql(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_{log}_{name} ON {log} {what}")
        weeks = [week for (week,) in connection.exec_driver_sql(PARTITIONS).fetchall()]
        for name, what in CALLS.items():
            whole = f"ix_generation_logs_{name}"
            connection.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS {whole} ON ONLY generation_logs {what}")
            for week in weeks:
                part = f"{week}_{name}_ix"
                connection.exec_driver_sql(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {part} ON {week} {what}")
                connection.exec_driver_sql(f"ALTER INDEX {whole} ATTACH PARTITION {part}")
    run_script(revision, "up")


def downgrade() -> None:
    for log, wanted in (("generation_logs", CALLS), ("review_logs", REVIEWS), ("export_logs", EXPORTS)):
        for name in wanted:
            op.execute(f"DROP INDEX ix_{log}_{name}")
    run_script(revision, "down")
