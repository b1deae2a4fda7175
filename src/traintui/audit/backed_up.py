"""What the record in a restored backup says of itself."""

from __future__ import annotations

from traintui.audit.verifying import verify
from traintui.data.backup_contents import Far
from traintui.data.backup_proof import Record
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database, make_engine

NAMED = 20
"""Findings that are kept with a backup; all of them `traintui audit verify` has."""


def record_of(conninfo: str, far: Far) -> Record:
    """Compares every row with its seal and the seals with each other, in a database that nobody else uses. Anchors are
    left out, which may be newer than the backup. Raises `TraintuiError`. Blocks."""
    engine = make_engine(conninfo, pooled=False)
    # Nothing is connected to by it: the look is over connections of its own.
    db = Database(engine, conninfo, "backup", SUPERUSER, "admin")
    verdict = verify(db, progress=lambda done, total: far("rows verified", done, total))
    findings = [f"{finding.where}: {finding.what}" for finding in verdict.findings[:NAMED]]
    if verdict.number > NAMED:
        findings.append(f"{verdict.number - NAMED:,} more")
    return Record(verdict.rows, tuple(findings))
