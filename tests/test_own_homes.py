"""What tests write stands in homes of their own, never in that of who runs them."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest

from commanded import command_for
from support import Conninfo
from traintui.data.embedded import SUPERUSER
from traintui.settings import default_home, load_settings


def test_a_test_that_names_no_home_has_another_than_who_runs_it() -> None:
    assert load_settings().home != default_home()


def test_anchors_that_a_command_writes_stand_in_the_home_of_its_test(
    conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("INSERT INTO review_logs (conversation_id, action, revision) VALUES ('c-1', 'flag', 1)")
    anchors = default_home() / "anchors.jsonl"
    before = anchors.read_bytes() if anchors.exists() else None
    assert command_for(conninfo("ada"), monkeypatch, capsys)("audit", "report", "reviewed")[0] == 0
    assert (Path(os.environ["TRAINTUI_HOME"]) / "anchors.jsonl").is_file()
    assert (anchors.read_bytes() if anchors.exists() else None) == before
