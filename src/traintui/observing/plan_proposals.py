"""Indexes that plans ask for: where one reads a whole table to keep a few rows by the values of plain columns."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from traintui.data.query_records import QueryPlan
from traintui.data.query_shapes import nodes
from traintui.observing.index_findings import IndexFinding
from traintui.observing.plans import KEPT_SHARE, MANY_ROWS

EQUALS = re.compile(r"\((?:\w+\.)?(\w+) = (?:'\?'::[\w ]+|\?|\$\d+|'\?')\)")
MOST_COLUMNS = 3
LONGEST_NAME = 63
"""Bytes of a name that PostgreSQL keeps."""


def proposals(
    plans: Iterable[QueryPlan], rows: Mapping[str, float], tables: Collection[str], there: Collection[tuple[str, ...]]
) -> tuple[IndexFinding, ...]:
    """An index for each table and columns that plans would be served by. `plans` has the newest one of each statement,
    `rows` the rows that the planner expects of each of the `tables`; `there` are the table and first columns of indexes
    that are there already."""
    found: dict[str, IndexFinding] = {}
    for plan in plans:
        for node in nodes(plan.plan[0]["Plan"]):
            table, expected = str(node.get("Relation Name", "")), rows.get(node.get("Relation Name", ""), 0.0)
            kept = int(node["Plan Rows"])
            if node["Node Type"] != "Seq Scan" or table not in tables or expected < MANY_ROWS:
                continue
            columns = columns_of(str(node.get("Filter", "")))
            if columns and kept <= expected * KEPT_SHARE and (table, *columns) not in there:
                finding = proposal(table, columns, plan.label, int(expected), kept)
                found.setdefault(finding.index, finding)
    return tuple(found.values())


def columns_of(condition: str) -> tuple[str, ...]:
    """The columns that have to have a value each; none where a condition asks for something else too that an index of
    them may not help with, as one OR another."""
    if " OR " in condition:
        return ()
    return tuple(dict.fromkeys(EQUALS.findall(condition)))[:MOST_COLUMNS]


def proposal(table: str, columns: tuple[str, ...], label: str, expected: int, kept: int) -> IndexFinding:
    """What a plan of a label says about an index that is not there."""
    name = f"ix_{table}_{'_'.join(columns)}"[:LONGEST_NAME]
    return IndexFinding(
        "slow_plan", name, table, f"{label} reads about {expected:,} rows of {table} to keep {kept:,}",
        f"an index on {', '.join(columns)} would find them",
        f"CREATE INDEX CONCURRENTLY {name} ON {table} ({', '.join(columns)});", "one more index that every write keeps",
    )  # fmt: skip
