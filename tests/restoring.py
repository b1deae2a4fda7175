"""Workspaces of earlier revisions, as they were."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from traintui.data import schema
from traintui.data.embedded import SUPERUSER, EmbeddedServer

DUMPS = Path(__file__).parent / "dumps"
REVISIONS = sorted(path.name.split("-")[1].removesuffix(".sql.gz") for path in DUMPS.glob("workspace-*.sql.gz"))
"""Those of which there is a workspace; `tests/dumps/make.py` made each when its revision was the newest."""


def restore(server: EmbeddedServer, database: str, revision: str) -> None:
    """A database that holds the dump of a revision, upgraded to the newest."""
    restore_as_it_was(server, database, revision)
    schema.upgrade(server.conninfo(SUPERUSER, database))


def restore_as_it_was(server: EmbeddedServer, database: str, revision: str) -> None:
    """A database that holds the dump of a revision."""
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(database)))
    conninfo = server.conninfo(SUPERUSER, database)
    subprocess.run(
        [server.program("psql"), "-q", "-v", "ON_ERROR_STOP=1", "-d", conninfo],
        # Servers before 17 do not know the setting.
        input=gzip.decompress((DUMPS / f"workspace-{revision}.sql.gz").read_bytes()).replace(
            b"SET transaction_timeout = 0;\n", b""
        ),
        check=True,
        capture_output=True,
    )
    schema.bootstrap(conninfo)
