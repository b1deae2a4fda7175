"""What is said of targets and of exports shows the name of a tokenizer, and never obeys it."""

from __future__ import annotations

from pathlib import Path

import pytest

from training_records import record_with
from traintui.cli.targets import tell
from traintui.export.forecasting import ExportCheck
from traintui.export.formats import FORMATS
from traintui.export.lens import lens_of
from traintui.export.preflight import Totals, remarks
from traintui.export.record import Shape
from traintui.export.tokens import counting_of
from traintui.export.training_targets import TrainingTarget, targets_of
from traintui.screens.export_said import checked
from traintui.screens.preflight_said import Looked, lens_line

HOSTILE = Path("/nowhere/a\x1b]52;c;Yg==\x07b/tokenizer.json")
SEEN = "a␛]52;c;Yg==␇b"


def test_the_lens_shows_the_name_of_a_tokenizer_as_it_is() -> None:
    counting, record = counting_of(HOSTILE), record_with("A question?", "An answer.")
    lens = lens_of(record, FORMATS["trl"], counting.counter)
    targets = targets_of([TrainingTarget("trl")], HOSTILE)
    looked = Looked(record.turns, None, targets, (lens,), counting.instead)
    last = lens_line(lens.format.title, looked, str, None)[-1].plain
    assert SEEN in last and "\x1b" not in last


def test_the_preflight_of_an_export_shows_the_name_of_a_tokenizer_as_it_is() -> None:
    format, totals = FORMATS["trl"], Totals("TRL", count=1, passing=1, rows=1)
    found = remarks(format, rows=1, container="jsonl", shape=Shape(), instead=counting_of(HOSTILE).instead)
    said = checked(ExportCheck(totals, (), found, 0, 0)).plain
    assert SEEN in said and "\x1b" not in said


def test_the_list_of_targets_shows_the_path_of_a_tokenizer_without_what_a_terminal_obeys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell(targets_of([], HOSTILE), as_json=False)
    said = capsys.readouterr()
    assert "tokenizer.json" in said.out and not {"\x1b", "\x07"} & set(said.out + said.err)
