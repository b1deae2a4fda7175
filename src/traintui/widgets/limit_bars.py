"""What the provider's limits are doing, and who works: a bar for each limit, and the workers with their heartbeat."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from traintui import clock, text
from traintui.data.limits import Bucket, Line
from traintui.data.work import WorkerView

NAMES = {"requests": "requests", "input": "tokens in", "output": "tokens out"}
BAR = 12
LITTLE = 0.15
"""The share of a minute's worth below which a limit holds the work up."""
LATE = 12.0
"""Seconds without a heartbeat after which a worker may be gone; it renews its lease every seven."""
GAP = Content("    ")


def bucket_bar(bucket: Bucket) -> Content:
    """How much of a limit is left."""
    share = min(1.0, max(0.0, bucket.level / bucket.per_minute))
    cells = round(share * BAR)
    colour = "$warning" if share < LITTLE else "$accent"
    return Content.assemble(
        (f"{NAMES[bucket.kind]} ", "$muted"), ("━" * cells, colour), ("━" * (BAR - cells), "$rule"),
        f" {text.tokens(max(0, round(bucket.level)))}", (f" of {text.tokens(round(bucket.per_minute))}", "$muted"),
    )  # fmt: skip


def limits_said(line: Line | None) -> list[Content]:
    """The limits of a model, as far as the provider has named them."""
    if line is None:
        return []
    parts = [bucket_bar(bucket) for bucket in line.buckets]
    if not parts and line.most_at_once is not None:
        at_once = f"no limits named: {line.most_at_once} at once, as it answers well"
        parts.append(Content.styled(at_once, "$muted"))
    if line.held_until is not None:
        seconds = max(0.0, (line.held_until - clock.now()).total_seconds())
        parts.append(Content.styled(f"! the provider asked to wait {text.duration(seconds * 1_000)}", "$warning"))
    elif line.waiting:
        parts.append(Content.styled(f"{text.plural(line.waiting, 'call')} in the line", "$muted"))
    return parts


def workers_said(workers: Sequence[WorkerView]) -> list[Content]:
    """The workers that are alive, each with what it does and when it was heard of."""
    parts = []
    for worker in workers:
        silent = (clock.now() - worker.seen_at).total_seconds()
        heart = ("♥ ", "$success") if silent < LATE else ("♡ ", "$failed")
        where = text.shown(f"{worker.host} {worker.pid}", single_line=True, limit=40)
        heard = f"  {text.plural(worker.running, 'call')}, heard {max(0, round(silent))} s ago"
        parts.append(Content.assemble(heart, where, (heard, "$muted")))
    return parts


def in_lines(parts: Sequence[Content], width: int) -> list[Content]:
    """Parts beside each other, as many as fit into a line."""
    lines: list[Content] = []
    for part in parts:
        if lines and lines[-1].cell_length + len(GAP) + part.cell_length <= width:
            lines[-1] = lines[-1] + GAP + part
        else:
            lines.append(part)
    return lines


class LimitBars(Static):
    """Limits and workers. Nothing where there is nothing to say."""

    DEFAULT_CSS = """
    LimitBars {
        height: auto; max-height: 5; width: 1fr; padding: 0 2; background: $surface; text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._line: Line | None = None
        self._workers: Sequence[WorkerView] = ()

    def show(self, line: Line | None, workers: Sequence[WorkerView]) -> None:
        """Shows the limits of a model, and who works."""
        self._line, self._workers = line, workers
        self._draw()

    def on_resize(self, event: Resize) -> None:
        """As many beside each other as there is room for."""
        self._draw()

    def _draw(self) -> None:
        width = self.content_size.width
        lines = [*in_lines(limits_said(self._line), width), *in_lines(workers_said(self._workers), width)]
        self.display = bool(lines)
        self.update(Content("\n").join(lines))
