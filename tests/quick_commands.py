"""Commands of Traintui as processes of their own, which need not wait for what others than us have written."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LIBRARIES = (
    "typer", "rich.console", "sqlalchemy.ext.asyncio", "sqlalchemy.dialects.postgresql", "psycopg", "pydantic_settings",
    "orjson", "jinja2", "psutil", "anthropic", "alembic.command", "markdown_it", "phonenumbers", "pyroaring",
)  # fmt: skip
"""What takes most of the second that a command needs to begin. Nothing of Traintui: each command loads it anew."""
TIMEOUT = 120


@dataclass(frozen=True)
class Commands:
    """Runs commands: a process with the libraries in its memory makes a copy of itself for each of them."""

    _parent: subprocess.Popen[str]

    def run(
        self, arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """What `python -m traintui` does with the arguments: its exit code, and what it wrote."""
        with tempfile.TemporaryDirectory() as directory:
            said, complained = Path(directory, "stdout"), Path(directory, "stderr")
            wanted = {
                "arguments": list(arguments), "cwd": str(cwd), "environment": dict(environment),
                "stdout": str(said), "stderr": str(complained),
            }  # fmt: skip
            assert self._parent.stdin is not None and self._parent.stdout is not None
            self._parent.stdin.write(json.dumps(wanted) + "\n")
            self._parent.stdin.flush()
            code = int(self._parent.stdout.readline())
            return subprocess.CompletedProcess(list(arguments), code, said.read_text(), complained.read_text())


@contextmanager
def commands() -> Iterator[Commands]:
    """Commands for the block."""
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        yield Commands(parent)
        assert parent.stdin is not None
        parent.stdin.close()


def serve() -> None:
    """Reads what is wanted line by line, and answers each with the exit code, as `subprocess` has it."""
    for name in LIBRARIES:
        __import__(name)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            become(json.loads(line))  # ends as a command ends, with all that is done at the end of a process
        signal.signal(signal.SIGALRM, lambda *_, child=child: os.kill(child, signal.SIGKILL))
        signal.alarm(TIMEOUT)
        _, status = os.waitpid(child, 0)
        signal.alarm(0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become(wanted: dict[str, object]) -> None:
    """Turns this copy into the command. Raises `SystemExit` with its exit code."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for descriptor, path, mode in (
        (0, os.devnull, os.O_RDONLY),
        (1, wanted["stdout"], os.O_WRONLY | os.O_CREAT),
        (2, wanted["stderr"], os.O_WRONLY | os.O_CREAT),
    ):
        opened = os.open(str(path), mode, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin, sys.stdout = open(0), open(1, "w")  # noqa: SIM115 - for as long as the process lives
    sys.stderr = open(2, "w", errors="backslashreplace")  # noqa: SIM115
    os.environ.clear()
    os.environ.update(wanted["environment"])  # type: ignore[call-overload]
    os.chdir(str(wanted["cwd"]))
    sys.path[0] = str(wanted["cwd"])  # as with -m
    sys.argv = ["traintui", *wanted["arguments"]]  # type: ignore[misc]
    runpy.run_module("traintui", run_name="__main__", alter_sys=True)
    sys.exit(0)


if __name__ == "__main__":
    serve()
