"""The schema goes up and down, agrees with the models, and gives nobody more than is written down."""

from __future__ import annotations

import subprocess
import sys

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint

from support import Conninfo, add_document, add_vocabulary, approved, generated, imported, logged_in, sqlstate
from traintui.data import conversations, retention, schema, seals, workspace
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.models import Base
from traintui.errors import TraintuiError

LOGS = (
    "review_logs", "generation_logs", "export_logs", "export_rows", "conversation_revisions",
    "workspace_setting_changes", "assignment_logs", "audit_seals", "audit_seal_parts", "audit_seal_leaves",
    "archive_frames", "retirements", "retired_calls", "retired_sums", "erasures", "archive_erasures",
    "index_actions", "record_looks", "aside_erasures", "schema_history", "schema_backfills",
)  # fmt: skip
PEOPLE = ("rita", "arthur", "audrey", "ada")
THINGS = """
    SELECT 'table ' || relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S', 'v') AND relname <> 'alembic_version'
    UNION ALL
    SELECT 'function ' || oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'type ' || typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
"""
PARTS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'generation_logs'::regclass"


def things(conninfo: str) -> set[str]:
    with psycopg.connect(conninfo) as connection:
        return {row[0] for row in connection.execute(THINGS.encode()).fetchall()}


def rows(conninfo: str, statement: str, values: list[object] | None = None) -> list[tuple[object, ...]]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(statement.encode(), values).fetchall()


def test_wider_checks_are_added_unseen_and_validated_when_the_tables_are_not_locked(empty: str) -> None:
    unseen = "SELECT conname FROM pg_constraint WHERE NOT convalidated ORDER BY conname"
    schema.upgrade(empty, "0027")
    assert [row[0] for row in rows(empty, unseen)] == [
        "ck_batches_judge_is_named", "ck_batches_kind", "ck_generation_items_kind", "ck_templates_kind",
    ]  # fmt: skip
    schema.upgrade(empty)
    assert rows(empty, unseen) == []


def test_a_build_of_the_logs_indexes_that_was_cut_off_is_made_good_by_the_next_upgrade(empty: str) -> None:
    schema.upgrade(empty, "0035")
    (week, *_) = (row[0] for row in rows(empty, f"{PARTS} ORDER BY 1"))
    with psycopg.connect(empty) as connection:
        for statement in (
            "CREATE INDEX ix_review_logs_xid8 ON review_logs (xid8)",
            "CREATE INDEX ix_generation_logs_xid8 ON ONLY generation_logs (xid8) WHERE row_hash IS NOT NULL",
            f"CREATE INDEX {week}_xid8_idx ON {week} (xid8) WHERE row_hash IS NOT NULL",
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid IN"
            f" ('ix_review_logs_xid8'::regclass, '{week}_xid8_idx'::regclass)",
        ):
            connection.execute(statement.encode())
    schema.upgrade(empty)
    of_xid8 = "SELECT count(*), bool_and(indisvalid) FROM pg_index WHERE indexrelid::regclass::text ~ 'logs.*_xid8'"
    assert rows(empty, of_xid8) == [(3 + 5, True)]


def test_the_head_that_starting_compares_with_is_alembics() -> None:
    assert ScriptDirectory.from_config(schema.alembic_config()).get_current_head() == schema.HEAD


def test_a_database_goes_up_down_and_up_again(empty: str) -> None:
    assert schema.current_revision(empty) is None
    schema.upgrade(empty)
    assert schema.current_revision(empty) == schema.HEAD
    made = things(empty)
    schema.downgrade(empty, "base")
    assert things(empty) == set() and schema.current_revision(empty) is None
    schema.upgrade(empty)
    assert things(empty) == made
    schema.upgrade(empty)
    schema.bootstrap(empty)
    assert things(empty) == made


