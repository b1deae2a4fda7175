"""How a benchmark says what it measured: for people, or as one JSON object."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value; `goal` is what it should not exceed (`at_least`: fall short of), None where there is none."""

    value: float
    unit: str
    goal: float | None = None
    at_least: bool = False

    @property
    def holds(self) -> bool | None:
        """Whether the goal is met."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal


def machine() -> dict[str, str | int | float]:
    """What it was measured on; memory in GB, load as the average of the last minute, and how long a fixed piece of
    Python takes: shared machines are not equally quick at all times, and figures compare by it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "cores": os.cpu_count() or 0,
        "memory_gb": round(memory, 1),
        "load": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "loop_ms": loop_ms(),
    }


def loop_ms() -> float:
    """Milliseconds for a million additions: the middle of nine runs."""
    spans = []
    for _ in range(9):
        began, total = time.perf_counter(), 0
        for number in range(1_000_000):
            total += number
        spans.append((time.perf_counter() - began) * 1_000)
    return round(statistics.median(spans), 1)


def most_memory_mb() -> float:
    """The most memory in MB that this process had: the system's own mark, since what `getrusage` says begins with that
    of the process that started it."""
    said = Path("/proc/self/status").read_text()
    return round(int(said.split("VmHWM:", 1)[1].split(maxsplit=1)[0]) * 1_024 / 1e6, 1)


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return round(statistics.median(values), 2)


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 do not exceed; the largest where there are few."""
    return round(sorted(values)[min(len(values) - 1, round(0.95 * len(values)))], 2)


def publish(benchmark: str, rows: int, figures: dict[str, Figure], notes: Sequence[str], *, as_json: bool) -> None:
    """Prints the result."""
    if as_json:
        told = {
            name: {"value": figure.value, "unit": figure.unit, "goal": figure.goal, "holds": figure.holds}
            for name, figure in figures.items()
        }
        print(json.dumps({"benchmark": benchmark, "rows": rows, "machine": machine(), "figures": told, "notes": notes}))
        return
    facts = ", ".join(f"{name} {value}" for name, value in machine().items())
    print(f"{benchmark} at {rows:,} rows ({facts})")
    for name, figure in figures.items():
        goal = "" if figure.goal is None else f"  goal {figure.goal:g}  {'holds' if figure.holds else 'MISSED'}"
        print(f"  {name:32}{figure.value:>12,.2f} {figure.unit:8}{goal}")
    for note in notes:
        print(f"  {note}")


def repository() -> Path:
    """The directory of the checkout."""
    return Path(__file__).parent.parent
