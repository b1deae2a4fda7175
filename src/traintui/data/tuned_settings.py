"""What an administrator changed in the configuration of a cluster, read from its files: its server need not run."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from traintui.data.embedded import CONFIGURATION

FILES = ("postgresql.conf", "postgresql.auto.conf")
"""In the order in which a server reads them; the second has what ALTER SYSTEM set."""
INITDB = """\
max_connections = 100
shared_buffers = 128MB
dynamic_shared_memory_type = posix
max_wal_size = 1GB
min_wal_size = 80MB
autovacuum_worker_slots = 16
log_timezone = UTC
timezone = UTC
datestyle = 'iso, mdy'
lc_messages = C
lc_monetary = C
lc_numeric = C
lc_time = C
default_text_search_config = 'pg_catalog.english'
"""
"""What initdb writes, as Traintui calls it."""
LINE = re.compile(r"\s*([A-Za-z_][\w.]*)(?:\s*=\s*|\s+)('(?:[^'\\]|''|\\.)*'|[^\s#']+)\s*(?:#.*)?")


def not_taken_over(old: Path, new: Path | None = None) -> tuple[str, ...]:
    """The settings of the data folder `old` that neither initdb nor Traintui made, and that the data folder `new` has
    not, where there is one yet; each as it is written there. Raises `OSError`."""
    ours, initdb, there = settings(CONFIGURATION), settings(INITDB), of(new) if new else {}
    found = of(old)
    is_ours = CONFIGURATION.splitlines()[0] in text(old / FILES[0])

    def is_made(name: str, value: str) -> bool:
        return value == ours.get(name) or (value == initdb.get(name) and not (is_ours and name in ours))

    return tuple(f"{name} = {written(value)}" for name, value in sorted(found.items())
                 if not is_made(name, value) and value != there.get(name))  # fmt: skip


def of(data: Path) -> dict[str, str]:
    """The settings in the files of a data folder. Files that these include are not read: `include` counts as one."""
    return settings("\n".join(text(data / name) for name in FILES))


def text(path: Path) -> str:
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


def written(value: str) -> str:
    """A value as a file of configuration takes it."""
    return value if re.fullmatch(r"[\w.-]+", value) else "'" + value.replace("'", "''") + "'"
