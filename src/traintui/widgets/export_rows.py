"""The history of exports: a row for each, and all that is known of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from textual.content import Content

from traintui import text
from traintui.data.log_records import Export
from traintui.export.scope_words import scope_in_words
from traintui.export.standing import FileStanding, Standing, files_in, host_of
from traintui.widgets.facts import heading
from traintui.widgets.log_detail import NOTHING, fact
from traintui.widgets.log_rows import line, second
from traintui.widgets.row_table import Column

STATES: dict[str, tuple[str, str, str]] = {
    "under way": ("◐", "under way", "$generating"),
    "silent": ("?", "not ended", "$warning"),
    "succeeded": ("●", "succeeded", "$success"),
    "failed": ("!", "failed", "$failed"),
    "cancelled": ("✕", "cancelled", "$muted"),
}
"""Glyph, word and colour of each state."""
STANDINGS: dict[Standing, tuple[str, str]] = {
    "unchanged": ("unchanged", "$success"),
    "changed": ("changed since", "$warning"),
    "gone": ("gone", "$failed"),
    "elsewhere": ("", "$muted"),
    "unreadable": ("cannot be read", "$failed"),
    "unknown": ("", "$muted"),
}
"""What is said of a file, and in which colour."""
OPTIONS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("if_refused", "Refused ones", {"stop": "stop the export", "leave-out": "are left out"}),
    ("if_cut", "Cut ones", {"write": "are written", "stop": "stop the export", "leave-out": "are left out"}),
    ("limit", "Token limit", {}),
    ("tokenizer", "Tokenizer", {}),
    ("eval_share", "Eval share", {}),
    ("sides", "Sides of", {}),
    ("strata", "Counted by", {}),
)
"""The options of an export, how each is called, and what its values mean."""


def export_state(export: Export) -> Content:
    """How an export ended, or how far it is."""
    glyph, word, colour = STATES[export.state]
    if export.state == "under way" and export.done:
        word = f"{export.done / max(1, export.conversation_count):.0%} written"
    return Content.styled(f"{glyph} {word}", colour)


def took(export: Export) -> str:
    """How long it took; nothing while it has not ended."""
    if export.ended_at is None:
        return ""
    return text.duration((export.ended_at - export.started_at).total_seconds() * 1_000)


def number(export: Export) -> Content:
    """How many conversations it holds, or was to hold."""
    said = text.count(export.conversation_count)
    return Content(said) if export.state == "succeeded" else Content.styled(said, "$faint")


def export_columns() -> list[Column[Export]]:
    """An export in a row."""
    return [
        Column("When", 19, lambda row: second(row.started_at), slim=16, name="created"),
        Column("Export", 12, export_state, name="state"),
        Column("Number", 9, number, right=True, name="count"),
        Column("Format", 13, lambda row: line(row.format), from_width=70, most=21, name="format"),
        Column("Who", 8, lambda row: line(row.user_id), from_width=76, name="user"),
        Column("Took", 9, lambda row: Content.styled(took(row), "$muted"), right=True, from_width=112),
        Column("File", 26, lambda row: line(str(row.metadata.get("file") or "")), from_width=134),
        Column("Filter", 0, lambda row: line(scope_in_words(row.filter_state)) or line("approved ones", "$muted")),
    ]


def export_lines(
    export: Export,
    held: Sequence[tuple[str, int]] | None = None,
    standings: Sequence[FileStanding] | None = None,
    looked: str = "",
    *,
    named: int = 0,
    archived: bool = False,
) -> Iterator[Content]:
    """An export: what left the house, and how to know it again. `held` are the first of what it holds, `standings` what
    has become of its files, None of both before they are read; `looked` says when that was, or how far it is. `named`
    are the conversations that come first since the filter names them, `archived` says that the log has it no longer."""
    said = export.metadata
    yield Content.assemble(
        export_state(export), "   ", text.shown(export.export_id, single_line=True, limit=80, style="$muted")
    )
    yield NOTHING
    yield from ended(export)
    yield from fact("When", f"{export.started_at.astimezone():%Y-%m-%d %H:%M:%S %Z}")
    yield from fact("Took", took(export))
    yield from fact("Who", export.user_id)
    if export.state == "under way":
        yield from fact("Written", f"{export.done:,} of {export.conversation_count:,}")
    else:
        yield from fact("Conversations", conversations_in(export))
    yield from fact("Filter", scope_in_words(export.filter_state) or "none: the approved ones")
    yield from fact("Rehearsal", rehearsal_in(said))
    yield from fact("Left out", text.count(said["left_out"]) if said.get("left_out") else None)
    version = said.get("format_version")
    yield from fact("Format", export.format + (f", version {version}" if version else ""))
    yield from fact("Preflight", said.get("preflight"))
    yield from fact("Traintui", said.get("traintui"))
    yield from fact("Stands in", "the archive: it is kept in the log no longer" if archived else None)
    yield from options(said.get("options") or {})
    yield from files(export, standings, looked)
    if held:
        yield NOTHING
        more = export.conversation_count - len(held)
        yield heading("Holds", Content.styled(f"{export.conversation_count:,}", "$muted"))
        for place, (conversation_id, revision) in enumerate(held):
            style = "bold $accent" if place < named else ""
            shown = text.shown(conversation_id, single_line=True, limit=40, style=style)
            yield Content.assemble(shown, (f"  revision {revision}", "$muted"))
        if more > 0:
            yield Content.styled(f"and {more:,} more; the manifest names them", "$muted")


def ended(export: Export) -> Iterator[Content]:
    """What there is to say of one that wrote nothing."""
    if export.state == "silent":
        yield Content.styled("It was started, and nothing was heard of it since: its process died.", "$warning")
        yield Content.styled("No file of it appeared; what stood there is as it was.", "$muted")
        yield NOTHING
    elif export.state == "cancelled":
        yield Content.styled("It was stopped, and left nothing behind.", "$muted")
        yield NOTHING
    elif export.error_message:
        yield text.shown(export.error_message, limit=2_000, style="$failed")
        yield NOTHING


def conversations_in(export: Export) -> str:
    """How many, in how many rows, and of which status unless all are approved."""
    said = text.count(export.conversation_count) + ("" if export.state == "succeeded" else " were to be written")
    rows = export.metadata.get("rows")
    said += f" in {rows:,} rows" if rows and rows != export.conversation_count else ""
    statuses: Mapping[str, int] = export.metadata.get("statuses") or {}
    if set(statuses) - {"approved"}:
        said += ": " + ", ".join(f"{count:,} {status}" for status, count in statuses.items())
    return said


def rehearsal_in(said: Mapping[str, Any]) -> str:
    """How many the rehearsal wrote, of those that are in it and of those that were left out."""
    taken, left = said.get("rehearsal") or 0, said.get("left_out_rehearsal") or 0
    return "; ".join(
        part for part in (f"{taken:,} in it" if taken else "", f"{left:,} left out" if left else "") if part
    )


def options(said: Mapping[str, Any]) -> Iterator[Content]:
    """The options that were chosen."""
    for name, label, meanings in OPTIONS:
        value = said.get(name)
        if value not in (None, [], 0, 0.0):
            words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield from fact(label, meanings.get(words, words))


def files(export: Export, standings: Sequence[FileStanding] | None, looked: str) -> Iterator[Content]:
    """The files with their sizes and digests, and what has become of each once somebody looked."""
    said = export.metadata
    known = files_in(said)
    directory = said.get("directory")
    if not known and not said.get("file"):
        return
    yield NOTHING
    aside = looked or ("enter looks whether they stand" if export.state == "succeeded" else "")
    yield heading("Files" if len(known) != 1 else "File", Content.styled(aside, "$muted"))
    if directory:
        host = host_of(said)
        yield Content.assemble(
            ("in ", "$muted"), text.shown(str(directory), single_line=True, limit=400),
            text.shown(f" on {host}" if host else "", single_line=True, limit=80, style="$warning"),
        )  # fmt: skip
    if not known:
        yield text.shown(str(said["file"]), single_line=True, limit=200, style="$muted")
        yield from fact("SHA-256", export.file_sha256, style="$muted")
        return
    found = {standing.file.name: standing for standing in standings or ()}
    for file in known:
        rows = "" if file.rows is None else f", {text.plural(file.rows, 'row')}"
        yield Content.assemble(
            text.shown(file.name, single_line=True, limit=200, style="bold"),
            (f"  {text.size(file.size)}{rows}", "$muted"),
            standing_words(found.get(file.name)),
        )  # fmt: skip
        yield Content.styled(f"  {file.sha256}", "$faint")


def standing_words(standing: FileStanding | None) -> Content:
    """What has become of a file."""
    if standing is None:
        return Content("")
    word, colour = STANDINGS[standing.standing]
    said = ", ".join(part for part in (word, standing.why) if part)
    return Content.assemble("  ", text.shown(said, single_line=True, limit=200, style=colour))
