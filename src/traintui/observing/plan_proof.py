"""What a plan is now that an index is to serve, and what it would be with it, where the server can say that."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from traintui.data import query_times
from traintui.data.engine import Database
from traintui.data.query_labels import UNLOGGED
from traintui.data.query_plans import PLAN_MS
from traintui.data.query_shapes import nodes
from traintui.errors import TraintuiError
from traintui.observing.index_findings import IndexFinding

CREATES = re.compile(r" ON (?:ONLY )?(?P<table>\w+)(?: USING \w+)? \((?P<columns>[\w, ]+)\);?$")
KNOWN = "SELECT count(*) FROM pg_proc WHERE proname = 'hypopg_create_index' AND has_function_privilege(oid, 'EXECUTE')"
NOT_TESTED = "not tested: this server has no hypopg, which plans with an index that is not there"


async def proof(db: Database, finding: IndexFinding) -> tuple[str, ...]:
    """What is known of an index that is proposed, line by line: the plan of looking its columns up as it is now, with
    the planner's cost, and as it would be. Nothing is run but EXPLAIN. Of one that Traintui relies on, which statements
    it served."""
    if finding.kind == "missing":
        labels = (await query_times.served(db)).get(finding.index)
        return (f"it served {', '.join(labels)}",) if labels else ()
    if finding.statement is None or (found := CREATES.search(finding.statement)) is None:
        return ()
    # A value that is not known when it is planned: as for any.
    columns = [column.strip() for column in found["columns"].split(",")]
    alike = " AND ".join(f"{column} = (SELECT {column} FROM {found['table']} LIMIT 1)" for column in columns)  # noqa: S608
    asked = f"SELECT FROM {found['table']} WHERE {alike}"
    try:
        now, then = await planned(db, asked, finding.statement)
    except (TraintuiError, SQLAlchemyError):
        return ("the plan as it is now could not be asked for", NOT_TESTED)
    said = [f"looking up {found['columns']} is planned as {in_words(now)}"]
    said.append(NOT_TESTED if then is None else f"tested with hypopg: with it, {in_words(then)}")
    return tuple(said)


async def planned(db: Database, asked: str, statement: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
    """The plan of a query now, and with an index that is not there; the second is None where hypopg is not."""
    explain = f"EXPLAIN (FORMAT JSON) {asked}"
    async with db.read(UNLOGGED) as connection:
        await connection.execute(text(f"SET LOCAL statement_timeout = {PLAN_MS}"))
        now: list[dict[str, Any]] = (await connection.exec_driver_sql(explain)).scalar_one()
        if not (await connection.exec_driver_sql(KNOWN)).scalar_one():
            return now, None
        plain = statement.rstrip(";").replace(" CONCURRENTLY ", " ", 1)
        await connection.execute(text("SELECT hypopg_create_index(:statement)"), {"statement": plain})
        then: list[dict[str, Any]] = (await connection.exec_driver_sql(explain)).scalar_one()
        await connection.execute(text("SELECT hypopg_reset()"))
    return now, then


def in_words(plan: list[dict[str, Any]]) -> str:
    """How a plan reads the table, and what the planner reckons for all of it."""
    top = plan[0]["Plan"]
    # What stands for the value that is looked up is read first.
    reads = next(
        node for node in nodes(top) if node.get("Relation Name") and node.get("Parent Relationship") != "InitPlan"
    )
    by = f" by {index}" if (index := index_of(reads)) else ""
    return f"{reads['Node Type']} on {reads['Relation Name']}{by}, cost {float(top['Total Cost']):,.0f}"


def index_of(node: dict[str, Any]) -> str | None:
    """The index by which a node reads a table, itself or through a bitmap. One of hypopg has a number for a name."""
    named = next((str(each["Index Name"]) for each in nodes(node) if each.get("Index Name")), None)
    return "the new index" if named is not None and named.startswith("<") else named
