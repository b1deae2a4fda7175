"""Commands in the process of the test: what they print, what they say, and their exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from urllib.parse import quote

import pytest
from psycopg.conninfo import conninfo_to_dict

from traintui import cli

Command = Callable[..., tuple[int, str, str]]


def command_for(conninfo: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`traintui` with some words on a workspace: its exit code, standard output and standard error."""
    parts = conninfo_to_dict(conninfo)
    url = f"postgresql://{parts['user']}@/{parts['dbname']}?host={quote(str(parts['host']), safe='')}"

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setenv("TRAINTUI_DATABASE_URL", url)
        monkeypatch.setattr(sys, "argv", ["traintui", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return run
