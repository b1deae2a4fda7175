"""Moving an embedded workspace to a newer major version of its server: into a cluster of its own, which takes its place
once all that the old one held was found in it. The old one is left as it is."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psycopg

from traintui import clock
from traintui.data import (
    backup,
    backup_contents,
    backup_proof,
    backup_record,
    backup_source,
    older_cluster,
    restore,
    schema,
    scratch,
    tuned_settings,
    unfinished,
    users,
)
from traintui.data.backup import Backup
from traintui.data.backup_contents import Contents
from traintui.data.backup_proof import Telling
from traintui.data.backup_record import Proof, State
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer, in_use
from traintui.data.older_cluster import MAJOR, OlderCluster, OtherServer
from traintui.data.refusals import answered
from traintui.errors import TraintuiError


@dataclass(frozen=True, slots=True)
class Plan:
    """How a workspace is moved: with the programs of its old server, or out of a verified backup, `path` with `proof`.
    `later` is how many transactions the old server wrote after that, some of them its own housekeeping; None where it
    did not stop in order, so that nobody knows. `tuned` are the settings of the old server that an administrator made;
    the new one gets Traintui's."""

    cluster: OlderCluster
    path: Path | None = None
    proof: Proof | None = None
    later: int | None = 0
    tuned: tuple[str, ...] = ()

    @property
    def loses(self) -> bool:
        """Whether something may be missing afterwards that is in the old cluster."""
        return self.later != 0


@dataclass(frozen=True, slots=True)
class Moved:
    """A workspace that stands in a cluster of this version. `old` is the folder of the old one, which is left until a
    person removes it; `path` the backup that it came over by. `strangers` have no login there. `sealed` is its newest
    seal at that moment."""

    old: Path
    old_major: int
    path: Path
    revision_before: str
    revision: str
    rows: int
    conversations: int
    strangers: tuple[str, ...]
    workspace_id: str
    sealed: int
    seconds: float


class NothingToUpgrade(TraintuiError):
    """The workspace is of this Traintui's server, or there is none yet."""


def plan(home: Path, chosen: Path | None = None) -> Plan:
    """How the workspace of a home would be moved, out of the backup `chosen` if one is. Nothing is changed.

    Raises `NothingToUpgrade` where no other server made it, and `TraintuiError` when there is no way to.
    """
    cluster = older_cluster.found(home)
    if cluster is None:
        raise NothingToUpgrade(
            "Nothing to upgrade", f"no older server made the workspace in {home}.", "Open the app; nothing was changed."
        )
    if cluster.major > MAJOR:
        raise OtherServer(cluster)
    tuned = tuned_settings.not_taken_over(cluster.data)
    if chosen is None and cluster.programs:
        return Plan(cluster, tuned=tuned)
    path, proof = newest_of(home, cluster) if chosen is None else checked(chosen.expanduser().absolute(), cluster)
    later = cluster.control.next_xid - proof.next_xid if cluster.control.stopped else None
    return Plan(cluster, path, proof, later, tuned)


def newest_of(home: Path, cluster: OlderCluster) -> tuple[Path, Proof]:
    """The newest verified backup of a cluster in its home that is still the file which was verified."""
    for standing in backup.standing(home):
        with suppress(TraintuiError):
            proof = backup_record.proof_of(standing.path)
            if proof and proof.system == cluster.control.system:
                return standing.path, proof
    raise TraintuiError(
        "No way to upgrade the server",
        f"PostgreSQL {cluster.major} made the workspace in {cluster.data}; its programs are not on this machine, and"
        f" {backup.directory(home)} has no verified backup of it.",
        f"Nothing was changed, and the workspace is whole. Install PostgreSQL {cluster.major} (on Debian"
        f" postgresql-{cluster.major}) and run this again; or install the Traintui from before, run"
        " `traintui db backup --verify` with it, then install this one again.",
    )


