"""What the way back from a revision takes away comes back with it."""

from __future__ import annotations

import re
import threading
import tomllib
from collections.abc import Iterator

import psycopg
import pytest

from data.test_upgrading import defined
from restoring import restore
from traintui.data import downgrade_plan, put_aside, schema, schema_check, schema_history, upgrade_plan
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.statements import bare, split
from workspace_contents import data

NUMBERS = [one.number for one in schema_history.revisions()]
NAME = "test_put_aside"

MORE = """
SET session_replication_role = replica;
INSERT INTO coverage_targets (first_dimension, first_value, second_dimension, second_value, target)
    VALUES ('persona', NULL, 'tone', NULL, 40);
INSERT INTO batch_submissions (batch_id, endpoint, key, requests, polled_at, unwanted_at, unwanted_by)
    SELECT min(id), 'https://example.org', 'k1', 2, now(), now(), 'ada' FROM batches;
INSERT INTO batch_submission_items (submission_id, item_id, fence, attempt_id, attempt_at)
    SELECT (SELECT max(id) FROM batch_submissions), min(id), 3, 4, now() FROM generation_items;
INSERT INTO templates (name, version, system, user_prompt, kind)
    VALUES ('rubric', 1, 'Judge.', '{turns}', 'rubric'), ('regeneration', 1, 'Again.', '{turns}', 'regeneration');
INSERT INTO batches (name, plan_id, template_id, model, total, kind, judge_model, judge_template_id, priority)
    SELECT 'Judged', plan_id, template_id, model, 1, 'judge', 'claude',
           (SELECT id FROM templates WHERE kind = 'rubric'), 7
    FROM batches ORDER BY id LIMIT 1;
INSERT INTO batches (name, plan_id, template_id, model, total, kind)
    SELECT 'Again', plan_id, (SELECT id FROM templates WHERE kind = 'regeneration'), model, 1, 'regenerate'
    FROM batches ORDER BY id LIMIT 1;
INSERT INTO generation_items (batch_id, conversation_id, exchanges, variation, kind, state)
    SELECT batches.id, (SELECT min(id) FROM conversations WHERE status = 'approved'), 2, 1,
           batches.kind, 'done' FROM batches WHERE kind <> 'generate';
INSERT INTO judgements (conversation_id, is_rehearsal, log_id, logged_at, mean, model, requested_by, revision, run_id,
        scores, spans, spans_dropped, template_id, template_version)
    SELECT conversation_id, true, 1, now(), 7.25, 'claude', 'ada', 1, 1, '{"clarity": 7}', '[]', 0,
           (SELECT id FROM templates WHERE kind = 'rubric'), 1
    FROM conversations WHERE status = 'approved' AND is_rehearsal ORDER BY id LIMIT 1;
UPDATE conversations SET judge_score = 7.25 WHERE conversation_id IN (SELECT conversation_id FROM judgements);
UPDATE batches SET paused_by = 'ada', state_reason = 'Paused by ada: lunch.', state = 'paused'
    WHERE id = (SELECT min(id) FROM batches);
UPDATE templates SET built_in = true WHERE id = (SELECT min(id) FROM templates);
INSERT INTO second_reviews (conversation_id, decisions, revision, state)
    SELECT conversation_id, 2, revision, 'open' FROM conversations WHERE status = 'generated' ORDER BY id LIMIT 1;
INSERT INTO import_items (import_id, place, turns, metadata, created_at)
    SELECT import_id, 1, '[]', '{}', now() FROM imports ORDER BY import_id LIMIT 1;
INSERT INTO saved_views (name, filter, sort, log, owner) VALUES ('Calls', 'is:failed', '-at', 'generations', 'ada');
INSERT INTO assignments (conversation_id, reviewer_id, sharing_id)
    SELECT id, 'rita', 'a-1' FROM conversations WHERE status = 'generated' ORDER BY id LIMIT 2;
INSERT INTO assignment_logs (action, reviewer_id, sharing_id, conversation_count) VALUES ('assign', 'rita', 'a-1', 2);
INSERT INTO conversation_looks (conversation_id, login, looked_at, revision)
    SELECT id, 'rita', now(), revision FROM conversations ORDER BY id LIMIT 3;
INSERT INTO retired_sums (week, day, run_id, model, calls, prompt_tokens, read, written)
    VALUES ('2025-01-06', '2025-01-07', 1, 'claude', 3, 4, 5, 6);
INSERT INTO promoted_values (key, value, added_by) VALUES ('source', 'letter', 'ada');
INSERT INTO retention_rounds (failure) VALUES ('the disk was full');
INSERT INTO monthly_figures (month, figures) VALUES ('2026-10-01', '{"calls": 4}');
INSERT INTO index_actions (kind, state, index_name, table_name, definition, statement, acted_by, by_itself, started_at,
        ended_at) VALUES ('rebuild', 'done', 'ix', 'batches', 'CREATE', 'REINDEX', 'ada', false, now(), now());
INSERT INTO alerts (kind, subject, says, severity, state, evidence, around, opened_at, acknowledged_at, acknowledged_by)
    VALUES ('slow', 'batches', 'It is slow.', 'warning', 'acknowledged', '{}', '[]', now(), now(), 'ada');
INSERT INTO alert_events (alert_id, at, event, login, said) SELECT id, now(), 'acknowledged', 'ada', 'seen' FROM alerts;
INSERT INTO workspace_settings (key, value) VALUES ('alert_hook', '"notify"'), ('retention_exports_days', '400')
    ON CONFLICT (key) DO NOTHING;
INSERT INTO session_endings (kind, pid, login, application, statement)
    VALUES ('cancel', 7, 'rita', 'traintui', 'SELECT');
INSERT INTO record_looks (rows_looked_at, findings, first_finding) VALUES (12, 1, 'a row is gone');
INSERT INTO aside_erasures (place, row_count, rows_sha256, reason)
    VALUES ('put_aside_0006_saved_views', 2, '', 'asked');
"""


