"""The database says what it holds, and the page about it is made of that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from support import Conninfo
from traintui.data import schema, schema_page
from traintui.data.embedded import SUPERUSER

PAGE = Path(__file__).parents[2] / "docs" / "schema.md"
COMMENTS = (
    "SELECT count(*) FROM pg_description JOIN pg_class AS c ON c.oid = objoid"
    " WHERE classoid = 'pg_class'::regclass AND relnamespace = 'public'::regnamespace"
)


@contextmanager
def after(conninfo: Callable[[str], str], statement: str) -> Iterator[schema_page.SchemaFacts]:
    """The schema as a migration with this statement would leave it."""
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(statement.encode())
    yield schema_page.read_schema(conninfo("ada"))


def test_every_table_column_and_index_says_what_it_is_for(conninfo: Conninfo) -> None:
    missing = schema_page.undocumented(schema_page.read_schema(conninfo("ada")))
    assert not missing, "\n" + "\n".join(missing)


def test_what_says_nothing_is_named(conninfo: Conninfo) -> None:
    with after(conninfo, "CREATE TABLE alarms (id bigint); CREATE INDEX ix_alarms_id ON alarms (id)") as facts:
        assert schema_page.undocumented(facts) == [
            "table alarms has no place in SECTIONS of data/schema_page.py",
            "table alarms has no COMMENT in the migration that makes it",
            "column alarms.id has no COMMENT in the migration that makes it",
            "index ix_alarms_id has no COMMENT that says what it serves",
        ]
    with after(conninfo, "DROP TABLE alarms; ALTER TABLE sampling RENAME TO samplings") as facts:
        assert schema_page.undocumented(facts) == [
            "table samplings has no place in SECTIONS of data/schema_page.py",
            "SECTIONS of data/schema_page.py names sampling, which is gone",
        ]


def test_what_is_said_is_short_sentences(conninfo: Conninfo) -> None:
    for table in schema_page.read_schema(conninfo("ada")).tables:
        comments = [column.comment for column in table.columns] + [index.comment for index in table.indexes]
        for said in (table.comment, *comments):
            assert said.endswith(".") and len(said) <= 160, said


def test_a_column_that_may_be_null_says_when_it_is(conninfo: Conninfo) -> None:
    for table in schema_page.read_schema(conninfo("ada")).tables:
        for column in table.columns:
            assert ("Null" in column.comment) == column.nullable, f"{table.name}.{column.name}: {column.comment}"


def test_the_page_of_the_schema_is_current(conninfo: Conninfo) -> None:
    made = schema_page.page(schema_page.read_schema(conninfo("ada")))
    assert PAGE.read_text(encoding="utf-8") == made, "make it anew: python -m traintui.data.schema_page"


def test_the_page_says_who_may_call_what(conninfo: Conninfo) -> None:
    functions = {function.name: function for function in schema_page.read_schema(conninfo("ada")).functions}
    assert functions["decide"].roles == ("reviewer", "author", "admin") and functions["decide"].owners_rights
    assert functions["require_role"].roles == () and functions["guard_metadata_insert"].triggers_of == (
        "conversations",
    )


def test_no_comment_is_left_below_the_revision_that_made_them(conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        assert (connection.execute(COMMENTS.encode()).fetchone() or (0,))[0] > 700
    schema.downgrade(conninfo(SUPERUSER), "0051")
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        assert connection.execute(COMMENTS.encode()).fetchone() == (0,)
