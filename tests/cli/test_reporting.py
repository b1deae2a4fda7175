"""`traintui audit report` and `traintui export --as-of` as a person or a program meets them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commanded import at_home
from homes import furnished_home
from traintui.data.embedded import EmbeddedServer

pytestmark = pytest.mark.xdist_group("homes")
TURNS = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello."}]
MORE = [{"role": "user", "content": "And?"}, {"role": "assistant", "content": "That is all."}]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home in which one conversation was approved, and then another came and was exported."""
    with tempfile.TemporaryDirectory(prefix="tr-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        embedded = EmbeddedServer(furnished_home(Path(directory) / "home"), durable=False)
        embedded.start()
        (embedded.home / "chats.jsonl").write_text(json.dumps({"messages": TURNS}) + "\n")
        (embedded.home / "more.jsonl").write_text(json.dumps({"messages": MORE}) + "\n")
        assert traintui(embedded.home, "import", "chats.jsonl", "--approve").returncode == 0
        (embedded.home / "then").write_text(datetime.now(UTC).isoformat())
        assert traintui(embedded.home, "import", "more.jsonl").returncode == 0
        export = ("export", "--out", "out.jsonl", "--filter", "status:generated,approved")
        assert traintui(embedded.home, *export).returncode == 0
        yield embedded.home
        embedded.stop()


def traintui(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return at_home(home, *arguments)


def test_all_rows_of_a_report_are_written_as_csv(home: Path) -> None:
    path = home / "left.csv"
    path.write_text("what stood there")
    result = traintui(home, "audit", "report", "reviewed", "--csv", str(path), "--json")
    (told,) = json.loads(result.stdout)["reports"]
    assert result.returncode == 1
    content = path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == told["csv_sha256"]
    assert len(content.splitlines()) == 1 + told["number"] == 2
    nowhere = traintui(home, "audit", "report", "reviewed", "--csv", str(home / "no" / "x.csv"))
    assert nowhere.returncode == 1 and "cannot be written" in nowhere.stderr
    assert not (home / "no").exists() and not list(home.glob(".*.partial"))
    nameless = traintui(home, "audit", "report", "--csv", str(path))
    assert nameless.returncode == 2 and "name it" in nameless.stderr
    assert path.read_bytes() == content


def test_all_reports_at_once_say_pass_or_fail_and_fail_as_a_whole(home: Path) -> None:
    result = traintui(home, "audit", "report", "--json")
    told = json.loads(result.stdout)
    assert result.returncode == 1
    assert {each["report"]: each["passed"] for each in told["reports"]} == {
        "activity": True, "reviewed": False, "exports-attributed": True, "approved-at-revision": False,
    }  # fmt: skip
    assert not told["passed"]
    assert all(each["seal"]["number"] >= 1 and each["facts"] for each in told["reports"])


def test_one_report_as_of_a_moment_ends_with_its_verdict(home: Path) -> None:
    then = (home / "then").read_text()
    passed = traintui(home, "audit", "report", "reviewed", "--as-of", then)
    assert passed.returncode == 0, passed.stderr
    assert passed.stdout.startswith("PASS  All conversations reviewed by at least one user, as of ")
    failed = traintui(home, "audit", "report", "reviewed")
    assert failed.returncode == 1
    assert "50.0 % reviewed: 1 of 2 conversations, 1 by nobody" in failed.stdout


def test_a_report_is_saved_with_its_seal_and_verify_finds_it(home: Path) -> None:
    result = traintui(home, "audit", "report", "exports-attributed", "--out", "reports")
    assert result.returncode == 0, result.stderr
    page, csv = (Path(line) for line in result.stdout.splitlines()[-2:])
    assert page.suffix == ".md" and csv.read_text().startswith("export,when,user,manifest,what")
    verdict = json.loads(traintui(home, "audit", "verify", "--json").stdout)
    assert verdict["holds"] and verdict["reports"] == 1
    assert "1 report agree" in traintui(home, "audit", "verify").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("reviewed", "--as-of", "soon"), 1, "is not a date"),
        (("reviewed", "--as-of", "2999-11-01"), 1, "2999-11-01 is still to come"),
        (("reviewed", "--as-of", "2026-11-01", "--from", "2026-11-01"), 2, "a period"),
        (("activity", "--from", "2026-11-02", "--to", "2026-11-01"), 2, "before it begins"),
        (("exports-attributed", "--folder", "nowhere"), 1, "no folder"),
        (("reviewd",), 2, "there is no report reviewd. Did you mean reviewed?"),
        (("nothing",), 2, "There are: activity, reviewed, exports-attributed, approved-at-revision."),
    ],
)
def test_what_cannot_be_is_answered(home: Path, arguments: tuple[str, ...], code: int, says: str) -> None:
    result = traintui(home, "audit", "report", *arguments)
    assert (result.returncode, result.stdout) == (code, "")
    assert says in " ".join(result.stderr.replace("│", " ").split())
    assert "Traceback" not in result.stderr


def test_an_export_as_of_a_moment_holds_what_was_approved_then(home: Path) -> None:
    then = (home / "then").read_text()
    result = traintui(home, "export", "--out", "then.jsonl", "--as-of", then)
    assert result.returncode == 0, result.stderr
    assert "as of" in result.stderr
    assert json.loads((home / "then.jsonl").read_text()) == {"messages": TURNS}
    manifest = json.loads((home / "then.manifest.json").read_text())
    assert manifest["filter"]["words"] == f"is:approved@{then}"
    for wrong in (("--as-of", "then"), ("--again", "e-1", "--as-of", "2026-11-01")):
        assert traintui(home, "export", "--out", "x.jsonl", *wrong).returncode == 2
    refused = traintui(home, "export", "--out", "x.jsonl", "--as-of", then, "--filter", "status:generated")
    assert refused.returncode == 1 and "is:generated@" in refused.stderr