@pytest.fixture
def whole(server: EmbeddedServer) -> Iterator[str]:
    """The superuser's connection string to a workspace with something in every table that people fill."""
    restore(server, NAME, "0045")
    conninfo = server.conninfo(SUPERUSER, NAME)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(MORE.encode())
    yield conninfo
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)".encode())


LETS_GO: dict[str, dict[str, str]] = {
    revision: said.get("lets_go", {})
    for revision, said in tomllib.loads((schema.migrations_directory() / "kept.toml").read_text()).items()
}
SETTINGS = {"workspace_settings", "workspace_setting_changes"}
NOTED = {"0038": SETTINGS, "0048": SETTINGS}
"""Settings say when they were written last, and their log grows by what a revision and its way back do."""
NOT_HERE = {("0045", "retirements"), ("0050", "archive_erasures"), ("0050", "erasures"), ("0050", "retirements")}
"""What is put aside only of a workspace that the way back does not refuse; none of it is in this one."""
TAKEN = re.compile(
    r"DROP TABLE (?:IF EXISTS )?(?P<tables>[\w, ]+)|DELETE FROM (?P<deleted>\w+)|UPDATE (?P<updated>\w+) |"
    r"ALTER TABLE (?P<table>\w+)(?P<columns>.*DROP COLUMN.*)",
    re.DOTALL,
)


def let_go(number: str) -> set[str]:
    """The tables that a revision's way back changes for good, and what it notes."""
    return {name.partition(".")[0] for name in LETS_GO.get(number, {})} | NOTED.get(number, set())


def changed(before: dict[str, object], after: dict[str, object]) -> set[str]:
    """The tables whose rows are not what they were."""
    return {name for name in before if before[name] != after[name]}


def taken_by(number: str) -> set[str]:
    """The tables and columns of which a revision's way back takes something away, as its script has it: statements, and
    what a block does."""
    script = (schema.migrations_directory() / "sql" / number / "down.sql").read_text(encoding="utf-8")
    taken: set[str] = set()
    for statement in map(bare, split(script)):
        inside = TAKEN.finditer(statement) if statement.startswith("DO") else [TAKEN.match(statement)]
        for found in filter(None, inside):
            taken |= {name.strip() for name in (found["tables"] or found["deleted"] or "").split(",") if name.strip()}
            columns = re.findall(r"DROP COLUMN (?:IF EXISTS )?(\w+)", found["columns"] or "")
            taken |= {f"{found['table']}.{column}" for column in columns}
            if found["updated"]:
                taken |= {f"{found['updated']}.{name}" for name in re.findall(r"SET (\w+) =", statement)}
    return taken