def checked(path: Path, cluster: OlderCluster) -> tuple[Path, Proof]:
    """A backup that a person named, if it was verified and is of this cluster."""
    proof = backup_record.proof_of(path) if path.is_file() else None
    if proof is not None and proof.system == cluster.control.system:
        return path, proof
    why = f"{path} has no record beside it that it was verified ({backup_record.path_of(path).name})"
    if proof is not None:
        why = f"{path} is a backup of another workspace than the one in {cluster.data}"
    raise TraintuiError(
        "Backup not fit",
        f"{why}.",
        "Nothing was changed. Name a backup that `traintui db backup --verify` has made here.",
    )


def move(home: Path, wanted: Plan, telling: Telling) -> Moved:
    """Moves a workspace as planned, and compares every row. The old folder stays as it was, but that its server ran
    once more. Whatever fails, and wherever it is cut off, the old cluster is the workspace, or the new one is, whole.

    Raises `TraintuiError` when the old one is in use, there is no room, or what came over is not what was there.
    """
    started = clock.ticks()
    ours = EmbeddedServer(home)
    with only_one(ours), scratch.ended_in_order():
        if older_cluster.found(home) != wanted.cluster:
            raise TraintuiError(
                "Moved meanwhile", "somebody else worked on the workspace.", "Nothing was changed. Start again."
            )
        moving = _Moving(ours, wanted, telling)
        try:
            with answered():
                moving.run()
        finally:
            moving.clear()
        return moving.moved(round(clock.ticks() - started, 2))


@contextmanager
def only_one(ours: EmbeddedServer) -> Iterator[None]:
    """One process moves a workspace at a time. Raises `TraintuiError` when another one does."""
    with (ours.home / "postgres" / "upgrade.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TraintuiError(
                "Being upgraded", f"another process moves the workspace in {ours.home} to PostgreSQL {MAJOR}.",
                "Wait until it is through, then start again.",
            ) from error  # fmt: skip
        yield


