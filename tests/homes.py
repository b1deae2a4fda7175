"""A home with an empty workspace, made once for all test processes of a run: who needs one takes a copy."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from traintui.data.embedded import EmbeddedServer
from traintui.data.workspace import make_embedded_workspace

HURRIED = "fsync = off\nsynchronous_commit = off\n"
"""What `durable=False` adds to the server's configuration."""
KEPT = "TESTS_HOME_TO_COPY"
"""The variable that tells the other test processes where it is."""


def quick_directory() -> str:
    """Where files are made quickly: memory where it is large enough (a copy of the template in 0.02 s, not in 0.3)."""
    memory = Path("/dev/shm")  # noqa: S108 - only the names inside are ours
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 2_000_000_000 else tempfile.gettempdir()


def begin() -> Path:
    """The directory in which the home will be made by the first to need it."""
    directory = Path(tempfile.mkdtemp(prefix="th-", dir=quick_directory()))
    directory.chmod(0o711)
    os.environ[KEPT] = str(directory)
    return directory


def made_at() -> datetime:
    """When the home that is copied was begun: its partitions are those of that week."""
    version = EmbeddedServer(Path(os.environ[KEPT]) / "whole").data / "PG_VERSION"
    return datetime.fromtimestamp(version.stat().st_mtime, UTC)


def furnished_home(place: Path, *, durable: bool = False) -> Path:
    """Makes `place`, which is not there yet, a home as the first start of the app leaves it: the server stopped, the
    roles, one's own login and the newest schema in it. `durable`: as the app makes it, where what was committed
    outlives a server that is killed; else it does not wait for its files."""
    directory = Path(os.environ[KEPT])
    whole = directory / "whole"
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            made = directory / "made"
            server = EmbeddedServer(made, durable=False)
            server.start()
            make_embedded_workspace(server)
            server.stop()
            made.rename(whole)
    # The files keep their owner, which is not the one that runs the tests where that is root.
    subprocess.run(["cp", "-Rp", str(whole), str(place)], check=True)
    if durable:
        configuration = EmbeddedServer(place).data / "postgresql.conf"
        written = configuration.read_text()
        assert HURRIED in written
        configuration.write_text(written.replace(HURRIED, ""))
    return place
