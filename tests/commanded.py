"""Commands in the process of the test: what they print, what they say, and their exit code."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from urllib.parse import quote

import pytest
from psycopg.conninfo import conninfo_to_dict

from traintui import cli
from traintui.cli import importing

Command = Callable[..., tuple[int, str, str]]


def command_for(conninfo: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`traintui` with some words on a workspace, in a home of its own: its exit code, standard output and standard
    error."""
    home = tempfile.mkdtemp(dir=os.environ["TRAINTUI_HOME"])
    monkeypatch.setattr(importing, "EVERY", 3_600.0)  # a slow import says no more than a quick one
    parts = conninfo_to_dict(conninfo)
    url = f"postgresql://{parts['user']}@/{parts['dbname']}?host={quote(str(parts['host']), safe='')}"

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setenv("TRAINTUI_DATABASE_URL", url)
        monkeypatch.setenv("TRAINTUI_HOME", home)
        monkeypatch.setattr(sys, "argv", ["traintui", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


def at_home(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`traintui` with some words on a home and in it. In the process of the test: one of its own takes a second of the
    processor until it has begun."""
    out, err = StringIO(), StringIO()
    before, (sys.argv, sys.stdin) = (sys.argv, sys.stdin), (["traintui", *words], StringIO())
    try:
        with (
            _variables({"TRAINTUI_HOME": str(home), **environment}), chdir(home), redirect_stdout(out),
            redirect_stderr(err), pytest.raises(SystemExit) as ended,
        ):  # fmt: skip
            cli.main()
    finally:
        sys.argv, sys.stdin = before
    return subprocess.CompletedProcess(words, int(ended.value.code or 0), out.getvalue(), err.getvalue())


@contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
