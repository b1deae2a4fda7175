"""Upgrades: nothing half done, nobody kept waiting, and what is filled afterwards is filled to its end."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory

from support import Conninfo
from traintui.data import revising, schema, schema_check, schema_history, upgrade_plan, upgrading
from traintui.data.embedded import SUPERUSER
from traintui.data.statements import bare, effects, split
from traintui.errors import TraintuiError
from workspace_contents import data

NUMBERS = [one.number for one in schema_history.revisions()]


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the migrations that a test may change, in use."""
    copy = Path(shutil.copytree(schema.migrations_directory(), tmp_path / "migrations"))
    monkeypatch.setattr(schema, "migrations_directory", lambda: copy)
    monkeypatch.setattr(revising, "migrations_directory", lambda: copy)
    return copy


def ask(conninfo: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(statement.encode()).fetchall()


def add_revision(migrations: Path, number: str, body: str, **scripts: str) -> None:
    """Another revision behind the newest."""
    (migrations / "versions" / f"{number}_of_a_test.py").write_text(
        f'"""A revision of a test.\n\nRevision: {number}\n"""\n\n'
        f"from traintui.data.revising import Backfill, run_script\n\n"
        f'revision = "{number}"\ndown_revision = "{schema.HEAD}"\n{body}'
    )
    (migrations / "sql" / number).mkdir()
    for name, text in scripts.items():
        (migrations / "sql" / number / f"{name}.sql").write_text(text)


# Statements -------------------------------------------------------------------------------------------------------


def test_a_script_is_cut_where_its_statements_end_and_nowhere_else() -> None:
    script = """
        -- one; two
        CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'a;b'; $$;
        INSERT INTO t VALUES ('it''s; so', "a;b" /* ; */);
        DO $do$ BEGIN PERFORM $$;$$; END $do$;
        -- nothing follows;
    """
    assert [bare(statement).split()[0] for statement in split(script)] == ["CREATE", "INSERT", "DO"]


@pytest.mark.parametrize(
    ("statement", "table", "lock", "reads_all"),
    [
        ("ALTER TABLE t ADD COLUMN a text", "t", "ACCESS EXCLUSIVE", False),
        ("ALTER TABLE ONLY t ADD CONSTRAINT c CHECK (a > 0)", "t", "ACCESS EXCLUSIVE", True),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", "t", "ACCESS EXCLUSIVE", False),
        ("ALTER TABLE t VALIDATE CONSTRAINT c", "t", "SHARE UPDATE EXCLUSIVE", True),
        ("CREATE UNIQUE INDEX i ON t (a)", "t", "SHARE", True),
        ("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)", "t", "SHARE UPDATE EXCLUSIVE", True),
        ("CREATE TRIGGER g AFTER UPDATE ON t EXECUTE FUNCTION f()", "t", "SHARE ROW EXCLUSIVE", False),
        ("UPDATE t SET a = 1", "t", "ROW EXCLUSIVE", True),
        ("DROP INDEX i", "i", "ACCESS EXCLUSIVE", False),
        ("COMMENT ON TABLE public.t IS 'one'", "t", "SHARE UPDATE EXCLUSIVE", False),
        ("COMMENT ON COLUMN t.a IS NULL", "t", "SHARE UPDATE EXCLUSIVE", False),
        ("COMMENT ON INDEX i IS 'one'", "i", "SHARE UPDATE EXCLUSIVE", False),
        ("LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE", "t", "SHARE ROW EXCLUSIVE", False),
    ],
)
def test_what_a_statement_locks_is_read_from_it(statement: str, table: str, lock: str, reads_all: bool) -> None:
    (effect,) = effects(f"-- why\n{statement}")
    assert (effect.table, effect.lock, effect.reads_all) == (table, lock, reads_all)


def test_the_lock_that_is_foretold_is_the_one_that_the_server_takes(conninfo: Conninfo) -> None:
    table = "search_metadata"
    for statement in (
        f"ALTER TABLE {table} ADD COLUMN a text", f"ALTER TABLE {table} SET (fillfactor = 90)",
        f"CREATE INDEX i ON {table} (conversation_id)", f"UPDATE {table} SET metadata = metadata",
        f"CREATE TRIGGER g BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()",
        f"CREATE POLICY p ON {table} USING (true)", f"ALTER TABLE {table} DISABLE TRIGGER USER",
        f"COMMENT ON TABLE {table} IS 'one'", f"COMMENT ON COLUMN {table}.metadata IS 'one'",
    ):  # fmt: skip
        with psycopg.connect(conninfo(SUPERUSER)) as connection:
            connection.execute(statement.encode())
            modes = connection.execute(
                "SELECT mode FROM pg_locks WHERE relation = %s::regclass AND pid = pg_backend_pid()", [table]
            ).fetchall()
            connection.rollback()
        (effect,) = effects(statement)
        assert f"{effect.lock.title().replace(' ', '')}Lock" in {mode for (mode,) in modes}, statement


# Failing ----------------------------------------------------------------------------------------------------------


def test_a_revision_that_fails_names_the_statement_and_leaves_all_as_it_was(empty: str, migrations: Path) -> None:
    number = "0049"
    script = migrations / "sql" / number / "up.sql"
    statements = split(script.read_text())
    schema.upgrade(empty, NUMBERS[NUMBERS.index(number) - 1])
    before, rows = schema_check.objects(empty), data(empty)
    for place in range(len(statements) + 1):
        script.write_text(";\n".join([*statements[:place], "SELECT 1 / 0", *statements[place:]]))
        with pytest.raises(TraintuiError) as refused:
            schema.upgrade(empty, number)
        assert refused.value.message.startswith("division by zero")
        assert f"statement {place + 1} of {len(statements) + 1} in sql/{number}/up.sql: SELECT 1 / 0" in str(
            refused.value.message
        )
        assert (schema_check.objects(empty), data(empty)) == (before, rows)
        assert schema.current_revision(empty) == NUMBERS[NUMBERS.index(number) - 1]
    script.write_text(";\n".join(statements))
    schema.upgrade(empty, number)
    assert schema.current_revision(empty) == number


# Up, down, up -----------------------------------------------------------------------------------------------------


def defined(conninfo: str) -> dict[tuple[str, str], str]:
    """The schema. Whether a check was held against old rows is left out: 0027 leaves that to the revision after it."""
    return {key: definition.removesuffix(" NOT VALID") for key, definition in schema_check.objects(conninfo).items()}


# Locks ------------------------------------------------------------------------------------------------------------


def test_a_lock_of_somebody_else_is_waited_for_shortly_and_named(
    conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revising, "PAUSES", (0.1,))
    superuser = conninfo(SUPERUSER)
    schema.downgrade(superuser, "0033")
    with psycopg.connect(f"{conninfo('rita')} application_name=reading") as holder:
        holder.execute("SELECT FROM import_items LIMIT 1")
        with pytest.raises(TraintuiError) as refused, Looking(superuser) as looking:
            schema.upgrade(superuser, "0034")
            raise AssertionError("it took the lock")
        assert "rita (process" in refused.value.message and "reading, idle in transaction" in refused.value.message
        assert f"pg_terminate_backend({holder.info.backend_pid})" in refused.value.remedy
        assert refused.value.message.endswith("locked for a moment. The database stands at 0033.")
    assert 0.2 - looking.apart < looking.longest < 2 + looking.apart
    assert schema.current_revision(superuser) == "0033"
    schema.upgrade(superuser, "0034")
    assert schema.current_revision(superuser) == "0034"


class Looking:
    """Looks how long anybody waits for a lock without a break: `longest`, in seconds, as exactly as two looks are
    `apart`, on a busy machine too."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._over = threading.Event()
        self.longest = self.apart = 0.0

    def __enter__(self) -> Looking:
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            looked = time.monotonic()
            while not self._over.wait(0.02):
                row = connection.execute(
                    "SELECT coalesce(extract(epoch FROM max(clock_timestamp() - waitstart)), 0)::float8 FROM pg_locks"
                ).fetchone()
                self.longest = max(self.longest, row[0] if row else 0.0)
                looked, before = time.monotonic(), looked
                self.apart = max(self.apart, looked - before)


def test_an_upgrade_goes_on_when_the_lock_is_let_go(conninfo: Conninfo) -> None:
    superuser = conninfo(SUPERUSER)
    schema.downgrade(superuser, "0033")
    said: list[str] = []
    with psycopg.connect(conninfo("rita")) as holder:
        holder.execute("SELECT FROM import_items LIMIT 1")

        def told(word: str) -> None:
            said.append(word)
            if word.startswith("Waiting for rita"):
                holder.rollback()

        schema.upgrade(superuser, "0034", progress=told)
    assert said[0].startswith("Waiting for rita (process") and said[1].startswith("Applied 0034 in ")


# History ----------------------------------------------------------------------------------------------------------


def test_the_history_says_what_was_applied_by_whom_and_what_was_taken_back(empty: str) -> None:
    schema.upgrade(empty)
    changes = schema_history.changes(empty)
    assert [(change.revision, change.direction) for change in changes] == [(number, "up") for number in NUMBERS]
    assert {change.by for change in changes} == {SUPERUSER} and all(0 < change.seconds < 60 for change in changes)
    schema.downgrade(empty, "0050")
    schema.upgrade(empty)
    after = schema_history.changes(empty)
    assert after[: len(changes)] == changes
    again = [(number, "up") for number in NUMBERS if number > "0050"]
    assert [(change.revision, change.direction) for change in after[-len(again) :]] == again


def test_every_revision_says_why_how_to_go_back_and_what_becomes_of_old_rows() -> None:
    lacking = [
        one.number
        for one in schema_history.revisions()
        if not (one.date and one.what and one.why and one.back and one.old_rows)
    ]
    assert lacking == [], "say Date, Why, Back and Old rows in the docstring of the migration"


def test_the_page_of_the_history_is_what_the_migrations_say() -> None:
    page = Path(__file__).parent.parent.parent / "docs" / "schema-history.md"
    assert page.read_text(encoding="utf-8") == schema_history.document(), (
        "traintui db history --markdown > docs/schema-history.md"
    )


# The plan ---------------------------------------------------------------------------------------------------------


def test_an_upgrade_says_beforehand_what_it_locks_and_changes_nothing(empty: str) -> None:
    schema.upgrade(empty, "0032")
    with psycopg.connect(empty) as connection:
        connection.execute("UPDATE pg_class SET reltuples = 1000000 WHERE relname = 'conversation_turns'")
    steps = upgrade_plan.plan(empty)
    assert [step.revision for step in steps] == [number for number in NUMBERS if number > "0032"]
    (turns,) = (touched for touched in steps[0].touched if touched.table == "conversation_turns")
    assert (turns.rows, turns.lock, turns.asks) == (1_000_000, "SHARE", True) and 1 <= turns.seconds <= 10
    sealed = {touched.table: touched for touched in steps[NUMBERS.index("0036") - NUMBERS.index("0033")].touched}
    assert sealed["review_logs"].table == "review_logs"
    assert schema.current_revision(empty) == "0032"
    assert upgrade_plan.plan(empty, "nonsense") == ()


# Rows that are filled afterwards ----------------------------------------------------------------------------------

FILLING = """
backfills = (
    Backfill("numbers", "numbers", "id", "UPDATE numbers SET doubled = id * 2 WHERE id > %(after)s AND id <= %(upto)s"),
)


def upgrade() -> None:
    run_script(revision, "up")


def downgrade() -> None:
    run_script(revision, "down")
"""
NUMBERED = """
CREATE TABLE numbers (id bigint PRIMARY KEY, doubled bigint);
INSERT INTO numbers (id) SELECT n * 3 FROM generate_series(1, 5000) AS n
"""


def test_what_a_revision_fills_is_filled_in_batches_and_goes_on_where_it_was_cut_off(
    conninfo: Conninfo, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    superuser = conninfo(SUPERUSER)
    add_revision(migrations, "0900", FILLING, up=NUMBERED, down="DROP TABLE numbers")
    monkeypatch.setattr(revising, "LARGEST_BATCH", 500)
    monkeypatch.setattr(revising, "BATCH_SECONDS", 3_600.0)  # nor are they fewer where the machine is slow
    cut_off = 0

    def killed(word: str) -> None:
        nonlocal cut_off
        if word == "Filling numbers" and not cut_off:
            cut_off += 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        schema.upgrade(superuser, progress=killed)
    assert schema.current_revision(superuser) == "0900" and schema.unfilled(superuser) == [("0900", "numbers")]
    (backfill,) = upgrading.backfills_of(ScriptDirectory.from_config(schema.alembic_config()), "0900")
    batches: list[int] = []

    def stopped(done: int, total: int) -> None:
        batches.append(done)
        if len(batches) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        revising.fill(superuser, backfill, stopped)
    assert ask(superuser, "SELECT row_count, finished_at FROM schema_backfills") == [(1500, None)]
    schema.upgrade(superuser)
    assert ask(superuser, "SELECT count(*) FROM numbers WHERE doubled = id * 2") == [(5000,)]
    assert schema.unfilled(superuser) == []
    schema.downgrade(superuser, schema.HEAD)
    assert ask(superuser, "SELECT count(*) FROM schema_backfills") == [(0,)]


def test_a_backfill_that_is_killed_completes_with_the_next_upgrade(conninfo: Conninfo, migrations: Path) -> None:
    superuser = conninfo(SUPERUSER)
    # Once three hundred are filled, the next batch waits for somebody.
    some = "(SELECT count(*) AS done FROM numbers WHERE doubled IS NOT NULL) AS those"
    held = f"id * 2 FROM {some} WHERE (done < 300 OR pg_advisory_xact_lock(7) IS NOT NULL) AND"
    add_revision(migrations, "0900", FILLING.replace("id * 2 WHERE", held), up=NUMBERED, down="DROP TABLE numbers")
    code = (
        "import sys, pathlib; from traintui.data import schema, revising;"
        "copy = pathlib.Path(sys.argv[2]); revising.FIRST_BATCH = revising.LARGEST_BATCH = 100;"
        "schema.migrations_directory = revising.migrations_directory = lambda: copy; schema.upgrade(sys.argv[1])"
    )
    with psycopg.connect(superuser, autocommit=True) as somebody:
        somebody.execute("SELECT pg_advisory_lock(7)")
        child = subprocess.Popen([sys.executable, "-c", code, superuser, str(migrations)])
        try:
            while ask(superuser, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == [(0,)]:
                assert child.poll() is None
                time.sleep(0.02)
        finally:
            child.kill()
            child.wait()
    assert ask(superuser, "SELECT count(*) FROM numbers WHERE doubled IS NOT NULL") == [(300,)]
    schema.upgrade(superuser)
    assert ask(superuser, "SELECT count(*) FROM numbers WHERE doubled = id * 2") == [(5000,)]
