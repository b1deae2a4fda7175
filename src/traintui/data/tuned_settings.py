"""What an administrator changed in the configuration of a cluster."""

from __future__ import annotations

import re
from pathlib import Path

from traintui.data.server_configuration import CONFIGURATION, FILES, of, settings, text

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


def written(value: str) -> str:
    """A value as a file of configuration takes it."""
    return value if re.fullmatch(r"[\w.-]+", value) else "'" + value.replace("'", "''") + "'"
