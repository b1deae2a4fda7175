"""Every table, guard, verb and grant that the first workspace needs.

Revision: 0001
Follows: nothing
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql" / "0001"

DEFAULT_SETTINGS = """
INSERT INTO workspace_settings (key, value) VALUES
    ('reject_reasons', '["Not grounded in the source", "Persona or emotion not held", "Wrong or unsafe advice",
        "Unnatural language", "Incomplete or cut off", "Repeats itself", "Wrong tone", "Duplicate", "Other"]')
"""

TIERS = """
INSERT INTO vocabulary (dimension, value, label, description, position) VALUES
    ('tier', 'template', 'Template', 'a plain question with a plain answer', 0),
    ('tier', 'scenario', 'Scenario', 'a concrete situation that the user tells first', 1),
    ('tier', 'edge_case', 'Edge case', 'ambiguous, contradictory, or outside what the source says', 2)
"""


def run(script: str) -> None:
    """Runs a script of several statements as it stands: no placeholders, no colons read as parameters."""
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})


def upgrade() -> None:
    for script in ("tables", "guards", "verbs"):
        run((SQL / f"{script}.sql").read_text(encoding="utf-8"))
    run(TIERS)
    run(DEFAULT_SETTINGS)
    run((SQL / "grants.sql").read_text(encoding="utf-8"))
    run("SELECT make_generation_partitions()")


def downgrade() -> None:
    run("""
        DROP TABLE generation_streams, generation_items, conversation_turns, conversations, chunks, documents, batches,
            plans, templates, workers, workspace_settings, workspace_setting_changes, vocabulary, export_rows,
            export_logs, review_logs, generation_logs, conversation_revisions CASCADE;
        DROP SEQUENCE generation_logs_id_seq;
        DO $$
        DECLARE
            routine regprocedure;
        BEGIN
            FOR routine IN SELECT p.oid::regprocedure FROM pg_proc AS p
                WHERE p.pronamespace = 'public'::regnamespace AND p.proowner = 'traintui_owner'::regrole
            LOOP
                EXECUTE 'DROP FUNCTION IF EXISTS ' || routine || ' CASCADE';
            END LOOP;
        END
        $$;
    """)
