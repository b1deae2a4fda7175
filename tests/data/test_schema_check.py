"""A database is compared with what the migrations make, and what differs is said in words."""

from __future__ import annotations

import psycopg
import pytest

from support import Conninfo
from traintui.data import schema, schema_check
from traintui.data.embedded import SUPERUSER
from traintui.errors import TraintuiError


def test_the_golden_schema_is_what_the_migrations_make(conninfo: Conninfo) -> None:
    assert schema_check.check(conninfo(SUPERUSER)) == (), "traintui db check --print-golden, in a new workspace"
    assert schema_check.GOLDEN.read_text(encoding="utf-8") == schema_check.dump(schema_check.golden())
    assert schema_check.models_differ(conninfo(SUPERUSER)) == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP FUNCTION take_sample(text, boolean, bigint, bigint)",
         "function take_sample(text,boolean,bigint,bigint) is missing"),
        ("CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog,"
         " public, pg_temp AS $$\nBEGIN\n    RETURN NEW;\nEND\n$$",
         "function refuse_change() has another body, from line 3 on (RETURN NEW;)"),
        ("ALTER FUNCTION refuse_change() SECURITY DEFINER", "function refuse_change() has another head"),
        ("REVOKE SELECT ON documents FROM traintui_auditor",
         "traintui_auditor may not SELECT on table documents any more"),
        ("GRANT DELETE ON review_logs TO traintui_admin",
         "traintui_admin may DELETE, SELECT on table review_logs; it should be SELECT"),
        ("GRANT SELECT ON documents TO PUBLIC",
         "everybody may SELECT on table documents, which Traintui never granted"),
        ("DROP TRIGGER only_grows ON review_logs", "trigger review_logs.only_grows is missing"),
        ("ALTER TABLE review_logs DISABLE TRIGGER only_grows", "trigger review_logs.only_grows is switched off"),
        ("ALTER TABLE review_logs DISABLE ROW LEVEL SECURITY", "table review_logs lacks row level security"),
        ("ALTER TABLE documents ADD COLUMN mine text",
         "column documents.mine is there, and Traintui did not make it"),
        ("DROP INDEX ix_index_samples_index_name_at", "index ix_index_samples_index_name_at is missing"),
        ("CREATE TABLE mine (id int CHECK (id > 0)); COMMENT ON COLUMN mine.id IS 'Its number.'",
         "table mine is there, and Traintui did not make it"),
        ("COMMENT ON COLUMN alerts.says IS NULL",
         "column alerts.says does not say any more what it is for (What it says, with the newest figures.)"),
        ("COMMENT ON TABLE sampling IS 'Ours.'", "table sampling says: Ours. It should say: One row: which process"),
        ("COMMENT ON INDEX pk_documents IS 'Ours.'", "index pk_documents says what Traintui did not write (Ours.)"),
    ],
)  # fmt: skip
def test_what_somebody_changed_is_said_once_and_in_words(conninfo: Conninfo, statement: str, words: str) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(statement.encode())
    (difference,) = schema_check.check(conninfo(SUPERUSER))
    assert difference.words.startswith(words)


def test_a_schema_of_another_revision_is_not_compared(conninfo: Conninfo) -> None:
    schema.downgrade(conninfo(SUPERUSER), "-1")
    with pytest.raises(TraintuiError, match="Run `traintui db upgrade` first"):
        schema_check.check(conninfo(SUPERUSER))
