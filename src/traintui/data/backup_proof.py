"""A backup is proven by restoring it on a server of its own: all that it holds is compared with the workspace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psycopg
from psycopg import sql

from traintui import clock
from traintui.data import backup, backup_contents, restore, schema, schema_check, scratch
from traintui.data.backup import Backup, unwatched
from traintui.data.backup_contents import Far
from traintui.data.backup_record import Proof, State
from traintui.data.backup_source import Source
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.errors import TraintuiError

SAID = 5
"""Differences that are named one by one."""
WORK = 400_000_000
"""Bytes that a server takes beside its database: its own files, and its log while a backup is read."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the log of a workspace says of itself: how many rows were looked at, and what does not hold."""

    rows: int
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Telling:
    """Who is told of each step, and how far it is."""

    step: Callable[[str], None] = schema.quiet
    far: Far = unwatched


@dataclass(frozen=True, slots=True)
class Prover:
    """How backups of a home are proven. `record` looks at the seals in the database of a connection string."""

    programs: EmbeddedServer
    record: Callable[[str, Far], Record]
    telling: Telling = field(default_factory=Telling)

    def back_up(self, path: Path | None, source: Source) -> Backup:
        """A backup that was proven before it got its name; on a failure, and when it is stopped, nothing is left.

        Raises `TraintuiError` as `backup.back_up`, and when it does not restore to what the workspace holds.
        """
        size = backup.database_size(source.conninfo)
        backup.check_room(self.programs.home, size + size // 2 + WORK, "verified backup")
        self.telling.step("Writing the backup")
        with scratch.ended_in_order():
            return backup.back_up(
                self.programs, path, source=source, prove=partial(self.proof, size), far=self.telling.far
            )

    def proof(self, size: int, path: Path, made: Backup, state: State) -> Proof:
        """What restoring a backup shows, whose database has `size` bytes. Raises `TraintuiError` when it does not hold
        what the workspace did."""
        started = clock.ticks()
        self.telling.step("Restoring it on a server of its own")
        with scratch.scratch_server(self.programs) as server:
            with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
                restore.fill(server, connection, path, name=DATABASE, far=self.telling.far, size=size)
            conninfo = server.conninfo(SUPERUSER)
            self.telling.step("Comparing every row")
            compare(made.path, conninfo, state, self.telling.far)
            differs = brought_up_to_date(conninfo)
            self.telling.step("Verifying the seals")
            restore.seal(conninfo)
            record = self.record(conninfo, self.telling.far)
        return Proof(
            made.sha256, made.revision, state.at, state.server, state.contents, state.system, state.next_xid,
            state.people, clock.now(), round(clock.ticks() - started, 2), record.rows, differs,
            record.findings,
        )  # fmt: skip


def compare(path: Path, conninfo: str, state: State, far: Far) -> None:
    """Raises `TraintuiError` unless a database holds each row, and is defined as a workspace was."""
    wrong = backup_contents.differences(state.contents, backup_contents.read_of(conninfo, far))
    found = schema_check.objects(conninfo)
    wrong += [each.words for each in schema_check.compare(state.schema, found)]
    if wrong:
        raise not_proven(path, wrong)


def brought_up_to_date(conninfo: str) -> tuple[str, ...]:
    """Upgrades a restored database; what is not as the migrations make it. As it came over faithfully, the workspace
    has the same. Raises `TraintuiError` when it cannot be upgraded."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("VACUUM (ANALYZE)"))
    restore.upgrade(conninfo)
    return tuple(each.words for each in schema_check.check(conninfo))


def not_proven(path: Path, wrong: list[str]) -> TraintuiError:
    more = f", and {len(wrong) - SAID:,} more" if len(wrong) > SAID else ""
    return TraintuiError(
        "Backup not verified", f"{path} was restored, and {'; '.join(wrong[:SAID])}{more}.",
        "No backup was kept, and the workspace is as it was. Try again, and send this to the makers if it comes back.",
    )  # fmt: skip
