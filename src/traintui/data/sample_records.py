"""Samples as they were taken. Counters are those of the server, since it counts; one that fell began anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ServerAt:
    """The server at a moment. Sizes in bytes; the disk's are None where this machine does not have it."""

    at: datetime
    server_started_at: datetime
    connections: int
    max_connections: int
    active: int
    waiting: int
    longest_transaction_seconds: float
    commits: int
    rollbacks: int
    blocks_hit: int
    blocks_read: int
    rows_written: int
    temp_bytes: int
    deadlocks: int
    wal_bytes: Decimal
    database_bytes: int
    disk_free_bytes: int | None
    disk_bytes: int | None


@dataclass(frozen=True, slots=True)
class TableAt:
    """A table at a moment, with all of its partitions. Sizes in bytes."""

    at: datetime
    table_name: str
    live_rows: int
    dead_rows: int
    table_bytes: int
    toast_bytes: int
    index_bytes: int
    inserted: int
    updated: int
    hot_updated: int
    deleted: int
    whole_scans: int
    whole_scan_rows: int
    index_scans: int
    vacuumed_at: datetime | None
    analyzed_at: datetime | None

    @property
    def total_bytes(self) -> int:
        """With all that belongs to it."""
        return self.table_bytes + self.toast_bytes + self.index_bytes


@dataclass(frozen=True, slots=True)
class SizeAt:
    """The bytes of a table at a moment, with all that belongs to it."""

    at: datetime
    total_bytes: int


@dataclass(frozen=True, slots=True)
class IndexAt:
    """An index at a moment, with all of its parts. `file_number` changes when it is rebuilt; `density` is of its
    leaves, 0 to 1, None where nobody may read it."""

    at: datetime
    index_name: str
    table_name: str
    is_valid: bool
    index_bytes: int
    entries: int
    file_number: int
    scans: int
    scanned_at: datetime | None
    blocks_hit: int
    blocks_read: int
    density: float | None


@dataclass(frozen=True, slots=True)
class Use:
    """How an index was used over the days that samples cover: the days with samples, how often it was scanned, blocks
    that its scans found in memory and read, and the newest density, where it is known."""

    days: int
    scans: int
    blocks_hit: int
    blocks_read: int
    density: float | None = None

    @property
    def hit_rate(self) -> float | None:
        """The share of blocks that was in memory; None where none was asked for."""
        asked = self.blocks_hit + self.blocks_read
        return self.blocks_hit / asked if asked else None
