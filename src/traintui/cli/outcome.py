"""What became of a batch that a command waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from traintui.cli.running import say

if TYPE_CHECKING:
    from traintui.data.records import BatchProgress

Failures = Sequence[tuple[str, int]]
"""Why items failed, and how many of each."""
KEYS = ("id", "name", "state", "state_reason", "total", "done", "failed", "queued", "calls")


def summary(progress: BatchProgress, failures: Failures) -> dict[str, Any]:
    """A batch as one JSON object."""
    causes = [{"cause": cause, "number": number} for cause, number in failures]
    found = {key: getattr(progress, key) for key in KEYS}
    return found | {"failures": causes, "cost_usd": str(progress.cost_usd)}


def told(progress: BatchProgress, failures: Failures, *, done: str) -> str:
    """A batch in a line; why it stopped and why some of it failed goes to standard error."""
    for cause, number in failures:
        say(f"{number:,} failed: {cause or 'No reason was recorded.'}")
    if progress.state_reason:
        say(progress.state_reason)
    cost = f"${progress.cost_usd}" + (" and calls of unknown price" if progress.unpriced_calls else "")
    cost += ", by the rehearsal's bill: nothing is paid" if progress.is_rehearsal else ""
    return f"{progress.state}: {progress.done} {done}, {progress.failed} failed of {progress.total}; {cost}"


def succeeded(progress: BatchProgress) -> bool:
    """Whether it ended, and not everything in it failed."""
    return progress.state == "finished" and not (progress.failed and not progress.done)
