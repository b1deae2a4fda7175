"""A database for tests of the schema itself."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from traintui.data import schema
from traintui.data.embedded import SUPERUSER, EmbeddedServer


@pytest.fixture
def empty(server: EmbeddedServer) -> Iterator[str]:
    """The superuser's connection string to a database with nothing in it but the bootstrap's rights."""
    maintenance, name = server.conninfo(SUPERUSER, "postgres"), "test_empty"
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    conninfo = server.conninfo(SUPERUSER, name)
    schema.bootstrap(conninfo)
    yield conninfo
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
