"""One embedded server for the session, a template database migrated once, and a copy of it for each test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from traintui.data import schema, users, workspace
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import Database, make_engine

TEMPLATE = "traintui_template"
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


def quick_directory() -> str:
    """Where files are made quickly: memory where it is large enough (a copy of the template in 0.02 s, not in 0.3)."""
    memory = Path("/dev/shm")  # noqa: S108 - only the names inside are ours
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 2_000_000_000 else tempfile.gettempdir()


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


numbers = itertools.count(1)


@contextmanager
def fresh_database(server: EmbeddedServer) -> Iterator[str]:
    """A copy of the template, dropped afterwards."""
    name = f"test_{next(numbers)}"
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(TEMPLATE)
            )
        )
        # Rights on a database are not copied with it: these are the bootstrap's.
        for statement in (
            "REVOKE ALL ON DATABASE {} FROM PUBLIC",
            "GRANT CONNECT ON DATABASE {} TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin",
            "GRANT CONNECT, TEMPORARY ON DATABASE {} TO traintui_owner",
            "GRANT TEMPORARY ON DATABASE {} TO traintui_author",
        ):
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
    yield name
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database_name(server: EmbeddedServer) -> Iterator[str]:
    """A fresh copy of the template, dropped afterwards."""
    with fresh_database(server) as name:
        yield name


Conninfo = Callable[[str], str]


@pytest.fixture
def conninfo(server: EmbeddedServer, database_name: str) -> Conninfo:
    """The connection string of a person to this test's database; `SUPERUSER` is one too."""
    return lambda login: server.conninfo(login, database_name)


@asynccontextmanager
async def logged_in(conninfo: str) -> AsyncIterator[Database]:
    """A workspace handle for the login of a connection string."""
    engine = make_engine(conninfo, pooled=False)
    try:
        login, role = await workspace.whoami(conninfo)
        yield Database(engine=engine, conninfo=conninfo, label="embedded", login=login, role=role)
    finally:
        await engine.dispose()


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
