"""What the import dialog says of a file: what it is, what it holds, bad records, unknown values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text
from traintui.screens.bulk_actions import why_left
from traintui.widgets.row_table import Column

if TYPE_CHECKING:
    from traintui.data.import_records import Import
    from traintui.importing.checking import Findings
    from traintui.importing.conversations import LineProblem
    from traintui.importing.loading import ExaminedFile, StoredConversations
    from traintui.importing.values import UnknownValue

LINES, LINES_LOW = 6, 3
"""Rows of a list that are seen at once, also where the terminal is low."""
ROOMY = 32
"""Lines of a terminal that is not low."""
DONE: dict[str, str] = {"storing": "stored", "approving": "approved", "removing": "removed again"}
"""What a stage of an import has done to each conversation."""


@dataclass(frozen=True, slots=True)
class ValueRow:
    """An unknown value, and what it becomes: the name of a value, or nothing while nobody has said so."""

    unknown: UnknownValue
    becomes: str
    is_new: bool


def value_columns() -> list[Column[ValueRow]]:
    """The columns of the unknown values."""
    return [
        Column("Not known", 10, lambda row: Content.styled(row.unknown.dimension, "$muted")),
        Column("Value", 0, lambda row: text.shown(row.unknown.value, single_line=True, limit=60)),
        Column("Times", 7, lambda row: Content(f"{row.unknown.count:,}"), right=True),
        Column("Becomes", 30, _becomes),
    ]


def _becomes(row: ValueRow) -> Content:
    if not row.becomes:
        return Content.styled("? say what", "$warning")
    return Content.assemble((row.becomes, "bold"), (", a new value" if row.is_new else "", "$accent"))


def problem_columns(place: str) -> list[Column[LineProblem]]:
    """The columns of the bad records; `place` is what their numbers count."""
    return [
        Column(place.capitalize(), 9, lambda row: Content(f"{row.line:,}"), right=True),
        Column("Why it cannot be taken", 0, lambda row: text.shown(row.why, single_line=True, limit=300)),
    ]


def holds(file: ExaminedFile) -> Content:
    """What is in a file."""
    findings = file.findings
    average = findings.turns / max(1, findings.good)
    parts: list[Content | tuple[str, str]] = [
        (text.plural(findings.good, "conversation"), "bold"),
        Content(f", {average:.1f} turns each" if findings.good > 1 else f", {findings.turns} turns"),
    ]
    if findings.bad:
        parts.append((f"; {text.plural(findings.bad, 'record')} that {_is(findings.bad)} none", "$warning"))
    if findings.ignored:
        named = ", ".join(text.visible(key, single_line=True, limit=20) for key in list(findings.ignored)[:5])
        parts.append((f"; left out, since a turn has no place for it: {named}", "$muted"))
    if file.manifest is not None:
        parts.append(("; as its manifest says", "$muted"))
    return Content.assemble(*parts)


def kinds(findings: Findings) -> Content:
    """Which kinds of bad records there are, the most frequent first."""
    listed = "; ".join(f"{number:,} {what}" for what, number in findings.kinds.most_common(4))
    return Content.styled(f"{listed}.", "$muted")


def became(stored: StoredConversations) -> Content:
    """What came of an import."""
    parts = [f"{text.plural(stored.imported, 'conversation')} new"]
    if stored.revised:
        parts.append(f"{stored.revised:,} revised")
    if stored.known:
        parts.append(f"{stored.known:,} {_is(stored.known)} here already")
    if stored.unapproved is not None:
        parts.append(f"{stored.approved:,} approved")
        parts += [why_left("approve", why, number) for why, number in sorted(stored.unapproved.items())]
    beside = (
        Content.assemble("\nWhat was left out is in ", text.shown(stored.bad_file, single_line=True, limit=200), ".")
        if stored.bad_file
        else Content("")
    )
    return Content.assemble(
        ("● ", "$approved"), (parts[0], "bold"), "".join(f"; {part}" for part in parts[1:]), ".", beside,
        ("\nesc closes. u takes all of it back." if stored.imported or stored.revised else "\nesc closes.", "$muted"),
    )  # fmt: skip


def cut_off(going: Import) -> Content:
    """What is known of an import that was cut off."""
    return Content.assemble(
        "The import of ", text.shown(going.file.name, single_line=True, limit=60, style="bold"),
        f" was cut off at {going.passed:,} of {text.plural(going.file.total, 'conversation')}, ",
        f"begun {text.moment(going.started_at)}.",
    )  # fmt: skip


def undecided(values: Mapping[tuple[str, str], str], found: tuple[UnknownValue, ...]) -> int:
    """How many unknown values nobody has said anything about."""
    return sum(1 for each in found if not values.get((each.dimension, each.value)))


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
