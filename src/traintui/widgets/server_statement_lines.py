"""Statements as the server counted them, in lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text
from traintui.widgets.query_rows import took

if TYPE_CHECKING:
    from traintui.data.server_statements import ServerStatement, ServerStatements


def server_statement_lines(counted: ServerStatements) -> Iterator[Content]:
    """All of them, those first that took most time in all; or why there are none, and what would change that."""
    if counted.missing:
        yield Content.assemble(("○ unavailable  ", "$warning"), counted.missing)
        yield Content.styled(counted.remedy, "$muted")
        return
    if counted.remedy:
        yield Content.assemble(("◐ reduced  ", "$warning"), "What other logins asked is hidden from this one.")
        yield Content.styled(counted.remedy, "$muted")
    else:
        yield Content.styled("● full", "$success")
    whole = sum(each.total_ms for each in counted.found)
    for each in counted.found:
        yield Content()
        yield from lines_of(each, whole)


def lines_of(each: ServerStatement, whole_ms: float) -> Iterator[Content]:
    """One: its figures, and what it says."""
    share = f"{each.total_ms / whole_ms:.1%} of these" if whole_ms else ""
    hit = "" if each.hit_rate is None else f", {each.hit_rate:.1%} of blocks in memory"
    yield Content.assemble(
        (text.plural(each.calls, "call"), "bold"),
        (f", {text.duration(each.total_ms)} in all, {share}; mean ", "$muted"),
        took(each.mean_ms), (", longest ", "$muted"), took(each.most_ms),
        (f"; {text.plural(each.rows, 'row')}{hit}; ", "$muted"),
        text.shown(each.login, single_line=True, limit=63, style="$muted"),
    )  # fmt: skip
    if each.statement is None:
        yield Content.styled("  hidden", "$faint")
    else:
        yield Content.assemble("  ", text.shown(each.statement, single_line=True, limit=600))
