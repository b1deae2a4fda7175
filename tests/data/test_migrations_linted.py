"""The SQL of each new migration is looked at for what stops a team at work: `squawk`, as `.squawk.toml` says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(path.relative_to(ROOT) for path in (ROOT / "migrations" / "sql").glob("*/*.sql"))


def linted(root: Path, *paths: Path) -> subprocess.CompletedProcess[str]:
    """What `squawk` says of the files of a checkout."""
    beside = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    program = shutil.which("squawk", path=beside)
    assert program is not None, "squawk is not installed: pip install -e '.[dev]'"
    return subprocess.run(
        [program, "--reporter", "gcc", *map(str, paths)], cwd=root, capture_output=True, text=True, timeout=60
    )


def test_no_new_migration_does_what_stops_a_team_at_work() -> None:
    said = linted(ROOT, *SCRIPTS)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("ALTER TABLE conversations ADD COLUMN mood text NOT NULL;", "adding-required-field"),
        ("ALTER TABLE conversations ALTER COLUMN tone TYPE integer USING 1;", "changing-column-type"),
        ("CREATE INDEX ix_mood ON conversations (tone);", "require-concurrent-index-creation"),
        ("ALTER TABLE conversations ADD CONSTRAINT ck_tone CHECK (tone <> '');", "constraint-missing-not-valid"),
        ("ALTER TABLE conversations DROP COLUMN tone;", "ban-drop-column"),
    ],
)
def test_what_would_stop_a_team_is_found(tmp_path: Path, statement: str, rule: str) -> None:
    shutil.copy(ROOT / ".squawk.toml", tmp_path)
    for name in ("0051/up.sql", "9999/up.sql", "9999/down.sql"):
        script = tmp_path / "migrations" / "sql" / name
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(statement)
    said = linted(tmp_path, *(path.relative_to(tmp_path) for path in tmp_path.glob("migrations/sql/*/*.sql")))
    assert re.findall(r"(\S+):\d+:\d+: warning: (\S+)", said.stdout) == [("migrations/sql/9999/up.sql", rule)]


def test_a_statement_that_is_let_pass_says_why() -> None:
    for path in SCRIPTS:
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if "squawk-ignore" in line:
                assert number and lines[number - 1].startswith("-- ") and lines[number - 1].endswith("."), path
