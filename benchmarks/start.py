"""How long `traintui` takes on an existing workspace: to its first painting, to the first row, and what takes the time.

Measured at the bytes that the app writes to a terminal of its own, from the start of the process.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections import Counter
from pathlib import Path

from benchmarks.report import Figure, median, p95, publish

GOAL_MS = 1_200
"""From the start of the process to its first painting, on two cores."""
PATIENCE = 60.0
RECORD_MODULES = """
import atexit, sys
def record():
    with open({path!r}, "w") as file:
        file.write("\\n".join(sys.modules))
atexit.register(record)
sys.argv = ["traintui"]
from traintui.cli import main
main()
"""


def run_once(home: Path, opening: bytes, modules: Path | None = None) -> tuple[float, float]:
    """Starts the app once; milliseconds to the first painting, and to the first row with its text."""
    code = RECORD_MODULES.format(path=str(modules)) if modules else None
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "traintui"]
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    variables = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    started = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env={**variables, "TRAINTUI_HOME": str(home), "COLORTERM": "truecolor", "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(theirs)
    painted = rows = 0.0
    written = b""
    try:
        while not rows:
            if time.perf_counter() - started > PATIENCE:
                raise SystemExit("The app did not show its first row in time.")
            if select.select([ours], [], [], 0.1)[0]:
                written += os.read(ours, 65_536)
            plain = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", written)
            now = (time.perf_counter() - started) * 1_000
            painted = painted or (now if b"Conversations" in plain else 0.0)
            rows = now if opening in plain else 0.0
        os.write(ours, b"q")
        while process.poll() is None:
            if select.select([ours], [], [], 0.05)[0]:
                os.read(ours, 65_536)
    except OSError:  # the terminal closes with the app
        pass
    finally:
        process.wait(20)
        os.close(ours)
    return painted, rows


def furnish(home: Path, rows: int) -> None:
    """A workspace with so many conversations."""
    path = home / "seeds.jsonl"
    with path.open("w") as file:
        for number in range(rows):
            turns = [{"role": "user", "content": f"Question {number}?"}, {"role": "assistant", "content": "Yes."}]
            file.write(json.dumps({"messages": turns}) + "\n")
    traintui(home, "import", str(path))


def traintui(home: Path, *arguments: str) -> None:
    """Runs a command on the home."""
    subprocess.run(
        [sys.executable, "-m", "traintui", *arguments],
        env={**os.environ, "TRAINTUI_HOME": str(home)}, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def import_times() -> list[str]:
    """The packages whose modules took longest to import before the first painting, in milliseconds of their own."""
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import traintui.cli, traintui.doctor, traintui.app;"
         "from traintui.screens import conversations"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    spent: Counter[str] = Counter()
    for own, name in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)", result.stderr):
        spent[name.partition(".")[0]] += int(own)
    total = sum(spent.values()) / 1_000
    most = ", ".join(f"{name} {own / 1_000:.0f}" for name, own in spent.most_common(8))
    return [f"imports before the first painting, ms: {total:.0f} in all; {most}"]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tb-") as directory:
        home = Path(directory)
        home.chmod(0o711)
        furnish(home, chosen.rows)
        opening = f"Question {chosen.rows - 1}?".encode()
        modules = home / "modules"
        run_once(home, opening, modules)  # also warms the file cache
        loaded = modules.read_text().splitlines()
        times = [run_once(home, opening) for _ in range(chosen.runs)]
        painted, rows = [time[0] for time in times], [time[1] for time in times]
    figures = {
        "first_paint_median_ms": Figure(median(painted), "ms", GOAL_MS),
        "first_paint_p95_ms": Figure(p95(painted), "ms"),
        "first_row_median_ms": Figure(median(rows), "ms"),
        "first_row_p95_ms": Figure(p95(rows), "ms"),
        "anthropic_modules_loaded": Figure(sum(name.partition(".")[0] == "anthropic" for name in loaded), "modules", 0),
    }
    publish("start", chosen.rows, figures, import_times(), as_json=chosen.json)


if __name__ == "__main__":
    main()
