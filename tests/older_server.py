"""A PostgreSQL 15 of Debian's, for a test: the oldest that Traintui works with."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from support import Conninfo
from traintui.data import schema, users

BIN = Path("/usr/lib/postgresql/15/bin")
"""Where Debian puts it (apt-get install postgresql-15)."""
SUPERUSER = "postgres"
NAME = "traintui"
PORT = "5432"


def is_there() -> bool:
    """Whether it is installed."""
    return (BIN / "initdb").exists()


@contextmanager
def older_server(people: dict[str, users.Role]) -> Iterator[Conninfo]:
    """The server over a socket of its own, with a workspace and these people, for the block: gives the connection
    string of each. The roles have what a superuser is asked to grant on a shared server."""
    directory = Path(tempfile.mkdtemp(prefix="tp-", dir="/tmp"))  # the path of a socket must be short
    account = pwd.getpwnam("postgres").pw_uid if os.geteuid() == 0 else None
    if account is not None:
        os.chown(directory, account, -1)
    directory.chmod(0o755)

    def run(*words: str) -> None:
        subprocess.run(words, user=account, check=True, stdout=subprocess.DEVNULL, cwd=directory, timeout=120)

    data = directory / "data"
    made = (str(BIN / "initdb"), "-D", str(data), "-U", SUPERUSER)
    run(*made, "--encoding=UTF8", "--locale=C", "--no-sync", "-A", "trust")
    options = (
        f"-k {directory} -p {PORT} -c listen_addresses='' -c fsync=off -c autovacuum=off"
        " -c shared_preload_libraries=pg_stat_statements"
    )
    control = (str(BIN / "pg_ctl"), "-D", str(data), "-s", "-w", "-t", "60")
    run(*control, "-l", str(directory / "log"), "-o", options, "start")

    def conninfo(login: str, database: str = NAME) -> str:
        return f"host={directory} port={PORT} user={login} dbname={database}"

    try:
        with psycopg.connect(conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))
        schema.bootstrap(conninfo(SUPERUSER))
        schema.let_see_all(conninfo(SUPERUSER))
        schema.upgrade(conninfo(SUPERUSER))
        for name, role in people.items():
            users.add_user(conninfo(SUPERUSER), name, role, with_password=False)
        yield conninfo
    finally:
        run(*control, "-m", "immediate", "stop")
        shutil.rmtree(directory, ignore_errors=True)
