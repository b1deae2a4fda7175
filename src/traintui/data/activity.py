"""What the sessions of the workspace do now, whom they wait for, and their end."""

from __future__ import annotations

from sqlalchemy import select, text

from traintui.data.activity_records import Ended, Ending, Session
from traintui.data.engine import Database
from traintui.data.query_labels import said_in
from traintui.data.query_shapes import statement_without_values
from traintui.data.refusals import Refused
from traintui.data.session_models import SessionEnding
from traintui.errors import TraintuiError

ABOUT = 300
"""Characters of what a session did that the record of its end keeps."""


# A session that is hidden has its names and nothing else. Who waits for whom, the locks tell, which are open to all; a
# look at those is only taken for who waits, since it stops everybody who wants a lock for a moment.
SESSIONS = text("""
    WITH kept AS MATERIALIZED (
        SELECT l.pid, string_agg(DISTINCT c.relname, ', ' ORDER BY c.relname) AS holds
        FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation AND c.relkind IN ('r', 'p')
        WHERE l.granted AND l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        GROUP BY l.pid
    ), wanted AS MATERIALIZED (
        SELECT DISTINCT ON (pid) pid, CASE locktype
            WHEN 'relation' THEN
                CASE WHEN database = d.oid THEN relation::regclass::text ELSE relation::text END || ' (' || mode || ')'
            WHEN 'transactionid' THEN 'the end of a transaction'
            WHEN 'tuple' THEN 'a row of ' || relation::regclass::text
            WHEN 'advisory' THEN 'an advisory lock'
            ELSE locktype END AS wants
        FROM pg_locks, (SELECT oid FROM pg_database WHERE datname = current_database()) AS d
        WHERE NOT granted ORDER BY pid, locktype
    )
    SELECT a.pid, a.usename::text AS login, coalesce(a.application_name, '') AS application,
           coalesce(a.client_hostname, host(a.client_addr)) AS machine,
           coalesce(a.backend_type, 'client backend') AS kind, a.state, a.backend_start AS connected_at,
           a.xact_start AS transaction_at, a.query_start AS statement_at, a.state_change AS changed_at,
           a.wait_event_type AS wait_type, a.wait_event, a.query, w.wants,
           k.holds,
           CASE WHEN w.pid IS NOT NULL THEN pg_blocking_pids(a.pid) ELSE '{}' END AS waits_for,
           a.backend_type IS NULL AS hidden, clock_timestamp() AS seen_at
    FROM pg_stat_activity AS a LEFT JOIN wanted AS w ON w.pid = a.pid LEFT JOIN kept AS k ON k.pid = a.pid
    WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.leader_pid IS NULL
    ORDER BY a.pid
""")


async def sessions(db: Database) -> tuple[Session, ...]:
    """The sessions of this database but the one that looks, by their pid, without the helpers of a parallel statement.
    Raises `TraintuiError` when the database is not reached."""
    found = []
    async with db.read() as connection:
        for row in (await connection.execute(SESSIONS)).mappings():
            values = dict(row)
            said = values.pop("query")
            label, statement = said_in(said) if said and not values["hidden"] else (None, None)
            values["waits_for"] = tuple(dict.fromkeys(values["waits_for"]))
            found.append(
                Session(**values, label=label, statement=statement_without_values(statement) if statement else None)
            )
    return tuple(found)


async def end(db: Database, session: Session, kind: Ending) -> bool:
    """Cancels the statement of a session, or ends the session, if it still is the one that was seen; whether it was
    told to. What it was and who did so stands on record. Raises `TraintuiError` where the login has no right to."""
    values = {
        "kind": kind, "pid": session.pid, "connected": session.connected_at, "began": session.statement_at,
        "about": (session.about or session.kind)[:ABOUT],
    }  # fmt: skip
    asked = "SELECT end_session(:kind, :pid, CAST(:connected AS timestamptz), CAST(:began AS timestamptz), :about)"
    try:
        return bool((await db.call(asked, values)).scalar_one())
    except Refused as refused:
        if refused.code != "42501":
            raise
        raise no_right(db, session) from refused


def no_right(db: Database, session: Session) -> TraintuiError:
    """The answer to who may not end what a session does."""
    login = db.login.replace('"', '""')
    return TraintuiError(
        "No right",
        f"the login {db.login} may not end what {session.login or session.kind} runs.",
        "Ask an administrator to, or who looks after the server to give you the right:"
        f' GRANT pg_read_all_stats, pg_signal_backend TO "{login}"; what superusers run, only they end.',
    )


async def ended(db: Database, *, limit: int = 20) -> tuple[Ended, ...]:
    """Who ended whose statement or session, newest first. Served by ix_session_endings_at."""
    columns = [getattr(SessionEnding, name) for name in Ended.__slots__]
    statement = select(*columns).order_by(SessionEnding.at.desc(), SessionEnding.id.desc()).limit(limit)
    async with db.read() as connection:
        return tuple(Ended(*row) for row in await connection.execute(statement))
