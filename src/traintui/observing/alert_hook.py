"""The command that a workspace has run when an alert opens or clears.

Which one it is stands in the workspace, where only administrators write it. A machine runs it only after somebody
confirmed that very command there: a database must not be able to run commands on the machines of those who open it.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import orjson

from traintui.data import alerts, workspace_settings
from traintui.data.engine import Database
from traintui.errors import TraintuiError
from traintui.settings import config_path, write_whole

SETTING = "alert_hook"
FILE = "alert-hooks.json"
SECONDS = 10.0
"""Seconds that the command may take."""
KEPT_TO_OURSELVES = ("ANTHROPIC_API_KEY", "TRAINTUI_DATABASE_URL", "PGPASSWORD")
"""Variables that the command does not get: they hold keys and passwords."""


async def of_workspace(db: Database) -> str | None:
    """The command of this workspace; None where it has none."""
    said = (await workspace_settings.values(db, SETTING)).get(SETTING)
    return str(said) if said else None


async def choose(db: Database, command: str | None) -> None:
    """Sets the command of the workspace and confirms it for this machine; None has nothing run any more. Raises
    `Refused` for who is no administrator, and `TraintuiError` for what is no command, is not there, or cannot be
    confirmed."""
    if command is not None:
        await asyncio.to_thread(require_program, command)
    await workspace_settings.change(db, SETTING, command)
    await confirm(db, command)


async def confirm(db: Database, command: str | None) -> None:
    """Lets this machine run that command for this workspace, and no other. Raises `TraintuiError` when the file beside
    the settings cannot be written."""
    path = hooks_path()
    if path is None:
        raise TraintuiError(
            "Not confirmed", "this machine keeps no settings (TRAINTUI_CONFIG is /dev/null).",
            "Point TRAINTUI_CONFIG at a file that may be written.",
        )  # fmt: skip
    workspace = await alerts.workspace_id(db)
    known = await asyncio.to_thread(read_confirmed, path)
    known.pop(workspace, None)
    if command is not None:
        known[workspace] = command
    try:
        await asyncio.to_thread(write_whole, path, orjson.dumps(known, option=orjson.OPT_INDENT_2).decode())
    except OSError as error:
        raise TraintuiError(
            "Not confirmed", f"{path} cannot be written ({error.strerror}).", "Check who owns the file."
        ) from error


async def is_confirmed(db: Database, command: str) -> bool:
    """Whether this machine may run that command for this workspace."""
    path = hooks_path()
    if path is None:
        return False
    return (await asyncio.to_thread(read_confirmed, path)).get(await alerts.workspace_id(db)) == command


def hooks_path() -> Path | None:
    """Where this machine keeps what was confirmed; None where there is to be no such file."""
    path = config_path()
    return None if path == Path(os.devnull) else path.parent / FILE


def read_confirmed(path: Path) -> dict[str, str]:
    """What was confirmed on this machine, by workspace; nothing where that cannot be read. Blocks."""
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(name): str(said) for name, said in found.items()} if isinstance(found, dict) else {}


def words_of(command: str) -> list[str]:
    """The words of a command, as a shell would part them; nothing else of a shell is in it. Raises `TraintuiError`."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise TraintuiError(
            "No command", f"{str(error).lower()}.", "Close the quotes, or put it into a script and name that."
        ) from error
    if not words:
        raise TraintuiError("No command", "there is nothing in it.", "Name a program, with its arguments.")
    return words


def require_program(command: str) -> None:
    """Raises `TraintuiError` unless a command names a program that this machine can run. Blocks."""
    program = words_of(command)[0]
    if shutil.which(program) is not None:
        return
    there = Path(program).is_file()
    raise TraintuiError(
        "No such program", f"{program} {'is no program that may be run' if there else 'is not'} on this machine.",
        f"Nothing was stored. Make it one: chmod +x {shlex.quote(program)}." if there else
        "Nothing was stored. Name a program on the path, or one with its whole path; ~ and $ mean nothing here.",
    )  # fmt: skip


async def run(command: str, told: dict[str, Any]) -> str:
    """Runs a command with JSON on its standard input. What became of it, in words; a failure is one of them."""
    try:
        words = words_of(command)
    except TraintuiError as error:
        return f"failed on {socket.gethostname()}: {error.message}"
    environment = {name: said for name, said in os.environ.items() if name not in KEPT_TO_OURSELVES}
    with tempfile.TemporaryFile() as complaints:
        return f"{await ended(words, orjson.dumps(told), environment, complaints)} on {socket.gethostname()}"


async def ended(words: list[str], told: bytes, environment: dict[str, str], complaints: IO[bytes]) -> str:
    """How a program ended that was given so long."""
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=complaints,
            env=environment, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return f"failed: {words[0]} cannot be run ({error.strerror})"
    try:
        await asyncio.wait_for(process.communicate(told), SECONDS)
    except TimeoutError:
        return f"failed: it took longer than {SECONDS:.0f} s and was ended"
    finally:
        with suppress(ProcessLookupError, PermissionError):  # what it left running goes with it
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if process.returncode == 0:
        return "ran"
    complaints.seek(0)
    said = await asyncio.to_thread(redacted, complaints.read(500).decode(errors="replace"))
    return f"failed: it ended with {process.returncode}" + (f" and said {said!r}" if said else "")


def redacted(said: str) -> str:
    """What a program said, in a line, without secrets and personal data. Blocks."""
    from traintui.audit.redaction import redact_text  # numbering plans: a fifth of a second

    return redact_text(" ".join(said.split())).value
