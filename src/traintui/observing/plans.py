"""Plans: drawn as a tree, and what they say in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from traintui.data.query_shapes import nodes

MANY_ROWS = 20_000
"""Rows from which on reading all of a table is worth a word."""
KEPT_SHARE = 0.05
"""Of the rows that are read, the share that is kept up to which an index would serve."""


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A node of a plan as it is drawn: how deep it stands, what it does, its own part of the whole cost (0 to 1), and
    how many rows are expected of it. `costly` is the one that takes most."""

    depth: int
    says: str
    share: float
    rows: int
    costly: bool


def drawn(plan: list[dict[str, Any]]) -> tuple[PlanLine, ...]:
    """The nodes of a plan from the top, each above those that it reads from."""
    top = plan[0]["Plan"]
    whole = max(float(top["Total Cost"]), 0.01)
    found: list[tuple[int, dict[str, Any], float]] = []
    waiting = [(0, top)]
    while waiting:
        depth, node = waiting.pop()
        inner = node.get("Plans", ())
        found.append((depth, node, own_cost(node)))
        waiting += [(depth + 1, child) for child in reversed(inner)]
    most = max(own for _, _, own in found)
    lines = []
    marked = False
    for depth, node, own in found:
        costly = own == most and not marked
        marked = marked or costly
        lines.append(PlanLine(depth, said_of(node), min(own / whole, 1.0), int(node["Plan Rows"]), costly))
    return tuple(lines)


def own_cost(node: dict[str, Any]) -> float:
    """What a node costs without those that it reads from, in the planner's units."""
    inner = sum(float(child["Total Cost"]) for child in node.get("Plans", ()) if "Subplan Name" not in child)
    return max(float(node["Total Cost"]) - inner, 0.0)


def said_of(node: dict[str, Any]) -> str:
    """What a node does, in a line: `Index Scan on conversations by ix_conversations_status_id`."""
    said = str(node["Node Type"])
    if node.get("Relation Name"):
        said += f" on {node['Relation Name']}"
    elif node.get("CTE Name"):
        said += f" on {node['CTE Name']}"
    if node.get("Index Name"):
        said += f" by {node['Index Name']}"
    for name in ("Index Cond", "Filter", "Hash Cond", "Join Filter", "Recheck Cond"):
        if node.get(name):
            said += f"  {name.lower()} {node[name]}"
            break
    return said


def findings(plan: list[dict[str, Any]], rows: Mapping[str, float]) -> tuple[str, ...]:
    """What a plan does that it need not, in words; `rows` has the rows that the planner expects of each table."""
    said = []
    for node in nodes(plan[0]["Plan"]):
        table = node.get("Relation Name")
        there = rows.get(table or "", 0.0)
        if node["Node Type"] == "Seq Scan" and node.get("Filter") and there >= MANY_ROWS:
            kept = int(node["Plan Rows"])
            if kept <= there * KEPT_SHARE:
                said.append(
                    f"Reads about {int(there):,} rows of {table} to keep {kept:,}: an index that serves"
                    f" {node['Filter']} would spare it."
                )
        elif node["Node Type"] == "Sort" and int(node["Plan Rows"]) >= MANY_ROWS * 10:
            keys = ", ".join(node.get("Sort Key", ()))
            said.append(
                f"Sorts about {int(node['Plan Rows']):,} rows by {keys}: an index in that order would spare it."
            )
    return tuple(dict.fromkeys(said))
