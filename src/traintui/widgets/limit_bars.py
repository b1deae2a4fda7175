"""What the provider's limits are doing, who works, and what the provider can: a bar for each limit, the workers with
their heartbeat, and a sign for each capability."""

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
SIGNS = {True: ("✓", "$success"), False: ("✗", "$warning"), None: ("?", "$muted")}


def bucket_bar(bucket: Bucket) -> Content:
    """How much of a limit is left."""
    share = min(1.0, max(0.0, bucket.level / bucket.per_minute))
    cells = round(share * BAR)
    colour = "$warning" if share < LITTLE else "$accent"
    return Content.assemble(
        (f"{NAMES[bucket.kind]} ", "$muted"), ("━" * cells, colour), ("━" * (BAR - cells), "$rule"),
        f" {text.tokens(max(0, round(bucket.level)))}", (f" of {text.tokens(round(bucket.per_minute))}", "$muted"),
    )  # fmt: skip


def can_said(can: Sequence[tuple[str, bool | None]], follows: Sequence[str]) -> list[Content]:
    """What the provider can, a sign for each, and what follows from what it cannot."""
    if not can:
        return []
    signs = (Content.assemble((f"{name} ", "$muted"), SIGNS[there]) for name, there in can)
    parts = [Content.styled(" · ", "$faint").join(signs)]
    return [*parts, Content.styled(", ".join(follows), "$muted")] if follows else parts


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


MOST_LINES = 5


class LimitBars(Static):
    """Limits, workers and capabilities. Nothing where there is nothing to say."""

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
        self._can: Sequence[tuple[str, bool | None]] = ()
        self._follows: Sequence[str] = ()

    def show(
        self,
        line: Line | None,
        workers: Sequence[WorkerView],
        can: Sequence[tuple[str, bool | None]] = (),
        follows: Sequence[str] = (),
    ) -> None:
        """Shows the limits of a model, who works, and what the provider can with what follows from it."""
        self._line, self._workers, self._can, self._follows = line, workers, can, follows
        self._draw()

    def on_resize(self, event: Resize) -> None:
        """As many beside each other as there is room for."""
        self._draw()

    def _draw(self) -> None:
        width = self.content_size.width
        parts = (limits_said(self._line), workers_said(self._workers), can_said(self._can, self._follows))
        lines = [line for each in parts for line in in_lines(each, width)]
        self.display = bool(lines)
        # Without another height the screen need not be laid out anew, several times a second.
        self.update(Content("\n").join(lines), layout=min(MOST_LINES, len(lines)) != self.content_size.height)
