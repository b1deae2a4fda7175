"""How templates and their versions stand in tables."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from traintui import text
from traintui.data.records import TemplateRecord, TemplateUsage
from traintui.widgets import marks
from traintui.widgets.columns import Column

KINDS = {"rubric": " rubric", "regeneration": " turns anew"}
"""What stands behind the name of a template that writes no conversations."""


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A template by name: its newest version, the one that new batches take, and what was made with all of them.

    `usage` is None until it is counted; `edited` says that somebody here is writing a new version.
    """

    name: str
    newest: TemplateRecord
    active: TemplateRecord | None
    usage: TemplateUsage | None
    edited: bool


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version; id 0 is one that is being written. `base` says that others are compared with it."""

    record: TemplateRecord
    usage: TemplateUsage | None
    base: bool


def _name(row: TemplateRow) -> Content:
    mark = Content.styled("✎ ", "$warning") if row.edited else Content("")
    kind = Content.styled(KINDS.get(row.newest.kind, ""), "$muted")
    return Content.assemble(mark, text.shown(row.name, single_line=True, limit=80), kind)


def _active(row: TemplateRow) -> Content:
    if row.active is None:
        return Content.styled("○ none", "$muted")
    return Content.styled(f"● v{row.active.version}", "$success")


def _version(row: VersionRow) -> Content:
    if not row.record.id:
        return Content.styled("draft", "$warning")
    return Content.assemble(f"v{row.record.version}", (" ◂" if row.base else "", "$accent"))


def _state(row: VersionRow) -> Content:
    if not row.record.id:
        return Content.styled("not saved", "$muted")
    return Content.styled("● active", "$success") if row.record.active else Content.styled("○ inactive", "$muted")


def _made(row: VersionRow) -> Content:
    if not row.record.id:
        return Content("")
    who = "built in" if row.record.built_in else row.record.created_by
    return text.shown(f"{text.ago(row.record.created_at)} · {who}", single_line=True, limit=30, style="$muted")


def _count(row: TemplateRow | VersionRow) -> Content:
    if row.usage is None:
        return Content.styled("◌", "$faint")
    number = row.usage.conversations
    return Content(text.count(number)) if number else Content.styled(text.NOTHING, "$faint")


def _score(row: TemplateRow | VersionRow) -> Content:
    mean = row.usage.mean_score if row.usage else None
    return Content.styled(text.score(mean), marks.score_colour(mean))


def _approved(row: TemplateRow | VersionRow) -> Content:
    rate = row.usage.approval_rate if row.usage else None
    return Content.styled(text.NOTHING, "$faint") if rate is None else Content(f"{rate:.0%}")


def _cost(row: TemplateRow | VersionRow) -> Content:
    used = row.usage
    if used is None or not used.calls:
        return Content.styled(text.NOTHING, "$faint")
    return Content(text.usd(used.cost_usd, unpriced=used.unpriced_calls))


TEMPLATE_COLUMNS: tuple[Column[TemplateRow], ...] = (
    Column("Template", 0, _name, least=12),
    Column("Active", 6, _active),
    Column("Convs", 6, _count, right=True),
    Column("Score", 5, _score, right=True),
    Column("Appr.", 5, _approved, right=True),
    Column("Cost", 9, _cost, right=True, from_width=61),
)
VERSION_COLUMNS: tuple[Column[VersionRow], ...] = (
    Column("Version", 8, _version),
    Column("State", 10, _state),
    Column("Made", 0, _made),
    Column("Convs", 8, _count, right=True),
    Column("Score", 5, _score, right=True),
    Column("Appr.", 5, _approved, right=True),
    Column("Cost", 14, _cost, right=True, from_width=74),
)