async def test_a_full_database_goes_down_and_up_again(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    await add_document(db)
    await approved(db, *await generated(db, 2), *await imported(db, 2))
    await db.close()
    superuser = conninfo(SUPERUSER)
    before = things(superuser)
    schema.downgrade(superuser, "base")
    assert things(superuser) == set()
    schema.upgrade(superuser)
    assert things(superuser) == before
    async with logged_in(conninfo("ada")) as again:
        assert await conversations.count(again) == 0
        await imported(again)


def test_models_and_migrations_agree(conninfo: Conninfo) -> None:
    schema.with_alembic(conninfo(SUPERUSER), command.check)


def test_every_check_of_the_models_is_in_the_database_and_no_other(conninfo: Conninfo) -> None:
    schema.with_alembic(conninfo(SUPERUSER), command.current)  # knows all models, whatever ran before
    modelled = {
        (table.name, str(constraint.name))
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    found = rows(
        conninfo("audrey"),
        "SELECT relname, conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
        " WHERE contype = 'c' AND relnamespace = 'public'::regnamespace AND NOT relispartition",
    )
    assert set(found) == modelled


def test_a_second_upgrade_at_once_waits_and_finds_nothing_to_do(empty: str) -> None:
    code = "import sys; from traintui.data import schema; schema.upgrade(sys.argv[1])"
    children = [
        subprocess.Popen([sys.executable, "-c", code, empty], stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for child in children:
        _, said = child.communicate(timeout=180)
        assert child.returncode == 0, said
    assert schema.current_revision(empty) == schema.HEAD


def test_a_newer_database_is_left_alone(empty: str) -> None:
    schema.upgrade(empty)
    with psycopg.connect(empty) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(TraintuiError, match="newer Traintui"):
        schema.upgrade(empty)
    with pytest.raises(TraintuiError, match="it writes nothing") as refused:
        workspace.check_shared(empty)
    assert refused.value.remedy.startswith("Install the newer")


def test_a_shared_workspace_that_is_older_says_what_is_missing_and_who_may_upgrade(empty: str) -> None:
    schema.upgrade(empty, "0048")
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("CREATE ROLE olga LOGIN IN ROLE traintui_owner")
    try:
        with pytest.raises(TraintuiError) as refused:
            workspace.check_shared(empty)
    finally:
        with psycopg.connect(empty, autocommit=True) as connection:
            connection.execute("DROP ROLE olga")
    assert "0049 (Sessions are ended by those who may, and who ended which stands on record)" in refused.value.message
    assert "Ask olga or who runs the server to run `traintui db upgrade`" in refused.value.remedy
    assert schema.current_revision(empty) == "0048"


def test_only_a_member_of_the_owner_upgrades(conninfo: Conninfo) -> None:
    with pytest.raises(TraintuiError, match="no member of traintui_owner"):
        schema.upgrade(conninfo("ada"))


def test_an_upgrade_without_a_server_says_so(server: EmbeddedServer) -> None:
    with pytest.raises(TraintuiError) as refused:
        schema.upgrade(server.conninfo("nobody", "nowhere"))
    assert refused.value.title == "Database not reached"


# Rights -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", PEOPLE)
def test_no_person_may_change_a_log(conninfo: Conninfo, login: str) -> None:
    for log in (*LOGS, *(row[0] for row in rows(conninfo(login), PARTS))):
        for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
            assert rows(conninfo(login), "SELECT has_table_privilege(%s, %s)", [log, right]) == [(False,)]
        for right in ("INSERT", "UPDATE"):
            assert rows(conninfo(login), "SELECT has_any_column_privilege(%s, %s)", [log, right]) == [(False,)]


def test_what_each_role_may_write_is_written_down_here(conninfo: Conninfo) -> None:
    found = rows(
        conninfo("ada"),
        "SELECT role, table_name, right_ FROM unnest(ARRAY['reviewer', 'author', 'auditor', 'admin']) AS role,"
        " unnest(ARRAY['INSERT', 'UPDATE', 'DELETE']) AS right_,"
        " (SELECT relname::text AS table_name FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        "  AND relkind IN ('r', 'p')) AS tables"
        " WHERE CASE WHEN right_ = 'DELETE' THEN has_table_privilege('traintui_' || role, table_name, right_)"
        "       ELSE has_any_column_privilege('traintui_' || role, table_name, right_) END",
    )
    author = {
        *((table, right) for table in ("documents", "chunks", "vocabulary", "templates", "batches",
                                       "generation_streams", "workers") for right in ("INSERT", "UPDATE")),
        ("plans", "INSERT"), ("conversations", "INSERT"), ("generation_items", "INSERT"), ("import_items", "INSERT"),
        ("generation_streams", "DELETE"),
    }  # fmt: skip
    admin = author | {("workspace_settings", "INSERT"), ("workspace_settings", "UPDATE")}
    assert {(table, right) for role, table, right in found if role == "reviewer"} == set()
    assert {(table, right) for role, table, right in found if role == "auditor"} == set()
    assert {(table, right) for role, table, right in found if role == "author"} == author
    assert {(table, right) for role, table, right in found if role == "admin"} == admin


def test_everybody_with_a_role_reads_and_nobody_else(server: EmbeddedServer, conninfo: Conninfo) -> None:
    for login in PEOPLE:
        for table in (*Base.metadata.tables, "alembic_version"):
            assert sqlstate(conninfo(login), f"SELECT FROM {table}") is None
    public = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relacl::text ~ '[{,]='"
    assert rows(conninfo("ada"), public) == []


def test_no_function_runs_for_everybody(conninfo: Conninfo) -> None:
    public = (
        "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND (proacl IS NULL OR proacl::text ~ '[{,]=X')"
    )
    assert rows(conninfo("ada"), public) == []


def test_every_function_has_a_fixed_search_path_and_one_owner(conninfo: Conninfo) -> None:
    loose = (
        "SELECT oid::regprocedure::text, proowner::regrole::text FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace AND (proowner <> 'traintui_owner'::regrole"
        " OR NOT coalesce('search_path=pg_catalog, public, pg_temp' = ANY(proconfig), false))"
    )
    assert rows(conninfo("ada"), loose) == []
    owners = "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    assert rows(conninfo("ada"), owners) == [("traintui_owner",)]


ASKS_NOBODY = """
alert_facts
clear_alert
end_watch
feed_change
feed_retired_chunks
hold_chunks
hold_sampling
index_density
index_search
keep_alert
know_log_order
look_at_submissions
make_generation_partitions
measure_sampled_index
note_cost
note_hook
note_items
note_plan
note_presence
note_queries
note_query_windows
note_session_ending
note_slow_query
note_versions
open_alert
prune_changes
queue_added_metadata
queue_added_turns
queue_changed_metadata
queue_changed_turn
queue_language
queue_removed_turns
queue_unsigned
record_setting_change
release_sampling
review_rows_saying
roll_up_queries
seal_logs
second_review_standing
slowest_statements
take_hooks
take_sample
thin_samples
watch_batch
work_between
"""


def test_what_runs_with_the_owners_rights_asks_who_calls_it(conninfo: Conninfo) -> None:
    asks_nobody = rows(
        conninfo("ada"),
        "SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
        " AND prosrc !~ 'require_role' ORDER BY 1",
    )
    assert [name for (name,) in asks_nobody] == ASKS_NOBODY.split()


def test_a_login_without_a_role_stays_outside(server: EmbeddedServer, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("DO $$ BEGIN CREATE ROLE stranger LOGIN; EXCEPTION WHEN duplicate_object THEN END $$")
    with pytest.raises(TraintuiError) as refused:
        workspace.check_shared(conninfo("stranger"))
    assert (refused.value.title, "user add" in refused.value.remedy) == ("No right", True)


async def test_seals_are_not_lost_by_a_downgrade_that_does_not_say_so(db: Database, conninfo: Conninfo) -> None:
    await approved(db, *await imported(db, 2))
    await seals.seal(db, everything=True)
    await db.close()
    superuser = conninfo(SUPERUSER)
    for revision in ("0035", "base"):
        with pytest.raises(TraintuiError) as refused:
            workspace.change_schema(superuser, None, revision, down=True)
        assert refused.value.title == "Seals would go" and "--forget-seals" in refused.value.remedy
    assert schema.current_revision(superuser) == schema.HEAD
    workspace.change_schema(superuser, None, "0036", down=True)
    workspace.change_schema(superuser, None, "0035", down=True, forget_seals=True)
    assert schema.current_revision(superuser) == "0035"


async def test_how_long_rows_are_kept_outlives_a_downgrade(db: Database, conninfo: Conninfo) -> None:
    await retention.change(db, "generation_logs", 30)
    await retention.change(db, "export_logs", None)
    await db.close()
    superuser = conninfo(SUPERUSER)
    schema.downgrade(superuser, "0037")
    assert rows(superuser, "SELECT FROM workspace_settings WHERE key LIKE 'retention%'") == []
    schema.upgrade(superuser)
    async with logged_in(conninfo("ada")) as again:
        assert await retention.read(again) == retention.Retention(30, None)


async def test_a_downgrade_that_is_refused_says_why_and_what_to_do(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(
            "INSERT INTO retirements (log, week, keep_days, row_count, noted_count, row_bytes, root, frame_count,"
            " archive_bytes, archive_sha256) VALUES ('generation_logs', '2024-01-08', 90, 1, 0, 1, '', 1, 1, '')"
        )
    with pytest.raises(TraintuiError) as refused:
        schema.downgrade(conninfo(SUPERUSER), "0037")
    assert refused.value.title == "Downgrade not done"
    assert refused.value.message.startswith("the archive has rows that stand nowhere else, and the revision below")
    assert refused.value.remedy == "Keep a backup, and begin a new workspace with the older Traintui."
    assert schema.current_revision(conninfo(SUPERUSER)) == "0038"


async def test_a_row_whose_hash_is_not_known_below_is_not_taken_there(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(
            "INSERT INTO retirements (log, week, keep_days, row_count, noted_count, row_bytes, root, frame_count,"
            " archive_bytes, archive_sha256, noted_sha256) VALUES ('export_logs', '2024-01-08', 90, 1, 0, 1, '', 1, 1,"
            " '', '')"
        )
    with pytest.raises(TraintuiError, match="which the revision below does not know"):
        schema.downgrade(conninfo(SUPERUSER), "0043")
    assert schema.current_revision(conninfo(SUPERUSER)) == "0045"
