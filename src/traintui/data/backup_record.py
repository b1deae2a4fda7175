"""What a backup holds, as it was read in the moment of the backup, and the record of it beside a verified one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from traintui import clock
from traintui.data import backup_contents, schema, schema_check, unfinished, users
from traintui.data.backup_contents import Contents, Far
from traintui.data.backup_source import Source
from traintui.errors import TraintuiError

SUFFIX = ".verified.json"
CLUSTER = "SELECT system_identifier, pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM pg_control_system()"


@dataclass(frozen=True, slots=True)
class State:
    """A workspace at the moment of its backup. Of an embedded one also its cluster (`system`), the transaction that
    would have come next there (`next_xid`), and its people; of a shared one these are 0 and none. `schema` has the
    definition of each thing."""

    at: datetime
    server: str
    contents: Contents
    schema: Mapping[tuple[str, str], str]
    system: int = 0
    next_xid: int = 0
    people: tuple[users.User, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """That a backup was restored and held what the workspace did at `at`. `sha256` is of its file. `differs` is what is
    not as the migrations make it, and `findings` what does not hold among the `log_rows` that were compared with their
    seals, 0 where none was: both are so in the workspace too, and came over faithfully. `seconds` is what verifying
    took."""

    sha256: str
    revision: str
    at: datetime
    server: str
    contents: Contents
    system: int
    next_xid: int
    people: tuple[users.User, ...]
    verified_at: datetime
    seconds: float
    log_rows: int
    differs: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()

    @property
    def seals(self) -> int:
        """The seals that the workspace had."""
        return self.contents.tables.get("audit_seals", (0, ""))[0]


class Moment:
    """A transaction that sees the workspace as the backup does."""

    def __init__(self, connection: psycopg.Connection[Any], source: Source, far: Far) -> None:
        self._connection, self._source, self._far = connection, source, far
        (snapshot,) = connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        self.snapshot = str(snapshot)
        """What `pg_dump` is told so that it sees the same."""
        self._at = clock.now()
        self._schema = schema_check.objects(source.conninfo)

    def read(self) -> State:
        """What there is. Reads every row. Raises `psycopg.Error`."""
        server = self._connection.info.parameter_status("server_version") or ""
        contents = backup_contents.read(self._connection, self._far)
        if self._source.shared:
            return State(self._at, server, contents, self._schema)
        system, next_xid = self._connection.execute(CLUSTER).fetchone() or (0, 0)
        people = tuple(users.list_users(self._source.conninfo))
        return State(self._at, server, contents, self._schema, int(system), int(next_xid), people)


@contextmanager
def moment(source: Source, far: Far) -> Iterator[Moment]:
    """A moment of a workspace, held for the block. Raises `psycopg.Error`."""
    with psycopg.connect(source.conninfo) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if source.shared:
            connection.execute(f"SET LOCAL ROLE {schema.OWNER}".encode())
        backup_contents.settle(connection)  # nobody ends it while the file is written
        yield Moment(connection, source, far)


def path_of(backup: Path) -> Path:
    """Where the record of a backup stands."""
    return backup.with_name(backup.name + SUFFIX)


@contextmanager
def written(backup: Path, proof: Proof) -> Iterator[None]:
    """Writes the record of a backup that gets its name in the block, for its owner only; it has its own after that, so
    that a backup for whose record there is no room does not stand either. Raises `OSError`."""
    told = asdict(proof) | {"at": proof.at.isoformat(), "verified_at": proof.verified_at.isoformat()}
    with unfinished.begun(path_of(backup)) as (partial, file):
        file.write(json.dumps(told, indent=1).encode())
        file.flush()
        os.fsync(file.fileno())
        yield
        partial.rename(path_of(backup))


def read(backup: Path) -> Proof | None:
    """The record beside a backup; None where there is none, or not a whole one. Whether the file is still the one that
    was verified, `sha256` tells."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads(path_of(backup).read_text(encoding="utf-8"))
        tables = {name: (int(rows), str(digest)) for name, (rows, digest) in told["contents"]["tables"].items()}
        return Proof(**told | {
            "at": datetime.fromisoformat(told["at"]), "verified_at": datetime.fromisoformat(told["verified_at"]),
            "contents": Contents(tables, told["contents"]["sequences"]),
            "people": tuple(users.User(**person) for person in told["people"]),
            "differs": tuple(told["differs"]), "findings": tuple(told["findings"]),
        })  # fmt: skip
    return None


def proof_of(backup: Path) -> Proof | None:
    """The record of a backup that is still the file which was verified; None where it never was. Raises `TraintuiError`
    when the file is another one by now."""
    proof = read(backup)
    if proof is None:
        return None
    with backup.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == proof.sha256:
            return proof
    raise TraintuiError(
        "Backup was changed", f"{backup} is not the file any more that was verified.",
        f"Nothing was changed. Take another one; without {path_of(backup).name} beside it, it counts as not verified.",
    )  # fmt: skip
