"""PgBouncer in transaction mode before a server of this machine, as a process of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

PATIENCE = 20.0
PATH = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin"


def pgbouncer() -> str | None:
    """The program, where it is installed (Debian: apt-get install pgbouncer)."""
    return shutil.which("pgbouncer", path=PATH)


@contextmanager
def pooled(conninfo: str) -> Iterator[str]:
    """The URL of the same database as the same login through a pooler, for the block."""
    parts = conninfo_to_dict(conninfo)
    host, name, login = (str(parts[key]) for key in ("host", "dbname", "user"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    directory = Path(tempfile.mkdtemp(prefix="pooler-"))
    # It refuses to be root, and only the server's account may pass to the server's socket.
    owner = pwd.getpwuid(Path(host).stat().st_uid) if os.geteuid() == 0 and host.startswith("/") else None
    (directory / "pgbouncer.ini").write_text(
        f"[databases]\n{name} = host={host} port={parts.get('port', 5432)} dbname={name} user={login}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"pool_mode = transaction\ndefault_pool_size = 20\nmax_client_conn = 200\nlogfile = {directory}/log\n"
    )
    if owner is not None:
        shutil.chown(directory, owner.pw_uid, owner.pw_gid)
    process = subprocess.Popen(
        [pgbouncer() or "pgbouncer", "-q", str(directory / "pgbouncer.ini")],
        user=owner.pw_uid if owner else None, group=owner.pw_gid if owner else None,
        extra_groups=[] if owner else None, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield f"postgresql://{login}@127.0.0.1:{port}/{name}"
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(directory, ignore_errors=True)
