"""What was done to indexes as rows, and all that is known about one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text
from traintui.widgets.facts import heading
from traintui.widgets.log_detail import NOTHING, fact
from traintui.widgets.row_table import Column

if TYPE_CHECKING:
    from traintui.data.index_actions import LoggedAction

DONE = {"rebuild": "rebuilt", "drop": "dropped", "create": "made", "clean": "cleaned up"}
UNKNOWN = Content.styled("·", "$faint")


def action_columns() -> list[Column[LoggedAction]]:
    """An action in a row."""
    return [
        Column("When", 16, lambda row: Content.styled(text.moment(row.started_at), "$muted")),
        Column("", 12, became),
        Column("Index", 0, lambda row: text.shown(row.index_name, single_line=True, limit=80), least=24),
        Column("By", 12, who, from_width=84),
        Column("Took", 8, took, right=True, from_width=70),
        Column("Size", 19, sizes, right=True, from_width=110),
        Column("Filled", 12, densities, right=True, from_width=96),
    ]


def became(row: LoggedAction) -> Content:
    """What became of it, in a word or two."""
    if row.state == "started":
        return Content.styled("◌ under way", "$accent")
    if row.state == "failed":
        return Content.styled(f"✕ {row.kind}", "$error")
    if row.undone_by is not None:
        return Content.styled("↶ undone", "$muted")
    return Content.styled(f"● {DONE[row.kind]}", "$success" if row.kind != "drop" else "$warning")


def who(row: LoggedAction) -> Content:
    """Who did it."""
    if row.by_itself:
        return Content.styled("by itself", "$muted")
    return text.shown(row.acted_by, single_line=True, limit=12)


def took(row: LoggedAction) -> Content:
    """How long it took."""
    return UNKNOWN if row.seconds is None else Content(f"{row.seconds:,.1f} s")


def sizes(row: LoggedAction) -> Content:
    """How large it was, and is."""
    if row.bytes_before is None or row.bytes_after is None:
        return UNKNOWN
    return Content(f"{text.size(row.bytes_before)} → {text.size(row.bytes_after)}")


def densities(row: LoggedAction) -> Content:
    """How full it was, and is."""
    if row.density_before is None or row.density_after is None:
        return UNKNOWN
    return Content(f"{row.density_before:.0%} → {row.density_after:.0%}")


def action_lines(row: LoggedAction) -> Iterator[Content]:
    """All that is known about an action."""
    yield Content.assemble(became(row), "  ", text.shown(row.index_name, single_line=True, limit=80, style="bold"),
                           (f"   action {row.id}", "$muted"))  # fmt: skip
    if row.error is not None:
        yield text.shown(row.error, limit=500, style="$error")
    yield NOTHING
    yield from fact("Table", row.table_name)
    yield from fact("When", f"{row.started_at.astimezone():%Y-%m-%d %H:%M:%S %Z}")
    yield from fact("Who", f"{row.acted_by}{', by the rules for rebuilding' if row.by_itself else ''}")
    yield from fact("Took", None if row.seconds is None else f"{row.seconds:,.1f} s")
    for name, said in (("Size", sizes(row)), ("Filled", densities(row))):
        yield from fact(name, None if said is UNKNOWN else said)
    yield from fact("Undoes", None if row.undoes is None else f"action {row.undoes}")
    yield from fact("Undone by", None if row.undone_by is None else f"action {row.undone_by}")
    yield NOTHING
    yield heading("What was run")
    yield text.shown(row.statement, limit=2_000)
    yield NOTHING
    yield heading("How it is made")
    yield text.shown(row.definition, limit=2_000, style="$muted")
