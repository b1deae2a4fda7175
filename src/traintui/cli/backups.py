"""`traintui db backup` and `restore`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traintui.audit.words import number_of
from traintui.cli.running import SAID_EVERY, Json, say
from traintui.settings import load_settings

if TYPE_CHECKING:
    from traintui.data.backup import Backup
    from traintui.data.backup_record import Proof
    from traintui.data.backup_source import Source
    from traintui.data.embedded import EmbeddedServer

NAMED = 3
"""Things that differ which are named one by one."""


def back_up(
    path: Annotated[Path | None, typer.Argument(metavar="[PATH]", help="A new file, or a directory for one.")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Restore it on a server of its own and compare every row.")
    ] = False,
    json_: Json = False,
) -> None:
    """Write the whole workspace into one file, in the home where no PATH is given; the app may go on meanwhile. Of a
    shared database with a login that may upgrade it. Ends with 1 where what was verified has seals that do not hold."""
    from traintui.audit.backed_up import record_of
    from traintui.data import backup
    from traintui.data.backup_proof import Prover, Telling

    with backed_up() as (programs, source):
        if verify:
            made = Prover(programs, record_of, Telling(say, Far())).back_up(path, source)
        else:
            made = backup.back_up(programs, path, source=source, far=Far())
    if json_:
        told = {name: getattr(made, name) for name in ("bytes", "sha256", "revision", "seconds")}
        print(json.dumps({"path": str(made.path), **told, "verified": proof_as_json(made.proof)}))
    else:
        print(made.path)
        say(f"{made.bytes / 1e6:,.1f} MB of revision {made.revision} in {made.seconds:.1f} s; SHA-256 {made.sha256}")
        for line in proof_words(made) if made.proof else ():
            say(line)
    if made.proof and made.proof.findings:
        raise typer.Exit(1)


def restore_backup(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A backup.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json_: Json = False,
) -> None:
    """Make the embedded workspace what it was in a backup. What is there now is backed up first."""
    from traintui.data import restore
    from traintui.data.workspace import embedded_administration

    with embedded_administration(load_settings()) as server:
        revision = restore.checked_revision(server, path)
        if not yes:
            question = f"What was done since {path} was written (revision {revision}) leaves the workspace. Go on?"
            typer.confirm(question, abort=True, err=True)
        done = restore.restore(server, path, progress=say)
        note_restore(server.home, done.path, done.workspace_id, done.sealed)
    if json_:
        told = {name: getattr(done, name) for name in ("revision_before", "revision", "conversations", "seconds")}
        replaced = str(done.replaced.path) if done.replaced else None
        print(json.dumps({"path": str(done.path), **told, "replaced": replaced, "strangers": done.strangers}))
        return
    print(f"{done.conversations} conversations as of {done.path}, at revision {done.revision}")
    if done.replaced:
        say(f"What was there before is in {done.replaced.path}")
    for name in done.strangers:
        say(f"{name} is in its logs and has no login here: traintui user add {name} --role ROLE")


@contextmanager
def backed_up() -> Iterator[tuple[EmbeddedServer, Source]]:
    """The workspace of the settings, to be backed up, and the programs of the home."""
    from traintui.data import backup_source
    from traintui.data.embedded import EmbeddedServer
    from traintui.data.engine import parsed_url
    from traintui.data.refusals import answered
    from traintui.data.workspace import embedded_administration

    settings = load_settings()
    if settings.embedded:
        with embedded_administration(settings) as server:
            yield server, backup_source.embedded(server)
        return
    parsed_url(settings.database_url or "")
    programs = EmbeddedServer(settings.home)
    with answered():
        yield programs, backup_source.shared(settings.database_url or "", programs)


class Far:
    """Says how far something is once a second, where a person looks at standard error."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        if time.monotonic() - self._said >= SAID_EVERY and sys.stderr.isatty():
            self._said = time.monotonic()
            say(f"  {done:,}{f' of about {max(total, done):,}' if total else ''} {what}")


def proof_words(made: Backup) -> list[str]:
    """What restoring a backup showed."""
    proof = made.proof
    if proof is None:
        return []
    lines = [
        f"Verified by restoring it in {proof.seconds:.1f} s: {proof.contents.rows:,} rows in"
        f" {len(proof.contents.tables):,} tables came back as they were at {proof.at:%Y-%m-%d %H:%M:%S} UTC;"
        f" {number_of(proof.log_rows, 'row')} of the logs were compared with {number_of(proof.seals, 'seal')}"
        f"{'' if proof.findings else ', and all holds'}"
    ]
    if proof.differs:
        lines.append(
            f"The workspace is not as the migrations make it, and the backup has it so: {first_of(proof.differs)}."
            " traintui db check says more"
        )
    if proof.findings:
        lines.append(
            f"The record does not hold, in the workspace as in the backup: {first_of(proof.findings)}."
            " traintui audit verify says more"
        )
    return lines


def first_of(said: tuple[str, ...]) -> str:
    more = f", and {len(said) - NAMED:,} more" if len(said) > NAMED else ""
    return "; ".join(said[:NAMED]) + more


def proof_as_json(proof: Proof | None) -> dict[str, Any] | None:
    if proof is None:
        return None
    return {
        "at": proof.at.isoformat(), "seconds": proof.seconds, "rows": proof.contents.rows,
        "tables": len(proof.contents.tables), "log_rows": proof.log_rows, "seals": proof.seals,
        "differs": list(proof.differs), "findings": list(proof.findings),
    }  # fmt: skip


def note_restore(home: Path, path: Path, workspace_id: str, sealed: int) -> None:
    """Notes beside the anchors that later seals than those of a backup were taken back on purpose."""
    from traintui.audit import anchors

    try:
        anchors.note_restore(home, path, workspace_id, sealed)
    except OSError as error:
        say(
            f"The anchors could not be told of it ({error.strerror or error}): `traintui audit verify` will miss seals."
        )
