"""What commands say: of options, of times, and of batches that they waited for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from traintui.cli.estimating import lasting
from traintui.cli.generating import loaded
from traintui.cli.outcome import succeeded, summary, told
from traintui.data.records import BatchProgress
from traintui.errors import TraintuiError
from widgets.test_batch_band import RUNNING


@pytest.mark.parametrize("value", ["0", "-5", "much"])
def test_an_option_that_is_wrong_is_blamed_and_not_the_file(tmp_path: Path, value: str) -> None:
    file = tmp_path / "plan.toml"
    file.write_text('name = "Fees"\ncount = 3\n')
    with pytest.raises(TraintuiError) as caught:
        loaded(file, {"budget_usd": value})
    assert caught.value.message.startswith("--budget: ") and caught.value.remedy == "Change --budget."
    file.write_text('name = "Fees"\ncount = 0\n')
    with pytest.raises(TraintuiError, match=r"plan\.toml: `count`"):
        loaded(file, {"budget_usd": "5"})


def test_a_short_time_is_told_in_seconds() -> None:
    assert [lasting(seconds) for seconds in (0.2, 31.4, 119, 600)] == ["1 s", "32 s", "119 s", "10.0 min"]


def ended(**given: object) -> BatchProgress:
    return replace(RUNNING, **({"state": "finished", "total": 12, "queued": 0, "running": 0} | given))  # type: ignore[arg-type]


def test_a_batch_of_which_nothing_came_did_not_succeed_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    lost = ended(done=0, failed=12)
    assert not succeeded(lost) and not succeeded(ended(state="paused", done=3, failed=0))
    assert succeeded(ended(done=11, failed=1)) and succeeded(ended(done=12, failed=0))
    causes = (("It declined.", 10), ("", 2))
    assert told(lost, causes, done="done").startswith("finished: 0 done, 12 failed of 12; $")
    assert capsys.readouterr().err.splitlines()[:2] == ["10 failed: It declined.", "2 failed: No reason was recorded."]
    assert summary(lost, causes)["failures"] == [
        {"cause": "It declined.", "number": 10}, {"cause": "", "number": 2},
    ]  # fmt: skip
