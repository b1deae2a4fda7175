"""What a downgrade would do, before it does it: which revisions are taken back, and how many rows are put aside."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from traintui.data import put_aside, schema, schema_history
from traintui.data.put_aside import Moved
from traintui.errors import TraintuiError


@dataclass(frozen=True, slots=True)
class StepBack:
    """A revision that would be taken back: the one `below` that it leads to, what it did in a sentence, and what is put
    aside, as many rows as there are now: what two put aside is counted with both. Nothing is on the way to `base`."""

    revision: str
    below: str
    what: str
    aside: tuple[Moved, ...]


def plan(conninfo: str, revision: str) -> tuple[StepBack, ...]:
    """What going back to a revision would do, the newest first; nothing where the database is there already.

    Raises `TraintuiError` for a revision that is not known or not below, and without the right to go there, and
    `psycopg.Error`.
    """
    from alembic.script import ScriptDirectory
    from alembic.script.revision import RevisionError
    from alembic.util.exc import CommandError

    schema.require_ours(revision)
    script = ScriptDirectory.from_config(schema.alembic_config())
    current = schema.current_revision(conninfo)
    told = {one.number: one.what for one in schema_history.revisions()}
    if revision in told and revision > (current or ""):
        raise TraintuiError(
            "Not below",
            f"{revision} is above {current or 'base'}, which the database is at.",
            f"Nothing was changed. `traintui db upgrade {revision}` goes up.",
        )
    try:
        steps = list(script.iterate_revisions(current or "base", revision, select_for_downgrade=True))
    except (CommandError, RevisionError) as error:
        raise schema.unknown(conninfo, error) from error
    if not steps:
        return ()
    empties = steps[-1].down_revision is None  # then nothing is kept of those before it either
    with psycopg.connect(conninfo, autocommit=True) as connection:
        try:
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(schema.OWNER)))
        except psycopg.Error as error:
            raise schema.no_owner(error) from error
        return tuple(
            StepBack(
                step.revision,
                str(step.down_revision or put_aside.EMPTY),
                told.get(step.revision, ""),
                () if empties else _aside(connection, step.revision),
            )
            for step in steps
        )


def _aside(connection: psycopg.Connection[Any], revision: str) -> tuple[Moved, ...]:
    """What the way back from a revision puts aside of what is there now."""
    found = []
    for kept in put_aside.kept_by(revision):
        # A later revision may have renamed what this one knows; its own way back makes that anew.
        with suppress(psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
            if number := put_aside.rows_of(connection, kept):
                found.append(Moved(kept, number))
    return tuple(found)
