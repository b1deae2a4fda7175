"""Backups of a workspace: one file each, written by `pg_dump`.

Automatic ones stand in `backups` of the home, as `before-...`; the newest three are kept. Those that a person makes
are never touched.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from traintui import clock
from traintui.data import backup_record, schema, unfinished
from traintui.data.backup_contents import Far
from traintui.data.backup_record import Proof, State
from traintui.data.backup_source import Source, embedded, environment
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.errors import TraintuiError

KEPT = 3
"""Automatic backups that stay."""
AUTOMATIC = re.compile(r"before-.+-(\d{8}T\d{6}Z)(?:-(\d+))?\.dump")
SPARE = 50_000_000
"""Bytes that stay free on the disk beside a backup."""
LOOK_SECONDS = 0.5
"""Between two looks how far a program is."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A file that holds a whole workspace at a revision of the schema. `seconds` is what writing it took; `proof` is
    what restoring it showed, None where nobody did."""

    path: Path
    bytes: int
    sha256: str
    revision: str
    seconds: float
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class StandingBackup:
    """A backup that stands in the home."""

    path: Path
    bytes: int
    made_at: datetime
    is_verified: bool


Prove = Callable[[Path, Backup, State], Proof]
"""Restores a file that is to be this backup, of a workspace in this state. Raises `TraintuiError` if it differs."""


def unwatched(_what: str, _done: int, _total: int) -> None:
    """How far something is, where nobody looks."""


def directory(home: Path) -> Path:
    """Where backups stand when no other place is named."""
    return home.expanduser().absolute() / "backups"


def standing(home: Path) -> list[StandingBackup]:
    """The backups in the home, newest first. Those that a person keeps elsewhere are not known."""
    found = []
    for path in directory(home).glob("*.dump"):
        with suppress(FileNotFoundError):
            facts = path.stat()
            made_at = datetime.fromtimestamp(facts.st_mtime, UTC)
            found.append(StandingBackup(path, facts.st_size, made_at, backup_record.read(path) is not None))
    return sorted(found, key=lambda backup: backup.made_at, reverse=True)


def back_up(
    server: EmbeddedServer, path: Path | None = None, *, source: Source | None = None, prove: Prove | None = None,
    far: Far = unwatched,
) -> Backup:  # fmt: skip
    """Writes the whole workspace into a new file that only its owner reads; into one with a name of its own where
    `path` is a directory, or in the home where it is None. The app may go on meanwhile: it holds one moment. That of
    the server, or of `source` where it is a shared one. `prove` restores it before it gets its name.

    Raises `TraintuiError` when there is nothing to back up, the file is there already, it cannot be written whole, or
    it does not prove; then nothing is left behind.
    """
    source = source or embedded(server)
    revision = schema.current_revision(source.conninfo)
    if revision is None:
        raise TraintuiError(
            "Nothing to back up", "this workspace is still empty.", "Open the app or import something first."
        )
    if path is None:
        path = made_directory(server.home)
    path = path.expanduser().absolute()
    if path.is_dir():
        path = unused(path, f"traintui-{revision}-{stamp()}")
    return write(server, path, revision, source=source, prove=prove, far=far)


def before(server: EmbeddedServer, what: str, *, keep: Path | None = None) -> Backup | None:
    """An automatic backup before something that changes a whole workspace, named after `what`. None when it is empty.

    Older ones go, except `keep`. Raises `TraintuiError` when it cannot be written: then the change must not begin.
    """
    revision = schema.current_revision(server.conninfo(SUPERUSER))
    if revision is None:
        return None
    place = made_directory(server.home)
    made = write(server, unused(place, f"before-{what}-{stamp()}"), revision)
    automatic = [(match.groups(default="0"), path) for path in place.iterdir()
                 if (match := AUTOMATIC.fullmatch(path.name))]  # fmt: skip
    by_age = sorted(automatic, key=lambda named: (named[0][0], int(named[0][1])), reverse=True)
    for _, old in by_age[KEPT:]:
        if keep is None or old != keep.absolute():
            old.unlink(missing_ok=True)
            backup_record.path_of(old).unlink(missing_ok=True)
    return made


def revision_of(server: EmbeddedServer, path: Path) -> str:
    """The revision of the schema that a backup holds. Raises `TraintuiError` when it is none of Traintui."""
    foreign = TraintuiError(
        "Not a backup", f"{path} is no backup of a Traintui workspace, or not whole.",
        "Nothing was changed. Choose a file that `traintui db backup` or an upgrade has written.",
    )  # fmt: skip
    if not path.is_file():
        raise TraintuiError("Backup not found", f"there is no file {path}.", "Nothing was changed. Check its name.")
    listed = run(server, "pg_restore", "-l", str(path))
    tables = set(re.findall(r" TABLE public (\w+) ", listed.stdout))
    if listed.returncode != 0 or not {"alembic_version", "conversations", "review_logs"} <= tables:
        raise foreign
    read = run(server, "pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(path))
    found = re.search(r"^COPY public\.alembic_version .*\n(\w+)\n\\\.$", read.stdout, re.MULTILINE)
    if read.returncode != 0 or found is None:
        raise foreign
    return found[1]


# Writing one ------------------------------------------------------------------------------------------------------


def stamp() -> str:
    return clock.now().strftime("%Y%m%dT%H%M%SZ")


def unused(place: Path, name: str) -> Path:
    """A path in a directory under which nothing stands yet."""
    path, number = place / f"{name}.dump", 1
    while path.exists():
        number += 1
        path = place / f"{name}-{number}.dump"
    return path


def made_directory(home: Path) -> Path:
    with writable(directory(home)):
        directory(home).mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory(home)


def write(
    server: EmbeddedServer, path: Path, revision: str, *, source: Source | None = None, prove: Prove | None = None,
    far: Far = unwatched,
) -> Backup:  # fmt: skip
    """Dumps the workspace beside its place and moves it there once it is whole, on the disk, and proven if asked."""
    started = clock.ticks()
    source = source or embedded(server)
    if path.exists():
        raise TraintuiError(
            "File exists", f"{path} is there already.", "Name another file; a backup is never replaced."
        )
    with writable(path):
        unfinished.clear(path.parent)
        # Packed, and without indexes, it takes a quarter of the database.
        check_room(path.parent, database_size(source.conninfo) // 2, "backup")
        with unfinished.begun(path) as (partial, file):
            # pg_dump inherits the lock. It gets a name and not its standard output, where it writes its table of
            # contents twice, so that a cut would not show.
            state = dump(server, source, partial, file.fileno(), path, far, is_proven=prove is not None)
            os.fsync(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.seek(0, os.SEEK_END)
            if revision_of(server, partial) != revision:
                raise failed(path, "it reads back as another revision")
            made = Backup(path, size, digest, revision, round(clock.ticks() - started, 2))
            if prove and state:
                made = replace(made, proof=prove(partial, made, state))
            with backup_record.written(path, made.proof) if made.proof else nullcontext():
                partial.rename(path)
        unfinished.sync_directory(path.parent)
    return made


def dump(
    server: EmbeddedServer, source: Source, partial: Path, file: int, path: Path, far: Far, *, is_proven: bool
) -> State | None:  # fmt: skip
    """Has `pg_dump` write a workspace into the file `partial`, open as `file`, that will be `path`; what the workspace
    held at that moment where it `is_proven`. Raises `TraintuiError`."""

    def look() -> None:
        far("MB written", os.fstat(file).st_size // 1_000_000, 0)

    with backup_record.moment(source, far) if is_proven else nullcontext() as moment:
        snapshot = () if moment is None else (f"--snapshot={moment.snapshot}",)
        done = run(
            server, source.dump, "--format=custom", "--compress=1", f"--file={partial}", *source.options, *snapshot,
            inherits=file, source=source, look=look,
        )  # fmt: skip
        if done.returncode != 0:
            raise failed(path, (done.stderr.strip().splitlines() or ["pg_dump said nothing"])[-1])
        return None if moment is None else moment.read()


def failed(path: Path, why: str) -> TraintuiError:
    return TraintuiError(
        "Backup not written", f"{path} could not be written ({why.removesuffix('.')}).",
        "The workspace is as it was. Free space on that disk or mend what it says, then try again.",
    )  # fmt: skip


def check_room(place: Path, needed: int, what: str) -> None:
    """Raises `TraintuiError` where a disk has less than `needed` bytes free, and some to spare. `place` may be one that
    will be made."""
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed + SPARE:
        raise TraintuiError(
            f"No room for a {what}",
            f"{place} has {free / 1e6:,.0f} MB free, and a {what} may take {(needed + SPARE) / 1e6:,.0f} MB.",
            "The workspace is as it was. Free space on that disk, then try again.",
        )


def database_size(conninfo: str) -> int:
    """Bytes of a workspace's database."""
    with psycopg.connect(conninfo) as connection:
        (size,) = connection.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
    return int(size)


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Turns what the operating system refuses into an answer."""
    try:
        yield
    except OSError as error:
        raise failed(path, error.strerror or str(error)) from error


def run(
    server: EmbeddedServer, program: str, *arguments: str, inherits: int | None = None, source: Source | None = None,
    look: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Runs one of the server's programs, or another one by its path, as the person, whose files it reads and writes.
    `look` is called twice a second meanwhile. One that is given up ends with it."""
    command = [program if "/" in program else server.program(program), *arguments]
    own = () if inherits is None else (inherits,)
    with environment(source) as (variables, handed), subprocess.Popen(  # noqa: S603 - programs of PostgreSQL
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=(*own, *handed),
        env=variables, encoding="utf-8", errors="replace",
    ) as process:  # fmt: skip
        try:
            while True:
                try:
                    out, err = process.communicate(timeout=LOOK_SECONDS)
                    return subprocess.CompletedProcess(command, process.returncode, out, err)
                except subprocess.TimeoutExpired:
                    if look:
                        look()
        except BaseException:
            process.kill()
            raise