@pytest.mark.parametrize("number", NUMBERS[1:])
def test_all_that_a_way_back_takes_away_is_put_aside_or_made_again(number: str) -> None:
    kept = put_aside.kept_by(number)
    named = {one.table for one in kept} | {f"{one.table}.{column}" for one in kept for column in one.columns}
    assert taken_by(number) - named - set(LETS_GO.get(number, {})) == set()
    assert all(reason for reason in LETS_GO.get(number, {}).values())


def test_each_revision_goes_down_and_up_again_and_gives_back_what_its_way_back_took(whole: str) -> None:
    made = defined(whole)
    for number, below in reversed(list(zip(NUMBERS[1:], NUMBERS, strict=False))):
        top = data(whole)
        said: list[str] = []
        schema.downgrade(whole, below, progress=said.append)
        lower, rows = defined(whole), data(whole)
        schema.upgrade(whole, number, progress=said.append)
        assert schema_check.compare(made, defined(whole)) == (), number
        assert changed(top, data(whole)) <= let_go(number), number
        told = {one for one in put_aside.kept_by(number) if any(f"Put back {one.words}: " in line for line in said)}
        assert {one for one in put_aside.kept_by(number) if (number, one.table) not in NOT_HERE} <= told, number
        schema.downgrade(whole, below)
        assert schema_check.compare(lower, defined(whole)) == (), number
        assert changed(rows, data(whole)) <= let_go(number), number
        made = lower
    schema.upgrade(whole)
    assert schema_check.check(whole) == () and aside(whole) == []


def test_the_way_back_to_the_first_revision_loses_nothing_that_a_person_entered(whole: str) -> None:
    top, settings = data(whole), ask(whole, "SELECT key, value FROM workspace_settings ORDER BY key")
    schema.downgrade(whole, NUMBERS[0])
    assert aside(whole) != []
    schema.upgrade(whole)
    assert ask(whole, "SELECT key, value FROM workspace_settings ORDER BY key") == settings
    assert changed(top, data(whole)) <= set().union(*map(let_go, NUMBERS[1:])) and aside(whole) == []


def test_the_plan_of_a_way_back_says_what_is_put_aside(whole: str) -> None:
    planned = [moved for step in downgrade_plan.plan(whole, NUMBERS[0]) for moved in step.aside]
    said: list[str] = []
    schema.downgrade(whole, NUMBERS[0], progress=said.append)
    done = [line.removeprefix("Put aside ") for line in said if line.startswith("Put aside ")]
    assert [moved.kept.words for moved in planned] == [line.rpartition(": ")[0] for line in done]


def test_what_does_not_fit_any_more_stays_aside_and_what_belongs_to_nothing_goes(whole: str) -> None:
    schema.downgrade(whole, "0024")
    run(whole, "SET session_replication_role = replica; DELETE FROM conversations WHERE id ="
               " (SELECT min(conversation_id) FROM put_aside_0025_assignments)")  # fmt: skip
    run(whole, """INSERT INTO workspace_settings (key, value) VALUES ('alert_hook', '"mine"')""")
    said: list[str] = []
    schema.upgrade(whole, progress=said.append)
    assert "Put back rows of assignments: 1; 1 went, since what they belong to was removed or changed meanwhile" in said
    assert (
        "Put back rows of workspace_settings where key = 'alert_hook': 0; 1 do not fit what is there now, and stay in"
        " put_aside_0048_workspace_settings"
    ) in said
    assert aside(whole) == ["put_aside_0048_workspace_settings"] and schema_check.check(whole) == ()
    assert ask(whole, "SELECT value FROM put_aside_0048_workspace_settings") == [("notify",)]
    assert ask(whole, "SELECT value FROM workspace_settings WHERE key = 'alert_hook'") == [("mine",)]


