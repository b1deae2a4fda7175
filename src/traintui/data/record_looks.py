"""Looks at the whole record that came to their end: who looked when, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from traintui.data.engine import Database
from traintui.data.refusals import answered
from traintui.data.seal_models import RecordLook as L
from traintui.data.whole_record import opened

NOTE = "SELECT note_record_look(%s::bigint, %s::bigint, %s::bigint, %s::text)"


@dataclass(frozen=True, slots=True)
class RecordLook:
    """A look at the whole record: by whom, when, how many rows it met, up to which seal, and how many findings it had;
    the first of them in a sentence, None where it held."""

    looked_at: datetime
    looked_by: str
    rows: int
    newest_seal: int | None
    findings: int
    first_finding: str | None

    @property
    def held(self) -> bool:
        """Whether nothing was found."""
        return self.findings == 0


def note(db: Database, *, rows: int, newest_seal: int | None, findings: int, first_finding: str | None) -> None:
    """Puts a look on record that has ended. Blocks. Raises `TraintuiError` when that cannot be written."""
    with answered(), opened(db) as connection:
        connection.execute(NOTE, [rows, newest_seal, findings, first_finding])


async def last(db: Database) -> RecordLook | None:
    """The last look; None where there was none. Served by the key."""
    statement = select(L.looked_at, L.looked_by, L.rows_looked_at, L.newest_seal, L.findings, L.first_finding)
    async with db.read() as connection:
        row = (await connection.execute(statement.order_by(L.id.desc()).limit(1))).one_or_none()
    return None if row is None else RecordLook(*row)
