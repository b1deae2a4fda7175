"""What an upgrade would do, before it does it: revisions, tables, how many rows they have, which locks, how long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import psycopg

from traintui.data import put_aside, schema_history
from traintui.data.schema import alembic_config, current_revision, migrations_directory, require_ours
from traintui.data.statements import STRENGTH, Effect, Lock, effects, split

LARGE = 100_000
"""Rows from which on a strong lock is asked about: to read a million takes about a second."""
ROWS_A_SECOND = 500_000
"""Rows that are checked or put into an index in a second, on two shared cores; a rough figure, on the slow side."""
VALUES_A_SECOND, BACK_A_SECOND = 25_000, 150_000
"""Values, and rows, that come back in a second from where a downgrade put them aside."""
TABLES = """
    SELECT c.relname, coalesce(nullif(greatest(sum(part.reltuples), 0), 0), sum(s.n_live_tup), 0)::bigint
    FROM pg_class AS c
    JOIN pg_class AS part ON part.oid = c.oid OR part.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = c.oid)
    LEFT JOIN pg_stat_user_tables AS s ON s.relid = part.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    GROUP BY c.relname
"""
INDEXES = """
    SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace
"""


@dataclass(frozen=True, slots=True)
class Touched:
    """A table that a revision touches: about how many rows it has, the strongest lock that is taken there, and about
    how many seconds what reads all of its rows takes."""

    table: str
    rows: int
    lock: Lock
    seconds: float

    @property
    def keeps_waiting(self) -> bool:
        """Whether somebody who writes waits until the revision is done."""
        return STRENGTH.index(self.lock) > 1

    @property
    def asks(self) -> bool:
        """Whether it is a strong lock on a large table, which somebody has to agree to."""
        return self.keeps_waiting and self.rows >= LARGE and self.seconds > 0


@dataclass(frozen=True, slots=True)
class Step:
    """A revision that would be applied: what it does in a sentence, the tables there are that it touches, and the names
    of what it fills afterwards in batches."""

    revision: str
    what: str
    touched: tuple[Touched, ...]
    fills: tuple[str, ...]


def plan(conninfo: str, revision: str = "head") -> tuple[Step, ...]:
    """What `schema.upgrade` would do, in its order; nothing is locked or changed. Statements of scripts are read as
    they stand: what a DO block or a called function does is not seen.

    Raises `psycopg.Error`, and `TraintuiError` for a revision of the workspace's own; one that is not known has no
    steps, and `schema.upgrade` says so.
    """
    from alembic.script import ScriptDirectory
    from alembic.script.revision import RevisionError
    from alembic.util.exc import CommandError

    require_ours(revision)
    script = ScriptDirectory.from_config(alembic_config())
    try:
        ahead = list(script.iterate_revisions(revision, current_revision(conninfo) or "base", implicit_base=True))
    except (CommandError, RevisionError):
        return ()
    with psycopg.connect(conninfo) as connection:
        rows = {str(name): int(number) for name, number in connection.execute(TABLES)}
        of_index = {str(index): str(table) for index, table in connection.execute(INDEXES)}
    told = {one.number: one for one in schema_history.revisions()}
    steps = []
    for step in reversed(ahead):
        said = told.get(step.revision)
        done = [effect for statement in _statements(step.revision, said) for effect in effects(statement)]
        fills = tuple(backfill.name for backfill in getattr(step.module, "backfills", ()))
        what = said.what if said else " ".join((step.doc or "").split())
        touched = _with_put_back(step.revision, _touched(done, rows, of_index), rows)
        steps.append(Step(step.revision, what, touched, fills))
    return tuple(steps)


def _statements(revision: str, said: schema_history.Revision | None) -> list[str]:
    """What a revision runs on its way up: its scripts, and what is declared beside them."""
    scripts = sorted((migrations_directory() / "sql" / revision).glob("*.sql"))
    found = [
        statement
        for script in scripts
        if not script.name.startswith("down")
        for statement in split(script.read_text(encoding="utf-8"))
    ]
    return [*found, *(said.beside if said else ())]


def _with_put_back(revision: str, touched: tuple[Touched, ...], rows: dict[str, int]) -> tuple[Touched, ...]:
    """The same, with what was put aside and comes back while the revision has its locks."""
    found = {one.table: one for one in touched}
    for kept in put_aside.kept_by(revision):
        if number := rows.get(kept.place):
            seconds = number / (VALUES_A_SECOND if kept.columns else BACK_A_SECOND)
            before = found.get(kept.table, Touched(kept.table, rows.get(kept.table, number), "ACCESS EXCLUSIVE", 0))
            found[kept.table] = replace(before, lock="ACCESS EXCLUSIVE", seconds=before.seconds + seconds)
            if kept.of and kept.table != "conversations":  # nobody purges meanwhile
                lock: Lock = "SHARE ROW EXCLUSIVE"
                other = found.get("conversations", Touched("conversations", rows.get("conversations", 0), lock, 0))
                stronger = max(other.lock, lock, key=STRENGTH.index)
                found["conversations"] = replace(other, lock=stronger, seconds=other.seconds + seconds)
    return tuple(found.values())


def _touched(done: Iterable[Effect], rows: dict[str, int], of_index: dict[str, str]) -> tuple[Touched, ...]:
    """The tables that are there, each once, in the order in which they are touched."""
    found: dict[str, list[Effect]] = {}
    for effect in done:
        table = of_index.get(effect.table, effect.table)
        if table in rows:
            found.setdefault(table, []).append(effect)
    touched = []
    for table, there in found.items():
        lock = max((effect.lock for effect in there), key=STRENGTH.index)
        # What is built beside the writing takes its time outside of the transaction that holds the strong lock.
        counted = [effect for effect in there if effect.lock in {lock, *STRENGTH[2:], STRENGTH[0]}]
        reads = sum(effect.reads_all for effect in counted)
        touched.append(Touched(table, rows[table], lock, reads * rows[table] / ROWS_A_SECOND))
    return tuple(touched)
