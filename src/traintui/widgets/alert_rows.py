"""Alerts as rows: what is wrong and since when; with what it means, what to do, and what changed around that time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.content import Content

from traintui import text
from traintui.data.alert_context import changes_of
from traintui.data.alert_records import Alert, AlertEvent
from traintui.observing.alert_kinds import KINDS, to_do
from traintui.widgets.facts import heading
from traintui.widgets.header import COLOURS
from traintui.widgets.log_detail import NOTHING, fact
from traintui.widgets.row_table import Column

GLYPHS = {"urgent": "!", "warning": "○"}
STATES = {"open": "open", "acknowledged": "seen", "cleared": "over"}
NAMED = 3
"""Alerts that the overview names."""


def mark(alert: Alert) -> Content:
    """How bad it is; what is over is neither."""
    if alert.state == "cleared":
        return Content.styled("●", "$success")
    return Content.styled(GLYPHS[alert.severity], COLOURS[alert.severity])


def alert_columns() -> list[Column[Alert]]:
    """An alert in a row."""
    return [
        Column("", 2, mark),
        Column("Alert", 0, lambda row: text.shown(row.says, single_line=True, limit=300), least=24),
        Column("State", 6, state),
        Column("Since", 6, lambda row: Content(text.ago(row.opened_at)), right=True),
        Column("Over", 6, lambda row: over(row), right=True, from_width=70),
    ]


def state(alert: Alert) -> Content:
    """Whether somebody looks after it, or it is over."""
    return Content.styled(STATES[alert.state], "" if alert.state == "open" else "$muted")


def over(alert: Alert) -> Content:
    """Since when it is over."""
    return Content.styled("·", "$faint") if alert.cleared_at is None else Content(text.ago(alert.cleared_at))


def alert_lines(alert: Alert, events: Sequence[AlertEvent]) -> Iterator[Content]:
    """All that is known about an alert."""
    known = KINDS.get(alert.kind)
    yield Content.assemble(mark(alert), " ", (known.title if known else alert.kind.replace("_", " "), "bold"))
    yield NOTHING
    yield text.shown(f"{alert.says}.", limit=1_100)
    if known is not None:
        yield text.shown(known.means, style="$muted")
        yield NOTHING
        yield heading("What to do")
        yield text.shown(to_do(alert.kind, alert.subject, alert.evidence), limit=600)
    yield NOTHING
    yield from fact("Since", text.second(alert.opened_at))
    if alert.acknowledged_at is not None:
        yield from fact("Seen by", f"{alert.acknowledged_by}, {text.second(alert.acknowledged_at)}")
    if alert.cleared_at is not None:
        yield from fact("Over", text.second(alert.cleared_at))
    yield NOTHING
    yield heading("What changed in the day before")
    changed = changes_of(alert)
    if not changed:
        yield Content.styled("No other version, no restart, rebuild, retention or setting, and no growth.", "$muted")
    for change in changed:
        at = text.moment(change.at)
        yield Content.assemble((f"{at}  ", "$muted"), text.shown(change.says, single_line=True, limit=300))
    yield NOTHING
    yield heading("History")
    for event in events:
        said = event.said if event.event != "opened" else ""
        yield Content.assemble(
            (f"{text.second(event.at)}  ", "$muted"), f"{event.event}, {text.visible(event.login, single_line=True)}",
            "  " if said else "", text.shown(said, single_line=True, limit=500, style="$muted"),
        )  # fmt: skip


def overview(alerts: Sequence[Alert], width: int) -> Content:
    """The worst of what is wrong, each with what to do in a line below, as wide as there is room for."""
    lines = []
    for alert in alerts[:NAMED]:
        since = f" {STATES['acknowledged']}" if alert.state == "acknowledged" else f" {text.ago(alert.opened_at)}"
        style = "bold" if alert.state == "open" else "$muted"
        says = text.shown(alert.says, single_line=True, limit=300, style=style)
        what = text.shown(to_do(alert.kind, alert.subject, alert.evidence), single_line=True, limit=400, style="$muted")
        room = max(20, width - 2)
        lines.append(
            Content.assemble(
                mark(alert), " ", says.truncate(room - len(since) - 1, ellipsis=True), (f" {since}", "$muted")
            )
        )
        lines.append(what.truncate(room, ellipsis=True).pad_left(2))
    rest = len(alerts) - NAMED
    more = f"and {rest:,} more; " if rest > 0 else ""
    around = " shows what each means, and what changed around that time"
    lines.append(Content.assemble(f"  {more}", ("!", "bold $accent"), (around, "$muted")))
    return Content("\n").join(lines)
