"""What the processors did for the embedded server of a home: on a shared machine it says more than the clock does."""

from __future__ import annotations

import os
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def server_seconds(home: Path) -> float:
    """Seconds of the processors for the server, those of connections that ended too; to be compared with what this
    said before. 0.0 where nothing is known of it: no `/proc`, or no server."""
    found = sorted(home.rglob("postmaster.pid"))
    if not found or not Path("/proc/self/stat").exists():
        return 0.0
    server = int(found[0].read_text().split()[0])
    _, own, ended = times(server)
    ticks = own + ended
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                parent, used, _ = times(int(process.name))
            except OSError:  # it just ended
                continue
            ticks += used if parent == server else 0
    return ticks / TICKS_A_SECOND


def times(process: int) -> tuple[int, int, int]:
    """The parent of a process, its ticks, and those of its children that ended."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    user, system, user_of_ended, system_of_ended = map(int, fields[11:15])
    return int(fields[1]), user + system, user_of_ended + system_of_ended
