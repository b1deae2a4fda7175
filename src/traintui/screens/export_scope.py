"""Which conversations an export is of: those of a filter, of a selection, or of the export that is made anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from traintui.errors import TraintuiError
from traintui.screens.export_said import Again

if TYPE_CHECKING:
    from datetime import datetime

    from traintui.data.filters import Filter


@dataclass(frozen=True, slots=True)
class ExportScope:
    """`filter` is its text, `ids` those of a selection, whatever the filter says of others; `again` is the export that
    is made anew. `read` reads a filter, as the workspace's fields are."""

    filter: str
    ids: Sequence[int] | None
    again: Again | None
    read: Callable[[str], Filter]

    @property
    def is_then(self) -> bool:
        """Whether it is written as it was: everything but the file is given."""
        return self.again is not None and self.again.earlier.is_then

    @property
    def words(self) -> str:
        """What the filter means here: without a word on status, only what is approved."""
        if self.again is not None and self.is_then:
            from traintui.export.scope_words import scope_in_words

            return scope_in_words({**self.again.earlier.filter_state, "again": self.again.earlier.as_json()})
        if self.ids is not None:
            named = "" if self.statuses is not None else ", those that are approved"
            return f"{len(self.ids):,} selected{named}"
        if not self.filter.strip():
            return "every approved conversation"
        return self.filter if self.statuses is not None else f"approved, and {self.filter}"

    @property
    def statuses(self) -> tuple[str, ...] | None:
        """The statuses that the filter names, None where it names none."""
        from traintui.export.request import statuses_of

        wanted = self._asked
        return () if wanted is None else statuses_of(wanted)

    @property
    def moment(self) -> datetime | None:
        """The moment that the filter asks of, None where it is now, or several, which the forecast answers."""
        from traintui.export.request import moment_in

        wanted = self._asked
        try:
            return None if wanted is None else moment_in(wanted)
        except TraintuiError:
            return None

    @property
    def _asked(self) -> Filter | None:
        """The filter; None where it cannot be read, which the forecast answers."""
        from traintui.data import filters

        try:
            return self.read(self.filter)
        except filters.FilterError:
            return None
