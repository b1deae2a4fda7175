"""What was noted of the conversations of an export: where the log has it, or as the archive had it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Subquery, Text, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from traintui.data.log_models import ExportRow as E


@dataclass(frozen=True, slots=True)
class Noted:
    """Which conversations an export held, at which revisions. `conversations` is None where the log has them; else the
    archive had these, at the revisions beside them. `began_at` is when the export began."""

    export_id: str
    began_at: datetime | None = None
    conversations: Sequence[str] | None = None
    revisions: Sequence[int] = ()

    @property
    def table(self) -> str:
        """SQL: where they stand, with the values of `values`."""
        if self.conversations is None:
            return "export_rows"
        return (
            "(SELECT %(export_id)s::text AS export_id, conversation_id, revision"
            " FROM unnest(%(held)s::text[], %(revisions)s::integer[]) AS held(conversation_id, revision))"
        )

    @property
    def values(self) -> dict[str, Any]:
        """What `table` has names for, and what it is of."""
        given: dict[str, Any] = {"export_id": self.export_id, "began_at": self.began_at}
        if self.conversations is not None:
            given |= {"held": list(self.conversations), "revisions": list(self.revisions)}
        return given

    @property
    def selected(self) -> Subquery:
        """Conversations with their revisions, to be selected from."""
        if self.conversations is None:
            return select(E.conversation_id, E.revision).where(E.export_id == self.export_id).subquery("held")
        held = (
            func.unnest(literal(list(self.conversations), ARRAY(Text)), literal(list(self.revisions), ARRAY(Integer)))
            .table_valued("conversation_id", "revision", name="held")
            .render_derived()
        )
        return select(held.c.conversation_id, held.c.revision).subquery("noted")
