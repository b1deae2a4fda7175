"""How much of each panel of Performance a login is shown: full, reduced or unavailable, why, and what changes that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from traintui.data.rights import Rights

Level = Literal["full", "reduced", "unavailable"]


@dataclass(frozen=True, slots=True)
class Panel:
    """How much of a panel is shown, why not all of it, and the statement or command that changes that."""

    level: Level
    why: str = ""
    change: str = ""


FULL = Panel("full")
UNCOUNTED = Panel(
    "reduced", "the server does not count what is done with tables (track_counts is off)",
    "ALTER SYSTEM SET track_counts = on;",
)  # fmt: skip
POOLED = "through a pooler a connection serves whoever comes next, and its machine is the pooler's"


def quoted(login: str) -> str:
    """A login as a statement names it."""
    return '"' + login.replace('"', '""') + '"'


def panel(name: str, rights: Rights) -> Panel:
    """What a login is shown of a panel by its name; what has no rule of its own is open to all."""
    rule = RULES.get(name)
    return FULL if rule is None else rule(rights)


def overview(rights: Rights) -> Panel:
    """Sizes and figures are open to all; how long others are in a transaction is not."""
    if rights.samples_see:
        return FULL
    return Panel(
        "reduced", "since when others are in a transaction and what they wait for is not sampled",
        "GRANT pg_read_all_stats TO traintui_owner;",
    )  # fmt: skip


def queries(rights: Rights) -> Panel:
    """The query log is ours, but what others asked is not for everybody."""
    if rights.sees_slow_queries:
        return FULL
    return Panel(
        "reduced", "of slow statements only your own are shown one by one",
        f"GRANT traintui_auditor TO {quoted(rights.login)};",
    )  # fmt: skip


def indexes(rights: Rights) -> Panel:
    """How an index is used is open to all; how full it is must be read out of its file."""
    if not rights.tracks_counts:
        return UNCOUNTED
    if rights.fills_known:
        return FULL
    if rights.embedded:
        return Panel("reduced", "how full indexes are is in no sample of the last day")
    return Panel(
        "reduced", "how full indexes are is not known",
        "CREATE EXTENSION pgstattuple; GRANT pg_stat_scan_tables TO traintui_owner;",
    )  # fmt: skip


def tables(rights: Rights) -> Panel:
    """Sizes and counters are open to all."""
    return FULL if rights.tracks_counts else UNCOUNTED


def live(rights: Rights) -> Panel:
    """Of other logins only the names are open to all."""
    if not rights.tracks_activities:
        return Panel(
            "unavailable", "the server does not note what sessions do (track_activities is off)",
            "ALTER SYSTEM SET track_activities = on;",
        )  # fmt: skip
    missing = [
        name for name, there in (
            ("pg_read_all_stats", rights.sees_sessions), ("pg_signal_backend", rights.ends_sessions)
        ) if not there
    ]  # fmt: skip
    said = [
        *(() if rights.sees_sessions else ("of others only login, program and whom they wait for are shown",)),
        *(() if rights.ends_sessions else ("only your own statements can be cancelled",)),
        *((POOLED,) if rights.pooled else ()),
    ]
    if not said:
        return FULL
    change = f"GRANT {', '.join(missing)} TO {quoted(rights.login)};" if missing else "Connect to the server directly."
    return Panel("reduced", "; ".join(said), change)


RULES: dict[str, Callable[[Rights], Panel]] = {
    "overview": overview, "queries": queries, "indexes": indexes, "tables": tables, "live": live,
}  # fmt: skip
