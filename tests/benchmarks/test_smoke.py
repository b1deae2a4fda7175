"""Each benchmark runs, at a small size, and says what it measured in the agreed shape."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from benchmarks.report import repository

pytestmark = pytest.mark.xdist_group("benchmarks")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("start", "--rows 20 --runs 1"),
        ("generate", "--rows 4 --seconds 1 --limited-slots 4 --running 1000 --keys 2 --pauses 1"),
        ("chaos", "--rows 12 --kills 1 --pace 2000"),
        ("review", "--rows 300 --keys 4 --bulk 100 --several 40 --outage 30"),
        ("table", "--rows 1000 --filters 4 --moves 6"),
        ("transfer", "--rows 200"),
        ("reports", "--rows 300"),
        ("redaction", "--rows 80 --runs 1"),
        ("observe", "--rows 1000 --conversations 4000"),
        ("audit", "--rows 300 --runs 1 --deciding 1600 --tamperings 6 --written 20"),
        ("evolve", "--rows 300 --kills 1 --people 2"),
    ],
)
def test_a_benchmark_prints_its_figures_with_their_goals(name: str, arguments: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *arguments.split(), "--json"],
        cwd=repository(), capture_output=True, text=True, timeout=600, check=True,
    )  # fmt: skip
    told = json.loads(result.stdout)
    assert told["benchmark"] == name and told["machine"]["cores"] > 0
    assert told["figures"] and all(
        {"value", "unit", "goal", "holds"} == set(figure) for figure in told["figures"].values()
    )
