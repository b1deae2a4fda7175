"""The anchors of a home: a line for each seal, whoever writes, whatever broke off."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import orjson

from traintui.audit.anchors import (
    Anchor,
    Reported,
    Restoring,
    anchor,
    anchors_path,
    last_anchors,
    note_report,
    note_restore,
    read_anchors,
    read_manifest,
    read_page,
    seal_line,
)
from traintui.data.seals import Sealed

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


def seal(number: int, hash: bytes = b"\x01\x02") -> Sealed:
    return Sealed("w-1", number, hash, AT)


def lines(home: Path) -> list[tuple[object, ...]]:
    return [(each.workspace, each.number) for each in read_anchors(home) if not isinstance(each, Reported)]


def test_a_seal_is_noted_once_however_often_it_is_seen(tmp_path: Path) -> None:
    assert [anchor(tmp_path, seal(1), "embedded") for _ in range(3)] == [True, False, False]
    assert anchor(tmp_path, seal(2), "embedded")
    (one, two) = read_anchors(tmp_path)
    assert isinstance(one, Anchor) and (one.number, one.hash, one.label) == (1, b"\x01\x02", "embedded")
    assert isinstance(two, Anchor) and f"line 2 of {anchors_path(tmp_path)}" == two.where
    assert anchors_path(tmp_path).stat().st_mode & 0o777 == 0o600


def test_another_hash_of_the_same_number_is_a_line_of_its_own(tmp_path: Path) -> None:
    anchor(tmp_path, seal(1), "embedded")
    assert anchor(tmp_path, seal(1, b"\x03"), "embedded")
    assert lines(tmp_path) == [("w-1", 1), ("w-1", 1)]


def test_a_line_that_was_cut_stays_alone(tmp_path: Path) -> None:
    anchor(tmp_path, seal(1), "embedded")
    with anchors_path(tmp_path).open("ab") as file:
        file.write(b'{"workspace":"w-1","sea')
    assert anchor(tmp_path, seal(2), "embedded")
    assert lines(tmp_path) == [("w-1", 1), ("w-1", 2)]


def test_a_restore_is_noted_between_the_seals(tmp_path: Path) -> None:
    anchor(tmp_path, seal(7), "embedded")
    note_restore(tmp_path, Path("/backups/a.dump"), "w-1", 3)
    *_, last = read_anchors(tmp_path)
    assert isinstance(last, Restoring) and (last.workspace, last.number, last.path) == ("w-1", 3, "/backups/a.dump")


def test_the_last_anchors_are_read_from_the_end_of_the_file(tmp_path: Path) -> None:
    assert last_anchors(tmp_path, "w-1", 3) == []
    for number in range(1, 200):
        anchor(tmp_path, Sealed("w-2" if number % 10 == 0 else "w-1", number, b"\x01", AT), "embedded")
    note_restore(tmp_path, Path("/backups/a.dump"), "w-1", 3)
    every = [each for each in read_anchors(tmp_path) if isinstance(each, Anchor) and each.workspace == "w-1"]
    for wanted in (1, 5, 100, 1_000):
        last = last_anchors(tmp_path, "w-1", wanted)
        assert [each.number for each in last] == [each.number for each in reversed(every)][:wanted]
    with anchors_path(tmp_path).open("ab") as file:
        file.write(b'{"cut')
    assert [each.number for each in last_anchors(tmp_path, "w-2", 2)] == [190, 180]


def test_a_home_without_anchors_has_none(tmp_path: Path) -> None:
    assert list(read_anchors(tmp_path)) == []


def test_processes_that_write_at_once_lose_no_line(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from traintui.audit.anchors import anchor; from traintui.data.seals import Sealed\n"
        "first = int(sys.argv[2])\n"
        "for number in range(first, first + 40):\n"
        "    anchor(Path(sys.argv[1]), Sealed('w-1', number, b'x' * 32, datetime.now(UTC)), 'embedded')\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, tmp_path, str(first)]) for first in (0, 100, 200)]
    assert [child.wait(timeout=180) for child in children] == [0, 0, 0]
    found = sorted(number for _, number in lines(tmp_path))  # type: ignore[type-var]
    assert found == [*range(40), *range(100, 140), *range(200, 240)]


def test_the_seal_of_a_manifest_is_read_without_its_conversations(tmp_path: Path) -> None:
    told = {"manifest": 1, "seal": seal(4).as_json(), "conversations": [{"id": "c", "seal": {"number": 9}}]}
    path = tmp_path / "a.manifest.json"
    path.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    read = read_manifest(path)
    assert read is not None and (read.workspace, read.number, read.hash, read.where) == (
        "w-1", 4, b"\x01\x02", str(path),
    )  # fmt: skip
    for other in (b'{\n  "seal": null\n}', b"no JSON", b'{\n  "seal": {"number": 1}\n}', b""):
        path.write_bytes(other)
        assert read_manifest(path) is None


def test_the_page_of_a_report_is_an_anchor_and_the_file_says_where_it_is(tmp_path: Path) -> None:
    made = Sealed("0d7b6a5e-0000-4000-8000-000000000001", 3, bytes(32), AT)
    page = tmp_path / "page.md"
    page.write_text(f"# A report\n\n{seal_line(made)}\n")
    note_report(tmp_path, page, made, "embedded")
    (line,) = read_anchors(tmp_path)
    assert line == Reported(page, "embedded")
    found = read_page(page)
    assert found is not None
    assert (found.workspace, found.number, found.hash, found.where) == (made.workspace, 3, made.hash, str(page))
    page.write_text(f"# A report\n\n> {seal_line(made)}\n")
    assert read_page(page) is None
