"""One file for each process; who comes next takes over what the dead left, and nothing of the living."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from outboxes import no_room
from traintui.outbox.kept import LARGE, KeptPresses, folder_of
from traintui.outbox.presses import Ended, Flag, Press

START = datetime(2026, 11, 1, tzinfo=UTC)


def flag(number: int) -> Press:
    return Flag(f"key-{number}", START.replace(minute=number), f"conversation-{number}", True)


PRESSES_AND_WAITS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from traintui.outbox.kept import KeptPresses
from traintui.outbox.presses import Flag
kept = KeptPresses(Path(sys.argv[1]))
kept.open()
for number in map(int, sys.argv[2:]):
    moment = datetime(2026, 11, 1, 0, number, tzinfo=UTC)
    kept.add(Flag(f"key-{number}", moment, f"conversation-{number}", True), durable=False)
print("kept", flush=True)
sys.stdin.read()
"""


def process(folder: Path, *numbers: int) -> subprocess.Popen[str]:
    """Another process that has pressed these, and lives."""
    started = subprocess.Popen(
        [sys.executable, "-c", PRESSES_AND_WAITS, str(folder), *map(str, numbers)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert started.stdout is not None and started.stdout.readline() == "kept\n"
    return started


def killed(one: subprocess.Popen[str]) -> None:
    one.send_signal(signal.SIGKILL)
    one.communicate()


def files(folder: Path) -> list[Path]:
    return list(folder.glob("*.jsonl"))


def test_what_a_killed_process_pressed_is_taken_over_and_what_a_living_one_has_is_not(tmp_path: Path) -> None:
    dead, living = process(tmp_path, 1, 3), process(tmp_path, 2)
    killed(dead)
    kept = KeptPresses(tmp_path)
    assert kept.open().presses == (flag(1), flag(3))
    assert kept.take_over().presses == ()
    killed(living)
    assert kept.take_over().presses == (flag(2),)
    kept.close(waiting=True)
    again = KeptPresses(tmp_path)
    assert again.open().presses == (flag(1), flag(3), flag(2)), "in the order in which this process was to send them"
    again.close(waiting=False)


def test_two_dead_processes_are_one_list_by_the_time_of_their_presses(tmp_path: Path) -> None:
    for both in [process(tmp_path, 1, 4, 5), process(tmp_path, 2, 3, 6)]:
        killed(both)
    kept = KeptPresses(tmp_path)
    assert [press.key for press in kept.open().presses] == [f"key-{number}" for number in range(1, 7)]
    assert len(files(tmp_path)) == 1
    kept.close(waiting=False)


def test_what_has_ended_is_not_taken_over_and_a_file_without_more_goes(tmp_path: Path) -> None:
    kept = KeptPresses(tmp_path)
    kept.open()
    kept.add(flag(1), durable=True)
    kept.add(flag(2), durable=False)
    kept.end(Ended("key-1", "saved"), last=False)
    kept.close(waiting=True)
    again = KeptPresses(tmp_path)
    assert again.open().presses == (flag(2),)
    again.end(Ended("key-2", "refused"), last=True)
    again.close(waiting=False)
    assert files(tmp_path) == []


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "host=db.example dbname=traintui", "Rita O'Hara")
    kept = KeptPresses(folder)
    kept.open()
    assert [path.stat().st_mode & 0o777 for path in (folder.parent, folder, *files(folder))] == [0o700, 0o700, 0o600]
    kept.close(waiting=False)


def test_each_login_and_each_workspace_has_its_own_folder_and_no_password_is_in_its_name(tmp_path: Path) -> None:
    said = [
        folder_of(tmp_path, f"host={host} dbname={name} user=x password={word}", login)
        for host, name, word, login in (
            ("a", "one", "x", "rita"), ("a", "one", "y", "rita"), ("a", "two", "x", "rita"), ("b", "one", "x", "rita"),
            ("a", "one", "x", "ron"),
        )
    ]  # fmt: skip
    assert said[0] == said[1]
    assert len(set(said)) == 4


def test_a_long_day_does_not_make_a_long_file(tmp_path: Path) -> None:
    kept = KeptPresses(tmp_path)
    kept.open()
    (path,) = files(tmp_path)
    for number in range(3 * LARGE // 100):
        kept.add(flag(number % 60), durable=False)
        kept.end(Ended(f"key-{number % 60}", "saved"), last=True)
    assert path.stat().st_size < LARGE + 1_000
    kept.close(waiting=False)


def test_lines_that_nobody_understands_are_kept_for_a_person_to_see(tmp_path: Path) -> None:
    killed(process(tmp_path, 1))
    (path,) = files(tmp_path)
    path.write_bytes(b"not a press\n" + path.read_bytes() + b'{"kind": "decis')
    kept = KeptPresses(tmp_path)
    found = kept.open()
    assert (found.presses, found.unread) == ((flag(1),), 1)
    (aside,) = tmp_path.glob("*.unread")
    assert aside.read_bytes() == b"not a press\n"
    kept.close(waiting=False)


def test_a_line_that_found_no_room_leaves_nothing_behind(tmp_path: Path) -> None:
    kept = KeptPresses(tmp_path)
    kept.open()
    kept.add(flag(1), durable=False)
    (path,) = files(tmp_path)
    before = path.read_bytes()
    with no_room(path), pytest.raises(OSError, match=r"space|large"):
        kept.add(flag(2), durable=False)
    assert path.read_bytes() == before
    kept.add(flag(3), durable=False)
    kept.close(waiting=True)
    again = KeptPresses(tmp_path)
    assert again.open().presses == (flag(1), flag(3))
    again.close(waiting=False)


def test_what_was_taken_back_while_there_was_no_room_is_written_with_the_next_line(tmp_path: Path) -> None:
    kept = KeptPresses(tmp_path)
    kept.open()
    kept.add(flag(1), durable=False)
    kept.add(flag(2), durable=False)
    with no_room(files(tmp_path)[0]), pytest.raises(OSError, match=r"space|large"):
        kept.end(Ended(flag(1).key, "withdrawn"), last=False)
    kept.add(flag(3), durable=False)
    kept.close(waiting=True)
    again = KeptPresses(tmp_path)
    assert again.open().presses == (flag(2), flag(3))
    again.close(waiting=False)


def test_a_folder_that_cannot_be_made_says_so_at_each_press(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    kept = KeptPresses(tmp_path / "taken" / "folder")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        kept.open()
    with pytest.raises(OSError, match="could not be opened"):
        kept.add(flag(1), durable=False)
    kept.close(waiting=True)
