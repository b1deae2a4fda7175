"""What is backed up: the workspace of an embedded server, or that of a shared one, and the program that can read it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from traintui.data import schema
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import CONNECT_TIMEOUT
from traintui.data.older_cluster import MAJOR, PLACES
from traintui.errors import TraintuiError

SHARED = ("--extension=plpgsql", "--no-publications", "--no-subscriptions")
"""What a shared server has beside the workspace stays there."""
SERVICE = "traintui"
"""The name under which libpq finds a shared workspace in the file that it is handed."""
OTHER_SCHEMAS = """
    SELECT nspname::text FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')
    ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Source:
    """A workspace to be backed up. `dump` is the `pg_dump` for its server and `options` what it is told. Of a shared
    one, `service` is how it is reached and `variables` are its environment beside ours: what others on the machine must
    not see stands there, and never among the words of a command."""

    conninfo: str
    dump: str
    options: tuple[str, ...]
    shared: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    service: Mapping[str, str] = field(default_factory=dict)


def embedded(server: EmbeddedServer) -> Source:
    """The workspace of an embedded server."""
    conninfo = server.conninfo(SUPERUSER)
    return Source(conninfo, server.program("pg_dump"), (f"--exclude-schema={schema.OF_SERVER}", f"--dbname={conninfo}"))


def shared(url: str, programs: EmbeddedServer) -> Source:
    """The workspace of a shared server; `programs` are those of a home, whose server need not run.

    Raises `TraintuiError` when the login is no member of the owner, a pooler stands between, or no `pg_dump` here can
    read that server; `psycopg.Error` when it is not reached.
    """
    conninfo = make_conninfo(url, connect_timeout=CONNECT_TIMEOUT, application_name="traintui backup")
    with psycopg.connect(conninfo) as connection:
        (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (None,)
        if pid != connection.info.backend_pid:
            raise TraintuiError(
                "Not a direct connection",
                "a pooler stands between, and a backup is read in one session that nobody else gets.",
                "Nothing was written. Set TRAINTUI_DATABASE_URL to the server itself for this.",
            )
        require_member(connection)
        others = [name for (name,) in connection.execute(OTHER_SCHEMAS)]
        major, ssl = connection.info.server_version // 10_000, bool(connection.pgconn.ssl_in_use)
        # With several hosts, the dump is of the one that the snapshot is of.
        here = {"host": connection.info.host, "port": connection.info.port}
        if connection.info.hostaddr and not str(connection.info.host).startswith("/"):
            here["hostaddr"] = connection.info.hostaddr
        known, password = connection.info.get_parameters(), connection.info.password
    whole: dict[str, Any] = {**conninfo_to_dict(conninfo), **here}
    # Ours takes the place of a service that the person named: what that said is in ours. libpq adds a default of its
    # own, which those before 16 have no word for.
    theirs = {name: value for name, value in known.items()
              if "service" in known and (name, value) != ("sslcertmode", "allow")}  # fmt: skip
    service = {name: str(value) for name, value in {**theirs, **whole}.items()
               if name not in ("service", "servicefile", "password")}  # fmt: skip
    excluded = tuple(f'--exclude-schema="{name.replace(chr(34), chr(34) * 2)}"' for name in others)
    return Source(
        make_conninfo(**whole),
        program_for(major, ssl, programs),
        (f"--role={schema.OWNER}", *SHARED, *excluded, f"--dbname=service={SERVICE}"),
        shared=True,
        variables={"PGPASSWORD": password} if password else {},
        service=service,
    )


def require_member(connection: psycopg.Connection[Any]) -> None:
    """Raises `TraintuiError` unless the login may read all of a workspace, which only a member of its owner may."""
    known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [schema.OWNER]).fetchone()
    if known is None:
        raise TraintuiError(
            "No workspace here", "this server has no roles of Traintui.", "Nothing was written. Check the URL."
        )
    (member,) = connection.execute("SELECT pg_has_role(session_user, %s, 'MEMBER')", [schema.OWNER]).fetchone() or (0,)
    if not member:
        may = [str(name) for (name,) in connection.execute(schema.MAY_UPGRADE)]
        raise TraintuiError(
            "No right to back up",
            f"a backup has every row of every table, which only a member of {schema.OWNER} may read;"
            f" {connection.info.user} is none.",
            f"Nothing was written. Ask {', '.join(may) + ' or ' if may else ''}who runs the server.",
        )


def program_for(major: int, ssl: bool, programs: EmbeddedServer) -> str:
    """A `pg_dump` that reads a server of a major version. Traintui's own reads those up to its own version, and speaks
    without encryption: a connection that is encrypted must not become a plain one. Raises `TraintuiError` where none
    here can."""
    if major > MAJOR:
        raise TraintuiError(
            "Server is newer", f"it is PostgreSQL {major}, and this Traintui reads servers up to {MAJOR}.",
            "Nothing was written. Back up with the server's own pg_dump, or install a newer Traintui.",
        )  # fmt: skip
    if not ssl:
        return programs.program("pg_dump")
    places = [Path(found).parent for found in [shutil.which("pg_dump")] if found]
    places += [place for pattern in PLACES for place in sorted(Path("/").glob(pattern.format("*").lstrip("/")))]
    for place in places:
        program = place / "pg_dump"
        if program.exists() and major <= major_of(program) <= MAJOR:
            return str(program)
    raise TraintuiError(
        "No pg_dump that encrypts",
        f"the connection is encrypted, which Traintui's own pg_dump cannot do, and no other one from {major} to {MAJOR}"
        " was found on this machine.",
        f"Nothing was written. Install those of PostgreSQL {major} (on Debian postgresql-client-{major}).",
    )


def major_of(program: Path) -> int:
    """The major version of a program of PostgreSQL; 0 where it does not say."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found[1]) if found else 0


@contextmanager
def environment(source: Source | None) -> Iterator[tuple[dict[str, str], tuple[int, ...]]]:
    """The variables of a program, and the files that it inherits, for the block. For a shared server those of libpq
    count as they do for the app; for an embedded one no variable of the person changes what is connected to."""
    plain = {"LC_ALL": "C", "TZ": "UTC"}
    if source is None or not source.shared:
        yield {"PATH": os.environ.get("PATH", os.defpath), **plain}, ()
        return
    # The file has no name: nobody else opens it, and nothing is left of it where we are killed.
    with TemporaryFile("w", encoding="utf-8") as file:
        file.write(f"[{SERVICE}]\n" + "".join(f"{name}={value}\n" for name, value in source.service.items()))
        file.flush()
        file.seek(0)
        handed = {"PGSERVICEFILE": f"/dev/fd/{file.fileno()}"}
        yield {**os.environ, **plain, **source.variables, **handed}, (file.fileno(),)