def test_what_is_written_while_a_downgrade_waits_is_put_aside_too(whole: str) -> None:
    schema.downgrade(whole, "0006")
    with psycopg.connect(whole) as writer:
        writer.execute("INSERT INTO saved_views (name, filter, sort, owner) VALUES ('Late', '', '', 'ada')")
        under_way = threading.Thread(target=schema.downgrade, args=(whole, "0005"))
        under_way.start()
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while ask(whole, waits) == [(0,)]:
            assert under_way.is_alive()
    under_way.join()
    schema.upgrade(whole, "0006")
    assert ("Late",) in ask(whole, "SELECT name FROM saved_views")


def test_values_that_break_a_rule_or_are_no_longer_true_do_not_hold_up_the_upgrade(whole: str) -> None:
    judged = "SELECT conversation_id FROM judgements"
    ((name,),) = ask(whole, judged)
    schema.downgrade(whole, "0004")
    run(whole, "UPDATE vocabulary SET active = true")
    run(whole, f"UPDATE conversations SET revision = revision + 1 WHERE conversation_id = '{name}'")
    run(whole, 'UPDATE plans SET definition = definition || \'{"name": "Edited"}\'')
    said: list[str] = []
    schema.upgrade(whole, progress=said.append)
    assert ask(whole, "SELECT count(*) FROM conversations WHERE judge_score IS NOT NULL") == [(0,)]
    assert ask(whole, judged) == [(name,)]
    for what in ("merged_into of vocabulary", "judge_score of conversations"):
        assert f"Put back {what}: 0; 1 went, since what they belong to was removed or changed meanwhile" in said
    assert aside(whole) == []


def test_a_second_review_of_what_was_decided_below_is_not_open_again(whole: str) -> None:
    ((name,),) = ask(whole, "SELECT conversation_id FROM second_reviews")
    schema.downgrade(whole, "0023")
    run(whole, f"UPDATE conversations SET revision = revision + 1 WHERE conversation_id = '{name}'")
    schema.upgrade(whole)
    assert ask(whole, "SELECT FROM second_reviews") == []


def test_numbers_that_were_given_are_not_given_again(whole: str) -> None:
    tables = ("batches", "templates", "generation_items", "saved_views", "alerts")
    for table in tables:
        run(whole, f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1000)")
    schema.downgrade(whole, "0005")
    schema.upgrade(whole)
    for table in tables:
        assert ask(whole, f"SELECT nextval(pg_get_serial_sequence('{table}', 'id'))") == [(1001,)], table


def test_the_history_goes_on_below_the_revision_that_made_it(whole: str) -> None:
    before = schema_history.changes(whole)
    schema.downgrade(whole, "0049")
    schema.upgrade(whole)
    after = [(one.revision, one.direction) for one in schema_history.changes(whole)[len(before) :]]
    gone = [number for number in NUMBERS if number > "0049"]
    assert after == [*((number, "down") for number in reversed(gone)), *((number, "up") for number in gone)]


def test_the_plan_says_who_waits_for_what_comes_back(whole: str) -> None:
    run(
        whole,
        "SET session_replication_role = replica; INSERT INTO conversation_looks (conversation_id, login, looked_at,"
        " revision) SELECT n, 'rita', now(), 1 FROM generate_series(100001, 220000) AS n",
    )
    schema.downgrade(whole, "0025")
    run(whole, "ANALYZE")
    step = upgrade_plan.plan(whole, "0026")[0]
    assert [one.asks for one in step.touched if one.table == "conversation_looks"] == [True]
    assert [one.keeps_waiting for one in step.touched if one.table == "conversations"] == [True], "nobody purges then"


def test_of_a_database_that_was_emptied_nothing_stays_aside(whole: str) -> None:
    schema.downgrade(whole, "0040")
    assert aside(whole) != []
    schema.downgrade(whole, "base")
    assert aside(whole) == [] and {thing for thing, _ in schema_check.objects(whole)} <= {"index"}  # of Alembic's table


def aside(conninfo: str) -> list[str]:
    """The tables of what was put aside."""
    with psycopg.connect(conninfo) as connection:
        found = connection.execute("SELECT relname FROM pg_class WHERE relname LIKE 'put_aside%' AND relkind = 'r'")
        return sorted(str(name) for (name,) in found.fetchall())


def ask(conninfo: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(statement.encode()).fetchall()


def run(conninfo: str, statement: str) -> None:
    """Does what a person did meanwhile."""
    with psycopg.connect(conninfo) as connection:
        connection.execute(statement.encode())
