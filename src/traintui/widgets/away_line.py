"""What ran while somebody was away, in a line or two under the header."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from traintui import text
from traintui.data.presence_records import BatchNews, Meanwhile

CAUSES = {
    "refusal": "refused",
    "max_tokens": "too long",
    "model_context_window_exceeded": "too long",
    "invalid_reply": "no conversation",
}
"""A few words for why a call failed; the cause itself where there are none."""
NAMED = 3
"""Batches that are named."""


def causes(failures: tuple[tuple[str, int], ...]) -> str:
    """Why conversations failed: `2 refused, 1 too long`."""
    counted: dict[str, int] = {}
    for error, number in failures:
        said = CAUSES.get(error, text.visible(error, single_line=True, limit=30).replace("_", " ") or "no reason")
        counted[said] = counted.get(said, 0) + number
    return ", ".join(f"{number:,} {said}" for said, number in counted.items())


def batch_news(batch: BatchNews) -> Content:
    """A batch and what became of it."""
    name = text.shown(batch.name, single_line=True, limit=40, style="bold")
    if batch.state == "finished":
        return Content.assemble(name, (" finished", "$success"))
    reason = text.shown(batch.reason, single_line=True, limit=120, style="$muted")
    colour = "$warning" if batch.state == "paused" else "$failed"
    return Content.assemble(name, (f" {batch.state}", colour), ": " if batch.reason else "", reason)


def said(meanwhile: Meanwhile, *, hint: str) -> Content:
    """What ran, in one line that wraps; `hint` says which key shows more."""
    parts = []
    if meanwhile.generated:
        parts.append(Content.styled(f"{meanwhile.generated:,} generated", "bold"))
    if meanwhile.failed:
        parts.append(Content.assemble((f"{meanwhile.failed:,} failed", "$failed"), f" ({causes(meanwhile.failures)})"))
    if meanwhile.is_rehearsal:
        parts.append(Content.styled("a rehearsal", "$generating"))
    elif meanwhile.cost_usd or meanwhile.unpriced_calls:
        parts.append(Content(text.usd(meanwhile.cost_usd, unpriced=meanwhile.unpriced_calls)))
    named = [batch_news(batch) for batch in meanwhile.batches[:NAMED]]
    if more := len(meanwhile.batches) - NAMED:
        named += [Content.styled(f"{more:,} more", "$muted")] if more > 0 else []
    news = Content.styled(" · ", "$faint").join([Content(", ").join(parts), *named] if parts else named)
    return Content.assemble(("While you were away: ", "$accent"), news, (f"   {hint}" if hint else "", "$muted"))


class AwayLine(Static):
    """Hidden unless something ran."""

    DEFAULT_CSS = """
    AwayLine { display: none; height: auto; max-height: 4; padding: 0 2; background: $panel; }
    AwayLine.-told { display: block; }
    """

    def show(self, meanwhile: Meanwhile | None, *, hint: str) -> None:
        """Says what ran; None hides the line."""
        self.set_class(meanwhile is not None, "-told")
        if meanwhile is not None:
            self.update(said(meanwhile, hint=hint))
