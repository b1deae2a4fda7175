"""The columns that a table of conversations can have: one for each field, the marks, and how it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from textual.content import Content

from traintui import text
from traintui.data.records import ConversationRow
from traintui.widgets import marks
from traintui.widgets.columns import Column

if TYPE_CHECKING:
    from traintui.data.fields import Field

USUAL = ("status", "score", "persona", "emotion", "topic", "tier", "turns", "created", "marks", "opening")
"""What is shown until somebody chooses."""
WIDTHS = {
    "status": 12, "score": 10, "persona": 18, "emotion": 14, "topic": 20, "intent": 16, "tone": 14, "tier": 10,
    "model": 18, "judge": 5, "turns": 5, "cost": 8, "created": 5, "updated": 7, "reviewed": 8,
}  # fmt: skip
ROOM = {"turns": 84, "emotion": 96, "topic": 120, "tier": 132}
"""How wide the table is at least before a usual column has room beside the others."""
SLIM = {"score": 5}
"""The cells of the figure without its bar, for where the opening has little room."""
WIDEST = {"persona": 28, "topic": 28, "intent": 24, "emotion": 18}
"""Cells that long labels get, where the opening has enough."""
LEAST, MOST = 3, 60
"""Cells of a column that somebody makes narrower or wider."""


def columns_of(
    fields: Mapping[str, Field],
    labels: Callable[[], marks.Labels],
    opening: Callable[[ConversationRow], Content],
    holder: Callable[[ConversationRow], str | None],
) -> dict[str, Column[ConversationRow]]:
    """Every column by its name, in the order in which they are offered. `holder` is who has a row open in Review."""
    made = {field.name: column_of(field, labels, holder) for field in fields.values()}
    others: tuple[Column[ConversationRow], ...] = (
        Column("", 3, marks.short_tags, name="marks"),
        Column("Id", 16, lambda row: text.shown(row.conversation_id, single_line=True, limit=40), name="id"),
        Column("Opening", 0, opening, name="opening"),
    )
    return made | {column.name: column for column in others}


def column_of(
    field: Field, labels: Callable[[], marks.Labels], holder: Callable[[ConversationRow], str | None]
) -> Column[ConversationRow]:
    """The column of a field."""
    from traintui.data.fields import Kind  # with it comes SQLAlchemy, which the first frame does without

    width, value = WIDTHS.get(field.name, 12), value_of(field)
    cell: Callable[[ConversationRow], Content]
    if field.name == "status":
        cell = lambda row: marks.status_or_holder(row.status, holder(row))  # noqa: E731
    elif field.name == "score":
        cell = lambda row: marks.score(row.quality_score)  # noqa: E731
    elif field.is_dimension:
        cell = lambda row: marks.label(labels(), field.name, value(row))  # noqa: E731
    elif field.kind is Kind.TIME and not field.is_day:
        cell = lambda row: age(value(row))  # noqa: E731
    elif field.name == "cost":
        cell = lambda row: money(value(row))  # noqa: E731
    else:
        cell = lambda row: plain(value(row))  # noqa: E731
    right = field.kind is not Kind.KEY and field.name != "score"
    title = "Age" if field.name == "created" else field.label
    return Column(title, width, cell, right=right, name=field.name)


ATTRIBUTES = {
    "score": "quality_score", "judge": "judge_score", "turns": "turn_count", "cost": "cost_usd",
    "created": "created_at", "updated": "updated_at", "reviewed": "reviewed_at",
}  # fmt: skip


def value_of(field: Field) -> Callable[[ConversationRow], Any]:
    """How a row's value of a field is read."""
    from traintui.data.fields import META

    if field.name.startswith(META):
        key = field.name.removeprefix(META)
        return lambda row: row.metadata.get(key)
    name = ATTRIBUTES.get(field.name, field.name)
    return lambda row: getattr(row, name)


def age(value: Any) -> Content:
    """How long ago; the day where it is longer than a few weeks."""
    return Content.styled(text.NOTHING, "$faint") if value is None else Content.styled(text.ago(value)[-5:], "$muted")


def money(value: Any) -> Content:
    """An amount in USD."""
    return Content.styled(text.NOTHING, "$faint") if value is None else Content(text.usd(value))


def plain(value: Any) -> Content:
    """Any other value."""
    if value is None:
        return Content.styled(text.NOTHING, "$faint")
    return text.shown(str(value).lower() if isinstance(value, bool) else str(value), single_line=True, limit=60)


def chosen(
    made: Mapping[str, Column[ConversationRow]], names: Iterable[str], widths: Mapping[str, int]
) -> tuple[Column[ConversationRow], ...]:
    """These columns in this order, those that are gone left out; of the usual ones those that there is room for."""
    names = tuple(names)
    usual = names == USUAL
    return tuple(
        Column(
            made[name].title, widths.get(name, made[name].width), made[name].cell, right=made[name].right,
            from_width=ROOM.get(name, 0) if usual else 0, name=name, least=14,
            slim=0 if name in widths else SLIM.get(name, 0), most=0 if name in widths else WIDEST.get(name, 0),
        )
        for name in names if name in made
    )  # fmt: skip
