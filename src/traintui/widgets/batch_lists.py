"""The lists around a batch: all batches, what was written last, and why some of it failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.content import Content

from traintui import text
from traintui.data.judgement_records import NOT_JUDGED
from traintui.data.records import BatchProgress, ConversationRow
from traintui.errors import sentence
from traintui.widgets import marks
from traintui.widgets.batch_band import cost, state_of
from traintui.widgets.row_table import Column

CAUSES = 5
"""Causes of failures that are in view at once."""
REST_OF_ROW = 14
"""Cells of a row of a cause that are not for it: how many, gaps, the edge."""


def batch_columns() -> list[Column[BatchProgress]]:
    """A batch in a row."""
    return [
        Column("Batch", 13, state_of),
        Column("Name", 0, lambda batch: text.shown(batch.name, single_line=True, limit=80)),
        Column("Done", 11, lambda batch: Content(f"{batch.done:,}/{batch.total:,}"), right=True),
        Column("Prio", 4, _priority, right=True),
        Column("Failed", 6, _failed, right=True, from_width=74),
        Column("Cost", 9, lambda batch: Content.styled(cost(batch), "$muted"), right=True, from_width=74),
        Column("Age", 5, lambda batch: Content.styled(text.ago(batch.created_at)[-5:], "$muted"), right=True),
    ]


def _failed(batch: BatchProgress) -> Content:
    return Content.styled(f"{batch.failed:,}", "$failed" if batch.failed else "$faint")


def _priority(batch: BatchProgress) -> Content:
    return Content.styled(f"{batch.priority:+}" if batch.priority else "0", "$accent" if batch.priority else "$faint")


def written_columns(labels: Callable[[], marks.Labels]) -> list[Column[ConversationRow]]:
    """A conversation that was written lately in a row."""
    return [
        Column("Written last", 13, lambda row: marks.status(row.status)),
        Column("Score", 10, lambda row: marks.score(row.quality_score)),
        Column("Persona", 0, lambda row: marks.label(labels(), "persona", row.persona)),
        Column("Conversation", 16, lambda row: text.shown(row.conversation_id, single_line=True, style="$muted")),
    ]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why conversations failed, or opinions of them, and how many."""

    reason: str
    number: int

    @property
    def of_judge(self) -> bool:
        """Whether it is why there is no opinion; the conversations are there."""
        return self.reason.startswith(NOT_JUDGED)


def causes(failures: Sequence[tuple[str, int]]) -> list[Cause]:
    """The causes of failures, most often first."""
    return [Cause(reason, number) for reason, number in failures]


def cause_columns() -> list[Column[Cause]]:
    """A cause in a row."""
    return [
        Column("Failed", 6, lambda cause: Content.styled(f"{cause.number:,} ✕", "$failed"), right=True),
        Column("Why it failed (r tries again)", 0, _reason),
    ]


def in_full(cause: Cause | None, width: int) -> Content:
    """A cause that a row of so many cells cannot hold; nothing where it can."""
    said = Content("") if cause is None else _reason(cause, limit=600)
    return said.stylize_before("$muted") if said.cell_length > width - REST_OF_ROW else Content("")


def _reason(cause: Cause, *, limit: int = 160) -> Content:
    return text.shown(cause.reason or "No reason was recorded.", single_line=True, limit=limit)


def meaning(batch: BatchProgress, *, working: bool, last_words: str | None) -> Content:
    """What a batch's state means, and what to do. `working` says whether the app's own worker runs, `last_words` what
    one that ended by itself said."""
    at = f"at {batch.done:,} of {batch.total:,}"
    reason = text.shown(batch.state_reason, single_line=True, limit=300, style="$muted")
    if last_words is not None and batch.state in {"queued", "running"}:
        said = text.shown(sentence(last_words), single_line=True, limit=160)
        return Content.assemble(("! The worker here has ended. w starts another. ", "bold $error"), said)
    if batch.state == "running" and batch.state_reason:
        return Content.assemble((f"! {batch.queued:,} wait  ", "bold $warning"), reason)
    if batch.kind == "judge" and batch.state in {"running", "finished"}:
        return Content.styled(
            f"{batch.running:,} being judged, {batch.queued:,} wait"
            if batch.state == "running"
            else "Finished. The preview in 1 shows what the judge says; a filter such as judge<7 finds it",
            "$muted",
        )
    if batch.kind == "regenerate" and batch.state == "finished":
        return Content.styled("Finished. What it wrote waits in Review as a revision", "$muted")
    match batch.state:
        case "interrupted":
            goes_on = f"Interrupted {at}: w starts a worker, which goes on"
            return Content.assemble((goes_on, "bold $failed"), "  ", reason)
        case "paused":
            return Content.assemble((f"Paused {at}: p resumes it", "bold $warning"), "  ", reason)
        case "queued":
            return Content.styled(
                "Waits for its first call" if working else "Waits for a worker: w starts one here", "bold"
            )
        case "running":
            return Content.styled(f"{batch.running:,} being written, {batch.queued:,} wait", "$muted")
        case "cancelled":
            return Content.styled(f"Ended {at}. r plans anew what was not written, n plans more", "$muted")
    if batch.failed and not batch.done:
        nothing = "Finished, and nothing was written: r tries again what failed, n plans more"
        return Content.styled(nothing, "bold $failed")
    return Content.styled("Finished. 2 reads and decides what it wrote, n plans more", "$muted")
