"""An embedded server for each test process, with a template database, and a copy of that for each test."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

import homes
from support import TEMPLATE, Conninfo, fresh_database, logged_in
from traintui.data import users
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.data.engine import Database

GROUPS = ("terminal", "benchmarks", "homes", "query_plans", "embedded", "pictures", "people")
"""Groups of tests that stay in one process, those that take longest first: what begins last goes on alone."""
PEOPLE: dict[str, users.Role] = {
    "ada": "admin", "arthur": "author", "rita": "reviewer", "ron": "reviewer", "audrey": "auditor",
}  # fmt: skip

# How long an example takes is up to the machine, which may be busy. What passed once passes again: the examples are the
# same at each run, and others are looked for with --hypothesis-profile=thorough.
settings.register_profile("thorough", deadline=None, max_examples=10_000, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("thorough"), max_examples=100, derandomize=True, database=None)
settings.load_profile("same")


def pytest_configure(config: pytest.Config) -> None:
    """Once for all test processes."""
    if not hasattr(config, "workerinput"):
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes would compile everything anew
        config.add_cleanup(partial(shutil.rmtree, homes.begin(), ignore_errors=True))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups come before single tests, which fill what is left of the time."""

    def place(item: pytest.Item) -> int:
        mark = item.get_closest_marker("xdist_group")
        return GROUPS.index(mark.args[0]) if mark else len(GROUPS)

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def _nothing_from_outside() -> Iterator[None]:
    """No test sees this machine's key, database or settings, or writes into the home of who runs it."""
    gc.freeze()  # all that was imported need not be looked through again and again
    gc.set_threshold(50_000, 20, 50)
    for name in list(os.environ):
        if name.startswith(("TRAINTUI_", "ANTHROPIC_")):
            del os.environ[name]
    os.environ["TRAINTUI_CONFIG"] = os.devnull
    with tempfile.TemporaryDirectory(prefix="tt-homes-", dir=homes.quick_directory()) as directory:
        os.environ["TRAINTUI_HOME"] = directory
        yield


@pytest.fixture(scope="session")
def server(_nothing_from_outside: None) -> Iterator[EmbeddedServer]:
    """A server of this test process, with the roles, the people, and a migrated template database."""
    with tempfile.TemporaryDirectory(prefix="tt-", dir=homes.quick_directory()) as directory:
        Path(directory).chmod(0o755)
        embedded = EmbeddedServer(homes.furnished_home(Path(directory) / "home"), durable=False)
        with (embedded.data / "postgresql.conf").open("a") as file:
            file.write("autovacuum = off\n")  # statistics, sizes and dead rows are those that a test makes
        embedded.start()
        with psycopg.connect(embedded.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(DATABASE), sql.Identifier(TEMPLATE))
            )
            if users.own_login() not in PEOPLE:
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(users.own_login())))
        for name, role in PEOPLE.items():
            users.add_user(embedded.conninfo(SUPERUSER, TEMPLATE), name, role, with_password=False)
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
