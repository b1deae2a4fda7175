"""How an export is spoken of: how much it is, what its target does with it, how far it is, what was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.content import Content

from traintui import text
from traintui.export.again import OF_NOW, Earlier, is_exact
from traintui.export.formats import format_of
from traintui.export.rules import Severity

if TYPE_CHECKING:
    from traintui.data.export_reading import ScopeCounts, Since
    from traintui.export.forecasting import ExportCheck, SplitForecast
    from traintui.export.formats import Container
    from traintui.export.write import ExportSummary

NAMED = 2
"""Conversations of which it is said what is wrong with them."""
MENDS = "mends it in 2 Review"
Part = Content | str | tuple[str, str]


@dataclass(frozen=True, slots=True)
class Again:
    """An export that is made anew: which, in which format, whether it took what the rehearsal wrote, its options; and,
    as of now, what differs since."""

    earlier: Earlier
    format: str
    rehearsal: bool
    options: Mapping[str, Any]
    since: Since | None = None


def differs(again: Again, container: Container | None = None) -> Content:
    """What a new export holds beside the earlier one; as it was, whether its bytes will be the same in such a file."""
    named = text.shown(again.earlier.export_id, single_line=True, limit=40, style="$muted")
    since = again.since
    if since is None:
        format, was = format_of(again.format), again.earlier.container
        if container is not None and was is not None and container != was:
            other = f"not the same bytes: it was {was}, and this name says {container}"
            return Content.assemble((other, "bold $warning"), ("; texts and decisions are those of ", "$muted"), named)
        why = "" if is_exact(format) else f"; {OF_NOW[format.kind]}"
        if again.options.get("eval_share") and again.options.get("sides") is None:
            why += "; its manifest does not stand here, so what is alike is on one side as it is known now"
        return Content.assemble(("texts and decisions are those of ", "$approved"), named, (why, "$warning"))
    if since.is_nothing:
        return Content.assemble(("the same conversations at the same revisions as ", "$approved"), named)
    parts = (("more", since.more), ("gone", since.gone), ("edited", since.edited))
    told = ", ".join(f"{number:,} {what}" for what, number in parts if number)
    return Content.assemble((told, "bold $warning"), (" beside ", "$muted"), named)


def counted(counts: ScopeCounts) -> Content:
    """How many will be written, and what to know of them."""
    parts: list[Part] = [(text.plural(counts.total, "conversation"), "bold")]
    if counts.rehearsal:
        parts.append((f", {counts.rehearsal:,} of them by the rehearsal", "$generating"))
    if counts.left_out_rehearsal:
        parts.append((f"; {counts.left_out_rehearsal:,} by the rehearsal left out", "$generating"))
    if counts.unapproved:
        parts.append((f", {counts.unapproved:,} of them not approved", "bold $warning"))
    if counts.left_out_unapproved:
        parts.append((f"; {counts.left_out_unapproved:,} not approved left out", "$warning"))
    return Content.assemble(*parts)


def parted(split: SplitForecast) -> Content:
    """How many are on each side, whose sides hold, and what is to say of it."""
    one_sided = not (split.train and split.eval)
    parts: list[Part] = [text.shown(split.words, single_line=True, limit=200, style="$warning" if one_sided else "")]
    parts += [text.shown(f"\n{says}", limit=300, style="$muted") for says in split.says[:NAMED]]
    return Content.assemble(*parts)


def checked(found: ExportCheck) -> Content:
    """The totals, whether the export would stop, and what is wrong with the first of them."""
    totals = found.totals
    shown = found.remarks[:NAMED]
    passes = totals.passing == totals.count and not any(remark.is_grave for remark in shown)
    colour = "$approved" if passes else "$warning"
    said = totals.words() if totals.count else "nothing to look at"
    if totals.count and any(remark.severity is Severity.REFUSED for remark in found.remarks):
        said = f"refused as a file; one by one: {said}"
    parts: list[Part] = [(said, colour)]
    if totals.count:
        by = "estimated" if totals.is_estimate else f"counted by {text.visible(totals.counted_by, single_line=True)}"
        limit = "" if totals.limit is None else f" against {totals.limit:,}"
        parts.append((f"  tokens are {by}{limit}", "$faint"))
    if found.stopping:
        parts.append((f"\nThe export would stop: {found.stopping:,} cannot be written as they are.", "bold $warning"))
    elif found.left_out:
        parts.append((f"\n{found.left_out:,} of them are left out; the manifest will name them.", "$warning"))
    for problem in found.problems[:NAMED]:
        finding = problem.findings[0]
        named = text.shown(problem.conversation_id, single_line=True, limit=40, style="bold")
        parts += ["\n", named, " ", text.shown(finding.says, single_line=True, limit=200, style="$muted")]
        if finding.key:
            parts.append((f"  {finding.key} {MENDS}", "$faint"))
    if totals.count:
        for remark in shown:
            style = "bold $warning" if remark.is_grave else "$muted"
            parts += ["\n", text.shown(remark.says, single_line=True, limit=400, style=style)]
    return Content.assemble(*parts)


def progress(verb: str, done: int, total: int, seconds: float) -> Content:
    """How far it is, how quickly, and how long it takes yet."""
    rate = done / seconds if seconds > 0 else 0.0
    left = f", {text.duration((total - done) / rate * 1_000)} left" if rate else ""
    return Content.styled(f"◐ {verb} {done:,} of {total:,}, {rate:,.0f} a second{left}", "$muted")


def written(summary: ExportSummary) -> Content:
    """What was written, and where it stands."""
    rows = f" in {summary.rows:,} rows" if summary.rows != summary.count else ""
    sides = {file.side: file.rows or 0 for file in summary.files if file.side is not None}
    split = f", {sides.get('train', 0):,} train and {sides['eval']:,} eval" if "eval" in sides else ""
    parts: list[Part] = [
        ("● ", "$approved"), (text.plural(summary.count, "conversation"), "bold"), rows,
        (split, "" if sides.get("eval") and sides.get("train") else "bold $warning"),
        f", {text.size(summary.size)}, in\n",
        text.shown(str(summary.path), single_line=True), ("\nSHA-256 ", "$faint"), (summary.sha256, "$muted"),
    ]  # fmt: skip
    if summary.sides:
        parts.append(text.shown(f"\n{summary.sides}", limit=300, style="$warning"))
    for warning in summary.warnings:
        parts.append(text.shown(f"\n{warning}", limit=400, style="bold $warning"))
    if summary.again is not None:
        same = summary.again.same
        parts += ["\n", text.shown(summary.again.says, limit=400, style="$approved" if same else "$warning")]
    if summary.left_out:
        parts.append((f"\n{summary.left_out:,} left out; the manifest names them and says why.", "$warning"))
    beside = ", ".join(file.name for file in summary.files[1:])
    parts += [("\nBeside it ", "$faint"), text.shown(beside, single_line=True, limit=200, style="$muted")]
    parts.append(("\nesc closes. The export is on record in 4 Audit.", "$muted"))
    return Content.assemble(*parts)
