"""What is known of the templates: their versions, and what was made with each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal

from traintui.data.engine import Database
from traintui.data.records import TemplateRecord, TemplateUsage
from traintui.widgets.template_columns import TemplateRow

OTHER_KINDS: tuple[Literal["rubric", "regeneration"], ...] = ("rubric", "regeneration")


class TemplateShelf:
    """The versions of each template by name, the newest first; `usage` is None until it is counted."""

    def __init__(self) -> None:
        self.versions: dict[str, list[TemplateRecord]] = {}
        self.usage: dict[int, TemplateUsage] | None = None

    async def read(self, db: Database) -> None:
        """Reads every version, those that write conversations first."""
        from traintui.data import templates

        found: dict[str, list[TemplateRecord]] = {}
        for record in await templates.versions(db):
            found.setdefault(record.name, []).append(record)
        for kind in OTHER_KINDS:
            others: dict[str, list[TemplateRecord]] = {}
            for record in await templates.versions(db, kind=kind):
                others.setdefault(record.name, []).append(record)
            # A template is known by its name here: one that is called like a rubric hides it, and is not mixed with it.
            found |= {name: versions for name, versions in others.items() if name not in found}
        self.versions = found

    async def count(self, db: Database) -> None:
        """Counts what was made, which takes a while where there is much."""
        from traintui.data import templates

        self.usage = await templates.usage(db)

    def of(self, name: str) -> list[TemplateRecord]:
        """The versions of a template; none where there is no such template."""
        return self.versions.get(name, [])

    def active(self, name: str) -> TemplateRecord | None:
        """The version that new batches take."""
        return next((record for record in self.of(name) if record.active), None)

    def used(self, *records: TemplateRecord) -> TemplateUsage | None:
        """What was made with some versions."""
        if self.usage is None:
            return None
        return sum((self.usage.get(record.id, TemplateUsage()) for record in records), TemplateUsage())

    def rows(self, drafts: Collection[str]) -> list[TemplateRow]:
        """A row for each template; `drafts` names those with text that is not saved."""
        return [
            TemplateRow(name, records[0], self.active(name), self.used(*records), name in drafts)
            for name, records in self.versions.items()
        ]

    def with_draft(self, name: str, draft: tuple[str, str] | None) -> Sequence[TemplateRecord]:
        """The versions of a template, above them the text that is not saved, with the id 0."""
        records = self.of(name)
        if not records or draft is None:
            return records
        system, user = draft
        newest = records[0]
        unsaved = replace(
            newest, id=0, version=newest.version + 1, system=system, user_prompt=user, active=False, built_in=False
        )
        return [unsaved, *records]