class _Moving:
    """One move: the old server, if it runs for it, and the new one, both beside the home."""

    def __init__(self, ours: EmbeddedServer, wanted: Plan, telling: Telling) -> None:
        postgres = ours.home / "postgres"
        self.ours, self.plan, self.telling = ours, wanted, telling
        cluster = wanted.cluster
        # Sockets of their own: an older Traintui that is started meanwhile finds nothing to write into.
        self.old = EmbeddedServer(postgres / "old-server", data=cluster.data, programs=cluster.programs)
        self.new = EmbeddedServer(postgres / "new-server", programs=Path(ours.program("postgres")).parent)
        self.told: tuple[Path, str, str, int, int, tuple[str, ...], str, int] | None = None

    def run(self) -> None:
        # Before anything is stopped: beside what a killed move left may be somebody who works.
        if not self.old.is_of_another():
            self.clear()
        self.refuse_in_use()
        kept = self.plan.cluster.kept
        if kept != self.plan.cluster.data and kept.exists():
            raise TraintuiError(
                "In the way", f"{kept} is where the old workspace would be left, and is there already.",
                "Nothing was changed. Move that folder elsewhere, then start again.",
            )  # fmt: skip
        if self.plan.path and self.plan.proof:
            self.telling.step(f"Restoring {self.plan.path}")
            self.fill(self.plan.path, self.plan.path, self.plan.proof.contents, self.plan.proof.people)
        else:
            self.back_up()
        self.take_place()

    def refuse_in_use(self) -> None:
        """Raises `TraintuiError` while a server runs on the old cluster that this move did not start."""
        if self.old.running():
            raise in_use(self.plan.cluster.data)

    def back_up(self) -> None:
        """Backs the old workspace up with its own server, into the new cluster at once."""
        cluster = self.plan.cluster
        self.telling.step(f"Starting PostgreSQL {cluster.major} on the old workspace")
        self.old.start()
        source = replace(backup_source.embedded(self.old), dump=self.ours.program("pg_dump"))
        revision = schema.current_revision(source.conninfo)
        if revision is None:
            raise TraintuiError(
                "Nothing to move",
                f"the workspace in {cluster.data} is empty.",
                f"Remove {cluster.data}, and start again.",
            )
        if revision > schema.HEAD:
            raise TraintuiError(
                "Schema is newer", f"the workspace is at revision {revision}, this Traintui knows up to {schema.HEAD}.",
                "Nothing was changed. Install the newer Traintui.",
            )  # fmt: skip
        self.telling.step("Backing it up")
        name = f"before-server-{cluster.major}-to-{MAJOR}-{backup.stamp()}"
        path = backup.unused(backup.made_directory(self.ours.home), name)
        size = backup.database_size(source.conninfo)
        backup.check_room(self.ours.home, size + size // 2 + backup_proof.WORK, "move to a newer server")
        backup.write(self.ours, path, revision, source=source, prove=partial(self.proof, size), far=self.telling.far)

    def proof(self, size: int, path: Path, made: Backup, state: State) -> Proof:
        """The new cluster out of the backup is what proves it."""
        started = clock.ticks()
        self.telling.step(f"Restoring it into PostgreSQL {MAJOR}")
        self.fill(path, made.path, state.contents, state.people, state=state, size=size)
        return Proof(
            made.sha256, made.revision, state.at, state.server, state.contents, state.system, state.next_xid,
            state.people, clock.now(), round(clock.ticks() - started, 2), 0,
        )  # fmt: skip

    def fill(
        self, path: Path, name: Path, contents: Contents, people: tuple[users.User, ...], *,
        state: State | None = None, size: int = 0,
    ) -> None:  # fmt: skip
        """Makes the new cluster out of a backup, which is or will be called `name`, and compares."""
        self.new.home.mkdir(mode=0o711)
        self.new.start()
        conninfo = self.new.conninfo(SUPERUSER)
        with psycopg.connect(self.new.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
            restore.fill(self.new, connection, path, name=DATABASE, far=self.telling.far, size=size)
            revision = schema.current_revision(conninfo) or ""
            self.telling.step("Comparing every row")
            if state:
                backup_proof.compare(name, conninfo, state, self.telling.far)
            elif wrong := backup_contents.differences(contents, backup_contents.read_of(conninfo, self.telling.far)):
                raise restore.not_restored(f"{name} was read back, and {'; '.join(wrong[:3])}")
            self.telling.step("Bringing it up to date")
            restore.upgrade(conninfo)
            schema.let_see_all(conninfo)
            lost = {person.name for person in people if not add(conninfo, person)}
            workspace_id, sealed = restore.seal(conninfo)
            conversations, strangers = restore.settle(conninfo)
            restore.limit_connections(connection, DATABASE, -1)
        without = tuple(sorted({*strangers, *lost}))
        self.told = (name, revision, schema.HEAD, contents.rows, conversations, without, workspace_id, sealed)

    def take_place(self) -> None:
        """The new cluster becomes that of the home, in one step."""
        self.old.stop()
        self.new.stop()
        if self.new.running():
            raise TraintuiError(
                "Not moved", f"the new server did not stop in time in {self.new.home}.",
                "The old workspace is as it was. Start again when the machine is less busy.",
            )  # fmt: skip
        self.refuse_in_use()  # who came meanwhile wrote what the new one lacks
        if self.plan.cluster.data == self.ours.data:
            self.ours.data.rename(self.plan.cluster.kept)
        self.new.data.rename(self.ours.data)
        unfinished.sync_directory(self.ours.data.parent)

    def clear(self) -> None:
        """Takes away what was made beside, also by one that was killed, and stops its servers."""
        for server in (self.old, self.new):
            if server.home.exists():
                scratch.take_away(server)

    def moved(self, seconds: float) -> Moved:
        if self.told is None:  # cannot be: it ran
            raise AssertionError(self.plan)
        return Moved(self.plan.cluster.kept, self.plan.cluster.major, *self.told, seconds)


def add(conninfo: str, person: users.User) -> bool:
    """Makes a login of a person what it was; whether that was possible, as it is not with a name that Traintui gives to
    nobody."""
    role = next((role for role in users.ROLES if role == person.role), None)
    if role is None:
        return False
    try:
        users.add_user(conninfo, person.name, role, with_password=False)
    except TraintuiError:
        return False
    if not person.active:
        users.disable_user(conninfo, person.name)
    return True
