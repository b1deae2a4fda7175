"""Faults planted into indexes of a real server are found and named by the right words, and nothing else is."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
import pytest

from support import Conninfo, imported
from traintui.data import index_facts
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.sample_records import Use
from traintui.observing import index_findings
from traintui.observing.index_findings import IndexFinding, findings


def plant(conninfo: Conninfo, *statements: str) -> None:
    """Changes what stands in the database, as its superuser."""
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


async def found(
    db: Database, used: Mapping[str, Use] | None = None, densities: Mapping[str, float] | None = None
) -> dict[str, IndexFinding]:
    """What is found, by index."""
    facts, keys = await index_facts.indexes(db), await index_facts.foreign_keys(db)
    return {each.index: each for each in findings(facts, keys, used or {}, index_facts.relied_on(), densities or {})}


async def test_a_workspace_as_it_is_made_has_nothing_to_mend(db: Database, reviewer_db: Database) -> None:
    assert await found(reviewer_db) == {} == await found(db)


async def test_an_index_that_is_gone_is_missing_with_the_statement_that_makes_it(
    db: Database, conninfo: Conninfo
) -> None:
    plant(conninfo, "DROP INDEX ix_review_logs_xid8")
    (finding,) = (await found(db)).values()
    assert (finding.kind, finding.index, finding.table) == ("missing", "ix_review_logs_xid8", "review_logs")
    assert finding.statement is not None and "reads whole tables" in finding.means
    plant(conninfo, finding.statement)
    assert await found(db) == {}


async def test_an_index_that_begins_as_another_is_redundant(db: Database, conninfo: Conninfo) -> None:
    plant(conninfo, "CREATE INDEX ix_again ON generation_logs (model)")
    (finding,) = (await found(db)).values()
    assert (finding.kind, finding.index, finding.table) == ("redundant", "ix_again", "generation_logs")
    assert finding.says.startswith("ix_generation_logs_model serves all that ix_again does")
    assert finding.statement == "DROP INDEX ix_again;"  # of a table of many parts there is no other way
    plant(conninfo, finding.statement)
    assert await found(db) == {}


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE INDEX ix_other ON generation_logs (model DESC)",
        "CREATE INDEX ix_other ON generation_logs (model text_pattern_ops)",
        "CREATE INDEX ix_other ON generation_logs (model) WHERE kind = 'judge'",
        "CREATE INDEX ix_other ON generation_logs (model) INCLUDE (http_status)",
        "CREATE INDEX ix_other ON generation_logs USING hash (model)",
    ],
)
async def test_an_index_that_serves_something_else_is_not_redundant(
    db: Database, conninfo: Conninfo, planted: str
) -> None:
    plant(conninfo, planted)
    assert await found(db) == {}


async def test_of_two_that_are_the_same_one_is_redundant(db: Database, conninfo: Conninfo) -> None:
    plant(
        conninfo,
        "CREATE INDEX ix_zz ON conversations (flagged, id)",
        "CREATE INDEX ix_yy ON conversations (flagged, id)",
    )
    (finding,) = (await found(db)).values()
    assert (finding.index, finding.statement) == ("ix_zz", "DROP INDEX CONCURRENTLY ix_zz;")
    plant(conninfo, finding.statement or "")
    assert await found(db) == {}


async def test_what_a_failed_build_left_is_invalid(db: Database, conninfo: Conninfo) -> None:
    await imported(db, 2)
    with pytest.raises(psycopg.errors.UniqueViolation):
        plant(conninfo, "CREATE UNIQUE INDEX CONCURRENTLY ix_once ON conversations (status)")
    (finding,) = (await found(db)).values()
    assert (finding.kind, finding.index) == ("invalid", "ix_once") and "every write still keeps it" in finding.means


async def test_a_large_index_that_nothing_scanned_for_a_month_is_unused(db: Database, conninfo: Conninfo) -> None:
    plant(
        conninfo, "CREATE TABLE large (n integer PRIMARY KEY, m integer)",
        "INSERT INTO large SELECT n, n % 7 FROM generate_series(1, 200000) AS n",
        "CREATE INDEX ix_large_m ON large (n, m)",
    )  # fmt: skip
    used = {"ix_large_m": Use(31, 0, 0, 0), "pk_large": Use(31, 0, 0, 0), "large_pkey": Use(31, 0, 0, 0)}
    (finding,) = (await found(db, used)).values()
    assert (finding.kind, finding.index) == ("unused", "ix_large_m") and "not scanned on 31 days" in finding.says
    assert await found(db, {"ix_large_m": Use(12, 0, 0, 0)}) == {}  # too early to say
    plant(conninfo, finding.statement or "")
    assert await found(db, used) == {}


async def test_a_foreign_key_without_an_index_is_named_where_its_table_is_large(
    db: Database, conninfo: Conninfo
) -> None:
    plant(
        conninfo, "CREATE TABLE of_documents (n integer PRIMARY KEY, document_id bigint REFERENCES documents (id))",
        "INSERT INTO of_documents SELECT n FROM generate_series(1, 20000) AS n", "ANALYZE of_documents",
    )  # fmt: skip
    (finding,) = (await found(db)).values()
    assert finding.kind == "foreign_key" and "removing a row of documents reads all of of_documents" in finding.means
    assert finding.statement is not None
    plant(conninfo, finding.statement)
    assert await found(db) == {}


async def test_an_index_that_serves_a_foreign_key_is_used(db: Database, conninfo: Conninfo) -> None:
    plant(
        conninfo, "CREATE TABLE of_documents (n integer PRIMARY KEY, document_id bigint REFERENCES documents (id))",
        "INSERT INTO of_documents SELECT n FROM generate_series(1, 200000) AS n",
        "CREATE INDEX ix_serves ON of_documents (document_id)",
    )  # fmt: skip
    assert await found(db, {"ix_serves": Use(40, 0, 0, 0)}) == {}


async def test_a_large_index_that_is_half_empty_is_sparse(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_findings, "LARGE", 0)
    (finding,) = (await found(db, densities={"ix_review_logs_xid8": 0.41, "pk_review_logs": 0.7})).values()
    assert (finding.kind, finding.statement) == (
        "sparse", "REINDEX INDEX CONCURRENTLY ix_review_logs_xid8;",
    )  # fmt: skip
    assert "fills 41% of its leaves" in finding.says


async def test_an_index_whose_density_nobody_may_read_is_sparse_when_its_entries_take_twice_what_they_took(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_findings, "LARGE", 0)
    facts, relied_on = await index_facts.indexes(db), index_facts.relied_on()
    grown = {"ix_review_logs_xid8": 2.4, "pk_review_logs": 1.9, "ix_conversations_status_id": 3.0}
    known = {"ix_conversations_status_id": 0.8}
    (finding,) = findings(facts, (), {}, relied_on, known, grown)
    assert (finding.kind, finding.index) == ("sparse", "ix_review_logs_xid8")
    assert "takes 2.4 times the room for each entry that it took when it was built" in finding.says
