"""What the configuration of a cluster says, read from its files: its server need not run."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

CONFIGURATION = """\
# Written by Traintui when it made this cluster. The server listens on a Unix socket in a private directory only.
listen_addresses = ''
timezone = 'UTC'
log_timezone = 'UTC'
max_wal_size = 256MB
max_connections = 60
max_locks_per_transaction = 512
shared_buffers = 128MB
"""
FILES = ("postgresql.conf", "postgresql.auto.conf")
"""In the order in which a server reads them; the second has what ALTER SYSTEM set."""
LATER = ("max_locks_per_transaction",)
"""What clusters that an earlier Traintui made lack: their server is told at each start."""
LINE = re.compile(r"\s*([A-Za-z_][\w.]*)(?:\s*=\s*|\s+)('(?:[^'\\]|''|\\.)*'|[^\s#']+)\s*(?:#.*)?")


def told_at_start(data: Path) -> str:
    """The options of a server for what its cluster's files say nothing of; what an administrator wrote there holds."""
    ours, there = settings(CONFIGURATION), of(data)
    return "".join(f" -c {name}={ours[name]}" for name in LATER if name not in there)


def of(data: Path) -> dict[str, str]:
    """The settings in the files of a data folder. Files that these include are not read: `include` counts as one."""
    return settings("\n".join(text(data / name) for name in FILES))


def text(path: Path) -> str:
    """What a file says; nothing where there is none."""
    with suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8", errors="replace")
    return ""


def settings(content: str) -> dict[str, str]:
    """Name and value of each setting in a file of configuration; the last one counts."""
    found = {}
    for line in content.splitlines():
        if match := LINE.fullmatch(line):
            name, value = match[1].lower(), match[2]
            found[name] = value[1:-1].replace("''", "'").replace("\\'", "'") if value.startswith("'") else value
    return found
