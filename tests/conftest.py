"""One embedded server for the session, a template database migrated once, and a copy of it for each test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from support import TEMPLATE, Conninfo, fresh_database, logged_in, quick_directory
from traintui.data import schema, users
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import Database

PEOPLE: dict[str, users.Role] = {
    "ada": "admin", "arthur": "author", "rita": "reviewer", "ron": "reviewer", "audrey": "auditor",
}  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def _nothing_from_outside() -> None:
    """No test sees this machine's key, database or settings."""
    for name in list(os.environ):
        if name.startswith(("TRAINTUI_", "ANTHROPIC_")):
            del os.environ[name]
    os.environ["TRAINTUI_CONFIG"] = os.devnull


@pytest.fixture(scope="session")
def server(_nothing_from_outside: None) -> Iterator[EmbeddedServer]:
    """A server of this test process, with the roles, the people, and a migrated template database."""
    with tempfile.TemporaryDirectory(prefix="tt-", dir=quick_directory()) as home:
        Path(home).chmod(0o755)
        embedded = EmbeddedServer(Path(home), durable=False)
        embedded.start()
        with psycopg.connect(embedded.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        as_superuser = embedded.conninfo(SUPERUSER, TEMPLATE)
        schema.bootstrap(as_superuser)
        schema.upgrade(as_superuser)
        for name, role in PEOPLE.items():
            users.add_user(as_superuser, name, role, with_password=False)
        yield embedded
        embedded.stop()


@pytest.fixture
def database_name(server: EmbeddedServer) -> Iterator[str]:
    """A fresh copy of the template, dropped afterwards."""
    with fresh_database(server) as name:
        yield name


@pytest.fixture
def conninfo(server: EmbeddedServer, database_name: str) -> Conninfo:
    """The connection string of a person to this test's database; `SUPERUSER` is one too."""
    return lambda login: server.conninfo(login, database_name)


@pytest.fixture
async def db(conninfo: Conninfo) -> AsyncIterator[Database]:
    """The workspace as its administrator, ada."""
    async with logged_in(conninfo("ada")) as database:
        yield database


@pytest.fixture
async def reviewer_db(conninfo: Conninfo) -> AsyncIterator[Database]:
    """The workspace as a reviewer, rita."""
    async with logged_in(conninfo("rita")) as database:
        yield database
