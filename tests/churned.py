"""A table whose index is half empty, on a real server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg

from support import Conninfo
from traintui.data import samples
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database

INDEX = "ix_churned_number"
INVALID = "SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid WHERE NOT indisvalid"


def as_owner(conninfo: Conninfo, *statements: str) -> None:
    """Changes what stands in the database, each statement by itself, as the owner of the schema; on the disk too."""
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("SET ROLE traintui_owner")
        for statement in statements:
            connection.execute(statement.encode())
        connection.execute("RESET ROLE")
        connection.execute("CHECKPOINT")


def churn(conninfo: Conninfo, *, rows: int = 500_000) -> None:
    """Makes `churned`, most of whose rows are gone again, so that its index fills a third of its leaves."""
    as_owner(
        conninfo,
        "CREATE TABLE churned (number bigint NOT NULL, other integer) WITH (autovacuum_enabled = off)",
        f"INSERT INTO churned SELECT n, n % 9 FROM generate_series(1, {rows}) AS n",
        f"CREATE INDEX {INDEX} ON churned (number)",
        "DELETE FROM churned WHERE number % 10 < 6",
        "VACUUM ANALYZE churned",
    )


async def sampled(db: Database) -> None:
    """Takes a sample of all indexes."""
    await samples.hold(db, "test", 60)
    await samples.take(db, "test", relations=True)
    if (index := await samples.to_measure(db)) is not None:
        await samples.measure(db, "test", index)


async def density(db: Database, index: str = INDEX) -> float | None:
    """How full an index was at the last sample."""
    now = datetime.now(UTC)
    return (await samples.indexes(db, now - timedelta(days=1), now + timedelta(days=1), name=index))[-1].density


def invalid(conninfo: Conninfo) -> list[str]:
    """The indexes that serve nothing."""
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        return [name for (name,) in connection.execute(INVALID).fetchall()]


def unfinished(conninfo: Conninfo, index: str) -> None:
    """Makes an index one that a build left."""
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(%s)", [index])
